//! What a cluster does when one of its nodes is killed, and what it costs when nothing happens.

use crate::arguments::Arguments;
use crate::nodes::{Node, addresses, beside, nodes};
use crate::topic::{self, Admin};
use crate::usage::{Meter, memory};
use crate::wire::{View, Wire};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a cluster may take to do anything.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks at a cluster that gets ready.
const LOOK: Duration = Duration::from_millis(100);
/// Between two looks while the time is measured: 10,000 partitions take a broker some milliseconds to tell.
const QUICK_LOOK: Duration = Duration::from_millis(10);
/// How long one try to create a topic may take.
const TRY: Duration = Duration::from_secs(1);
/// Before what was refused is tried again.
const RETRY: Duration = Duration::from_millis(5);

/// `--nodes N [--topics 0] [--partitions 1] [--replicas 1]`: waits until all nodes are in the cluster, creates the topics,
/// and waits until every node says that all partitions are led and in sync.
pub(crate) fn ready(arguments: &Arguments) -> Result<Value, String> {
    let nodes = nodes(arguments)?;
    let (topics, partitions): (usize, usize) = (arguments.or("topics", 0)?, arguments.or("partitions", 1)?);
    let replicas: i32 = arguments.or("replicas", 1)?;
    let began = Instant::now();
    until_all(&nodes, |view| view.brokers.len() == nodes.len())?;
    let admin = Admin::connect(&addresses(&nodes))?;
    for topic in 0..topics {
        admin.create(&format!("ready-{topic}"), partitions as i32, replicas, topic::PATIENCE)?;
    }
    until_in_sync(&nodes, topics * partitions)?;
    Ok(json!({ "ready_seconds": began.elapsed().as_secs_f64() }))
}

/// Waits until every node says that at least so many partitions are there, and all are led and in sync.
pub(crate) fn until_in_sync(nodes: &[Node], partitions: usize) -> Result<(), String> {
    until_all(nodes, |view| {
        let all = view.partitions();
        all >= partitions && view.led_by(-1) == 0 && view.in_sync == all
    })
}

/// `--nodes N`: one of them has just been started again. How long it takes until every node says that all are in sync
/// everywhere.
pub(crate) fn rejoined(arguments: &Arguments) -> Result<Value, String> {
    let nodes = nodes(arguments)?;
    let began = Instant::now();
    loop {
        let quick = |node: &Node| {
            let view = Wire::open(node.addr)?.view()?;
            let all = view.partitions();
            Ok(view.brokers.len() == nodes.len() && all > 0 && view.led_by(-1) == 0 && view.in_sync == all)
        };
        if nodes.iter().all(|node| quick(node) == Ok::<bool, String>(true)) {
            return Ok(json!({ "in_sync_ms": began.elapsed().as_secs_f64() * 1e3 }));
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("a node is not in sync after {PATIENCE:?}"));
        }
        std::thread::sleep(QUICK_LOOK);
    }
}

/// `--nodes N --topic T [--beside P]`: kills the active controller and creates the topic.
///
/// A client that knew the cluster may wait minutes for a broker that is gone, because it took that one for the controller: librdkafka
/// does. It is the cluster that is measured, so every try has a client that knows the survivors alone.
pub(crate) fn failover(arguments: &Arguments) -> Result<Value, String> {
    let (nodes, name) = (nodes(arguments)?, arguments.text("topic")?);
    let active = active_controller(&nodes)?;
    let survivors = addresses(others(&nodes, active));
    Admin::connect(&survivors)?.create(&format!("{name}-before"), 1, 1, topic::PATIENCE)?;
    let meter = meter(&nodes, arguments)?;
    let began = Instant::now();
    active.kill()?;
    let mut tries = 1;
    while let Err(why) = Admin::connect(&survivors)?.create(name, 1, 1, TRY) {
        if began.elapsed() > PATIENCE {
            return Err(why);
        }
        tries += 1;
        std::thread::sleep(RETRY);
    }
    let created = began.elapsed();
    let mut result = meter.cost()?;
    result["created_ms"] = json!(created.as_secs_f64() * 1e3);
    result["tries"] = json!(tries);
    result["victim"] = json!(active.id);
    Ok(result)
}

/// `--nodes N [--beside P]`: kills the node that leads most partitions and is not the active controller, and waits until
/// each of the others says that all partitions are led, and none of them by it.
pub(crate) fn moved(arguments: &Arguments) -> Result<Value, String> {
    let nodes = nodes(arguments)?;
    let active = active_controller(&nodes)?;
    let mut survivors: Vec<(Wire, bool)> = Vec::new();
    let before = Wire::open(active.addr)?.view()?;
    let victim =
        others(&nodes, active).max_by_key(|node| before.led_by(node.id)).ok_or("there is one node")?;
    for node in others(&nodes, victim) {
        survivors.push((Wire::open(node.addr)?, false));
    }
    let meter = meter(&nodes, arguments)?;
    let began = Instant::now();
    victim.kill()?;
    let moved = loop {
        for (wire, done) in survivors.iter_mut().filter(|(_, done)| !done) {
            let view = wire.view()?;
            *done = view.led_by(victim.id) == 0 && view.led_by(-1) == 0;
        }
        if survivors.iter().all(|(_, done)| *done) {
            break began.elapsed();
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("node {} still leads after {PATIENCE:?}", victim.id));
        }
        std::thread::sleep(QUICK_LOOK);
    };
    let mut result = meter.cost()?;
    result["moved_ms"] = json!(moved.as_secs_f64() * 1e3);
    result["moved"] = json!(before.led_by(victim.id));
    result["victim"] = json!(victim.id);
    Ok(result)
}

/// `--nodes N [--seconds 10]`: does nothing.
pub(crate) fn idle(arguments: &Arguments) -> Result<Value, String> {
    let nodes = nodes(arguments)?;
    let all = meter(&nodes, arguments)?;
    let each: Vec<Meter> = nodes.iter().map(|node| Meter::start([node.pid])).collect::<Result<_, _>>()?;
    std::thread::sleep(Duration::from_secs(arguments.or("seconds", 10)?));
    let mut result = all.cost()?;
    let (mut busiest, mut largest) = (0.0f64, 0);
    for (node, meter) in nodes.iter().zip(&each) {
        busiest = busiest.max(meter.cost()?["broker_cpu"].as_f64().unwrap_or(0.0));
        largest = largest.max(memory(node.pid)?.0);
    }
    result["busiest_cpu"] = json!(busiest);
    result["rss"] = json!(largest);
    Ok(result)
}

pub(crate) fn meter(nodes: &[Node], arguments: &Arguments) -> Result<Meter, String> {
    Meter::start_beside(nodes.iter().map(|node| node.pid), beside(arguments)?)
}

pub(crate) fn others<'a>(nodes: &'a [Node], one: &'a Node) -> impl Iterator<Item = &'a Node> {
    nodes.iter().filter(move |node| *node != one)
}

pub(crate) fn active_controller(nodes: &[Node]) -> Result<&Node, String> {
    let id = until("an active controller", || Wire::open(nodes[0].addr)?.active_controller())?;
    nodes.iter().find(|node| node.id == id).ok_or_else(|| format!("the active controller is node {id}"))
}

/// Waits until each of the nodes says so.
fn until_all(nodes: &[Node], is: impl Fn(&View) -> bool) -> Result<(), String> {
    for node in nodes {
        until("a cluster that is ready", || Ok(is(&Wire::open(node.addr)?.view()?).then_some(())))?;
    }
    Ok(())
}

/// Looks again while there is nothing or an error.
fn until<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>, String>) -> Result<T, String> {
    let began = Instant::now();
    loop {
        match look() {
            Ok(Some(found)) => return Ok(found),
            Err(why) if began.elapsed() > PATIENCE => return Err(format!("{what}: {why}")),
            Ok(None) if began.elapsed() > PATIENCE => return Err(format!("{what}: not after {PATIENCE:?}")),
            Ok(None) | Err(_) => std::thread::sleep(LOOK),
        }
    }
}
