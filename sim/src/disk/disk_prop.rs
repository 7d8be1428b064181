//! The crash contract as a property: after any history, a kill loses nothing, and a power loss leaves every byte,
//! length and name at a version that the contract allows. What was synced is at exactly one version.

use super::*;
use crate::runtime::{NodeHandle, SimRuntime, World, WorldKnobs, run_seed};
use ::runtime::{Disk, EntryKind, File, OpenMode, Runtime};
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One file is known by the eight bytes that it begins with; every test writes behind them.
const HEADER: u64 = 8;

#[derive(Clone, Debug)]
enum Step {
    Create { name: u8 },
    Write { name: u8, offset: u64, len: usize, fill: u8 },
    SetLen { name: u8, len: u64 },
    Sync { name: u8 },
    FailSync { name: u8 },
    SyncAll,
    Rename { from: u8, to: u8 },
    Remove { name: u8 },
    SyncDir,
    Kill,
    PowerLoss,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || 0..4u8;
    let step = prop_oneof![
        3 => name().prop_map(|name| Step::Create { name }),
        8 => (name(), HEADER..3000, 1..2500usize, 1..=255u8)
            .prop_map(|(name, offset, len, fill)| Step::Write { name, offset, len, fill }),
        2 => (name(), HEADER..3000).prop_map(|(name, len)| Step::SetLen { name, len }),
        4 => name().prop_map(|name| Step::Sync { name }),
        1 => name().prop_map(|name| Step::FailSync { name }),
        1 => Just(Step::SyncAll),
        3 => (name(), name()).prop_map(|(from, to)| Step::Rename { from, to }),
        2 => name().prop_map(|name| Step::Remove { name }),
        3 => Just(Step::SyncDir),
        1 => Just(Step::Kill),
        2 => Just(Step::PowerLoss),
    ];
    prop::collection::vec(step, 1..60)
}

/// A file's contents since its last good sync, oldest first; the last is what readers see.
type Versions = Vec<Vec<u8>>;

#[derive(Clone, Debug, Default)]
struct Model {
    /// By header.
    files: BTreeMap<u64, Versions>,
    tainted: BTreeSet<u64>,
    /// What each name stood for since the last good sync of the directory, oldest first.
    names: Vec<BTreeMap<String, u64>>,
    created: u64,
}

impl Model {
    fn live(&self) -> &BTreeMap<String, u64> {
        self.names.last().unwrap()
    }

    fn content(&mut self, id: u64, change: impl FnOnce(&mut Vec<u8>)) {
        let versions = self.files.get_mut(&id).unwrap();
        let mut next = versions.last().unwrap().clone();
        change(&mut next);
        versions.push(next);
    }

    fn rename(&mut self, change: impl FnOnce(&mut BTreeMap<String, u64>)) {
        let mut next = self.live().clone();
        change(&mut next);
        self.names.push(next);
    }

    fn synced(&mut self, id: u64) {
        if !self.tainted.contains(&id) {
            let versions = self.files.get_mut(&id).unwrap();
            *versions = vec![versions.pop().unwrap()];
        }
    }

    /// Everything found after a power loss is the truth from here on.
    fn restart(&mut self, found: &BTreeMap<String, Vec<u8>>) {
        let header = |content: &Vec<u8>| u64::from_le_bytes(content[..8].try_into().unwrap());
        self.files = found.values().map(|content| (header(content), vec![content.clone()])).collect();
        self.names = vec![found.iter().map(|(name, content)| (name.clone(), header(content))).collect()];
        self.tainted.clear();
    }

    /// Panics when a power loss may not leave this behind.
    fn check(&self, found: &BTreeMap<String, Vec<u8>>) {
        let mut seen = BTreeSet::new();
        for (name, content) in found {
            let id = u64::from_le_bytes(content[..8].try_into().unwrap());
            assert!(seen.insert(id), "{id} has two names");
            assert!(self.names.iter().any(|names| names.get(name) == Some(&id)), "{name} was never {id}");
            self.check_content(id, content);
        }
        // A name that stood for something throughout still does, and a file that always had a name has one.
        for name in self.names[0].keys() {
            let always = self.names.iter().all(|names| names.contains_key(name));
            assert!(!always || found.contains_key(name), "{name} is gone");
        }
        for id in self.names[0].values() {
            let always = self.names.iter().all(|names| names.values().any(|other| other == id));
            assert!(!always || seen.contains(id), "{id} is gone");
        }
    }

    fn check_content(&self, id: u64, content: &[u8]) {
        let versions = &self.files[&id];
        let lens: Vec<usize> = versions.iter().map(Vec::len).collect();
        assert!(lens.contains(&content.len()), "{id} has {} bytes, never {lens:?}", content.len());
        for (at, byte) in content.iter().enumerate() {
            let allowed = versions.iter().map(|version| version.get(at).copied().unwrap_or(0));
            assert!(allowed.clone().any(|one| one == *byte), "byte {at} of {id} was never {byte}");
        }
    }
}

/// The machine under test: its process, rebooted as needed.
struct Bench {
    node: NodeHandle,
    rt: SimRuntime,
    model: Model,
}

fn boot(node: &NodeHandle) -> SimRuntime {
    let mut runtime = None;
    node.boot(|rt| {
        runtime = Some(rt);
        std::future::pending()
    });
    runtime.unwrap()
}

impl Bench {
    async fn new(world: &World) -> Bench {
        let node = world.node("b1");
        let rt = boot(&node);
        rt.disk().create_dir(Path::new("d")).await.unwrap();
        rt.disk().sync_dir(Path::new("")).await.unwrap();
        let model = Model { names: vec![BTreeMap::new()], ..Model::default() };
        Bench { node, rt, model }
    }

    async fn open(&self, name: &str) -> SimFile {
        self.rt.disk().open(&Path::new("d").join(name), OpenMode::Write).await.unwrap()
    }

    async fn step(&mut self, step: &Step) {
        let name = |number: &u8| format!("n{number}");
        let known = |number: &u8| self.model.live().get(&name(number)).copied();
        match step {
            Step::Create { name: n } if known(n).is_none() => self.create(&name(n)).await,
            Step::Write { name: n, offset, len, fill } => {
                let Some(id) = known(n) else { return };
                let data = vec![*fill; *len];
                let (left, right) = data.split_at(len / 2);
                let parts = vec![Bytes::copy_from_slice(left), Bytes::copy_from_slice(right)];
                self.open(&name(n)).await.write_at(*offset, parts).await.unwrap();
                let (from, to) = (*offset as usize, *offset as usize + len);
                self.model.content(id, |content| {
                    content.resize(content.len().max(to), 0);
                    content[from..to].copy_from_slice(&data);
                });
            }
            Step::SetLen { name: n, len } => {
                let Some(id) = known(n) else { return };
                self.open(&name(n)).await.set_len(*len).await.unwrap();
                self.model.content(id, |content| content.resize(*len as usize, 0));
            }
            Step::Sync { name: n } => {
                let Some(id) = known(n) else { return };
                self.open(&name(n)).await.sync().await.unwrap();
                self.model.synced(id);
            }
            Step::FailSync { name: n } => {
                let Some(id) = known(n) else { return };
                let failure = NextFailure { op: DiskOp::Sync, path_contains: name(n) };
                self.node.disk().fail_next(failure);
                self.open(&name(n)).await.sync().await.unwrap_err();
                self.model.tainted.insert(id);
            }
            Step::SyncAll => {
                let mut files = Vec::new();
                for name in self.model.live().keys() {
                    files.push(self.open(name).await);
                }
                self.rt.disk().sync_many(files).await.unwrap();
                let all: Vec<u64> = self.model.live().values().copied().collect();
                all.into_iter().for_each(|id| self.model.synced(id));
            }
            Step::Rename { from, to } if from != to => {
                let Some(id) = known(from) else { return };
                let (from, to) = (name(from), name(to));
                let dir = Path::new("d");
                self.rt.disk().rename(&dir.join(&from), &dir.join(&to)).await.unwrap();
                self.model.rename(|names| {
                    names.remove(&from);
                    names.insert(to, id);
                });
            }
            Step::Remove { name: n } if known(n).is_some() => {
                self.rt.disk().remove_file(&Path::new("d").join(name(n))).await.unwrap();
                self.model.rename(|names| {
                    names.remove(&name(n));
                });
            }
            Step::SyncDir => {
                self.rt.disk().sync_dir(Path::new("d")).await.unwrap();
                self.model.names.drain(..self.model.names.len() - 1);
            }
            Step::Kill => {
                self.node.kill();
                self.rt = boot(&self.node);
            }
            Step::PowerLoss => {
                self.node.power_loss();
                let found = self.contents(&self.node.disk().durable());
                assert_eq!(found, self.contents(&self.node.disk().live()), "it is all on the device now");
                self.model.check(&found);
                self.model.restart(&found);
                self.rt = boot(&self.node);
            }
            _ => {}
        }
    }

    async fn create(&mut self, name: &str) {
        self.model.created += 1;
        let id = self.model.created;
        let file = self.rt.disk().open(&Path::new("d").join(name), OpenMode::CreateNew).await.unwrap();
        let header = id.to_le_bytes().to_vec();
        file.write_at(0, vec![Bytes::from(header.clone())]).await.unwrap();
        file.sync().await.unwrap();
        self.model.files.insert(id, vec![header]);
        self.model.rename(|names| {
            names.insert(name.to_owned(), id);
        });
    }

    /// Readers see what was written, always.
    async fn check_live(&self) {
        let mut found = BTreeMap::new();
        for entry in self.rt.disk().list(Path::new("d")).await.unwrap() {
            let file = self.open(&entry.name).await;
            let len = file.len().await.unwrap();
            assert_eq!(entry.kind, EntryKind::File { len });
            let content = file.read_at(0, len as usize + 10).await.unwrap().to_vec();
            found.insert(entry.name, content);
        }
        assert_eq!(found, self.contents(&self.node.disk().live()));
        let expected = self.model.live().iter();
        let last = |id: &u64| self.model.files[id].last().unwrap().clone();
        assert_eq!(found, expected.map(|(name, id)| (name.clone(), last(id))).collect());
    }

    fn contents(&self, snapshot: &Snapshot) -> BTreeMap<String, Vec<u8>> {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        snapshot.files().map(|(path, _)| (name(path), snapshot.read(path).unwrap().to_vec())).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_crash_leaves_what_the_contract_allows(seed in any::<u64>(), steps in steps()) {
        let mut knobs = WorldKnobs::default();
        // Small enough that the kernel sometimes writes back on its own.
        knobs.disk.dirty_bytes = 5000;
        let finished = run_seed(seed, knobs, move |world| async move {
            let mut bench = Bench::new(&world).await;
            for step in &steps {
                bench.step(step).await;
                bench.check_live().await;
            }
            bench.step(&Step::PowerLoss).await;
        });
        prop_assert!(finished.is_ok(), "{}", finished.unwrap_err());
    }
}
