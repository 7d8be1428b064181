//! Questions for offsets in partitions' logs, put to their shards, each answer with the place that it goes to.

use crate::context::Context;
use crate::shard::inbox::{ListOffsets, Listed, Listing, Message, OffsetQuery, Target};
use model::{LeaderEpoch, PartitionKey};
use protocol::ErrorCode;
use tokio::sync::oneshot;

/// What is to be asked. `P`: a place in an answer.
pub(super) struct OffsetQueries<P> {
    /// By the queries' slots.
    places: Vec<P>,
    by_shard: Vec<Vec<OffsetQuery>>,
}

impl<P: Copy> OffsetQueries<P> {
    pub(super) fn new(context: &Context) -> OffsetQueries<P> {
        let by_shard = (0..context.shards.count()).map(|_| Vec::new()).collect();
        OffsetQueries { places: Vec::new(), by_shard }
    }

    /// Asks for `target`, of the leader in `epoch`.
    pub(super) fn push(
        &mut self,
        context: &Context,
        place: P,
        partition: PartitionKey,
        epoch: LeaderEpoch,
        target: Target,
    ) {
        let slot = self.places.len();
        self.places.push(place);
        self.by_shard[context.shards.of(partition)].push(OffsetQuery { slot, partition, epoch, target });
    }

    /// The answers. What a shard that is gone was asked has none.
    pub(super) async fn ask(self, context: &Context) -> Vec<(P, Result<Listing, ErrorCode>)> {
        let mut awaited = Vec::new();
        for (shard, parts) in self.by_shard.into_iter().enumerate().filter(|(_, parts)| !parts.is_empty()) {
            let (reply, answer) = oneshot::channel();
            context.shards.send(shard, Message::ListOffsets(ListOffsets { parts, reply })).await;
            awaited.push(answer);
        }
        let mut answers = Vec::with_capacity(self.places.len());
        for answer in awaited {
            let listed = answer.await.unwrap_or_default();
            answers.extend(listed.into_iter().map(|Listed { slot, result }| (self.places[slot], result)));
        }
        answers
    }
}
