//! `tidemark format` and `tidemark random-uuid`: as Kafka's kafka-storage does it. What is written is the server's to say.

use crate::arguments::{Arguments, Format};
use crate::exit::Exit;
use crate::settings;
use model::ClusterId;
use runtime_tokio::Threads;
use server::{Formatted, Formatting};
use std::hash::{BuildHasher, RandomState};

/// Formats the data directory of one node.
pub fn format(arguments: &Arguments, how: &Format) -> Result<(), Exit> {
    let mut settings = settings::read(arguments)?;
    if let Some(id) = &how.cluster_id {
        settings.cluster_id = Some(ClusterId(id.as_str().into()));
    }
    let formatting = Formatting { replacement: how.replacement, ignore_formatted: how.ignore_formatted };
    let data_dir = settings.log_dirs[0].clone();
    let threads = Threads { workers: 1, ..Threads::default() };
    let formatted =
        threads.run(&data_dir, |rt| async move { server::format(&rt, &settings, formatting).await });
    let formatted =
        formatted.map_err(|error| Exit::Directory { path: data_dir.clone(), why: error.to_string() })?;
    let at = data_dir.display();
    match formatted.map_err(|error| Exit::start(&error, &data_dir))? {
        Formatted::Now(meta) => println!("formatted {at} for node {} of cluster {}", meta.node, meta.cluster),
        Formatted::Before(meta) => {
            println!("{at} is formatted already, for node {} of cluster {}", meta.node, meta.cluster);
        }
    }
    Ok(())
}

/// An id for a new cluster.
pub fn random_uuid() -> ClusterId {
    // The standard library's way to the system's random numbers.
    server::random_cluster_id(|| RandomState::new().hash_one(std::process::id()))
}
