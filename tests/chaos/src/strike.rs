//! Faults at work: each is done to whoever it finds, lasts, and is undone whatever happens meanwhile.

use crate::cluster::{Claim, Cluster};
use crate::fabric::HostId;
use crate::fault::{Fault, Reach, Whom};
use crate::interrupt::Interrupt;
use crate::link::Condition;
use crate::notes::now_ns;
use crate::plan::Step;
use crate::topics::Partition;
use std::time::Duration;

/// How long a rolling restart waits for a node to be in sync again before it takes the next one.
const IN_SYNC_MAX: Duration = Duration::from_secs(30);

/// How often it is asked.
const LOOK: Duration = Duration::from_millis(100);

/// A fault that was done and undone.
#[derive(Clone, Debug)]
pub struct Struck {
    /// What was done when, for people.
    pub told: String,
    /// The row of the report that it belongs to.
    pub kind: String,
    /// When it began.
    pub begin_ns: u64,
    /// When it was undone.
    pub end_ns: u64,
    /// Every partition had a leader and nobody was behind when it began.
    pub calm: bool,
}

/// Who does it, and where it is told.
pub struct Nemesis<'a> {
    /// To whom.
    pub cluster: &'a Cluster,
    /// When nothing new is to begin.
    pub interrupt: &'a Interrupt,
    /// When the run began.
    pub began_ns: u64,
}

impl Nemesis<'_> {
    /// Follows a lane's plan until nothing new is to begin.
    pub fn follow(&self, plan: impl Iterator<Item = Step>) -> Result<Vec<Struck>, String> {
        let mut struck = Vec::new();
        for step in plan {
            self.interrupt.pause(step.pause);
            if self.interrupt.is_over() {
                break;
            }
            let done = self.strike(&step);
            if done.is_err() {
                // Nobody else is to begin anything either.
                self.interrupt.finish();
            }
            struck.push(done?);
        }
        Ok(struck)
    }

    fn strike(&self, step: &Step) -> Result<Struck, String> {
        let partitions = self.cluster.partitions().unwrap_or_default();
        let calm = !partitions.is_empty() && partitions.iter().all(Partition::is_whole);
        let begun = |kind: String, claim: Option<&Claim<'_>>| {
            let begin_ns = now_ns();
            let seconds = begin_ns.saturating_sub(self.began_ns) as f64 / 1e9;
            let whom = claim.map_or(String::new(), |claim| format!(": node {}", claim.node));
            let (lasts, whole) = (step.lasts.as_secs_f64(), if calm { "" } else { ", not all in sync" });
            let told = format!("{seconds:8.1} s  {kind}{whom}, {lasts:.1} s{}{whole}", step.fault);
            println!("{told}");
            Struck { told, kind, begin_ns, end_ns: begin_ns, calm }
        };
        let mut struck;
        if let Some(whom) = step.fault.whom() {
            let (found, whom) = self.cluster.find(whom, &partitions);
            let claim = self.cluster.claim(found);
            // Whoever was meant is disturbed already: it is just a node.
            let whom = if claim.node == found { whom } else { Whom::Node(claim.node) };
            struck = begun(step.fault.kind(whom), Some(&claim));
            self.disturb(&step.fault, claim.node, step.lasts)?;
        } else {
            struck = begun(step.fault.kind(Whom::Node(0)), None);
            self.roll()?;
        }
        struck.end_ns = now_ns();
        Ok(struck)
    }

    /// Does it to a node, waits, and undoes it.
    fn disturb(&self, fault: &Fault, node: HostId, lasts: Duration) -> Result<(), String> {
        let cluster = self.cluster;
        match *fault {
            Fault::Kill(_) => {
                cluster.node(node).kill(&cluster.notes)?;
                self.interrupt.pause(lasts);
                self.start(node)
            }
            Fault::Pause(_) => {
                cluster.node(node).pause()?;
                self.interrupt.pause(lasts);
                cluster.node(node).resume()
            }
            Fault::DiskFull(_) => {
                cluster.node(node).disk.fill()?;
                self.interrupt.pause(lasts);
                cluster.node(node).disk.empty()
            }
            Fault::CutOff(_, reach) => {
                let links = cluster.links_of(node, reach == Reach::Everybody);
                self.weather(links, Condition::CUT, lasts)
            }
            Fault::OneWay(from, to) => {
                // Another node may suffer than was drawn.
                let to = if to == node { from } else { to };
                self.weather(vec![(node, to)], Condition::CUT, lasts)
            }
            Fault::Slow { delay, jitter, rate, .. } => {
                let condition = Condition { delay, jitter, rate, ..Condition::default() };
                self.weather(cluster.links_of(node, true), condition, lasts)
            }
            Fault::Lossy { loss_ppm, .. } => {
                let condition = Condition { loss_ppm, ..Condition::default() };
                self.weather(cluster.links_of(node, true), condition, lasts)
            }
            Fault::Rolling => unreachable!("it is done to all nodes"),
        }
    }

    fn weather(
        &self,
        links: Vec<(HostId, HostId)>,
        condition: Condition,
        lasts: Duration,
    ) -> Result<(), String> {
        let number = self.cluster.disturb(links, condition);
        self.interrupt.pause(lasts);
        self.cluster.calm(number);
        Ok(())
    }

    fn start(&self, node: HostId) -> Result<(), String> {
        let mut node = self.cluster.node(node);
        node.start(&self.cluster.notes)?;
        node.wait_until_it_serves()
    }

    fn roll(&self) -> Result<(), String> {
        for node in self.cluster.ids() {
            let claim = loop {
                if self.interrupt.is_over() {
                    return Ok(());
                }
                match self.cluster.claim_only(node) {
                    Some(claim) => break claim,
                    None => self.interrupt.pause(Duration::from_millis(100)),
                }
            };
            self.cluster.node(node).stop(&self.cluster.notes)?;
            self.start(claim.node)?;
            drop(claim);
            let whole = || Ok(self.interrupt.is_over() || self.is_in_sync(node));
            // Another lane's fault may keep it behind for longer: no failure of this one.
            let _ = self.interrupt.until("in sync again", IN_SYNC_MAX, whole);
        }
        Ok(())
    }

    fn is_in_sync(&self, node: HostId) -> bool {
        std::thread::sleep(LOOK);
        let Ok(partitions) = self.cluster.partitions() else { return false };
        partitions.iter().all(|told| !told.replicas.contains(&node) || told.in_sync.contains(&node))
    }
}
