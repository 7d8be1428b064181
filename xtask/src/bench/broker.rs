//! A broker under measurement: its command, its process, its end.

use super::Programs;
use super::machine::free_port;
use super::rows::Mode;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a broker may take until it listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Tidemark,
    Kafka,
}

/// How to start a broker with an empty data directory, and where it will listen.
pub(super) struct Recipe {
    pub(super) command: Vec<String>,
    pub(super) addr: SocketAddr,
    dir: PathBuf,
}

/// A broker that listens. Dropping it ends it and removes its data.
pub(super) struct Broker {
    child: Child,
    recipe: Recipe,
}

impl Recipe {
    /// Prepares an empty data directory.
    pub(super) fn new(who: Who, mode: Mode, programs: &Programs) -> Result<Recipe, String> {
        let port = free_port()?;
        let dir = programs.scratch.join(format!("{who:?}-{port}").to_lowercase());
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let command = match who {
            Who::Tidemark => tidemark(&programs.tidemark, &dir, port, mode),
            Who::Kafka => {
                let kafka = programs.kafka.as_ref().ok_or("there is no peer")?;
                kafka.node(&dir, port, free_port()?, mode.flush_interval())?
            }
        };
        Ok(Recipe { command, addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), dir })
    }
}

impl Drop for Recipe {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Broker {
    /// Starts it and waits until it listens. What it says goes to a file that is quoted when it fails.
    pub(super) fn start(recipe: Recipe) -> Result<Broker, String> {
        let said = recipe.dir.join("said");
        let file = File::create(&said).map_err(|error| format!("{}: {error}", said.display()))?;
        let also = file.try_clone().map_err(|error| error.to_string())?;
        let child = Command::new(&recipe.command[0])
            .args(&recipe.command[1..])
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(also)
            .spawn()
            .map_err(|error| format!("{}: {error}", recipe.command[0]))?;
        let mut broker = Broker { child, recipe };
        let began = Instant::now();
        while TcpStream::connect_timeout(&broker.recipe.addr, Duration::from_millis(200)).is_err() {
            let ended = broker.child.try_wait().ok().flatten();
            if ended.is_some() || began.elapsed() > PATIENCE {
                let said = fs::read_to_string(&said).unwrap_or_default();
                let tail: Vec<&str> = said.lines().rev().take(5).collect();
                return Err(format!("{} does not start: {}", broker.recipe.command[0], tail.join(" | ")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(broker)
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.recipe.addr
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tidemark(program: &Path, dir: &Path, port: u16, mode: Mode) -> Vec<String> {
    let mut command = vec![program.display().to_string()];
    let settings = [
        format!("listeners=PLAINTEXT://127.0.0.1:{port}"),
        format!("log.dirs={}", dir.join("data").display()),
        format!("log.flush.interval.messages={}", mode.flush_interval()),
    ];
    for setting in settings {
        command.extend(["--set".to_string(), setting]);
    }
    command
}
