//! The world: the suite that every runtime passes, births and deaths, clocks as processes see them.

use super::*;
use crate::trace::{Life, What};
use ::runtime::{Disk, Event, File, OpenMode, Runtime, Task, conformance};
use bytes::Bytes;
use model::time::{Duration, Instant};
use model::{BrokerEpoch, BrokerId};
use std::path::Path;
use std::sync::{Arc, Mutex};

const SECOND: u64 = 1_000_000_000;

fn run<T, F, Fut>(seed: u64, main: F) -> Finished<T>
where
    F: FnOnce(World) -> Fut + Send + 'static,
    Fut: Future<Output = T>,
    T: Send + 'static,
{
    run_seed(seed, WorldKnobs::default(), main).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn every_check_of_the_conformance_suite_passes() {
    for seed in 0..8 {
        run(seed, |world| async move {
            let node = world.node("b1");
            node.boot(|rt| async move { conformance::all(&rt).await });
            node.ended().await;
        });
    }
}

#[test]
fn a_panic_is_a_failure_of_its_seed() {
    let failure = run_seed(5, WorldKnobs::default(), |world| async move {
        let node = world.node("b1");
        node.boot(|_| async { panic!("an invariant broke") });
        node.ended().await;
    });
    assert_eq!(failure.unwrap_err().to_string(), "seed 5: an invariant broke");
}

#[test]
fn a_world_that_outlives_its_limit_fails() {
    let knobs = WorldKnobs { limit_s: 10, ..WorldKnobs::default() };
    let failure = run_seed(5, knobs, |world| async move { world.sleep(Duration::from_secs(20)).await });
    assert!(failure.unwrap_err().message.contains("time limit exceeded"));
}

/// Writes to its file when it is dropped: what a dead process must not do.
struct Testament(Option<SimRuntime>);

impl Drop for Testament {
    fn drop(&mut self) {
        let rt = self.0.take().expect("dropped once");
        rt.observe(Event::Connected);
        let own = rt.clone();
        rt.spawn_detached("ghost", async move {
            own.observe(Event::Disconnected);
            let file = own.disk().open(Path::new("ghost"), OpenMode::CreateNew).await;
            drop(file);
        });
    }
}

#[test]
fn a_killed_process_does_nothing_more() {
    run(1, |world| async move {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = heard.clone();
        world.subscribe(move |record| log.lock().unwrap().push(record.what.clone()));
        let node = world.node("b1");
        node.boot(|rt| async move {
            let _testament = Testament(Some(rt.clone()));
            std::future::pending::<()>().await;
        });
        world.sleep(Duration::from_secs(1)).await;
        node.kill();
        world.sleep(Duration::from_secs(1)).await;
        assert!(node.disk().live().files().next().is_none());
        let heard = heard.lock().unwrap().clone();
        assert_eq!(heard, [What::Process(Life::Booted), What::Process(Life::Killed)]);
    });
}

#[test]
fn a_subscriber_may_kill_whoever_speaks() {
    run(1, |world| async move {
        let node = world.node("b1");
        let (victim, count) = (node.clone(), Arc::new(Mutex::new(0)));
        let seen = count.clone();
        world.subscribe(move |record| {
            if let What::Event(Event::Started { .. }) = record.what {
                *seen.lock().unwrap() += 1;
                victim.kill();
            }
        });
        node.boot(|rt| async move {
            let file = rt.disk().open(Path::new("f"), OpenMode::CreateNew).await.unwrap();
            rt.observe(Event::Started { broker: BrokerId(1), epoch: BrokerEpoch(1) });
            // Dead by now: the code runs on to its next await and no further, and nothing that it does counts.
            rt.observe(Event::Started { broker: BrokerId(1), epoch: BrokerEpoch(1) });
            file.write_at(0, vec![Bytes::from_static(b"x")]).await.unwrap();
            unreachable!("a dead process came back from an await");
        });
        node.ended().await;
        world.sleep(Duration::from_secs(1)).await;
        assert_eq!(*count.lock().unwrap(), 1);
        assert_eq!(node.disk().live().files().next(), Some((Path::new("f"), 0)));
    });
}

#[test]
fn what_the_harness_does_upon_an_event_goes_on_without_the_process_that_it_is_about() {
    run(1, |world| async move {
        let node = world.node("b1");
        let (victim, within) = (node.clone(), world.clone());
        let healed = Arc::new(Mutex::new(0));
        let count = healed.clone();
        world.subscribe(move |record| {
            let What::Event(Event::Started { .. }) = record.what else { return };
            let (victim, within, count) = (victim.clone(), within.clone(), count.clone());
            victim.pause();
            within.clone().spawn(async move {
                within.sleep(Duration::from_millis(5)).await;
                victim.resume();
                *count.lock().unwrap() += 1;
            });
        });
        node.boot(|rt| async move {
            rt.observe(Event::Started { broker: BrokerId(1), epoch: BrokerEpoch(1) });
            std::future::pending().await
        });
        world.sleep(Duration::from_secs(1)).await;
        assert_eq!(*healed.lock().unwrap(), 1, "it was paused for ever");
    });
}

#[test]
fn a_machine_boots_again_and_again() {
    run(1, |world| async move {
        let node = world.node("b1");
        for incarnation in 1..50 {
            let booted = node.boot(move |rt| async move {
                assert_eq!(rt.incarnation(), incarnation);
                let own = rt.clone();
                let task = rt.spawn("sleeper", async move { own.sleep_until(Instant(u64::MAX)).await });
                if incarnation % 3 == 0 {
                    return;
                }
                task.await.unwrap();
            });
            assert_eq!(booted, incarnation);
            world.sleep(Duration::from_millis(1)).await;
            match incarnation % 3 {
                0 => assert!(!node.is_up(), "its main has returned"),
                1 => node.kill(),
                _ => node.power_loss(),
            }
        }
    });
}

#[test]
fn a_paused_process_stands_still_and_goes_on() {
    run(1, |world| async move {
        let node = world.node("b1");
        let ticks = Arc::new(Mutex::new(0));
        let count = ticks.clone();
        node.boot(move |rt| async move {
            loop {
                rt.sleep_until(rt.now() + Duration::from_millis(100)).await;
                *count.lock().unwrap() += 1;
            }
        });
        world.sleep(Duration::from_millis(1050)).await;
        let before = *ticks.lock().unwrap();
        assert_eq!(before, 10);
        node.pause();
        world.sleep(Duration::from_secs(10)).await;
        assert_eq!(*ticks.lock().unwrap(), before);
        node.resume();
        world.sleep(Duration::from_secs(1)).await;
        assert!((before + 10..=before + 11).contains(&*ticks.lock().unwrap()));
        node.pause();
        node.kill();
        world.sleep(Duration::from_secs(1)).await;
        assert!(!node.is_paused());
    });
}

#[test]
fn a_fast_clock_sleeps_short() {
    run(1, |world| async move {
        let node = world.node("b1");
        node.clock().set_drift_ppm(100_000);
        let (before, wall) = (world.now_nanos(), node.clock().wall_ms());
        node.boot(|rt| async move {
            let start = rt.now();
            rt.sleep_until(start + Duration::from_secs(11)).await;
            assert!(rt.now().since(start) >= Duration::from_secs(11));
        });
        node.ended().await;
        let took = world.now_nanos() - before;
        assert!((10 * SECOND..10 * SECOND + SECOND / 100).contains(&took), "{took}");
        assert!((11_000..11_010).contains(&(node.clock().wall_ms() - wall)));
    });
}

#[test]
fn a_clock_that_slows_down_sleeps_on() {
    run(1, |world| async move {
        let node = world.node("b1");
        node.boot(|rt| async move {
            let start = rt.now();
            rt.sleep_until(start + Duration::from_secs(10)).await;
            assert!(rt.now().since(start) >= Duration::from_secs(10));
        });
        world.sleep(Duration::from_secs(5)).await;
        node.clock().set_drift_ppm(-500_000);
        node.clock().jump_wall_ms(-3_600_000);
        node.ended().await;
        assert!(world.now_nanos() >= 15 * SECOND);
    });
}

#[test]
fn a_sleep_that_is_given_up_leaves_nothing_behind() {
    run(1, |world| async move {
        let node = world.node("b1");
        node.boot(|rt| async move {
            for _ in 0..1000 {
                let own = rt.clone();
                let task = rt.spawn("sleeper", async move {
                    own.sleep_until(own.now() + Duration::from_secs(3600)).await;
                });
                rt.sleep_until(rt.now() + Duration::from_micros(10)).await;
                task.abort();
            }
        });
        node.ended().await;
        world.sleep(Duration::from_millis(1)).await;
        assert!(world.shared.lock().agenda.len() < 10);
    });
}

#[test]
fn two_processes_never_share_an_origin_of_time() {
    run(1, |world| async move {
        let (a, b) = (world.node("a"), world.node("b"));
        assert!(a.clock().now() != b.clock().now());
        assert!(a.clock().wall_ms().abs_diff(b.clock().wall_ms()) <= 1);
    });
}
