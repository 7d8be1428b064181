//! The hash: the published value of FNV-1a, and that every field of a record counts.

use super::*;

#[test]
fn the_hash_is_fnv_1a() {
    let mut roll = Roll::default();
    roll.write(b"foobar");
    // From the FNV authors' test vectors for the 128-bit variant.
    assert_eq!(roll.value().to_string(), "343e1662793c64bf6f0d3597ba446f18");
}

#[test]
fn every_field_of_a_record_counts() {
    let record = Record { at_nanos: 1, node: NodeId(1), incarnation: 1, what: What::Process(Life::Booted) };
    let hash = |record: &Record| {
        let mut roll = Roll::default();
        roll.add(record);
        roll.value()
    };
    let all = [
        hash(&record),
        hash(&Record { at_nanos: 2, ..record.clone() }),
        hash(&Record { node: NodeId(2), ..record.clone() }),
        hash(&Record { incarnation: 2, ..record.clone() }),
        hash(&Record { what: What::Process(Life::Killed), ..record.clone() }),
        hash(&Record { what: What::Note("Booted".into()), ..record }),
    ];
    for (i, one) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|other| other != one), "record {i}");
    }
}
