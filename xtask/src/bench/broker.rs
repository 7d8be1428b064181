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

/// Of every cluster. Any 16 bytes in unpadded URL-safe base64 are an id.
pub(super) const CLUSTER_ID: &str = "dGlkZW1hcmstYmVuY2gtMQ";

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

/// A node's place in its cluster. All of them are controllers too.
pub(super) struct Place {
    /// From 1 on.
    pub(super) id: usize,
    /// Where clients connect to.
    pub(super) port: u16,
    /// Where controllers listen, of all nodes in the order of their ids.
    pub(super) controllers: Vec<u16>,
}

impl Place {
    pub(super) fn controller_port(&self) -> u16 {
        self.controllers[self.id - 1]
    }

    /// `controller.quorum.voters`.
    pub(super) fn voters(&self) -> String {
        let voters = self.controllers.iter().enumerate();
        let voters: Vec<String> = voters.map(|(at, port)| format!("{}@127.0.0.1:{port}", at + 1)).collect();
        voters.join(",")
    }
}

/// A broker that listens. Dropping it ends it and removes its data.
pub(super) struct Broker {
    child: Child,
    recipe: Recipe,
}

impl Recipe {
    /// Prepares the empty data directory of a node that is a cluster by itself.
    pub(super) fn new(who: Who, mode: Mode, programs: &Programs) -> Result<Recipe, String> {
        let place = Place { id: 1, port: free_port()?, controllers: vec![free_port()?] };
        Recipe::at(&place, who, mode, programs)
    }

    /// Prepares a node's empty data directory.
    pub(super) fn at(place: &Place, who: Who, mode: Mode, programs: &Programs) -> Result<Recipe, String> {
        let port = place.port;
        let dir = programs.scratch.join(format!("{who:?}-{port}").to_lowercase());
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let command = match who {
            Who::Tidemark => tidemark(&programs.tidemark, &dir, place, mode),
            Who::Kafka => {
                let kafka = programs.kafka.as_ref().ok_or("there is no peer")?;
                kafka.node(&dir, place, mode.flush_interval())?
            }
        };
        Ok(Recipe { command, addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), dir })
    }
}

impl Recipe {
    /// The file that its process writes to what it has to say.
    fn said(&self) -> PathBuf {
        self.dir.join("said")
    }
}

impl Drop for Recipe {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Broker {
    /// Starts it and waits until it listens.
    pub(super) fn start(recipe: Recipe) -> Result<Broker, String> {
        let mut broker = Broker::spawn(recipe)?;
        broker.wait()?;
        Ok(broker)
    }

    /// Starts it. What it says goes to a file that is quoted when it fails.
    pub(super) fn spawn(recipe: Recipe) -> Result<Broker, String> {
        Ok(Broker { child: child(&recipe)?, recipe })
    }

    /// Starts it again on what it has stored; it has ended, or is killed.
    pub(super) fn spawn_again(&mut self) -> Result<(), String> {
        self.end();
        self.child = child(&self.recipe)?;
        Ok(())
    }

    /// Waits until it listens.
    pub(super) fn wait(&mut self) -> Result<(), String> {
        let began = Instant::now();
        while TcpStream::connect_timeout(&self.recipe.addr, Duration::from_millis(200)).is_err() {
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || began.elapsed() > PATIENCE {
                let said = fs::read_to_string(self.recipe.said()).unwrap_or_default();
                let tail: Vec<&str> = said.lines().rev().take(5).collect();
                return Err(format!("{} does not start: {}", self.recipe.command[0], tail.join(" | ")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
        self.end();
    }
}

fn child(recipe: &Recipe) -> Result<Child, String> {
    let said = recipe.said();
    let file = File::options().create(true).append(true).open(&said);
    let file = file.map_err(|error| format!("{}: {error}", said.display()))?;
    let also = file.try_clone().map_err(|error| error.to_string())?;
    Command::new(&recipe.command[0])
        .args(&recipe.command[1..])
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(also)
        .spawn()
        .map_err(|error| format!("{}: {error}", recipe.command[0]))
}

fn tidemark(program: &Path, dir: &Path, place: &Place, mode: Mode) -> Vec<String> {
    let mut command = vec![program.display().to_string()];
    let port = place.port;
    let mut settings = vec![
        format!("log.dirs={}", dir.join("data").display()),
        format!("log.flush.interval.messages={}", mode.flush_interval()),
    ];
    if place.controllers.len() == 1 {
        settings.push(format!("listeners=PLAINTEXT://127.0.0.1:{port}"));
    } else {
        let controller = place.controller_port();
        settings.extend([
            format!("node.id={}", place.id),
            format!("listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
            "controller.listener.names=CONTROLLER".to_string(),
            format!("controller.quorum.voters={}", place.voters()),
            format!("tidemark.cluster.id={CLUSTER_ID}"),
        ]);
    }
    for setting in settings {
        command.extend(["--set".to_string(), setting]);
    }
    command
}
