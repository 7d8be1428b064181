//! The machine: whether it is quiet, what it is, and which of its ports are free.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Page cache that is made ready for a run: more than one writes, and too little to be written back meanwhile.
const BACKED_BYTES: usize = 1536 << 20;

/// Waits until less than 30 % of one core has been busy for 0.4 s, but not longer than 12 s.
pub(super) fn wait_until_quiet() {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(12) {
        let before = busy_ticks();
        std::thread::sleep(Duration::from_millis(400));
        // 40 ticks of 10 ms are one whole core.
        if busy_ticks().saturating_sub(before) < 12 {
            return;
        }
    }
}

/// Writes dirty pages back, so that one broker's data is not written during the other's turn.
pub(super) fn settle() {
    let _ = Command::new("sync").status();
}

/// Has the host back the memory that the next run's page cache will be made of: writes a file in `dir` and removes it.
///
/// A hypervisor with free page reporting takes back what a guest has freed, within seconds, and gives it again at the
/// first touch. That was seen to cost 2 s/GB of system time, more than any broker takes for its work, in whoever's
/// turn it happened to be. What was just freed the kernel hands out next.
pub(super) fn back_page_cache(dir: &Path) {
    let path = dir.join("page-cache");
    if let Ok(mut file) = fs::File::create(&path) {
        let piece = vec![0u8; 1 << 20];
        for _ in 0..BACKED_BYTES >> 20 {
            // On a full disk the run itself will say so.
            let _ = file.write_all(&piece);
        }
    }
    let _ = fs::remove_file(&path);
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map(|addr| addr.port()).map_err(|error| error.to_string())
}

/// Cores, processor, memory, kernel, file system of `dir`: what figures mean nothing without.
pub(super) fn description(dir: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&cpuinfo, "model name").unwrap_or("unknown processor");
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 =
        field(&meminfo, "MemTotal").and_then(|text| text.trim_end_matches(" kB").parse().ok()).unwrap_or(0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // The release's own tail names a build, not a kind of machine.
    let kernel = kernel.trim().split('-').next().unwrap_or_default().to_string();
    format!("{cores} × {model}, {} GB, Linux {kernel}, {}", kib.div_ceil(1 << 20), file_system(dir))
}

/// The type of the file system that `dir` is on; of ext4 also whether it has a journal, which an fsync waits for.
fn file_system(dir: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?))
    });
    let above = mounts.filter(|(_, point, _)| dir.starts_with(point));
    let Some((device, _, kind)) = above.max_by_key(|(_, point, _)| point.len()) else {
        return "unknown file system".to_string();
    };
    let device = device.rsplit('/').next().unwrap_or_default();
    let journals = fs::read_dir("/proc/fs/jbd2").into_iter().flatten().flatten();
    let journal =
        journals.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with(device));
    if kind == "ext4" && !journal { "ext4 without a journal".to_string() } else { kind.to_string() }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn busy_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq
    [0, 1, 2, 5, 6].iter().filter_map(|at| ticks.get(*at)).sum()
}
