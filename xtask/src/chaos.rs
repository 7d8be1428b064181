//! `cargo xtask chaos`: builds the release binary, the checkers and what disturbs it, sets up the clients, and lets them loose.
//!
//! The program that does it is `tests/chaos`: this one may not depend on what it needs.

use crate::{Outcome, cargo, simulate};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const USAGE: &str = "\
usage: cargo xtask chaos [OPTION VALUE]…

Release binaries on hosts of their own, stock clients on another, faults drawn from a seed; then everything is healed and
read, all replicas are compared byte for byte, and the simulator's checkers judge what the clients saw. Needs Linux and
root: network namespaces, TUN devices, mounted disks.

  --minutes M    how long there are faults (5)
  --nodes N      3, 4 or 5 nodes, each of them broker and controller (3)
  --seed S       what the faults are drawn from (the time)
  --clients C,…  of librdkafka, java and franz-go (all)
  --rate R       records a second of each producer; of each client there is one in each of two topics (100)
  --full-disks F whether disks are filled, too: yes or no (yes)
  --keep DIR     where reports are kept, and all files of runs that fail (target/chaos)
";

/// All clients.
const CLIENTS: &[&str] = &["librdkafka", "java", "franz-go"];

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    minutes: String,
    nodes: String,
    seed: Option<u64>,
    clients: Vec<String>,
    rate: String,
    full_disks: String,
    keep: Option<PathBuf>,
}

pub(crate) fn run(args: &[String]) -> Outcome {
    if args.iter().any(|word| word == "--help" || word == "-h") {
        print!("{USAGE}");
        return Ok(());
    }
    let wish = wish(args)?;
    let mut command = Command::new(build("tidemark-chaos")?);
    command.arg("--binary").arg(build("tidemark")?);
    command.arg("--checker").arg(simulate::build(&cargo::root(), &cargo::target_dir(), "sim")?);
    command.args(["--minutes", &wish.minutes, "--nodes", &wish.nodes, "--rate", &wish.rate]);
    command.args(["--seed", &wish.seed.unwrap_or_else(seed).to_string()]);
    command.args(["--clients", &wish.clients.join(","), "--full-disks", &wish.full_disks]);
    command.arg("--keep").arg(wish.keep.unwrap_or_else(|| cargo::target_dir().join("chaos")));
    let sources = cargo::root().join("tests").join("chaos").join("clients");
    for client in &wish.clients {
        match client.as_str() {
            "librdkafka" => command.arg("--python").arg(python()?),
            "java" => command.arg("--jars").arg(jars()?),
            _ => command.arg("--franz-go").arg(franz_go(&sources)?),
        };
    }
    let status = command.arg("--sources").arg(&sources).status().map_err(|why| why.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("the run ended with {status}")) }
}

fn wish(args: &[String]) -> Result<Wish, String> {
    let clients = CLIENTS.iter().map(|client| client.to_string()).collect();
    let (minutes, nodes, rate) = ("5".to_string(), "3".to_string(), "100".to_string());
    let full_disks = "yes".to_string();
    let mut wish = Wish { minutes, nodes, seed: None, clients, rate, full_disks, keep: None };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value\n\n{USAGE}"))?;
        match word.as_str() {
            "--minutes" => wish.minutes = value.clone(),
            "--nodes" => wish.nodes = value.clone(),
            "--seed" => wish.seed = Some(value.parse().map_err(|_| "--seed wants a number".to_string())?),
            "--clients" => wish.clients = value.split(',').map(str::to_string).collect(),
            "--rate" => wish.rate = value.clone(),
            "--full-disks" => wish.full_disks = value.clone(),
            "--keep" => wish.keep = Some(PathBuf::from(value)),
            unknown => return Err(format!("there is no option {unknown:?}\n\n{USAGE}")),
        }
    }
    match wish.clients.iter().find(|client| !CLIENTS.contains(&client.as_str())) {
        Some(unknown) => Err(format!("there is no client {unknown:?}\n\n{USAGE}")),
        None => Ok(wish),
    }
}

/// One that nobody has thought of; it is printed, and kept with what was found.
fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.as_secs())
}

/// Builds a package's release binary.
fn build(package: &str) -> Result<PathBuf, String> {
    let built = cargo::command(&["build", "--locked", "--quiet", "--release", "--package", package]).status();
    match built.map_err(|why| why.to_string())?.success() {
        true => Ok(cargo::target_dir().join("release").join(package)),
        false => Err(format!("{package} does not build")),
    }
}

/// A Python with confluent-kafka: the one that `.ci/run` sets up, or the machine's own.
fn python() -> Result<PathBuf, String> {
    let named = std::env::var_os("TIDEMARK_PYTHON").map(PathBuf::from);
    let ours = cargo::root().join("target").join("ci-venv").join("bin").join("python3");
    let mut candidates = named.into_iter().chain([ours, PathBuf::from("python3")]);
    let found = candidates.find(|python| works(python, &["-c", "import confluent_kafka"]));
    found.ok_or_else(|| lacks("librdkafka", "a Python with confluent-kafka, which .ci/run sets up"))
}

/// The folder of Apache Kafka's jars: that of the tests, fetched through Maven unless it is there.
fn jars() -> Result<PathBuf, String> {
    if !works(Path::new("java"), &["-version"]) {
        return Err(lacks("java", "a JDK"));
    }
    let project = cargo::root().join("tests").join("kafka-tools");
    let kept = cargo::root().join("target").join("kafka-tools");
    let (libs, pom) = (kept.join("libs"), project.join("pom.xml"));
    let wanted = std::fs::read(&pom).map_err(|why| format!("{}: {why}", pom.display()))?;
    // The copy of the project file is written last: it says which versions the folder holds, whole.
    if std::fs::read(kept.join("pom.xml")).ok().as_ref() != Some(&wanted) {
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
        maven.arg(format!("-DoutputDirectory={}", libs.display())).current_dir(&project);
        if !maven.status().is_ok_and(|status| status.success()) {
            return Err(lacks("java", "Maven, to fetch Apache Kafka's client"));
        }
        std::fs::write(kept.join("pom.xml"), wanted).map_err(|why| why.to_string())?;
    }
    Ok(libs)
}

/// The program of the client of franz-go, built.
fn franz_go(sources: &Path) -> Result<PathBuf, String> {
    let program = cargo::target_dir().join("chaos-franz-go");
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&program).arg(".").current_dir(sources.join("franz-go"));
    match go.status() {
        Ok(status) if status.success() => Ok(program),
        Ok(status) => Err(format!("the client franz-go does not build: {status}")),
        Err(why) => Err(lacks("franz-go", &format!("Go ({why})"))),
    }
}

fn works(program: &Path, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn lacks(client: &str, what: &str) -> String {
    format!("the client {client} needs {what}; --clients can leave it out")
}

#[cfg(test)]
#[path = "chaos_test.rs"]
mod tests;
