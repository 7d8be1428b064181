//! A broker under test: a release binary on a host and a disk of its own, which is killed, stopped, held up and started again.
//!
//! ```text
//! down ──start──▶ starting ──says "ready"──▶ up ──pause──▶ held up ──resume──▶ up
//!   ▲                └──────────┬─────────────┴──────────────┘
//!   └──── kill, or stop ────────┘                  it ends by itself: the run has failed
//! ```

use crate::disk::Disk;
use crate::host::Host;
use crate::notes::Notes;
use crate::tools::{about, run};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where a node listens for clients and brokers, and for controllers.
pub const PORTS: (u16, u16) = (9092, 9093);

/// How long a node may take to serve, or to stop in order.
pub const CHANGE_MAX: Duration = Duration::from_secs(60);

/// How much of a log is shown of a node that has failed, in bytes.
const TAIL_BYTES: usize = 4000;

/// What a node that is supervised says when clients are served.
const READY: &str = "ready";

/// How often whoever waits for a node looks.
const LOOK: Duration = Duration::from_millis(5);

/// A node.
pub struct Node {
    /// Where it runs.
    pub host: Host,
    /// What it stores on.
    pub disk: Disk,
    binary: PathBuf,
    settings: Vec<String>,
    /// What all of its lives say on standard error.
    log: PathBuf,
    /// What the present one says on standard output.
    said: PathBuf,
    child: Option<Child>,
    paused: bool,
}

impl Node {
    /// One of these hosts, each of them broker and controller; formats its disk.
    pub fn new(host: &Host, hosts: &[Host], disk: Disk, binary: &Path, files: &Path) -> Result<Node, String> {
        let voters: Vec<String> =
            hosts.iter().map(|host| format!("{}@{}:{}", host.id, host.address, PORTS.1)).collect();
        let (address, data) = (host.address, disk.data());
        let settings = vec![
            "process.roles=broker,controller".to_string(),
            format!("node.id={}", host.id),
            format!("controller.quorum.voters={}", voters.join(",")),
            "controller.listener.names=CONTROLLER".to_string(),
            format!("listeners=PLAINTEXT://{address}:{},CONTROLLER://{address}:{}", PORTS.0, PORTS.1),
            format!("log.dirs={}", data.display()),
        ];
        let file = |end: &str| files.join(format!("node-{}.{end}", host.id));
        let (log, said) = (file("log"), file("out"));
        let node = Node {
            host: host.clone(),
            disk,
            binary: binary.to_owned(),
            settings,
            log,
            said,
            child: None,
            paused: false,
        };
        let mut format = Command::new(binary);
        format.args(["format", "--cluster-id", "MkU3OEVBNTcwNTJENDM2Qk"]);
        node.settings.iter().for_each(|setting| _ = format.args(["--set", setting]));
        run(&mut format)?;
        Ok(node)
    }

    /// Starts it; it does not serve yet.
    pub fn start(&mut self, notes: &Notes) -> Result<(), String> {
        assert!(self.child.is_none(), "node {} runs already", self.host.id);
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(|why| about(&self.log, why))?;
        let said = File::create(&self.said).map_err(|why| about(&self.said, why))?;
        let mut command = self.host.command(&self.binary);
        command.arg("--supervised");
        self.settings.iter().for_each(|setting| _ = command.args(["--set", setting]));
        // Its standard input ends when this program does; a Ctrl-C is not for it.
        command.stdin(Stdio::piped()).stdout(said).stderr(log).process_group(0);
        notes.node("starting", self.host.id);
        self.child = Some(command.spawn().map_err(|why| format!("node {}: {why}", self.host.id))?);
        Ok(())
    }

    /// Waits until clients are served.
    pub fn wait_until_it_serves(&mut self) -> Result<(), String> {
        let end = Instant::now() + CHANGE_MAX;
        while !std::fs::read_to_string(&self.said).is_ok_and(|said| said.trim_end() == READY) {
            self.check()?;
            if Instant::now() > end {
                return Err(self.failure("doesn't serve in time"));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// An error if it has ended by itself.
    pub fn check(&mut self) -> Result<(), String> {
        let Some(child) = &mut self.child else { return Ok(()) };
        match child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failure(&format!("ended by itself: {status}"))),
            Err(why) => Err(self.failure(&why.to_string())),
        }
    }

    /// Whether there is a process.
    pub fn is_up(&self) -> bool {
        self.child.is_some()
    }

    /// SIGKILL. What it wrote is in the page cache.
    pub fn kill(&mut self, notes: &Notes) -> Result<(), String> {
        self.check()?;
        let mut child = self.child.take().expect("whoever kills it knows that it runs");
        child.kill().and_then(|()| child.wait()).map_err(|why| self.failure(&why.to_string()))?;
        self.paused = false;
        notes.node("killed", self.host.id);
        Ok(())
    }

    /// SIGSTOP: it does nothing any more, and its connections stay.
    pub fn pause(&mut self) -> Result<(), String> {
        self.paused = true;
        self.signal(Signal::STOP)
    }

    /// SIGCONT. Whether it was held up is no matter.
    pub fn resume(&mut self) -> Result<(), String> {
        match std::mem::take(&mut self.paused) {
            true => self.signal(Signal::CONT),
            false => Ok(()),
        }
    }

    /// SIGTERM, and waits for the end, which must be an orderly one.
    pub fn stop(&mut self, notes: &Notes) -> Result<(), String> {
        self.signal(Signal::TERM)?;
        let end = Instant::now() + CHANGE_MAX;
        loop {
            let child = self.child.as_mut().expect("whoever stops it knows that it runs");
            match child.try_wait() {
                Ok(Some(status)) if status.success() => break,
                Ok(Some(status)) => return Err(self.failure(&format!("SIGTERM ended it with {status}"))),
                Ok(None) if Instant::now() > end => return Err(self.failure("doesn't stop in time")),
                Ok(None) => std::thread::sleep(LOOK),
                Err(why) => return Err(self.failure(&why.to_string())),
            }
        }
        self.child = None;
        notes.node("stopped", self.host.id);
        Ok(())
    }

    fn signal(&mut self, signal: Signal) -> Result<(), String> {
        self.check()?;
        let child = self.child.as_ref().expect("whoever signals it knows that it runs");
        let pid = Pid::from_raw(child.id() as i32).expect("a process has a number");
        kill_process(pid, signal).map_err(|why| self.failure(&why.to_string()))
    }

    fn failure(&self, what: &str) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let from = log.char_indices().rev().nth(TAIL_BYTES).map_or(0, |(at, _)| at);
        format!("node {} {what}; the end of {}:\n{}", self.host.id, self.log.display(), &log[from..])
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
