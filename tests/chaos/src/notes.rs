//! The program's own part of the history: what was done to the nodes, and to the topics. Its form is that of `sim/src/history.rs`.

use crate::tools::about;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

/// Nanoseconds of the clock that all programs of this machine share.
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Lines of one file, sorted by time.
pub struct Notes {
    /// The file, and how many operations it holds.
    file: Mutex<(File, u64)>,
}

impl Notes {
    /// Begins the file.
    pub fn new(path: &Path) -> Result<Notes, String> {
        let file = File::create(path).map_err(|why| about(path, why))?;
        Ok(Notes { file: Mutex::new((file, 0)) })
    }

    /// Something was done to a node: `killed`, `stopped`, `starting`.
    pub fn node(&self, what: &str, node: u8) {
        self.line("nemesis", |_| json!({"op": 0, "is": "note", "note": {what: {"broker": node}}}));
    }

    /// A round of reading everything begins (`read_all`) or ends (`read_done`).
    pub fn round(&self, what: &str, round: usize) {
        self.line("nemesis", |_| json!({"op": 0, "is": "note", "note": {what: {"round": round}}}));
    }

    /// An operation begins; its number.
    pub fn invoke(&self, call: &Value) -> u64 {
        let mut number = 0;
        self.line("admin", |operations| {
            *operations += 1;
            number = *operations;
            json!({"op": number, "is": "invoke", "call": call})
        });
        number
    }

    /// It is done.
    pub fn done(&self, number: u64) {
        self.line("admin", |_| json!({"op": number, "is": "ok", "reply": "done"}));
    }

    fn line(&self, client: &str, step: impl FnOnce(&mut u64) -> Value) {
        let mut file = self.file.lock().expect("a thread that panics ends the process");
        let mut line = step(&mut file.1);
        line["t"] = now_ns().into();
        line["client"] = client.into();
        file.0.write_all(format!("{line}\n").as_bytes()).expect("the history can be written");
    }
}
