//! What became of the messages that were sent, counted by librdkafka's delivery reports.
//!
//! `flush` of the client library looks every 100 ms only, which would be added to what is measured.

use rdkafka::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{NoCustomPartitioner, ProducerContext, ThreadedProducer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A producer whose deliveries are counted.
pub(crate) type Counting = ThreadedProducer<Deliveries, NoCustomPartitioner>;

/// Messages acknowledged and messages given up. Every clone counts the same messages.
#[derive(Clone, Default)]
pub(crate) struct Deliveries(Arc<Counts>);

#[derive(Default)]
struct Counts {
    acked: AtomicU64,
    failed: AtomicU64,
}

impl Deliveries {
    /// Waits until `count` messages are acknowledged since the beginning, for at most `patience`.
    pub(crate) fn wait(&self, count: u64, patience: Duration) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let (acked, failed) =
                (self.0.acked.load(Ordering::Relaxed), self.0.failed.load(Ordering::Relaxed));
            if acked == count {
                return Ok(());
            }
            if failed > 0 || began.elapsed() > patience {
                return Err(format!("of {count} messages {acked} were acknowledged, {failed} failed"));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        let count = if result.is_ok() { &self.0.acked } else { &self.0.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
