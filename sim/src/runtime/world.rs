//! The world as the harness holds it: machines to boot and to kill, and what happened to them.

use super::process::{SimRuntime, SimTask};
use super::sleep::TrueSleep;
use super::state::{Locked, Machine};
use super::{Agenda, Due, Process, State};
use crate::clock::Clock;
use crate::disk::{DiskControl, DiskKnobs, DiskState};
use crate::net::{Fabric, NetControl, NetKnobs};
use crate::random::Stream;
use crate::trace::{Life, Record, Roll, TraceHash, What};
use madsim::runtime::Handle;
use madsim::time::TimeHandle;
use model::time::{Duration, Instant};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

/// A machine, numbered from 1 in the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// No machine: the world itself.
    pub const WORLD: NodeId = NodeId(0);
}

/// How a world begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorldKnobs {
    /// Its network.
    pub net: NetKnobs,
    /// The disk of every machine.
    pub disk: DiskKnobs,
    /// What a wall clock without skew says when the world begins, in milliseconds since the epoch.
    pub wall_start_ms: i64,
    /// Simulated seconds after which the seed fails; 0 means never.
    pub limit_s: u64,
}

impl Default for WorldKnobs {
    fn default() -> WorldKnobs {
        WorldKnobs {
            net: NetKnobs::default(),
            disk: DiskKnobs::default(),
            wall_start_ms: 1_767_225_600_000,
            limit_s: 0,
        }
    }
}

/// A simulated world. Cheap to clone; every clone is the same world.
#[derive(Clone)]
pub struct World {
    pub(crate) shared: Arc<Shared>,
}

/// madsim keeps a stub of every task ever spawned until its tasks are counted; so often, in turns of the pump.
const PRUNE_ROUNDS: u64 = 1 << 16;

pub(crate) type Subscriber = Box<dyn FnMut(&Record) + Send>;

pub(crate) struct Shared {
    state: Mutex<State>,
    subscribers: Mutex<Vec<Subscriber>>,
    executor: Handle,
    /// Where no machine is, and nothing is paused or killed.
    outside: madsim::runtime::NodeHandle,
    /// Tasks of the harness itself, to be stopped when the world ends.
    own_tasks: Mutex<Vec<madsim::task::AbortHandle>>,
}

impl Shared {
    pub(crate) fn lock(&self) -> Locked<'_> {
        // A poisoned lock means that a panic is already ending this seed: Drop code on its way out may go on.
        let guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { guard: Some(guard), shared: self }
    }

    /// Shows subscribers what is new. A subscriber that causes more records sees them after it has returned.
    pub(super) fn tell(&self) {
        let Ok(mut subscribers) = self.subscribers.try_lock() else { return };
        loop {
            let record = self.state.lock().unwrap_or_else(PoisonError::into_inner).records.pop_front();
            let Some(record) = record else { return };
            for subscriber in subscribers.iter_mut() {
                subscriber(&record);
            }
        }
    }
}

impl World {
    /// A world without machines. Must be called on a madsim runtime: `run_seed` does it.
    pub(crate) fn new(seed: u64, knobs: WorldKnobs) -> World {
        let executor = Handle::current();
        let outside = executor.get_node(madsim::plugin::node()).expect("the node that this runs on");
        let state = State {
            seed,
            knobs,
            agenda: Agenda::new(TimeHandle::current()),
            net: Fabric::new(seed, knobs.net),
            machines: Vec::new(),
            by_name: BTreeMap::new(),
            by_ip: BTreeMap::new(),
            roll: Roll::default(),
            watch_wire: false,
            records: VecDeque::new(),
            wakes: Vec::new(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            subscribers: Mutex::new(Vec::new()),
            executor,
            outside,
            own_tasks: Mutex::new(Vec::new()),
        };
        let world = World { shared: Arc::new(shared) };
        let pumped = world.clone();
        world.spawn(async move { pumped.pump().await });
        world
    }

    /// The machine of this name, created when there is none. Its address is 10.0.0.n in order of creation.
    pub fn node(&self, name: &str) -> NodeHandle {
        let mut state = self.shared.lock();
        if let Some(id) = state.by_name.get(name) {
            return NodeHandle { world: self.clone(), id: *id };
        }
        let id = NodeId(state.machines.len() as u32 + 1);
        assert!(id.0 < 1 << 16, "more machines than addresses");
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, (id.0 >> 8) as u8, id.0 as u8));
        // A machine has been up for a while: no two processes share an origin of time.
        let up = Stream::new(state.seed, &format!("clock/{name}")).between(1_000_000_000, 1 << 50);
        let machine = Machine {
            name: name.to_owned(),
            ip,
            clock: Clock::new(Instant(up), state.knobs.wall_start_ms),
            disk: DiskState::new(state.seed, name, state.knobs.disk),
            incarnation: 0,
            alive: false,
            powered: false,
            power_cuts: 0,
            paused: false,
            executor: None,
            mourners: Vec::new(),
        };
        state.machines.push(machine);
        state.by_name.insert(name.to_owned(), id);
        state.by_ip.insert(ip, id);
        drop(state);
        NodeHandle { world: self.clone(), id }
    }

    /// All machines, in order of creation.
    pub fn nodes(&self) -> Vec<NodeHandle> {
        let count = self.shared.lock().machines.len() as u32;
        (1..=count).map(|id| NodeHandle { world: self.clone(), id: NodeId(id) }).collect()
    }

    /// The machine of this number. Panics when there is none.
    pub fn node_by_id(&self, id: NodeId) -> NodeHandle {
        assert!(id.0 >= 1 && (id.0 as usize) <= self.shared.lock().machines.len(), "no such machine: {id:?}");
        NodeHandle { world: self.clone(), id }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.shared.lock().seed
    }

    /// The stream of randomness of this name.
    pub fn stream(&self, name: &str) -> Stream {
        Stream::new(self.seed(), name)
    }

    /// True time: nanoseconds since the world began.
    pub fn now_nanos(&self) -> u64 {
        self.shared.lock().agenda.now()
    }

    /// Sleeps on the true clock.
    pub async fn sleep(&self, for_: Duration) {
        let at = self.now_nanos().saturating_add(u64::try_from(for_.as_nanos()).unwrap_or(u64::MAX));
        self.sleep_until(at).await;
    }

    /// Sleeps until a true time, in nanoseconds since the world began.
    pub async fn sleep_until(&self, at_nanos: u64) {
        TrueSleep { shared: self.shared.clone(), at_nanos, key: None }.await;
    }

    /// Runs a task of the harness, which no fault touches, whoever's event it was spawned upon. It is stopped when the world
    /// ends.
    pub fn spawn<F>(&self, future: F) -> SimTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let handle = self.shared.outside.spawn(future);
        let mut tasks = self.shared.own_tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(handle.abort_handle());
        SimTask::new(handle)
    }

    /// Shows every record from now on to `subscriber`, outside the world's lock and at the instant it is made.
    /// It may call anything here, `kill` included, except `subscribe`.
    pub fn subscribe(&self, subscriber: impl FnMut(&Record) + Send + 'static) {
        let mut subscribers = self.shared.subscribers.try_lock().expect("a subscriber may not subscribe");
        subscribers.push(Box::new(subscriber));
    }

    /// Whether every segment's fate becomes a record. Off by default: it is for stories, and changes the hash.
    pub fn watch_wire(&self, on: bool) {
        self.shared.lock().watch_wire = on;
    }

    /// Puts a remark of the harness into the trace.
    pub fn note(&self, text: impl Into<String>) {
        self.shared.lock().record(NodeId::WORLD, What::Note(text.into()));
    }

    /// The hash over everything so far.
    pub fn hash(&self) -> TraceHash {
        self.shared.lock().roll.value()
    }

    /// The network's controls.
    pub fn net(&self) -> NetControl {
        NetControl::new(self.clone())
    }

    /// Kills every process, stops every task of the harness, forgets everything under way, and gives madsim the
    /// time to drop what was blocked: without it a thread that runs many seeds would leak them.
    pub(crate) async fn end(&self) {
        for node in self.nodes() {
            node.kill();
        }
        let tasks =
            std::mem::take(&mut *self.shared.own_tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            task.abort();
        }
        self.shared.subscribers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let items = self.shared.lock().agenda.clear();
        drop(items);
        let connections = self.shared.lock().net_clear();
        drop(connections);
        madsim::time::sleep(Duration::from_millis(10)).await;
        let left = self.shared.executor.metrics().num_tasks();
        assert_eq!(
            left,
            0,
            "tasks outlived their process:\n{:?}",
            self.shared.executor.metrics().num_tasks_by_node()
        );
    }

    async fn pump(&self) {
        let mut rounds = 0u64;
        poll_fn::<(), _>(|cx| {
            rounds += 1;
            if rounds.is_multiple_of(PRUNE_ROUNDS) {
                self.shared.executor.metrics().num_tasks();
            }
            let mut state = self.shared.lock();
            while let Some(due) = state.agenda.pop_due() {
                match due {
                    Due::Wake(waker) => state.wakes.push(waker),
                    Due::Net(due) => state.net_due(due),
                    Due::Disk(node, op) => state.disk_due(node, op),
                }
            }
            state.agenda.sleep(cx.waker());
            Poll::Pending
        })
        .await;
    }
}

/// One machine of a world.
#[derive(Clone)]
pub struct NodeHandle {
    world: World,
    id: NodeId,
}

impl NodeHandle {
    /// Its number.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.world.shared.lock().machine(self.id).name.clone()
    }

    /// Its address.
    pub fn ip(&self) -> IpAddr {
        self.world.shared.lock().machine(self.id).ip
    }

    /// Starts a process: `main` gets its Runtime and the process exits when the future ends. Switches the machine
    /// on when it was off. Panics when a process is running: kill it first. Returns the incarnation, from 1.
    pub fn boot<F, Fut>(&self, main: F) -> u32
    where
        F: FnOnce(SimRuntime) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let executor = &self.world.shared.executor;
        let mut state = self.world.shared.lock();
        let machine = state.machine_mut(self.id);
        assert!(!machine.alive, "{} runs already", machine.name);
        machine.incarnation += 1;
        machine.alive = true;
        machine.powered = true;
        let incarnation = machine.incarnation;
        let spawner = match machine.executor {
            // madsim's `restart` after its `kill`: without that it leaves zombies (and no socket of its own is used).
            Some(id) => {
                executor.restart(id);
                executor.get_node(id).expect("madsim knows it")
            }
            None => {
                let spawner = executor.create_node().name(machine.name.clone()).build();
                machine.executor = Some(spawner.id());
                spawner
            }
        };
        state.record(self.id, What::Process(Life::Booted));
        drop(state);
        let process = Process { shared: self.world.shared.clone(), node: self.id, incarnation };
        let node = self.clone();
        let future = main(SimRuntime::new(process.clone(), spawner.clone()));
        spawner.spawn(async move {
            future.await;
            if process.lives() {
                node.end(Life::Exited);
            }
        });
        incarnation
    }

    /// Kills the process as by SIGKILL: its connections are reset, its page cache stays. Nothing if none runs.
    pub fn kill(&self) {
        self.end(Life::Killed);
    }

    /// Cuts the machine's power: the process dies, its peers hear nothing, and of what was not synced the seed
    /// decides what is kept, dropped or torn. Also takes the page cache of a machine whose process died before.
    pub fn power_loss(&self) {
        self.end(Life::PowerLost);
    }

    /// Stops the process in its tracks. Its kernel goes on: connections are accepted and data acknowledged.
    pub fn pause(&self) {
        let mut state = self.world.shared.lock();
        let machine = state.machine_mut(self.id);
        if let (true, false, Some(id)) = (machine.alive, machine.paused, machine.executor) {
            machine.paused = true;
            state.record(self.id, What::Process(Life::Paused));
            self.world.shared.executor.pause(id);
        }
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        let mut state = self.world.shared.lock();
        let machine = state.machine_mut(self.id);
        if let (true, true, Some(id)) = (machine.alive, machine.paused, machine.executor) {
            machine.paused = false;
            state.record(self.id, What::Process(Life::Resumed));
            self.world.shared.executor.resume(id);
        }
    }

    /// Whether a process runs (a paused one included).
    pub fn is_up(&self) -> bool {
        self.world.shared.lock().machine(self.id).alive
    }

    /// Whether the process is paused.
    pub fn is_paused(&self) -> bool {
        self.world.shared.lock().machine(self.id).paused
    }

    /// Number of the latest process, from 1; 0 before the first boot.
    pub fn incarnation(&self) -> u32 {
        self.world.shared.lock().machine(self.id).incarnation
    }

    /// Completes when no process runs.
    pub async fn ended(&self) {
        poll_fn(|cx| {
            let mut state = self.world.shared.lock();
            let machine = state.machine_mut(self.id);
            if !machine.alive {
                return Poll::Ready(());
            }
            machine.mourners.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The disk's controls and contents.
    pub fn disk(&self) -> DiskControl {
        DiskControl::new(self.world.clone(), self.id)
    }

    /// The clocks' controls.
    pub fn clock(&self) -> ClockControl {
        ClockControl { world: self.world.clone(), id: self.id }
    }

    /// Fence first: madsim drops the dead process's futures later and in random order, and their Drop code runs.
    fn end(&self, life: Life) {
        let mut state = self.world.shared.lock();
        let machine = state.machine(self.id);
        let (alive, powered, executor) = (machine.alive, machine.powered, machine.executor);
        if !(alive || life == Life::PowerLost && powered) {
            return;
        }
        state.end_process(self.id, life);
        drop(state);
        if let (true, Some(id)) = (alive, executor) {
            self.world.shared.executor.kill(id);
        }
    }
}

/// The controls of one machine's clocks.
pub struct ClockControl {
    world: World,
    id: NodeId,
}

impl ClockControl {
    /// From now on the machine's clocks run faster by this many parts per million (slower when negative).
    pub fn set_drift_ppm(&self, drift_ppm: i32) {
        let mut state = self.world.shared.lock();
        let now = state.agenda.now();
        state.machine_mut(self.id).clock.set_drift(now, drift_ppm);
    }

    /// Moves the wall clock, either way.
    pub fn jump_wall_ms(&self, by_ms: i64) {
        self.world.shared.lock().machine_mut(self.id).clock.jump_wall(by_ms);
    }

    /// What the machine's wall clock says, in milliseconds since the epoch.
    pub fn wall_ms(&self) -> i64 {
        let state = self.world.shared.lock();
        state.machine(self.id).clock.wall_ms(state.agenda.now())
    }

    /// What its monotonic clock says.
    pub fn now(&self) -> Instant {
        let state = self.world.shared.lock();
        state.machine(self.id).clock.now(state.agenda.now())
    }
}
