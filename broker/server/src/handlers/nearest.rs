//! Which replica a consumer had better fetch from: one that stands in its rack (KIP-392).

use controller::ClusterImage;
use model::{BrokerId, Offset};
use std::cmp::Reverse;

/// Of the followers that could serve a consumer in `rack` the one there that is furthest; none where none is there, or the
/// leader is there itself.
pub(super) fn nearest(
    image: &ClusterImage,
    leader: BrokerId,
    rack: &str,
    followers: &[(BrokerId, Offset)],
) -> Option<BrokerId> {
    let is_there = |id: BrokerId| {
        let broker = image.broker(id).filter(|broker| !broker.fenced);
        broker.is_some_and(|broker| broker.rack.as_deref() == Some(rack))
    };
    if followers.is_empty() || is_there(leader) {
        return None;
    }
    let there = followers.iter().filter(|(id, _)| is_there(*id));
    there.max_by_key(|(id, end)| (*end, Reverse(*id))).map(|(id, _)| *id)
}

#[cfg(test)]
#[path = "nearest_test.rs"]
mod tests;
