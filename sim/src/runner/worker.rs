//! A worker process: reads scenarios, one a line, and writes results, one a line.
//!
//! A panic of the broker ends the process (`panic = "abort"`), as in production. Whoever started it knows which
//! scenario it was given.

use super::one::{self, Ran, panicked};
use crate::scenario::Scenario;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A seed that takes longer than this in real time hangs.
pub const SEED_MAX: Duration = Duration::from_secs(600);
/// The same for one of a heavy scenario.
pub const HEAVY_SEED_MAX: Duration = Duration::from_secs(7200);
/// How the violation of a seed that hangs begins.
pub const HANGS: &str = "hangs";
/// Last lines of a worker's stderr that go into a report.
const LAST_WORDS_MAX: usize = 12;

/// What the process `worker` does.
pub fn serve() -> Result<(), String> {
    for line in std::io::stdin().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let scenario = Scenario::from_json(&line)?;
        let ran = one::run(&scenario, None);
        let mut out = std::io::stdout().lock();
        let text = serde_json::to_string(&ran).expect("a result is plain data");
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// A worker as its parent holds it. Started anew when it dies.
pub struct Worker {
    process: Option<Process>,
    /// Whether every scenario gets a process of its own.
    fresh: bool,
    /// What takes longer hangs.
    longest: Duration,
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    results: mpsc::Receiver<String>,
    last_words: Arc<Mutex<VecDeque<String>>>,
}

impl Worker {
    /// A process for each scenario: whatever a process remembers can't change the next one.
    pub fn fresh() -> Worker {
        Worker { process: None, fresh: true, longest: SEED_MAX }
    }

    /// One process for all scenarios, a thread for each: what leaks from one to the next shows in the hash.
    pub fn lasting() -> Worker {
        Worker { process: None, fresh: false, longest: SEED_MAX }
    }

    /// Waits for no scenario longer than this, in real time.
    pub fn within(mut self, longest: Duration) -> Worker {
        self.longest = longest;
        self
    }

    /// Runs a scenario in the worker. Its death is the scenario's violation.
    pub fn run(&mut self, scenario: &Scenario) -> Result<Ran, String> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => Process::start()?,
        };
        let line = serde_json::to_string(scenario).expect("a scenario is plain data");
        let sent = writeln!(process.stdin, "{line}").and_then(|()| process.stdin.flush());
        let result = match sent {
            Ok(()) => process.results.recv_timeout(self.longest),
            Err(_) => Err(mpsc::RecvTimeoutError::Disconnected),
        };
        let what = match result {
            Ok(line) => {
                if self.fresh {
                    process.end();
                } else {
                    self.process = Some(process);
                }
                return serde_json::from_str(&line).map_err(|e| format!("a worker says {line:?}: {e}"));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                format!("{HANGS}: more than {} s", self.longest.as_secs())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => process.death(),
        };
        process.end();
        let violations = vec![panicked(what)];
        Ok(Ran { violations, ..Ran::of(scenario.name.clone(), scenario.seed) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end();
        }
    }
}

impl Process {
    fn start() -> Result<Process, String> {
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        let mut child = Command::new(own)
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("a worker can't be started: {e}"))?;
        let stdin = child.stdin.take().expect("piped");
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let heard = last_words.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push_back(line);
                if heard.len() > LAST_WORDS_MAX {
                    heard.pop_front();
                }
            }
        });
        Ok(Process { child, stdin, results: lines(stdout), last_words })
    }

    /// It is dead: how, and what it said last.
    fn death(&mut self) -> String {
        let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
        // The thread that listens may be a moment behind.
        std::thread::sleep(Duration::from_millis(50));
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        format!("the process died ({status}): {}", words.join(" | "))
    }

    fn end(mut self) {
        drop(self.stdin);
        // Either may fail when it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
