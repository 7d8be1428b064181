//! What a run leaves on the machine while it lasts: namespaces, mounts, processes, a directory. All of it carries the number
//! of this process in its name, so that one sweep finds it: at the end, on a panic (which aborts, so that no destructor
//! would run), and at the start of the next run, when this one was killed.

use crate::tools::{command, run};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What every name begins with; the number of the process follows.
const PREFIX: &str = "tidemark-chaos-";

/// How long killed processes may take to be gone.
const GONE_MAX: Duration = Duration::from_secs(10);

/// Where namespaces have their names.
const NAMESPACES: &str = "/run/netns";

/// The names of this process. Dropped, what has them is removed.
pub struct Traces {
    /// The directory that the run's own directory is in.
    parent: PathBuf,
}

impl Traces {
    /// Removes what earlier runs have left that were killed, and makes sure that this one leaves nothing.
    pub fn begin(parent: &Path) -> Result<Traces, String> {
        std::fs::create_dir_all(parent).map_err(|why| format!("{}: {why}", parent.display()))?;
        let parent = parent.canonicalize().map_err(|why| format!("{}: {why}", parent.display()))?;
        for pid in left_behind(&parent) {
            println!("removing what run {pid} has left behind");
            sweep(&parent, pid);
        }
        let (swept, report) = (parent.clone(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            report(panic);
            sweep(&swept, std::process::id());
        }));
        let traces = Traces { parent };
        let directory = traces.directory();
        std::fs::create_dir(&directory).map_err(|why| format!("{}: {why}", directory.display()))?;
        Ok(traces)
    }

    /// The directory of this run.
    pub fn directory(&self) -> PathBuf {
        self.parent.join(name(std::process::id()))
    }

    /// What a namespace of this run is called.
    pub fn namespace(&self, host: u8) -> String {
        format!("{}-{host}", name(std::process::id()))
    }

    /// What a device of this run is called: the kernel allows 15 bytes.
    pub fn device(&self, host: u8) -> String {
        format!("tmc{}h{host}", std::process::id())
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        sweep(&self.parent, std::process::id());
    }
}

fn name(pid: u32) -> String {
    format!("{PREFIX}{pid}")
}

/// The process that a name belongs to.
fn owner(name: &str) -> Option<u32> {
    let digits = name.strip_prefix(PREFIX)?.split('-').next()?;
    digits.parse().ok()
}

/// Processes that have left something and are gone.
fn left_behind(parent: &Path) -> Vec<u32> {
    let mut found: Vec<u32> = [parent, Path::new(NAMESPACES)]
        .iter()
        .flat_map(|folder| names(folder))
        .filter_map(|name| owner(&name))
        .filter(|pid| *pid != std::process::id() && !runs(*pid))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a run with this number is under way. The number of a process that has ended may belong to another program, or to
/// nobody but a parent that has not looked yet.
fn runs(pid: u32) -> bool {
    let told = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let ours = format!("{pid} ({})", PREFIX.trim_end_matches('-'));
    told.strip_prefix(&ours).is_some_and(|rest| !rest.starts_with(" Z"))
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Removes everything that carries this number. What can't be removed is told and left.
fn sweep(parent: &Path, pid: u32) {
    let tell = |outcome: Result<String, String>| {
        if let Err(why) = outcome {
            eprintln!("left behind: {why}");
        }
    };
    let namespaces: Vec<String> =
        names(Path::new(NAMESPACES)).into_iter().filter(|name| owner(name) == Some(pid)).collect();
    let end = Instant::now() + GONE_MAX;
    for namespace in &namespaces {
        while !kill_all(namespace) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let directory = parent.join(name(pid));
    for mount in mounts(pid) {
        tell(run(&mut command("umount", &[&mount])));
    }
    for namespace in &namespaces {
        tell(run(&mut command("ip", &["netns", "del", namespace])));
    }
    // A directory that still has something mounted in it keeps it.
    if mounts(pid).is_empty() && directory.exists() {
        tell(std::fs::remove_dir_all(&directory).map(|()| String::new()).map_err(|why| why.to_string()));
    }
}

/// Kills what runs in a namespace. True once there is nothing more.
fn kill_all(namespace: &str) -> bool {
    let told = run(&mut command("ip", &["netns", "pids", namespace])).unwrap_or_default();
    let pids: Vec<Pid> = told.lines().filter_map(|line| Pid::from_raw(line.trim().parse().ok()?)).collect();
    for pid in &pids {
        let _ = kill_process(*pid, Signal::KILL);
    }
    pids.is_empty()
}

/// What is mounted below a directory of this number, wherever that is.
fn mounts(pid: u32) -> Vec<String> {
    let (table, name) = (std::fs::read_to_string("/proc/self/mounts").unwrap_or_default(), name(pid));
    let points = table.lines().filter_map(|line| line.split(' ').nth(1));
    // The table writes a space as its number.
    let points = points.map(|point| point.replace("\\040", " "));
    points.filter(|point| Path::new(point).iter().any(|part| part == name.as_str())).collect()
}

#[cfg(test)]
#[path = "traces_test.rs"]
mod tests;
