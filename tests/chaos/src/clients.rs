//! Stock clients as processes on a host of their own. What they do and write down is told in `tests/chaos/clients`.

use crate::cluster::Cluster;
use crate::interrupt::Interrupt;
use crate::tools::about;
use std::fmt;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

/// How long a client that was told to end may take: what is unanswered has a delivery timeout of two minutes.
const END_MAX: Duration = Duration::from_secs(180);

/// How long reading a topic may take.
const READ_MAX: Duration = Duration::from_secs(1800);

/// Bytes of a record's value.
const VALUE_BYTES: u32 = 256;

/// A client library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// librdkafka, through confluent-kafka.
    Librdkafka,
    /// Apache Kafka's own.
    Java,
    /// franz-go.
    FranzGo,
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Library::Librdkafka => "librdkafka",
            Library::Java => "java",
            Library::FranzGo => "franz-go",
        })
    }
}

impl FromStr for Library {
    type Err = String;

    fn from_str(text: &str) -> Result<Library, String> {
        let all = [Library::Librdkafka, Library::Java, Library::FranzGo];
        let found = all.into_iter().find(|library| library.to_string() == text);
        found.ok_or_else(|| format!("{text:?} is none of librdkafka, java, franz-go"))
    }
}

/// What the libraries are run by.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The folder of the sources.
    pub sources: PathBuf,
    /// A Python with confluent-kafka.
    pub python: Option<PathBuf>,
    /// The folder of Apache Kafka's jars.
    pub jars: Option<PathBuf>,
    /// The program that was built of `franz-go`.
    pub franz_go: Option<PathBuf>,
}

impl Programs {
    /// How a library's program is run. An error names what is missing.
    fn command(&self, library: Library, cluster: &Cluster) -> Result<Command, String> {
        let missing = |what: &str| format!("the client {library} needs {what}; --clients can leave it out");
        match library {
            Library::Librdkafka => {
                let python = self.python.as_ref().ok_or_else(|| missing("--python"))?;
                let mut command = cluster.command(python);
                command.arg("-B").arg(self.sources.join("librdkafka.py"));
                Ok(command)
            }
            Library::Java => {
                let jars = self.jars.as_ref().ok_or_else(|| missing("--jars"))?;
                let mut command = cluster.command(Path::new("java"));
                // Small and soon warm: several of them share the machine with the brokers.
                command.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
                command.arg(jars.join("*")).arg(self.sources.join("Java.java"));
                Ok(command)
            }
            Library::FranzGo => {
                let program = self.franz_go.as_ref().ok_or_else(|| missing("--franz-go"))?;
                Ok(cluster.command(program))
            }
        }
    }

    /// Starts a client.
    pub fn start(&self, cluster: &Cluster, errand: &Errand, files: &Path) -> Result<Client, String> {
        let Errand { library, mode, topic, number, .. } = errand;
        let mut command = self.command(*library, cluster)?;
        let name = format!("{mode}-{number}-{topic}-{library}");
        let path = |end: &str| files.join(format!("{name}.{end}"));
        let create = |path: PathBuf| File::create(&path).map_err(|why| about(&path, why));
        command.args([*mode, "--bootstrap", &cluster.bootstrap(), "--topic", topic]);
        command.args(["--partitions", &errand.partitions.to_string(), "--number", &number.to_string()]);
        command.arg("--history").arg(path("jsonl")).args(["--value-bytes", &VALUE_BYTES.to_string()]);
        if let Some(rate) = errand.rate {
            command.args(["--rate", &rate.to_string()]);
        }
        // A Ctrl-C is not for it; its standard input ends when this program does.
        command.stdin(Stdio::piped()).process_group(0);
        command.stdout(create(path("out"))?).stderr(create(path("err"))?);
        let child = command.spawn().map_err(|why| format!("{name}: {why}"))?;
        Ok(Client { child, said: path("out"), complained: path("err"), history: path("jsonl"), name })
    }
}

/// What a client is to do.
#[derive(Clone, Debug)]
pub struct Errand {
    /// With which library.
    pub library: Library,
    /// `produce`, `watch` or `read`.
    pub mode: &'static str,
    /// In which topic.
    pub topic: &'static str,
    /// How many partitions that has.
    pub partitions: u32,
    /// Its number among those of its mode.
    pub number: usize,
    /// Records a second, of a producer.
    pub rate: Option<u32>,
}

/// A client at work.
pub struct Client {
    /// What it is called in reports.
    pub name: String,
    /// What it writes down.
    pub history: PathBuf,
    child: Child,
    said: PathBuf,
    complained: PathBuf,
}

impl Client {
    /// An error if it has ended, which it is not to do before it is told.
    pub fn check(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failure(&format!("ended by itself: {status}"))),
            Err(why) => Err(self.failure(&why.to_string())),
        }
    }

    /// Tells it to end. It may have to wait for answers.
    pub fn tell_to_end(&mut self) {
        self.child.stdin = None;
    }

    /// Waits for its end, which must be an orderly one; what it said.
    pub fn finish(&mut self, interrupt: &Interrupt) -> Result<String, String> {
        self.wait(END_MAX, interrupt)
    }

    /// As [`Client::finish`] of a client that reads everything.
    pub fn finish_reading(&mut self, interrupt: &Interrupt) -> Result<String, String> {
        self.wait(READ_MAX, interrupt)
    }

    fn wait(&mut self, at_most: Duration, interrupt: &Interrupt) -> Result<String, String> {
        let mut ended = None;
        let child = &mut self.child;
        interrupt.until(&format!("the end of {}", self.name), at_most, || {
            ended = child.try_wait().map_err(|why| why.to_string())?;
            Ok(ended.is_some())
        })?;
        match ended {
            Some(status) if status.success() => {
                std::fs::read_to_string(&self.said).map_err(|why| about(&self.said, why))
            }
            ended => Err(self.failure(&format!("has failed: {ended:?}"))),
        }
    }

    fn failure(&self, what: &str) -> String {
        let complaint = std::fs::read_to_string(&self.complained).unwrap_or_default();
        let lines: Vec<&str> = complaint.lines().collect();
        format!("{} {what}\n{}", self.name, lines[lines.len().saturating_sub(20)..].join("\n"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many records a producer has given up on, and the first few of them, by what it said at its end.
pub fn errors(said: &str) -> Result<(u64, Vec<String>), String> {
    let mut lines = said.lines().skip_while(|line| !line.starts_with("errors: "));
    let count = lines.next().and_then(|line| line["errors: ".len()..].trim().parse().ok());
    Ok((count.ok_or("a producer did not say how many errors it had")?, lines.map(str::to_string).collect()))
}

#[cfg(test)]
#[path = "clients_test.rs"]
mod tests;
