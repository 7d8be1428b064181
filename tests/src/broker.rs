//! The process under test: one binary on a free loopback port and in a directory of its own.

use crate::tools::root;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before it counts as stuck. Generous: a hang is to be noticed, not slowness.
const DEADLINE: Duration = Duration::from_secs(60);

/// A broker, its port and its directory. Dropped, it is killed and its directory removed.
pub struct Broker {
    /// None for a peer that somebody else runs, and between two lives.
    child: Option<Child>,
    port: u16,
    settings: Vec<String>,
    directory: TempDir,
}

impl Broker {
    /// Starts the binary with these settings (`key=value`) on top of its address and directory.
    pub fn start(settings: &[&str]) -> Broker {
        let directory = directory();
        let settings = settings.iter().map(|setting| setting.to_string()).collect();
        if let Some(peer) = peer() {
            let port = peer.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            let port = port.expect("TIDEMARK_PEER is 127.0.0.1:PORT");
            return Broker { child: None, port, settings, directory };
        }
        let mut broker = Broker { child: None, port: free_port(), settings, directory };
        broker.start_again();
        broker
    }

    /// As [`Broker::start`], or None where the broker is a peer's: for what needs a process of its own.
    pub fn start_own(settings: &[&str]) -> Option<Broker> {
        if peer().is_some() {
            eprintln!("skipped: the peer's process is not ours to handle");
            return None;
        }
        Some(Broker::start(settings))
    }

    /// Starts a cluster of so many nodes, each of them broker and controller, or None where the broker is a peer's. Their
    /// ids are 1 and up, in order; in settings `{id}` stands for a node's own.
    pub fn start_cluster(nodes: usize, settings: &[&str]) -> Option<Vec<Broker>> {
        if peer().is_some() {
            eprintln!("skipped: the peer's process is not ours to handle");
            return None;
        }
        let ports: Vec<(u16, u16)> = (0..nodes).map(|_| (free_port(), free_port())).collect();
        let voter = |(id, (_, port)): (usize, &(u16, u16))| format!("{}@127.0.0.1:{port}", id + 1);
        let voters: Vec<String> = ports.iter().enumerate().map(voter).collect();
        let node = |(id, (port, quorum)): (usize, &(u16, u16))| {
            let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{quorum}");
            let own = [
                format!("node.id={}", id + 1),
                format!("listeners={listeners}"),
                "controller.listener.names=CONTROLLER".to_string(),
                format!("controller.quorum.voters={}", voters.join(",")),
                "tidemark.cluster.id=MkU3OEVBNTcwNTJENDM2Qk".to_string(),
            ];
            let of_node = |setting: &&str| setting.replace("{id}", &(id + 1).to_string());
            let settings = own.into_iter().chain(settings.iter().map(of_node));
            let directory = directory();
            let mut broker = Broker { child: None, port: *port, settings: settings.collect(), directory };
            broker.spawn();
            broker
        };
        let mut nodes: Vec<Broker> = ports.iter().enumerate().map(node).collect();
        nodes.iter_mut().for_each(Broker::wait_until_it_serves);
        Some(nodes)
    }

    /// Starts it again, on the same port and directory, and waits until it serves.
    pub fn start_again(&mut self) {
        self.spawn();
        self.wait_until_it_serves();
    }

    fn spawn(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        self.child = Some(self.command(&[]).spawn().expect("starting the binary under test"));
    }

    fn wait_until_it_serves(&mut self) {
        let end = Instant::now() + DEADLINE;
        while !serves(self.port) {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("the child is ours"));
            assert!(ended.is_none(), "the broker ended with {ended:?}:\n{}", self.printed());
            assert!(Instant::now() < end, "it doesn't serve after {DEADLINE:?}:\n{}", self.printed());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs a second process with the same settings, which is expected to end by itself; `settings` come last.
    pub fn second(&self, settings: &[&str]) -> (ExitStatus, String) {
        let mut child = self.command(settings).spawn().expect("starting the binary under test");
        let status = wait(&mut child, "a process that can't start");
        (status, self.printed())
    }

    /// SIGKILL: the process is gone, what it wrote is in the page cache.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let ended = child.try_wait().expect("the child is ours");
        assert!(ended.is_none(), "it had ended by itself with {ended:?}:\n{}", self.printed());
        child.kill().expect("the child is ours");
        child.wait().expect("the child is ours");
    }

    /// SIGSTOP: it does nothing any more, but its connections stay.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let child = self.child.as_ref().expect("it runs");
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal} to the child");
    }

    /// SIGTERM, and waits for the end, which must be an orderly one.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGTERM to the child");
        let status = wait(&mut child, "a broker told to stop");
        assert!(status.success(), "SIGTERM ended it with {status}:\n{}", self.printed());
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port alone.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A place for files of the test's own.
    pub fn scratch(&self) -> &Path {
        self.directory.path()
    }

    /// What all of its lives printed, both streams.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("printed")).unwrap_or_default()
    }

    fn command(&self, settings: &[&str]) -> Command {
        let printed = self.directory.path().join("printed");
        let printed = File::options().create(true).append(true).open(printed).expect("a file for its output");
        let mut command = Command::new(binary());
        command.args(["--set", &format!("listeners=PLAINTEXT://127.0.0.1:{}", self.port)]);
        command.args(["--set", &format!("log.dirs={}", self.data().display())]);
        for setting in self.settings.iter().map(String::as_str).chain(settings.iter().copied()) {
            command.args(["--set", setting]);
        }
        let errors = printed.try_clone().expect("a second handle");
        command.stdin(Stdio::null()).stdout(printed).stderr(errors).current_dir(self.directory.path());
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() && peer().is_none() {
            let printed = self.printed();
            let from = printed.char_indices().nth_back(4000).map_or(0, |(at, _)| at);
            eprintln!("── the broker printed ──\n{}", &printed[from..]);
        }
    }
}

/// A directory for a broker, on the file system that the build is on, and no temporary one: that may be memory, where a sync
/// has nothing to prove. Removed when dropped.
pub fn directory() -> TempDir {
    let test = std::env::current_exe().expect("the test's own path");
    tempfile::tempdir_in(test.parent().expect("cargo's folder of tests")).expect("a directory for the broker")
}

/// The binary under test: `TIDEMARK_BIN`, else the development build, made first.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("TIDEMARK_BIN") {
            return PathBuf::from(path);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "tidemark"])
            .current_dir(root())
            .status();
        assert!(built.is_ok_and(|status| status.success()), "cargo build --package tidemark");
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root().join("target"), |dir| root().join(dir));
        target.join("debug").join("tidemark")
    })
}

fn peer() -> Option<String> {
    std::env::var("TIDEMARK_PEER").ok()
}

/// A port that nobody listens on now. Somebody else may take it before the broker does; then it says so and ends.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Whether a broker answers on this port. The port is bound early in a start and answers at its end.
fn serves(port: u16) -> bool {
    // ApiVersions (18) version 0, correlation id 1, no client id.
    const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    let answer = || -> io::Result<[u8; 4]> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(&REQUEST)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        Ok(length)
    };
    answer().is_ok()
}

fn wait(child: &mut Child, what: &str) -> ExitStatus {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            return status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("{what} didn't end within {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
