//! What is done to a log that is compared with a list of batches, and how it is configured.

use crate::LogConfig;
use proptest::prelude::*;

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Append {
        batches: Vec<(u8, u16, i16, i8)>,
        epoch_up: bool,
    },
    /// With so much space left for the round's checkpoint.
    Sync {
        room: Option<u16>,
    },
    SyncDuringAppend,
    FailedSync,
    /// With so much space left, and so many names.
    Full {
        room: u16,
        names: Option<u8>,
    },
    Roll,
    Checkpoint,
    Truncate {
        back: u16,
        room: Option<u16>,
    },
    Trim {
        share: u8,
    },
    CrashInTrim {
        share: u8,
        after: u8,
        cut: Option<u64>,
    },
    StartOver {
        at: i16,
        room: Option<u16>,
    },
    CrashInStartOver {
        at: i16,
        after: u8,
        again: Option<u8>,
        cut: Option<u64>,
    },
    Kill,
    PowerLoss {
        seed: u64,
    },
    CleanRestart,
    CrashInRecovery {
        after: u8,
        seed: u64,
    },
    Read {
        from: u16,
        max_bytes: u16,
        at_least_one: bool,
    },
    Search {
        timestamp: i16,
    },
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cut = || prop::option::of(0u64..1000);
    // Bytes that a full disk still takes.
    let room = || prop::option::weighted(0.3, prop_oneof![Just(0u16), 0u16..200]);
    // Records, bytes of each, timestamp, producer.
    let batch = (1u8..4, 0u16..900, -1i16..500, -1i8..4);
    let append = || {
        (prop::collection::vec(batch.clone(), 1..4), prop::bool::weighted(0.1))
            .prop_map(|(batches, epoch_up)| Step::Append { batches, epoch_up })
    };
    let step = prop_oneof![
        6 => append(),
        3 => room().prop_map(|room| Step::Sync { room }),
        1 => Just(Step::SyncDuringAppend),
        1 => Just(Step::FailedSync),
        1 => (any::<u16>(), prop::option::of(0u8..4)).prop_map(|(room, names)| Step::Full { room: room % 2000, names }),
        1 => Just(Step::Roll),
        2 => Just(Step::Checkpoint),
        1 => (any::<u16>(), room()).prop_map(|(back, room)| Step::Truncate { back: back % 12, room }),
        1 => any::<u8>().prop_map(|share| Step::Trim { share }),
        1 => (any::<u8>(), 0u8..12, cut()).prop_map(|(share, after, cut)| Step::CrashInTrim { share, after, cut }),
        1 => (-20i16..40, room()).prop_map(|(at, room)| Step::StartOver { at, room }),
        1 => (-20i16..40, 0u8..30, prop::option::of(0u8..20), cut())
            .prop_map(|(at, after, again, cut)| Step::CrashInStartOver { at, after, again, cut }),
        1 => Just(Step::Kill),
        2 => any::<u64>().prop_map(|seed| Step::PowerLoss { seed: seed % 1000 }),
        1 => Just(Step::CleanRestart),
        2 => (any::<u8>(), any::<u64>()).prop_map(|(after, seed)| Step::CrashInRecovery { after, seed: seed % 1000 }),
        2 => (any::<u16>(), 0u16..4000, any::<bool>())
            .prop_map(|(from, max_bytes, at_least_one)| Step::Read { from, max_bytes, at_least_one }),
        1 => (-1i16..520).prop_map(|timestamp| Step::Search { timestamp }),
    ];
    prop::collection::vec(step, 1..40)
}

pub(super) fn configs() -> impl Strategy<Value = LogConfig> {
    (400u32..6000, 1i64..600, prop_oneof![Just(0u32), 1u32..2000, Just(4096)], 36u32..400).prop_map(
        |(segment_bytes, segment_ms, index_interval_bytes, segment_index_bytes)| LogConfig {
            segment_bytes,
            segment_ms,
            index_interval_bytes,
            segment_index_bytes,
            producers: true,
        },
    )
}
