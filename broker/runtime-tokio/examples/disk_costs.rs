//! What the disk's strategies cost on this machine: the figures behind `round.rs` and `file.rs`.
//!
//! `cargo xtask bench sync-many` and `cargo xtask bench inline-write` run it; the argument is the measurement's
//! name and, optionally, the directory to measure in (default: a fresh one below the current directory).

// A measuring program: clocks, files and threads are its subject.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

use bytes::Bytes;
use runtime::{Disk, File, OpenMode, Runtime};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tidemark_runtime_tokio::{Strategy, Threads, TokioFile, TokioRuntime};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dir = args
        .get(1)
        .map_or_else(|| PathBuf::from(format!("disk-costs-{}", std::process::id())), PathBuf::from);
    let ran = match args.first().map(String::as_str) {
        Some("sync-many") => {
            let inner = dir.clone();
            Threads::default().run(&dir, |rt| sync_many(rt, inner))
        }
        Some("inline-write") => {
            let inner = dir.clone();
            Threads::default().run(&dir, |_| inline_write(inner))
        }
        _ => {
            eprintln!("usage: disk_costs sync-many|inline-write [DIRECTORY]");
            return ExitCode::from(2);
        }
    };
    ran.expect("the directory can be used");
    std::fs::remove_dir_all(&dir).expect("the directory can be removed");
    ExitCode::SUCCESS
}

/// Rounds of appends of 4 KiB to each of n files, synced by each strategy in turn.
async fn sync_many(rt: TokioRuntime, dir: PathBuf) {
    const STRATEGIES: [Strategy; 5] = [
        Strategy::InTurn,
        Strategy::AtOnce(4),
        Strategy::AtOnce(16),
        Strategy::AtOnce(64),
        Strategy::FileSystem,
    ];
    println!("milliseconds per round: median (90th percentile); every file got 4 KiB more before each round");
    print!("{:>6} {:<12}", "files", "neighbour");
    STRATEGIES.iter().for_each(|strategy| print!(" {:>17}", format!("{strategy:?}")));
    println!();
    for (neighbour, pause_us) in [("none", None), ("64 MB/s", Some(15_625)), ("flat out", Some(0))] {
        for count in [1usize, 2, 4, 8, 16, 32, 64, 128, 256, 1000] {
            let files = fresh_files(&rt, &format!("{neighbour}-{count}").replace('/', " per "), count).await;
            let dirtying = pause_us.map(|pause_us| Neighbour::start(&dir, pause_us));
            let mut took: Vec<Vec<Duration>> = vec![Vec::new(); STRATEGIES.len()];
            let rounds = if count > 100 { 15 } else { 40 };
            for round in 0..rounds {
                for (strategy, took) in STRATEGIES.iter().zip(&mut took) {
                    dirty(&files, round).await;
                    let start = Instant::now();
                    rt.disk().sync_by(*strategy, files.clone()).await.expect("a round syncs");
                    took.push(start.elapsed());
                }
            }
            drop(dirtying);
            print!("{count:>6} {neighbour:<12}");
            for took in &mut took {
                took.sort();
                let (median, high) = (took[took.len() / 2], took[took.len() * 9 / 10]);
                print!(" {:>17}", format!("{:.2} ({:.2})", ms(median), ms(high)));
            }
            println!();
        }
    }
}

async fn fresh_files(rt: &TokioRuntime, dir: &str, count: usize) -> Vec<TokioFile> {
    let dir = Path::new(dir);
    rt.disk().create_dir(dir).await.expect("a directory can be created");
    let mut files = Vec::new();
    for n in 0..count {
        let file = rt.disk().open(&dir.join(n.to_string()), OpenMode::CreateNew).await;
        files.push(file.expect("a file can be created"));
    }
    files
}

async fn dirty(files: &[TokioFile], round: u64) {
    for file in files {
        let end = file.len().await.expect("a file has a length");
        file.write_at(end, vec![Bytes::from(vec![round as u8; 4096])])
            .await
            .expect("a file can be appended to");
    }
}

/// Somebody else on the same file system, who dirties a megabyte after each pause and never syncs.
struct Neighbour(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Neighbour {
    fn start(dir: &Path, pause_us: u64) -> Neighbour {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let file = std::fs::File::create(dir.join("neighbour")).expect("a file can be created");
        let thread = std::thread::spawn(move || {
            let block = vec![3; 1 << 20];
            for n in (0..512).cycle() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                file.write_all_at(&block, n << 20).expect("the neighbour writes");
                std::thread::sleep(Duration::from_micros(pause_us));
            }
        });
        Neighbour(stop, Some(thread))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().expect("joined once").join().expect("the neighbour ends in order");
    }
}

/// Appends of one size, on the worker and through the blocking pool.
async fn inline_write(dir: PathBuf) {
    println!("microseconds per append into the page cache: median / 99th percentile / worst; CPU per append");
    for size in [100usize, 1 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20] {
        let total: usize = 1 << 30;
        let count = (total / size).min(20_000);
        for way in ["inline", "pool", "inline", "pool"] {
            let file = Arc::new(std::fs::File::create(dir.join("appended")).expect("a file can be created"));
            let block: Arc<[u8]> = vec![7; size].into();
            // A task of its own, so that the runtime's worker is what it runs on.
            let run = tokio::spawn(async move {
                let mut took = Vec::with_capacity(count);
                let cpu = cpu_time();
                for n in 0..count {
                    let at = (n * size) as u64;
                    let start = Instant::now();
                    if way == "inline" {
                        file.write_all_at(&block, at).expect("a file can be written");
                        took.push(start.elapsed());
                        tokio::task::yield_now().await;
                    } else {
                        let (file, block) = (file.clone(), block.clone());
                        let written =
                            tokio::task::spawn_blocking(move || file.write_all_at(&block, at)).await;
                        written.expect("it ran").expect("a file can be written");
                        took.push(start.elapsed());
                    }
                }
                (took, cpu_time() - cpu)
            });
            let (mut took, cpu) = run.await.expect("the task ends in order");
            took.sort();
            println!(
                "{size:>8} B {way:<7} {:>8.1} / {:>8.1} / {:>9.1}   {:>7.1} CPU",
                us(took[count / 2]),
                us(took[count * 99 / 100]),
                us(took[count - 1]),
                us(cpu) / count as f64
            );
        }
    }
}

/// What this process has used of the processors, to the clock tick.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc is mounted");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name in brackets").split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().expect("utime") + fields[12].parse::<u64>().expect("stime");
    Duration::from_millis(ticks * 10)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn us(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
