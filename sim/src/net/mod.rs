//! TCP between simulated machines: in-order streams over links that delay, lose, block and reset.
//!
//! What a process sees is what Linux shows it: a connect to nobody is refused after a round trip, one into a void
//! hangs for 127 seconds; writes block when the window is full; a killed peer resets, one that lost power falls
//! silent; loss and partitions delay and never tear a hole into a stream.

mod connection;
mod control;
mod dial;
mod fabric;
mod knobs;
mod listener;
mod stream;
mod wire;

pub use control::NetControl;
pub use dial::Dial;
pub use knobs::{Latency, LinkKnobs, NetKnobs};
pub use listener::SimListener;
pub use stream::{SimReader, SimStream, SimWriter};

pub(crate) use fabric::{Fabric, NetDue};

#[cfg(test)]
#[path = "net_test.rs"]
mod tests;
