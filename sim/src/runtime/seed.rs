//! One seed, one fresh thread: what a thread remembers (hash keys, generators) never leaks from seed to seed.

use super::world::{World, WorldKnobs};
use crate::trace::TraceHash;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// A seed that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished<T> {
    /// What `main` returned.
    pub value: T,
    /// The hash over everything that happened.
    pub hash: TraceHash,
    /// Simulated nanoseconds that it took.
    pub sim_nanos: u64,
}

/// A seed that panicked: a failed assertion in the broker, in a checker or in the harness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedFailure {
    /// Which.
    pub seed: u64,
    /// The panic's message.
    pub message: String,
}

impl fmt::Display for SeedFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.message)
    }
}

impl std::error::Error for SeedFailure {}

/// Runs `main` in a new world on a thread of its own and waits for it. All machines are killed at the end.
/// A panic anywhere ends the seed; what was blocked then is leaked (a process per seed frees it).
pub fn run_seed<T, F, Fut>(seed: u64, knobs: WorldKnobs, main: F) -> Result<Finished<T>, SeedFailure>
where
    F: FnOnce(World) -> Fut + Send + 'static,
    Fut: Future<Output = T>,
    T: Send + 'static,
{
    let body = move || {
        let mut executor = madsim::runtime::Runtime::with_seed_and_config(seed, madsim::Config::default());
        if knobs.limit_s > 0 {
            executor.set_time_limit(Duration::from_secs(knobs.limit_s));
        }
        executor.block_on(async move {
            let world = World::new(seed, knobs);
            let value = main(world.clone()).await;
            let (hash, sim_nanos) = (world.hash(), world.now_nanos());
            world.end().await;
            Finished { value, hash, sim_nanos }
        })
    };
    std::thread::Builder::new()
        .name(format!("seed-{seed}"))
        .stack_size(16 << 20)
        .spawn(body)
        .expect("a thread for the seed")
        .join()
        .map_err(|panic| SeedFailure { seed, message: message_of(&*panic) })
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}
