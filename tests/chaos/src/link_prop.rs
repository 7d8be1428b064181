//! Whatever is done to a link: order is kept, nothing comes out while it is cut or before its time, and what is under way is
//! bounded and accounted for.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Offer { bytes: usize, loss: u32, jitter: u32 },
    Set { cut: bool, delay_ms: u64, jitter_ms: u64, rate: u32, loss_ppm: u32 },
    Wait { us: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (4usize..200_000, 0..MILLION, 0..MILLION)
            .prop_map(|(bytes, loss, jitter)| Step::Offer { bytes, loss, jitter }),
        1 => (any::<bool>(), 0u64..200, 0u64..50, 0u32..10_000_000, 0u32..500_000)
            .prop_map(|(cut, delay_ms, jitter_ms, rate, loss_ppm)| Step::Set { cut, delay_ms, jitter_ms, rate, loss_ppm }),
        3 => (0u64..100_000).prop_map(|us| Step::Wait { us }),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn order_is_kept_and_nothing_passes_a_cut(steps in steps()) {
        let mut link = Link::default();
        let mut condition = Condition::default();
        let mut now = Duration::ZERO;
        // Number, size and earliest time of what must come out, in order.
        let mut expected: VecDeque<(u32, usize, Duration)> = VecDeque::new();
        for (number, step) in (0u32..).zip(steps) {
            match step {
                Step::Offer { bytes, loss, jitter } => {
                    let mut packet = vec![0; bytes];
                    packet[..4].copy_from_slice(&number.to_be_bytes());
                    let under_way: usize = expected.iter().map(|(_, bytes, _)| bytes).sum();
                    let offered = link.offer(now, &packet, Luck { loss, jitter });
                    let due = match (condition.cut, loss < condition.loss_ppm) {
                        (true, _) => Offered::Cut,
                        (_, true) => Offered::Lost,
                        _ if under_way + bytes > QUEUE_BYTES_MAX => Offered::Full,
                        _ => Offered::Taken,
                    };
                    prop_assert_eq!(offered, due);
                    if offered == Offered::Taken {
                        expected.push_back((number, bytes, now + condition.delay));
                    }
                }
                Step::Set { cut, delay_ms, jitter_ms, rate, loss_ppm } => {
                    let rate = NonZeroU32::new(rate);
                    let (delay, jitter) = (Duration::from_millis(delay_ms), Duration::from_millis(jitter_ms));
                    condition = Condition { cut, delay, jitter, rate, loss_ppm };
                    link.set(now, condition);
                    if cut {
                        expected.clear();
                    }
                    // A new condition counts for what is under way.
                    expected.iter_mut().for_each(|(_, _, earliest)| *earliest = now.min(*earliest));
                }
                Step::Wait { us } => now += Duration::from_micros(us),
            }
            while let Some(packet) = link.due(now) {
                prop_assert!(!condition.cut);
                let number = u32::from_be_bytes(packet[..4].try_into().expect("four bytes"));
                let (first, bytes, earliest) = expected.pop_front().expect("it was taken");
                prop_assert_eq!((number, packet.len()), (first, bytes));
                prop_assert!(earliest <= now);
            }
        }
        // Healed, it keeps nothing back.
        link.set(now, Condition::default());
        let left = std::iter::from_fn(|| link.due(now)).count();
        prop_assert_eq!(left, expected.len());
    }
}
