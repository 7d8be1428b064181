//! What nodes have stored: by Apache Kafka's DumpLogSegments, and byte for byte.

use crate::tools::{kafka_tools, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What DumpLogSegments prints about these files. Its own findings are printed too, with exit code 0.
pub fn dump(options: &[&str], files: &[PathBuf]) -> Option<String> {
    let mut java = kafka_tools()?;
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    java.arg("org.apache.kafka.tools.DumpLogSegments").args(options).args(["--files", &files.join(",")]);
    let output = run(&mut java, b"").expect("DumpLogSegments");
    let text = format!("{}{}", output.text(), output.stderr);
    for finding in ["isvalid: false", "Found ", "Could not", "Exception"] {
        assert!(!text.contains(finding), "{files:?}:\n{text}");
    }
    Some(text)
}

/// The files of a directory whose names end so, sorted: oldest segment first.
pub fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|why| panic!("{}: {why}", directory.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(end));
    files.sort();
    files
}

/// The batches of a partition that has ended, by their first offsets.
pub fn batches(directory: &Path) -> BTreeMap<u64, Vec<u8>> {
    let mut batches = BTreeMap::new();
    for segment in files(directory, ".log") {
        let bytes = std::fs::read(&segment).unwrap_or_else(|why| panic!("{}: {why}", segment.display()));
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // The first offset, and the length of what follows it.
            let (head, _) =
                rest.split_at_checked(12).unwrap_or_else(|| panic!("half a batch in {segment:?}"));
            let offset = u64::from_be_bytes(head[..8].try_into().expect("eight bytes"));
            let length = u32::from_be_bytes(head[8..].try_into().expect("four bytes")) as usize;
            let batch = rest.split_at_checked(12 + length);
            let (batch, behind) = batch.unwrap_or_else(|| panic!("half a batch in {segment:?}"));
            assert_eq!(
                batches.insert(offset, batch.to_vec()),
                None,
                "offset {offset} is twice in {directory:?}"
            );
            rest = behind;
        }
    }
    batches
}
