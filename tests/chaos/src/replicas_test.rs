//! Logs that are the same bytes, whatever files they are in, and logs that are not.

use super::*;
use tempfile::TempDir;

/// A batch of one record at an offset, with these bytes.
fn batch(offset: u64, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("small").to_be_bytes();
    [&offset.to_be_bytes()[..], &length, bytes].concat()
}

/// A log's directory: segments by their first offset.
fn log(segments: &[(u64, &[Vec<u8>])]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("00000000000000000000.index"), b"no log").expect("a file");
    for (start, batches) in segments {
        let path = directory.path().join(format!("{start:020}.log"));
        std::fs::write(path, batches.concat()).expect("a segment");
    }
    directory
}

fn compared(logs: &[&TempDir]) -> Result<u64, String> {
    compare(&logs.iter().map(|log| log.path().to_owned()).collect::<Vec<_>>())
}

#[test]
fn segments_may_be_cut_anywhere() {
    let (a, b, c) = (batch(0, b"one"), batch(1, b"two"), batch(2, &[7; 300_000]));
    let whole = log(&[(0, &[a.clone(), b.clone(), c.clone()])]);
    let cut = log(&[(0, std::slice::from_ref(&a)), (1, &[b, c])]);
    assert_eq!(compared(&[&whole, &cut, &whole]), Ok(30 + 12 + 300_000));
    assert_eq!(compared(&[&log(&[(0, &[])]), &log(&[(0, &[])])]), Ok(0));
}

#[test]
fn a_byte_more_or_another_one_is_seen() {
    let one = log(&[(0, &[batch(0, b"one"), batch(1, b"two")])]);
    let other = log(&[(0, &[batch(0, b"one"), batch(1, b"twO")])]);
    let longer = log(&[(0, &[batch(0, b"one"), batch(1, b"two"), batch(2, b"")])]);
    assert!(compared(&[&one, &other]).is_err_and(|why| why.contains("differ 29 bytes behind offset 0")));
    assert!(compared(&[&one, &one, &longer]).is_err());
    assert!(compared(&[&longer, &one]).is_err());
}

#[test]
fn what_only_some_have_trimmed_is_left_out() {
    let trimmed = log(&[(5, &[batch(5, b"five"), batch(6, b"six")])]);
    let whole =
        log(&[(0, &[batch(0, b"zero"), batch(3, b"three")]), (5, &[batch(5, b"five"), batch(6, b"six")])]);
    assert_eq!(compared(&[&whole, &trimmed]), Ok(31));
    assert!(compared(&[&log(&[(0, &[batch(0, b"zero")])]), &trimmed]).is_err());
}

#[test]
fn a_partition_that_nobody_has_is_no_success() {
    assert!(compare(&[]).is_err());
    let one = log(&[(0, &[])]);
    assert!(compare(&[one.path().to_owned(), PathBuf::from("/nowhere/at/all")]).is_err());
}
