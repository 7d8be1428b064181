//! Programs that others wrote, and what to do where they are missing.
//!
//! A missing tool skips its tests with a notice, except where `CI=true`: there nothing may be left out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What a program printed, and whether it was content.
#[derive(Debug)]
pub struct Output {
    /// Exit code 0.
    pub success: bool,
    /// Standard output, byte for byte.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Itself, after a check that the program was content.
    pub fn expect(self, what: &str) -> Output {
        assert!(self.success, "{what} failed:\n{}\n{}", self.text(), self.stderr);
        self
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lives one folder below the root")
        .to_path_buf()
}

/// Whether the sizes are those of a thorough run.
pub fn full() -> bool {
    std::env::var("TIDEMARK_FULL").is_ok_and(|value| value == "1")
}

/// Runs a program to its end with `input` on its standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let mut stdin = child.stdin.take().expect("piped above");
    let input = input.to_vec();
    // Fed from the side: a program that prints while it reads must not wait for us, nor we for it. One that ends
    // without reading everything is judged by its exit code.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the child is ours");
    feeder.join().expect("feeding does not panic");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Output { success: output.status.success(), stdout: output.stdout, stderr }
}

/// A kcat command against a broker, quiet about everything but errors.
pub fn kcat(address: &str, arguments: &[&str]) -> Option<Command> {
    if !answers("kcat", &["-V"]) {
        return missing("kcat");
    }
    let mut command = Command::new("kcat");
    command.args(["-b", address]).args(arguments);
    Some(command)
}

/// A Python that has the pinned clients: `TIDEMARK_PYTHON`, the one that `.ci/run` sets up, or the machine's own.
pub fn python() -> Option<PathBuf> {
    let ours = root().join("target").join("ci-venv").join("bin").join("python3");
    let named = std::env::var_os("TIDEMARK_PYTHON").map(PathBuf::from);
    let found = named.into_iter().chain([ours, PathBuf::from("python3")]).find(|python| {
        answers(python.as_os_str().to_str().unwrap_or("python3"), &["-c", "import confluent_kafka, kafka"])
    });
    found.or_else(|| missing("Python with confluent-kafka and kafka-python (.ci/run sets it up)"))
}

/// Runs a script of `tests/clients` and passes its report on.
pub fn script(python: &Path, name: &str, arguments: &[&str]) -> Output {
    let script = root().join("tests").join("clients").join(name);
    let output = run(Command::new(python).arg("-B").arg(script).args(arguments), b"");
    println!("{}", output.text());
    output
}

/// A Java with Apache Kafka's tools on its class path. They are fetched once, through Maven.
pub fn kafka_tools() -> Option<Command> {
    let mut command = java()?;
    // Tests run side by side: one of them fetches, the others wait.
    static FETCHED: OnceLock<bool> = OnceLock::new();
    if !FETCHED.get_or_init(fetch_kafka_tools) {
        return missing("Maven");
    }
    let kept = root().join("target").join("kafka-tools");
    command.arg("-cp").arg(kept.join("libs").join("*"));
    Some(command)
}

/// Fetches Apache Kafka's tools unless they are there. False without Maven.
fn fetch_kafka_tools() -> bool {
    let project = root().join("tests").join("kafka-tools");
    let pom = std::fs::read(project.join("pom.xml")).expect("tests/kafka-tools/pom.xml");
    let kept = root().join("target").join("kafka-tools");
    // The copy of the project file is written last: it says which versions the folder holds, whole.
    if std::fs::read(kept.join("pom.xml")).ok().as_ref() != Some(&pom) {
        if !answers("mvn", &["--version"]) {
            return false;
        }
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
        maven.arg(format!("-DoutputDirectory={}", kept.join("libs").display())).current_dir(&project);
        run(&mut maven, b"").expect("mvn dependency:copy-dependencies");
        std::fs::write(kept.join("pom.xml"), pom).expect("target/kafka-tools");
    }
    true
}

fn java() -> Option<Command> {
    if !answers("java", &["-version"]) {
        return missing("a JDK");
    }
    Some(Command::new("java"))
}

/// A history of clients, written by a script and judged by the simulator's checkers.
pub struct History(pub PathBuf);

impl History {
    /// Hands it to `cargo xtask simulate check-history`.
    pub fn judge(&self) -> Output {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["xtask", "simulate", "check-history"]).arg(&self.0).current_dir(root());
        let output = run(&mut command, b"");
        println!("{}", output.text());
        output
    }
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn missing<T>(what: &str) -> Option<T> {
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "{what} is missing, and CI leaves nothing out");
    eprintln!("skipped: {what} is missing");
    None
}
