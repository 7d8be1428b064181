//! The load generator of `cargo xtask bench`: one measurement per run, its result one line of JSON on stdout.
//!
//! It is stock librdkafka that loads whatever speaks Kafka's protocol, so that Tidemark and its peers are measured
//! by the same client. xtask starts the brokers, interleaves the runs and does the statistics.
//!
//! ```text
//! produce   messages into a topic as fast as they are acknowledged
//! consume   messages out of a topic that `produce` filled
//! latency   scheduled send to receipt at a fixed rate
//! start     from exec of a broker to the first acknowledged message, and its memory when idle
//! ceiling   `produce` against librdkafka's own in-process mock broker
//! ready     a cluster is there and has its partitions
//! failover  kill -9 of the active controller to a topic that is created
//! moved     kill -9 of a node to other leaders of all that it led
//! idle      what a cluster costs that nobody uses
//! replicated  `produce` into a topic of three replicas
//! lost      the longest time without an acknowledgement when the leader is killed or stops
//! rejoined  a node that was started again, until it is in sync
//! null      one thread that receives, appends and syncs, and does nothing else a broker does
//! ```

// A measuring program: clocks, files and threads are its subject.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod arguments;
mod cluster;
mod consume;
mod deliveries;
mod latency;
mod lost;
mod nodes;
mod null;
mod produce;
mod start;
mod topic;
mod usage;
mod wire;

use arguments::Arguments;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let what = words.next().unwrap_or_default();
    let measured = Arguments::parse(words).and_then(|arguments| match what.as_str() {
        "produce" => produce::run(&arguments),
        "consume" => consume::run(&arguments),
        "latency" => latency::run(&arguments),
        "start" => start::run(&arguments),
        "ceiling" => produce::ceiling(&arguments),
        "null" => null::run(&arguments),
        "ready" => cluster::ready(&arguments),
        "failover" => cluster::failover(&arguments),
        "moved" => cluster::moved(&arguments),
        "idle" => cluster::idle(&arguments),
        "replicated" => produce::replicated(&arguments),
        "lost" => lost::run(&arguments),
        "rejoined" => cluster::rejoined(&arguments),
        _ => {
            Err("usage: tidemark-bench produce|consume|latency|start|ceiling|null|ready|failover|moved|idle|\
                      replicated|lost|rejoined [--OPTION VALUE]…"
                .to_string())
        }
    });
    match measured {
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("tidemark-bench {what}: {why}");
            ExitCode::FAILURE
        }
    }
}
