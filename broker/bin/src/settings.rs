//! The settings of a node: the defaults, a file, the command line, and what only the machine knows.

use crate::arguments::Arguments;
use crate::exit::Exit;
use model::config::{BrokerSettings, properties};
use std::path::Path;
use tracing::{info, warn};

/// The file's pairs, then the command line's, on top of the defaults.
pub fn read(arguments: &Arguments) -> Result<BrokerSettings, Exit> {
    of(arguments.config.as_deref(), arguments.set.clone())
}

/// The pairs of a file, if there is one, then these, on top of the defaults.
pub fn of(file: Option<&Path>, set: Vec<(String, String)>) -> Result<BrokerSettings, Exit> {
    let mut pairs = Vec::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Exit::Usage(format!("{}: {error}", path.display())))?;
        let parsed = properties::parse(&text);
        pairs = parsed.map_err(|error| Exit::Usage(format!("{}: {error}", path.display())))?;
    }
    pairs.extend(set);
    let (mut settings, notices) =
        BrokerSettings::from_pairs(pairs).map_err(|error| Exit::Usage(error.to_string()))?;
    for notice in notices {
        warn!("{notice}");
    }
    if settings.shards == 0 {
        settings.shards = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    }
    advertise(&mut settings);
    if settings.log_dirs.len() > 1 || settings.metadata_log_dir != settings.log_dirs[0] {
        return Err(Exit::Usage("one directory in log.dirs is supported, for metadata too".to_owned()));
    }
    Ok(settings)
}

/// Kafka advertises the machine's name for a listener without a host, and so do we. (An address of every interface
/// that is spelled out is refused, as it is there.)
fn advertise(settings: &mut BrokerSettings) {
    let unnamed = settings.listeners.iter().any(|listener| listener.endpoint.host.is_empty());
    if !unnamed || !settings.advertised_listeners.is_empty() {
        return;
    }
    let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") else { return };
    let name = name.trim();
    info!(
        "clients are told to connect to {name}: set advertised.listeners if that is not where they find it"
    );
    settings.advertised_listeners = settings.listeners.clone();
    for listener in settings.advertised_listeners.iter_mut().filter(|l| l.endpoint.host.is_empty()) {
        name.clone_into(&mut listener.endpoint.host);
    }
}
