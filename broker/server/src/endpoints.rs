//! Where the broker listens, and where it tells clients to find it: `listeners` against `advertised.listeners`.
//!
//! ```text
//! listeners     advertised.listeners   clients are told
//! any           NAME://host:port       host:port; NAME must be a listener's, as in Kafka
//! host or ip    unset                  the address that is bound
//! 0.0.0.0, ::   unset                  refused, as in Kafka: nobody can connect to it
//! empty         unset                  the machine's name, as in Kafka; the binary fills it in
//! ```

use controller::NodeEndpoint;
use model::config::{BrokerSettings, Endpoint, Listener};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Why the listeners of `settings` can't be served, or told to clients.
pub fn check(settings: &BrokerSettings) -> Result<(), String> {
    let [listener] = &settings.listeners[..] else {
        return Err("one listener for clients is supported".to_owned());
    };
    if settings.advertised_listeners.is_empty() {
        if listener.endpoint.is_wildcard() {
            return Err(format!(
                "listeners: {listener} is every interface, to which no client can connect: set advertised.listeners"
            ));
        }
        return Ok(());
    }
    let mut for_clients = advertised(settings).peekable();
    if for_clients.peek().is_none() {
        return Err("advertised.listeners names no listener for clients".to_owned());
    }
    match for_clients.find(|advertised| advertised.name != listener.name) {
        Some(unknown) => {
            let (unknown, known) = (&unknown.name, &listener.name);
            Err(format!("advertised.listeners names {unknown}, which listeners does not: it has {known}"))
        }
        None => Ok(()),
    }
}

/// The address to bind. Names are not resolved but for `localhost`.
pub fn bind(endpoint: &Endpoint) -> Result<SocketAddr, String> {
    let ip = match endpoint.host.as_str() {
        "" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().map_err(|_| format!("listeners: {host} is not an address to listen on"))?,
    };
    Ok(SocketAddr::new(ip, endpoint.port))
}

/// What clients are told by a broker that is bound to `bound`: `advertised.listeners`, or what is bound. Port 0 is
/// the port that was found.
pub fn told(settings: &BrokerSettings, bound: SocketAddr) -> Vec<NodeEndpoint> {
    let endpoint = |name: &str, host: String, port: u16| NodeEndpoint {
        name: name.to_owned(),
        host,
        port: if port == 0 { bound.port() } else { port },
        security_protocol: 0,
    };
    if settings.advertised_listeners.is_empty() {
        let of = |listener: &Listener| endpoint(&listener.name, bound.ip().to_string(), bound.port());
        return settings.listeners.iter().map(of).collect();
    }
    advertised(settings)
        .map(|listener| endpoint(&listener.name, listener.endpoint.host.clone(), listener.endpoint.port))
        .collect()
}

/// What `advertised.listeners` says of listeners for clients. Kafka's own server.properties names the controller's too.
fn advertised(settings: &BrokerSettings) -> impl Iterator<Item = &Listener> {
    let controllers = &settings.controller_listeners;
    let for_clients =
        |listener: &&Listener| controllers.iter().all(|controller| controller.name != listener.name);
    settings.advertised_listeners.iter().filter(for_clients)
}

#[cfg(test)]
#[path = "endpoints_test.rs"]
mod tests;
