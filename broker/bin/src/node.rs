//! One node of a local cluster: a process of this very binary, which ends when we do.
//!
//! It is told to stop through its standard input, whose end tells it too: when this process is killed, its nodes
//! stop in order. It is in a process group of its own, so that a Ctrl-C in the terminal is ours to pass on.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use tokio::sync::mpsc;

/// What a node says on its standard output when clients are served.
pub const READY: &str = "ready";

/// Longest piece of a node's log that is passed on at once, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// What happens to a node.
pub enum Change {
    /// Clients are served.
    Ready,
    /// Its process has ended.
    Ended(ExitStatus),
}

/// A node that runs, or has run.
pub struct Node {
    /// None once it has been told everything there is to tell.
    input: Option<ChildStdin>,
}

impl Node {
    /// Starts node `id` with these arguments. Its log lines come out on our standard error; what happens to it, in
    /// `changes`.
    pub fn start(
        id: u16,
        arguments: &[String],
        changes: &mpsc::Sender<(u16, Change)>,
    ) -> std::io::Result<Node> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--supervised").args(arguments).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let said = child.stdout.take().expect("its output is piped");
        let told = changes.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                if line == READY {
                    let _ = told.blocking_send((id, Change::Ready));
                }
            }
        });
        let changes = changes.clone();
        std::thread::spawn(move || {
            let ended = follow(id, child);
            let _ = changes.blocking_send((id, Change::Ended(ended)));
        });
        Ok(Node { input })
    }

    /// Asks it to stop. Whether it has stopped already is no matter.
    pub fn stop(&mut self) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(b".");
        }
    }

    /// Asks it to end at once.
    pub fn cut_short(&mut self) {
        self.input = None;
    }
}

/// Passes a node's log on until its end.
fn follow(id: u16, mut child: Child) -> ExitStatus {
    let mut log = BufReader::new(child.stderr.take().expect("its log is piped"));
    let mut line = Vec::new();
    while matches!((&mut log).take(LINE_BYTES_MAX).read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(&line);
        eprintln!("node {id} | {}", text.trim_end());
        line.clear();
    }
    child.wait().expect("the child is ours")
}
