//! A run from its beginning to its verdict.
//!
//! ```text
//! form the cluster ─▶ clients under faults ─▶ all healed: at rest within a minute ─▶ producers drain ─▶ read everything
//!      ─▶ stop all nodes ─▶ all replicas the same bytes ─▶ one history of all that was done and seen ─▶ the checkers
//! ```
//!
//! Whatever fails ends the phases; the history of what there was is judged all the same.

use crate::arguments::Arguments;
use crate::clients::{self, Client, Errand, Programs};
use crate::cluster::Cluster;
use crate::fault::Fault;
use crate::gaps::Gaps;
use crate::history;
use crate::interrupt::Interrupt;
use crate::notes::now_ns;
use crate::plan::{self, Plan, Step};
use crate::replicas;
use crate::report::Report;
use crate::strike::{Nemesis, Struck};
use crate::tools::about;
use crate::topics::Partition;
use crate::traces::Traces;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The topics by name, and whether they promise durability. A kill leaves the page cache: both keep everything.
const TOPICS: [(&str, bool); plan::TOPICS as usize] = [("durable", true), ("page-cache", false)];

/// How long the cluster may take to form, and to come to rest once nothing is done to it any more.
const REST_MAX: Duration = Duration::from_secs(60);

/// How long clients may take to begin.
const BEGIN_MAX: Duration = Duration::from_secs(60);

/// How often the clients and nodes are looked after.
const LOOK: Duration = Duration::from_millis(100);

/// One run.
pub struct Run<'a> {
    arguments: &'a Arguments,
    interrupt: Interrupt,
    programs: Programs,
    /// Where its files are.
    files: PathBuf,
    producers: Vec<Client>,
    watchers: Vec<Client>,
    /// What clients that have ended have written down.
    histories: Vec<PathBuf>,
    struck: Vec<Struck>,
    report: Report,
}

impl<'a> Run<'a> {
    /// Prepares the folder for its files: what an earlier run of the same seed has left there goes.
    pub fn new(arguments: &'a Arguments, interrupt: Interrupt, files: PathBuf) -> Result<Run<'a>, String> {
        if files.exists() {
            std::fs::remove_dir_all(&files).map_err(|why| about(&files, why))?;
        }
        std::fs::create_dir_all(&files).map_err(|why| about(&files, why))?;
        let programs = Programs {
            sources: arguments.sources.clone(),
            python: arguments.python.clone(),
            jars: arguments.jars.clone(),
            franz_go: arguments.franz_go.clone(),
        };
        let clients: Vec<String> = arguments.clients.iter().map(|library| library.to_string()).collect();
        let title = format!(
            "seed {}: {} nodes, {} minutes of faults, {}, {} records a second of each producer",
            arguments.seed,
            arguments.nodes,
            arguments.minutes,
            clients.join(", "),
            arguments.rate
        );
        println!("{title}");
        let report = Report { title, ..Report::default() };
        let (producers, watchers, histories, struck) = Default::default();
        Ok(Run { arguments, interrupt, programs, files, producers, watchers, histories, struck, report })
    }

    /// All of it. What was found is in the report.
    pub fn go(mut self, traces: &Traces) -> Result<Report, String> {
        let names: Vec<&str> = TOPICS.iter().map(|(name, _)| *name).collect();
        let Arguments { nodes, seed, binary, .. } = self.arguments;
        let cluster = Cluster::new(traces, *nodes, *seed, binary, &names, &self.files)?;
        let mut failures: Vec<String> = self.phases(&cluster).err().into_iter().collect();
        let clients = self.producers.drain(..).chain(self.watchers.drain(..));
        self.histories.extend(clients.map(|client| client.history.clone()));
        failures.extend(self.judge().err());
        if !failures.is_empty() {
            failures.extend(cluster.keep(&self.files).err());
            failures.push(format!("all files are kept in {}", self.files.display()));
            self.report.failure = Some(failures.join("\n"));
        }
        self.write()?;
        Ok(self.report)
    }

    fn phases(&mut self, cluster: &Cluster) -> Result<(), String> {
        self.form(cluster)?;
        self.begin(cluster)?;
        self.disturb(cluster)?;
        println!("healed: waiting until all replicas are in sync");
        cluster.start()?;
        self.rest(cluster)?;
        self.drain()?;
        self.read(cluster)?;
        self.compare(cluster)
    }

    fn form(&self, cluster: &Cluster) -> Result<(), String> {
        cluster.start()?;
        for topic in TOPICS {
            cluster.create(topic, self.partitions(), REST_MAX, &self.interrupt)?;
        }
        self.rest(cluster)
    }

    /// As many as there are nodes, so that each leads one at first.
    fn partitions(&self) -> u32 {
        self.arguments.nodes.into()
    }

    /// Waits until every partition has a leader and all of its replicas are in sync.
    fn rest(&self, cluster: &Cluster) -> Result<(), String> {
        let expected = TOPICS.len() * self.partitions() as usize;
        let mut told = String::new();
        let settled = self.interrupt.until("every replica is in sync", REST_MAX, || {
            cluster.check()?;
            let partitions = cluster.partitions();
            std::thread::sleep(LOOK);
            told = format!("{partitions:?}");
            let is_whole = |all: Vec<Partition>| all.len() == expected && all.iter().all(Partition::is_whole);
            Ok(partitions.is_ok_and(is_whole))
        });
        settled.map_err(|why| format!("the cluster does not come to rest: {why}: {told}"))
    }

    /// Of each library a producer and a consumer that reads along, in each topic.
    fn begin(&mut self, cluster: &Cluster) -> Result<(), String> {
        let libraries = self.arguments.clients.clone();
        let pairs = libraries.iter().flat_map(|library| TOPICS.map(|(topic, _)| (*library, topic)));
        for (at, (library, topic)) in pairs.enumerate() {
            let (partitions, number) = (self.partitions(), at + 1);
            let watch = Errand { library, mode: "watch", topic, partitions, number, rate: None };
            self.report.producers.push(format!("p{number}: {library}, {topic}"));
            let produce = Errand { mode: "produce", rate: Some(self.arguments.rate), ..watch.clone() };
            self.watchers.push(self.programs.start(cluster, &watch, &self.files)?);
            self.producers.push(self.programs.start(cluster, &produce, &self.files)?);
        }
        let has_begun = |client: &Client| client.history.metadata().is_ok_and(|file| file.len() > 0);
        let (producers, interrupt) = (&mut self.producers, &self.interrupt);
        interrupt.until("all producers have begun", BEGIN_MAX, || {
            producers.iter_mut().try_for_each(Client::check)?;
            Ok(producers.iter().all(has_begun))
        })
    }

    /// Faults, as long as the run lasts. Whoever ends by itself meanwhile ends all of it.
    fn disturb(&mut self, cluster: &Cluster) -> Result<(), String> {
        let (interrupt, Arguments { seed, nodes, .. }) = (self.interrupt.clone(), self.arguments);
        let nemesis = Nemesis { cluster, interrupt: &interrupt, began_ns: now_ns() };
        let end = Instant::now() + Duration::from_secs_f64(self.arguments.minutes * 60.0);
        let mut outcome = Ok(());
        std::thread::scope(|scope| {
            let follow = |lane| {
                let (nemesis, plan) = (&nemesis, Plan::new(*seed, *nodes, lane));
                let full_disks = self.arguments.full_disks == "yes";
                let wanted = move |step: &Step| full_disks || !matches!(step.fault, Fault::DiskFull(_));
                scope.spawn(move || nemesis.follow(plan.filter(wanted)))
            };
            let lanes: Vec<_> = (0..plan::lanes(*nodes)).map(follow).collect();
            while outcome.is_ok() && !interrupt.is_over() && Instant::now() < end {
                std::thread::sleep(LOOK);
                let mut clients = self.producers.iter_mut().chain(&mut self.watchers);
                outcome = cluster.check().and_then(|()| clients.try_for_each(Client::check));
            }
            interrupt.finish();
            for lane in lanes {
                match lane.join().expect("a thread that panics ends the process") {
                    Ok(struck) => self.struck.extend(struck),
                    Err(why) => outcome = outcome.clone().and(Err(why)),
                }
            }
        });
        outcome.and_then(|()| interrupt.check())
    }

    /// Producers wait for what is unanswered and end, then the consumers that read along.
    fn drain(&mut self) -> Result<(), String> {
        println!("producers drain");
        self.producers.iter_mut().for_each(Client::tell_to_end);
        let mut complaints = Vec::new();
        for producer in &mut self.producers {
            let (errors, first) = clients::errors(&producer.finish(&self.interrupt)?)?;
            self.report.client_errors += errors;
            complaints.extend(first.iter().map(|error| format!("{}: {error}", producer.name)));
        }
        self.watchers.iter_mut().for_each(Client::tell_to_end);
        for watcher in &mut self.watchers {
            watcher.finish(&self.interrupt)?;
        }
        match self.report.client_errors {
            0 => Ok(()),
            errors => Err(format!("{errors} errors of idempotent producers:\n{}", complaints.join("\n"))),
        }
    }

    /// Each library reads everything.
    fn read(&mut self, cluster: &Cluster) -> Result<(), String> {
        for (at, library) in self.arguments.clients.iter().enumerate() {
            let (library, partitions, number) = (*library, self.partitions(), at + 1);
            println!("{library} reads everything");
            cluster.notes.round("read_all", number);
            for (topic, _) in TOPICS {
                let read = Errand { library, mode: "read", topic, partitions, number, rate: None };
                let mut reader = self.programs.start(cluster, &read, &self.files)?;
                self.histories.push(reader.history.clone());
                reader.finish_reading(&self.interrupt)?;
            }
            cluster.notes.round("read_done", number);
        }
        Ok(())
    }

    /// Stops all nodes, and compares what they have stored.
    fn compare(&mut self, cluster: &Cluster) -> Result<(), String> {
        println!("comparing replicas");
        self.rest(cluster)?;
        let partitions = cluster.partitions()?;
        cluster.stop()?;
        for partition in &partitions {
            self.report.compared_bytes += replicas::compare(&cluster.directories(partition))?;
        }
        Ok(())
    }

    /// Makes one history of all there is, measures it, and has it judged.
    fn judge(&mut self) -> Result<(), String> {
        self.histories.push(self.files.join("nodes.jsonl"));
        let history = self.files.join("history.jsonl");
        let mut gaps = Gaps::new(&self.struck);
        let merged = history::merge(&self.histories, &history, |line| gaps.look(line));
        self.report.faults = self.struck.drain(..).zip(gaps.longest()).collect();
        (self.report.acknowledged, self.report.elsewhere_ns) = (gaps.acknowledged, gaps.elsewhere_ns);
        merged?;
        println!("the checkers judge");
        let checker = &self.arguments.checker;
        let judged = Command::new(checker).arg("check-history").arg(&history).output();
        let judged = judged.map_err(|why| about(checker, why))?;
        self.report.verdict = String::from_utf8_lossy(&judged.stdout).into_owned();
        match (judged.status.success(), self.report.acknowledged) {
            (true, 0) => Err("nothing was acknowledged at all".to_string()),
            (true, _) => Ok(()),
            (false, _) => {
                Err(format!("the checkers: {}", String::from_utf8_lossy(&judged.stderr).trim_end()))
            }
        }
    }

    /// Writes the report. The other files of a run that has succeeded go.
    fn write(&self) -> Result<(), String> {
        if self.report.failure.is_none() {
            for entry in std::fs::read_dir(&self.files).map_err(|why| about(&self.files, why))?.flatten() {
                std::fs::remove_file(entry.path()).map_err(|why| about(&entry.path(), why))?;
            }
        }
        let path: &Path = &self.files.join("report.txt");
        let text = format!("{}\n{}", self.report, self.report.timeline());
        std::fs::write(path, text).map_err(|why| about(path, why))
    }
}
