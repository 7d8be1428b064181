//! Simpler scenarios are scenarios, differ, and come to an end.

use super::*;
use crate::scenario::distribution::Distribution;

fn scenarios() -> impl Iterator<Item = Scenario> {
    let text = include_str!("../../../scenarios/crash_after_a_checkpoint.toml");
    let distribution = Distribution::from_toml(text).expect("a distribution");
    (0..10).map(move |seed| distribution.draw(seed))
}

#[test]
fn each_is_another_scenario_judged_by_the_same() {
    for scenario in scenarios() {
        let found = simpler(&scenario);
        assert!(found.len() > 10);
        for (what, simpler) in found {
            assert_ne!(simpler, scenario, "{what}");
            assert_eq!(simpler.validate(), Ok(()), "{what}");
            let judged = |s: &Scenario| (s.quiesce_ms, s.budget, s.seed, s.expected.clone(), s.clients.len());
            assert_eq!(judged(&simpler), judged(&scenario), "{what}");
        }
    }
}

#[test]
fn whatever_is_accepted_there_is_an_end() {
    for (n, mut scenario) in scenarios().enumerate() {
        let mut steps = 0;
        loop {
            let mut found = simpler(&scenario);
            if found.is_empty() {
                break;
            }
            steps += 1;
            assert!(steps < 5000, "no end after {steps}");
            scenario = found.swap_remove((steps * 7 + n) % found.len()).1;
        }
        let plain = |client: &crate::scenario::ClientSpec| match &client.kind {
            ClientKind::Producer { in_flight, codecs, .. } => *in_flight == 1 && codecs[..] == [Codec::None],
            _ => true,
        };
        assert!(scenario.clients.iter().all(plain));
        assert_eq!((scenario.net, scenario.knobs.shards), (NetKnobs::default(), 1));
    }
}
