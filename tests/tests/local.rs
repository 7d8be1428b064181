//! `tidemark local`: a cluster in one terminal, which goes on without one of its nodes and leaves nothing behind.

// Starts and stops processes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidemark_tests::{binary, directory, kcat, run};

/// How long anything may take before it counts as stuck.
const DEADLINE: Duration = Duration::from_secs(60);

struct Local {
    child: Child,
    directory: TempDir,
}

impl Local {
    fn start(directory: TempDir, arguments: &[&str]) -> Local {
        let printed = File::create(directory.path().join("printed")).expect("a file for its output");
        let child = Command::new(binary())
            .arg("local")
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(printed)
            .current_dir(directory.path())
            .spawn()
            .expect("the binary under test");
        Local { child, directory }
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("printed")).unwrap_or_default()
    }

    /// Waits for the line that says so: where to connect to.
    fn ready(&mut self) -> String {
        until("it is ready", || {
            let ended = self.child.try_wait().expect("the child is ours");
            assert!(ended.is_none(), "it ended with {ended:?}:\n{}", self.printed());
            let printed = self.printed();
            let (_, rest) = printed.split_once("nodes are ready: connect to ")?;
            rest.split_once(';').map(|(addresses, _)| addresses.to_owned())
        })
    }

    /// The processes of its nodes.
    fn nodes(&self) -> Vec<u32> {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("on Linux");
        children.split_whitespace().map(|id| id.parse().expect("a process id")).collect()
    }

    fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    fn ended(&mut self) -> ExitStatus {
        until("it has ended", || self.child.try_wait().expect("the child is ours"))
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("── it printed ──\n{}", self.printed());
        }
        // Its nodes end when it does.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([name, &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{name} to {process}");
}

fn until<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(is) = is() {
            return is;
        }
        assert!(Instant::now() < end, "{DEADLINE:?} have passed, and not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn runs(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// Makes a topic by writing to it, and reads it.
fn topic_works(addresses: &str, topic: &str) {
    let line = format!("to {topic}\n");
    // A node that was killed may be named the leader for a moment longer.
    let arguments = ["-P", "-t", topic, "-p", "0", "-X", "message.timeout.ms=30000"];
    run(&mut kcat(addresses, &arguments).expect("looked for before"), line.as_bytes()).expect("kcat");
    let read = ["-C", "-t", topic, "-p", "0", "-c", "1", "-q"];
    let read = run(&mut kcat(addresses, &read).expect("looked for before"), b"").expect("kcat");
    assert_eq!(read.text(), line);
}

#[test]
fn goes_on_without_one_of_its_nodes_and_leaves_nothing_behind() {
    if std::env::var_os("TIDEMARK_PEER").is_some() || kcat("", &[]).is_none() {
        return;
    }
    let mut local = Local::start(directory(), &["--nodes", "3", "--port", "0"]);
    let addresses = local.ready();
    let nodes = local.nodes();
    assert_eq!((nodes.len(), addresses.split(',').count()), (3, 3), "{addresses}");
    topic_works(&addresses, "before");
    signal("-KILL", nodes[0]);
    until("the end of a node is told", || local.printed().contains("ended: signal: 9").then_some(()));
    // Until then a topic's only replica may be placed there.
    // And it is fenced because it is gone, not because it has been silent for nine seconds.
    let fenced = "a broker is gone and is fenced id=1";
    until("a node that is gone is fenced", || local.printed().contains(fenced).then_some(()));
    topic_works(&addresses, "after");
    local.signal("-INT");
    assert_eq!(local.ended().code(), Some(7), "a node has failed: {}", local.printed());
    assert!(!nodes.iter().any(|node| runs(*node)), "nothing is left running");

    // The same cluster again, with all of its nodes, and in order this time.
    let directory = std::mem::replace(&mut local.directory, directory());
    let mut local = Local::start(directory, &["--nodes", "3", "--port", "0"]);
    topic_works(&local.ready(), "again");
    let nodes = local.nodes();
    local.signal("-TERM");
    assert_eq!(local.ended().code(), Some(0), "{}", local.printed());
    assert!(!nodes.iter().any(|node| runs(*node)), "nothing is left running");
}

#[test]
fn its_nodes_end_with_it() {
    if std::env::var_os("TIDEMARK_PEER").is_some() {
        return;
    }
    let mut local = Local::start(directory(), &["--nodes", "1", "--port", "0"]);
    local.ready();
    let nodes = local.nodes();
    assert_eq!(nodes.len(), 1);
    local.signal("-KILL");
    until("its node has ended", || (!runs(nodes[0])).then_some(()));
    let clean = local.directory.path().join("tidemark-data/node-1/.kafka_cleanshutdown");
    assert!(clean.exists(), "in order");
}

#[test]
fn a_node_that_cannot_start_ends_them_all() {
    if std::env::var_os("TIDEMARK_PEER").is_some() {
        return;
    }
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let directory = directory();
    let mut local = Local::start(directory, &["--nodes", "2", "--port", &port]);
    assert_eq!(local.ended().code(), Some(7), "{}", local.printed());
    assert!(local.printed().contains("before the cluster was ready"), "{}", local.printed());
}

#[test]
fn a_cluster_keeps_its_number_of_nodes() {
    if std::env::var_os("TIDEMARK_PEER").is_some() {
        return;
    }
    let mut local = Local::start(tempfile::tempdir().expect("a directory"), &["--nodes", "3", "--port", "0"]);
    local.ready();
    local.signal("-TERM");
    assert_eq!(local.ended().code(), Some(0), "{}", local.printed());
    for nodes in ["1", "4"] {
        let directory = std::mem::replace(&mut local.directory, tempfile::tempdir().expect("another"));
        local = Local::start(directory, &["--nodes", nodes, "--port", "0"]);
        assert_eq!(local.ended().code(), Some(4), "{}", local.printed());
        let told = "tidemark-data: a cluster of 3 nodes stores there";
        assert!(local.printed().contains(told), "{}", local.printed());
        assert!(!local.directory.path().join("tidemark-data/node-4").exists(), "nothing is made");
    }
    // A node that has lost what it stored is another thing, as long as there is a place for it.
    let lost = local.directory.path().join("tidemark-data/node-3");
    std::fs::remove_dir_all(&lost).expect("its directory");
    std::fs::create_dir(&lost).expect("an empty one");
    let directory = std::mem::replace(&mut local.directory, tempfile::tempdir().expect("another"));
    let mut local = Local::start(directory, &["--nodes", "3", "--port", "0"]);
    local.ready();
    local.signal("-TERM");
    assert_eq!(local.ended().code(), Some(0), "{}", local.printed());
}
