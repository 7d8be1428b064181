//! Where the replicas of a new topic go: round robin over the brokers, from a drawn start.
//!
//! Leaders and followers walk the same circle of unfenced brokers, one step per partition, so that both are spread
//! evenly; fenced brokers are taken only when there are not enough others, and never first. Racks are not
//! considered yet.

use crate::assignment::is_active;
use crate::decision::{Reason, Refusal};
use crate::image::ClusterImage;
use model::BrokerId;

/// The replicas of `partitions` partitions, preferred leader first; of each partition one at least is available.
/// `start` is a draw.
pub(crate) fn place(
    image: &ClusterImage,
    partitions: usize,
    replication_factor: i16,
    start: u64,
) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    let usable: Vec<_> = image.brokers().filter(|broker| broker.takes_replicas()).collect();
    let (fenced, unfenced): (Vec<_>, Vec<_>) = usable.iter().partition(|broker| broker.fenced);
    let refuse = |why: String| {
        let message = format!("Unable to replicate the partition {replication_factor} time(s): {why}");
        Err(Refusal::new(Reason::InvalidReplicationFactor, message))
    };
    if unfenced.is_empty() {
        return refuse(
            "All brokers are currently fenced, or have all their log directories cordoned.".to_owned(),
        );
    }
    if replication_factor as usize > usable.len() {
        return refuse(format!(
            "The target replication factor of {replication_factor} cannot be reached because only {} broker(s) \
             are registered or some brokers have all their log directories cordoned.",
            usable.len()
        ));
    }
    // Followers shift against leaders by one after every full circle, so that a broker's partitions have not all
    // the same followers.
    let circle = |at: usize, of: &[&&std::sync::Arc<crate::broker::Broker>]| of[at % of.len()].id;
    let start = (start % unfenced.len() as u64) as usize;
    let row = |partition: usize| -> Vec<BrokerId> {
        let first = start + partition;
        let shift = partition / unfenced.len();
        let others = unfenced.len() - 1;
        let followers = (0..others).map(|step| circle(first + 1 + (step + shift) % others, &unfenced));
        let reserve = (0..fenced.len()).map(|step| circle(partition + step, &fenced));
        let all = std::iter::once(circle(first, &unfenced)).chain(followers).chain(reserve);
        all.take(replication_factor as usize).collect()
    };
    let placed: Vec<_> = (0..partitions).map(row).collect();
    if placed.iter().any(|replicas| !replicas.iter().any(|id| is_active(image, *id))) {
        return refuse("All brokers are currently fenced or in controlled shutdown.".to_owned());
    }
    Ok(placed)
}
