//! One flipped bit in a stored batch is damage, whatever it hits.

use super::*;
use model::{LeaderEpoch, Timestamp};
use records::batch::BatchBuilder;
use records::metadata::FeatureLevelRecord;

fn stored() -> Bytes {
    let record = FeatureLevelRecord { name: "metadata.version".into(), feature_level: 29 };
    let mut batch = BatchBuilder::new(Offset(5), LeaderEpoch(2));
    let value = MetadataRecord::FeatureLevel(record).encode().expect("a record that fits");
    batch.push(Timestamp(1), None, Some(&value));
    batch.build()
}

#[test]
fn a_batch_is_its_records() {
    let batch = decode(Offset(5), &stored()).expect("a whole batch");
    assert_eq!((batch.base, batch.end, batch.records.len()), (Offset(5), Offset(6), 1));
}

#[test]
fn a_flipped_bit_is_told() {
    let stored = stored();
    // The checksum covers everything behind itself: attributes, counts, records.
    for at in 21..stored.len() {
        let mut rotten = stored.to_vec();
        rotten[at] ^= 1;
        assert!(decode(Offset(5), &Bytes::from(rotten)).is_err(), "byte {at}");
    }
}
