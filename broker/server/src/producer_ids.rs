//! Ids for idempotent producers: a broker gives out those of blocks that the active controller has given to it and to
//! nobody else, ever (KIP-730).
//!
//! ```text
//! InitProducerId ──ask──▶ the task ──▶ an id of the block at hand
//!                            └─AllocateProducerIds─▶ active controller   when a tenth of it is left, so that nobody waits
//! ```
//!
//! What is left of a block when the broker stops is nobody's. The controller may be this very node: then it is asked
//! without a connection.

use crate::metadata::{Controller, Way};
use controller::ProducerIdBlock;
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, Instant, ProducerId};
use protocol::ErrorCode;
use protocol::messages::allocate_producer_ids::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};
use runtime::Runtime;
use std::collections::VecDeque;
use std::sync::Arc;
use sync::Snapshot;
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

/// Producers that may wait for an id; whoever brings one more waits to be heard.
const WAITING_MAX: usize = 256;
/// How long the controller may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// After a block was not to be had (Kafka's `RETRY_BACKOFF_MS`).
const PAUSE: Duration = Duration::from_millis(50);
/// Of a block, the share that is left when the next one is asked for: one part of so many.
const LEFT_SHARE: i64 = 10;

/// Where ids are asked for. Cheap to clone.
#[derive(Clone)]
pub struct ProducerIds {
    asks: mpsc::Sender<Ask>,
}

/// The other end, until the task begins.
pub struct Asked {
    asks: mpsc::Receiver<Ask>,
}

type Ask = oneshot::Sender<Option<ProducerId>>;

impl ProducerIds {
    /// Both ends.
    pub fn new() -> (ProducerIds, Asked) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (ProducerIds { asks: sender }, Asked { asks: receiver })
    }

    /// An id that no producer has had. `None` when the controller gives none: later it may.
    pub async fn next(&self) -> Option<ProducerId> {
        let (reply, id) = oneshot::channel();
        // Nobody gives any on a node that is no broker, or one that stops.
        self.asks.send(reply).await.ok()?;
        id.await.ok().flatten()
    }
}

/// Where blocks come from.
struct Source<R: Runtime> {
    rt: R,
    me: BrokerId,
    epoch: Arc<Snapshot<BrokerEpoch>>,
    way: Way<R>,
}

/// Gives out ids until nobody can ask any more.
pub fn start<R: Runtime>(rt: &R, me: BrokerId, epoch: Arc<Snapshot<BrokerEpoch>>, way: Way<R>, asked: Asked) {
    let source = Source { rt: rt.clone(), me, epoch, way };
    rt.spawn_detached("producer-ids", run(rt.clone(), source, asked.asks));
}

/// A source that comes back, with a block or without.
type Gone<R> = (Source<R>, Option<ProducerIdBlock>);

async fn run<R: Runtime>(rt: R, source: Source<R>, mut asks: mpsc::Receiver<Ask>) {
    let mut stock = Stock::default();
    let mut waiting: VecDeque<Ask> = VecDeque::new();
    let mut idle = Some(source);
    let mut asking: Option<R::Task<Gone<R>>> = None;
    loop {
        tokio::select! { biased;
            asked = async { asking.as_mut().expect("asked only while it is there").await }, if asking.is_some() => {
                let (source, block) = asked.expect("nobody aborts it");
                (asking, idle) = (None, Some(source));
                if !block.is_some_and(|block| stock.add(block)) {
                    for ask in waiting.drain(..) {
                        let _ = ask.send(None);
                    }
                }
            }
            ask = asks.recv(), if waiting.len() < WAITING_MAX => match ask {
                Some(ask) => waiting.push_back(ask),
                None => return,
            },
        }
        while let Some(ask) = waiting.pop_front() {
            let Some(id) = stock.take() else {
                waiting.push_front(ask);
                break;
            };
            // Whoever asked may have gone; the id is lost then.
            let _ = ask.send(Some(id));
        }
        if (!waiting.is_empty() || stock.is_short())
            && let Some(source) = idle.take()
        {
            asking = Some(rt.spawn("producer-block", source.ask()));
        }
    }
}

/// Ids at hand.
#[derive(Debug, Default)]
struct Stock {
    /// The first that has not been given out.
    next: i64,
    /// One past the last of the block that `next` is in.
    end: i64,
    /// How many the block had.
    size: i64,
    /// The block after this one.
    later: Option<ProducerIdBlock>,
}

impl Stock {
    fn take(&mut self) -> Option<ProducerId> {
        if self.next == self.end {
            let block = self.later.take()?;
            self.size = i64::from(block.size);
            (self.next, self.end) = (block.first.0, block.first.0 + self.size);
        }
        self.next += 1;
        Some(ProducerId(self.next - 1))
    }

    /// Whether the next block is to be asked for: not before there has been a first one.
    fn is_short(&self) -> bool {
        self.size > 0 && self.later.is_none() && (self.end - self.next) * LEFT_SHARE <= self.size
    }

    /// Takes a block, unless it is none that can be: ids are given once.
    fn add(&mut self, block: ProducerIdBlock) -> bool {
        let whole = block.size > 0 && block.first.0.checked_add(i64::from(block.size)).is_some();
        let new = whole && block.first.0 >= self.end && self.later.is_none();
        if new {
            self.later = Some(block);
        }
        new
    }
}

impl<R: Runtime> Source<R> {
    /// Asks once; after a failure it comes back when it may be asked again.
    async fn ask(mut self) -> Gone<R> {
        let block = self.block().await;
        if block.is_none() {
            self.way.missed();
            self.rt.sleep_until(self.rt.now() + PAUSE).await;
        }
        (self, block)
    }

    async fn block(&mut self) -> Option<ProducerIdBlock> {
        let epoch = *self.epoch.load();
        let link = match self.way.controller()? {
            Controller::Here(metadata) => {
                return metadata.allocate_producer_ids(self.me, epoch).await.ok();
            }
            Controller::There(link) => link,
        };
        let deadline: Instant = link.deadline(ANSWER_MAX);
        let request = AllocateProducerIdsRequest { broker_id: self.me.0, broker_epoch: epoch.0 };
        match link.call(0..=0, deadline, |_| Some(request)).await {
            Ok((_, response)) => block(&response),
            Err(error) => {
                debug!(?error, "the controller gives out no producer ids");
                None
            }
        }
    }
}

fn block(response: &AllocateProducerIdsResponse) -> Option<ProducerIdBlock> {
    let code = ErrorCode::from_code(response.error_code);
    if code != ErrorCode::None {
        debug!(%code, "the controller gives out no producer ids");
        return None;
    }
    (response.producer_id_start >= 0).then_some(ProducerIdBlock {
        first: ProducerId(response.producer_id_start),
        size: response.producer_id_len,
    })
}

#[cfg(test)]
#[path = "producer_ids_test.rs"]
mod tests;
