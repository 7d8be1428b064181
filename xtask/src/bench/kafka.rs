//! Apache Kafka as the peer: its jars from Maven, nodes in combined mode, its own defaults.

use super::broker::{CLUSTER_ID, Place};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release compared with.
pub(super) const VERSION: &str = "4.1.0";

/// The heap that Kafka's own start script gives a broker.
const HEAP: &[&str] = &["-Xmx1g", "-Xms1g", "-XX:+UseG1GC"];

/// A Kafka that can be started.
pub(super) struct Kafka {
    libs: PathBuf,
}

impl Kafka {
    /// Kafka, when a JDK is here and Maven can fetch (or has fetched) the jars into `home`.
    pub(super) fn find(home: &Path) -> Option<Kafka> {
        if !quietly(Command::new("java").arg("-version")) {
            return None;
        }
        let libs = match std::env::var_os("KAFKA_LIBS") {
            Some(libs) => PathBuf::from(libs),
            None => home.join(format!("kafka-{VERSION}")),
        };
        if !libs.join(format!("kafka_2.13-{VERSION}.jar")).is_file() && !fetch(&libs) {
            return None;
        }
        Some(Kafka { libs })
    }

    /// A formatted, empty node whose data is below `dir`; returns the command that starts it.
    pub(super) fn node(&self, dir: &Path, place: &Place, flush: &str) -> Result<Vec<String>, String> {
        let (id, port, controller_port) = (place.id, place.port, place.controller_port());
        let voters = place.voters();
        let told = |error: std::io::Error| format!("{}: {error}", dir.display());
        fs::create_dir_all(dir).map_err(told)?;
        let properties = dir.join("server.properties");
        let text = format!(
            "process.roles=broker,controller\n\
             node.id={id}\n\
             controller.quorum.voters={voters}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=PLAINTEXT\n\
             log.dirs={}\n\
             offsets.topic.replication.factor=1\n\
             log.flush.interval.messages={flush}\n",
            dir.join("data").display()
        );
        fs::write(&properties, text).map_err(told)?;
        let class_path = format!("{}/*", self.libs.display());
        let mut format = Command::new("java");
        format.args(["-cp", &class_path, "kafka.tools.StorageTool", "format"]);
        format.args(["-t", CLUSTER_ID, "-c"]).arg(&properties);
        if !quietly(&mut format) {
            return Err("Kafka's data directory can't be formatted".to_string());
        }
        let mut command = vec!["java".to_string()];
        command.extend(HEAP.iter().map(|word| word.to_string()));
        command.extend(["-cp".to_string(), class_path, "kafka.Kafka".to_string()]);
        command.push(properties.display().to_string());
        Ok(command)
    }
}

/// Has Maven copy Kafka's jars into `libs`.
fn fetch(libs: &Path) -> bool {
    let Some(home) = libs.parent() else { return false };
    let pom = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n\
         <modelVersion>4.0.0</modelVersion>\n\
         <groupId>tidemark</groupId><artifactId>peer</artifactId><version>1</version>\n\
         <dependencies><dependency>\n\
         <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>\n\
         </dependency></dependencies>\n\
         </project>\n"
    );
    if fs::create_dir_all(home).and_then(|()| fs::write(home.join("pom.xml"), pom)).is_err() {
        return false;
    }
    println!("fetching Apache Kafka {VERSION} …");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
    maven.arg(format!("-DoutputDirectory={}", libs.display())).current_dir(home);
    quietly(&mut maven)
}

/// Whether the command runs to a good end; what it says is not shown.
fn quietly(command: &mut Command) -> bool {
    let ran = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    ran.is_ok_and(|status| status.success())
}
