//! What the property can't say: that every kind of loss does happen, and what each fault looks like.

use super::*;
use crate::net::Latency;
use crate::runtime::{NodeHandle, SimRuntime, World, WorldKnobs, run_seed};
use ::runtime::{Disk, DiskErrorKind, File, OpenMode, Runtime};
use bytes::Bytes;
use model::time::Duration;
use std::collections::BTreeSet;
use std::path::Path;
use tokio::sync::oneshot;

fn boot(node: &NodeHandle) -> SimRuntime {
    let mut runtime = None;
    node.boot(|rt| {
        runtime = Some(rt);
        std::future::pending()
    });
    runtime.unwrap()
}

fn run<T, F, Fut>(seed: u64, main: F) -> T
where
    F: FnOnce(World, NodeHandle, SimRuntime) -> Fut + Send + 'static,
    Fut: Future<Output = T>,
    T: Send + 'static,
{
    let finished = run_seed(seed, WorldKnobs::default(), |world| async move {
        let node = world.node("b1");
        let rt = boot(&node);
        main(world, node, rt).await
    });
    finished.unwrap_or_else(|failure| panic!("{failure}")).value
}

fn path(name: &str) -> &Path {
    Path::new(name)
}

async fn create(rt: &SimRuntime, name: &str, content: &[u8]) -> SimFile {
    let file = rt.disk().open(path(name), OpenMode::CreateNew).await.unwrap();
    write(&file, 0, content).await;
    file
}

async fn write(file: &SimFile, offset: u64, content: &[u8]) {
    file.write_at(offset, vec![Bytes::copy_from_slice(content)]).await.unwrap();
}

/// Creates a file whose content and name are durable.
async fn durable(rt: &SimRuntime, name: &str, content: &[u8]) -> SimFile {
    let file = create(rt, name, content).await;
    file.sync().await.unwrap();
    rt.disk().sync_dir(path("")).await.unwrap();
    file
}

/// Every outcome that `story` has over many seeds.
fn outcomes<F, Fut>(story: F) -> BTreeSet<String>
where
    F: Fn(NodeHandle, SimRuntime) -> Fut + Copy + Send + 'static,
    Fut: Future<Output = String>,
{
    (0..150).map(|seed| run(seed, move |_, node, rt| story(node, rt))).collect()
}

fn set(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|one| (*one).to_owned()).collect()
}

/// The content after a power loss, one letter per sector; `-` when there is no such file.
fn sectors(node: &NodeHandle, name: &str) -> String {
    node.power_loss();
    let letter = |sector: &[u8]| if sector[0] == 0 { '0' } else { sector[0] as char };
    let content = node.disk().durable().read(path(name));
    content.map_or("-".to_owned(), |content| content.chunks(512).map(letter).collect())
}

#[test]
fn unsynced_sectors_are_kept_dropped_and_torn_in_every_way() {
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", &[b'a'; 1536]).await;
        write(&file, 0, &[b'b'; 1536]).await;
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["aaa", "aab", "aba", "abb", "baa", "bab", "bba", "bbb"]));
}

#[test]
fn versions_of_a_sector_are_old_middle_or_new() {
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", &[b'a'; 512]).await;
        write(&file, 0, &[b'b'; 512]).await;
        write(&file, 0, &[b'c'; 512]).await;
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["a", "b", "c"]));
}

#[test]
fn a_length_may_be_kept_without_its_data_and_truncated_data_may_come_back() {
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", &[b'a'; 512]).await;
        write(&file, 512, &[b'b'; 512]).await;
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["a", "a0", "ab"]));
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", &[b'a'; 1024]).await;
        file.set_len(512).await.unwrap();
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["a", "a0", "aa"]));
    // Old bytes under a new length: what a log sees that was truncated and appended to.
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", &[b'a'; 1024]).await;
        file.set_len(512).await.unwrap();
        write(&file, 1024, &[b'c'; 512]).await;
        sectors(&node, "f")
    });
    assert!(seen.contains("aac") && seen.contains("a0c") && seen.contains("a"), "{seen:?}");
}

#[test]
fn names_come_undone_in_every_way() {
    let seen = outcomes(|node, rt| async move {
        let file = create(&rt, "f", b"a").await;
        file.sync().await.unwrap();
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["-", "a"]), "a synced file's name is another matter");
    let seen = outcomes(|node, rt| async move {
        durable(&rt, "old", b"a").await;
        durable(&rt, "new", b"b").await;
        rt.disk().rename(path("new"), path("old")).await.unwrap();
        let old = sectors(&node, "old");
        old + &sectors(&node, "new")
    });
    assert_eq!(seen, set(&["ab", "b-"]));
    let seen = outcomes(|node, rt| async move {
        durable(&rt, "f", b"a").await;
        rt.disk().remove_file(path("f")).await.unwrap();
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["-", "a"]));
    let seen = outcomes(|node, rt| async move {
        rt.disk().create_dir(path("d")).await.unwrap();
        create(&rt, "d/f", b"a").await.sync().await.unwrap();
        rt.disk().sync_dir(path("d")).await.unwrap();
        sectors(&node, "d/f")
    });
    assert_eq!(seen, set(&["-", "a"]), "a directory without a name takes its files along");
}

#[test]
fn nothing_of_a_failed_sync_is_trusted_even_after_one_that_succeeds() {
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", &[b'a'; 512]).await;
        write(&file, 0, &[b'b'; 512]).await;
        node.disk().fail_next(NextFailure { op: DiskOp::Sync, path_contains: String::new() });
        file.sync().await.unwrap_err();
        assert_eq!(file.read_at(0, 1).await.unwrap(), "b", "it reads back fine");
        write(&file, 512, &[b'c'; 512]).await;
        file.sync().await.unwrap();
        sectors(&node, "f")
    });
    assert!(seen.contains("a") && seen.contains("ac") && seen.contains("bc"), "{seen:?}");
}

#[test]
fn a_failed_sync_may_say_that_the_disk_is_full_and_loses_no_less() {
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", b"a").await;
        write(&file, 0, b"b").await;
        node.disk().fail_next(NextFailure { op: DiskOp::Sync, path_contains: String::new() });
        let error = file.sync().await.unwrap_err();
        file.sync().await.unwrap();
        format!("{:?} {}", error.kind, sectors(&node, "f"))
    });
    assert_eq!(seen, set(&["Io a", "Io b", "NoSpace a", "NoSpace b"]));
}

#[test]
fn a_failed_round_fails_for_every_file() {
    let seen = outcomes(|node, rt| async move {
        let (f, g) = (durable(&rt, "f", b"a").await, durable(&rt, "g", b"a").await);
        write(&f, 0, b"b").await;
        write(&g, 0, b"b").await;
        node.disk().fail_next(NextFailure { op: DiskOp::Sync, path_contains: "g".to_owned() });
        rt.disk().sync_many(vec![f.clone(), g]).await.unwrap_err();
        f.sync().await.unwrap();
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["a", "b"]));
}

#[test]
fn a_write_that_a_sync_did_not_cover_is_not_durable() {
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", &[b'a'; 512]).await;
        let syncing = {
            let file = file.clone();
            rt.spawn("sync", async move { file.sync().await.unwrap() })
        };
        rt.sleep_until(rt.now() + Duration::from_micros(50)).await;
        write(&file, 0, &[b'b'; 512]).await;
        syncing.await.unwrap();
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["a", "b"]));
}

#[test]
fn what_a_dying_process_asked_for_is_done_wholly_partly_or_not() {
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", b"").await;
        node.disk().adjust(|knobs| {
            knobs.instant_ppm = 0;
            knobs.write = Latency::fixed(1000);
        });
        rt.spawn_detached("writer", async move { write(&file, 0, &[b'b'; 100]).await });
        rt.sleep_until(rt.now() + Duration::from_micros(500)).await;
        node.kill();
        let len = node.disk().live().read(path("f")).unwrap().len();
        match len {
            0 => "none",
            100 => "all",
            _ => "part",
        }
        .to_owned()
    });
    assert_eq!(seen, set(&["all", "none", "part"]));
}

#[test]
fn a_call_that_nobody_awaits_goes_on() {
    run(1, |world, node, rt| async move {
        let file = durable(&rt, "f", b"a").await;
        node.disk().adjust(|knobs| knobs.instant_ppm = 0);
        let task = rt.spawn("writer", async move { write(&file, 0, b"b").await });
        world.sleep(Duration::from_micros(1)).await;
        ::runtime::Task::abort(&task);
        world.sleep(Duration::from_secs(1)).await;
        assert_eq!(node.disk().live().read(path("f")).unwrap(), "b");
        assert_eq!(node.disk().durable().read(path("f")).unwrap(), "a");
    });
}

#[test]
fn a_full_disk_takes_a_part_and_gives_it_back_when_files_go() {
    run(1, |_, node, rt| async move {
        assert_eq!(rt.disk().free().await, Ok(u64::MAX), "no bound");
        node.disk().adjust(|knobs| knobs.capacity_bytes = 1000);
        let file = create(&rt, "f", &[1; 600]).await;
        assert_eq!(rt.disk().free().await, Ok(400));
        let error = file.write_at(600, vec![Bytes::from(vec![2; 600])]).await.unwrap_err();
        assert_eq!(error.kind, DiskErrorKind::NoSpace);
        assert_eq!(rt.disk().free().await, Ok(1000 - file.len().await.unwrap()));
        write(&file, 0, &[3; 600]).await;
        rt.disk().remove_file(path("f")).await.unwrap();
        rt.disk().sync_dir(path("")).await.unwrap();
        assert!(node.disk().used_bytes() > 0, "it is still open");
        drop(file);
        create(&rt, "g", b"").await;
        rt.disk().sync_dir(path("")).await.unwrap();
        assert_eq!(node.disk().used_bytes(), 0);
    });
}

#[test]
fn a_full_disk_refuses_new_names_too_now_and_then() {
    run(1, |_, node, rt| async move {
        let file = create(&rt, "f", &[1; 600]).await;
        node.disk().adjust(|knobs| knobs.capacity_bytes = 1000);
        let mut refused = [0; 2];
        for n in 0..40 {
            let name = format!("{n}");
            let made = match n % 2 {
                0 => rt.disk().open(path(&name), OpenMode::Truncate).await.map(drop),
                _ => rt.disk().create_dir(path(&name)).await,
            };
            if let Err(error) = made {
                assert_eq!(error.kind, DiskErrorKind::NoSpace);
                refused[n % 2] += 1;
            }
            rt.disk().open(path("f"), OpenMode::Write).await.expect("what is there can be opened");
        }
        assert!(refused.iter().all(|times| (1..20).contains(times)), "{refused:?}");
        file.set_len(100).await.unwrap();
        create(&rt, "g", b"").await;
    });
}

#[test]
fn a_hung_sync_comes_back_when_the_disk_does() {
    run(1, |world, node, rt| async move {
        let file = durable(&rt, "f", b"a").await;
        node.disk().adjust(|knobs| knobs.hung_sync = true);
        let (done, mut finished) = oneshot::channel();
        rt.spawn_detached("sync", async move { done.send(file.sync().await).unwrap() });
        world.sleep(Duration::from_secs(100)).await;
        assert!(finished.try_recv().is_err());
        node.disk().adjust(|knobs| knobs.hung_sync = false);
        world.sleep(Duration::from_secs(1)).await;
        finished.try_recv().unwrap().unwrap();
        // And one that never does is no obstacle to a crash.
        node.disk().adjust(|knobs| knobs.hung_sync = true);
        let file = rt.disk().open(path("f"), OpenMode::Write).await.unwrap();
        rt.spawn_detached("sync", async move { file.sync().await.unwrap() });
        world.sleep(Duration::from_secs(1)).await;
        node.power_loss();
        node.disk().adjust(|knobs| knobs.hung_sync = false);
        boot(&node);
    });
}

#[test]
fn a_disk_that_lies_confirms_what_a_power_loss_takes_and_stores_it_in_its_own_time() {
    run(1, |_, node, rt| async move {
        let file = durable(&rt, "f", b"a").await;
        node.disk().adjust(|knobs| knobs.lies = true);
        write(&file, 1, b"b").await;
        file.sync().await.unwrap();
        create(&rt, "g", b"").await;
        rt.disk().sync_dir(path("")).await.unwrap();
        assert_eq!(node.disk().durable().read(path("f")).unwrap(), b"a"[..]);
        assert_eq!(node.disk().durable().read(path("g")), None);
        assert_eq!(node.disk().live().read(path("f")).unwrap(), b"ab"[..]);
        // It has had time when it is honest again.
        node.disk().adjust(|knobs| knobs.lies = false);
        assert_eq!(node.disk().durable().read(path("f")).unwrap(), b"ab"[..]);
        assert_eq!(node.disk().durable().read(path("g")).unwrap(), b""[..]);
    });
}

#[test]
fn a_hung_write_comes_back_when_the_disk_does_and_holds_no_sync_up() {
    run(1, |world, node, rt| async move {
        let file = durable(&rt, "f", b"a").await;
        node.disk().adjust(|knobs| knobs.hung_write = true);
        let (done, mut finished) = oneshot::channel();
        let writing = rt.disk().open(path("f"), OpenMode::Write).await.unwrap();
        rt.spawn_detached("write", async move {
            done.send(writing.write_at(1, vec![Bytes::from_static(b"b")]).await).unwrap();
        });
        file.sync().await.unwrap();
        world.sleep(Duration::from_secs(100)).await;
        assert!(finished.try_recv().is_err());
        assert_eq!(file.read_at(0, 10).await.unwrap(), &b"a"[..]);
        node.disk().adjust(|knobs| knobs.hung_write = false);
        world.sleep(Duration::from_secs(1)).await;
        finished.try_recv().unwrap().unwrap();
        assert_eq!(file.read_at(0, 10).await.unwrap(), &b"ab"[..]);
    });
}

#[test]
fn a_slow_disk_is_slow() {
    run(1, |world, node, rt| async move {
        let file = create(&rt, "f", b"a").await;
        node.disk().adjust(|knobs| {
            knobs.sync = Latency::fixed(1000);
            knobs.slow_percent = 10_000;
        });
        let start = world.now_nanos();
        file.sync().await.unwrap();
        assert!((100..105).contains(&((world.now_nanos() - start) / 1_000_000)));
    });
}

#[test]
fn operations_fail_as_often_as_they_are_told_to() {
    run(1, |_, node, rt| async move {
        let file = create(&rt, "f", &[1; 1000]).await;
        node.disk().adjust(|knobs| {
            knobs.read_error_ppm = 500_000;
            knobs.write_error_ppm = 500_000;
        });
        let (mut reads, mut writes) = (0, 0);
        for _ in 0..100 {
            reads += u32::from(file.read_at(0, 1).await.is_err());
            writes += u32::from(file.write_at(0, vec![Bytes::from_static(b"x")]).await.is_err());
        }
        assert!((30..70).contains(&reads) && (30..70).contains(&writes), "{reads} {writes}");
        node.disk().fail_next(NextFailure { op: DiskOp::Name, path_contains: "g".to_owned() });
        rt.disk().list(path("")).await.unwrap();
        let failed = rt.disk().open(path("g"), OpenMode::CreateNew).await.err().unwrap();
        assert_eq!(failed.kind, DiskErrorKind::Io);
    });
}

#[test]
fn rot_inverts_one_bit() {
    run(1, |_, node, rt| async move {
        let file = durable(&rt, "f", &[0; 1000]).await;
        assert_eq!(node.disk().rot("nothing like it"), None);
        let rot = node.disk().rot("f").unwrap();
        let mut expected = vec![0; 1000];
        expected[rot.offset as usize] = 1 << rot.bit;
        assert_eq!(file.read_at(0, 1000).await.unwrap(), expected);
        assert_eq!(node.disk().durable().read(path("f")).unwrap(), expected);
    });
}

#[test]
fn a_misdirected_write_is_missing_here_and_too_much_there() {
    let seen = outcomes(|node, rt| async move {
        durable(&rt, "victim", &[b'v'; 1024]).await;
        let file = durable(&rt, "f", &[b'a'; 512]).await;
        write(&file, 0, &[b'b'; 512]).await;
        node.disk().misdirect_next_sync();
        file.sync().await.unwrap();
        let hit = sectors(&node, "victim");
        hit + &sectors(&node, "f")
    });
    assert!(seen.is_superset(&set(&["bva", "vba"])), "{seen:?}");
}

#[test]
fn a_lock_dies_with_its_process() {
    run(1, |_, node, rt| async move {
        let _lock = rt.disk().lock(path(".lock")).await.unwrap();
        let again = rt.disk().lock(path(".lock")).await.err().unwrap();
        assert_eq!(again.kind, DiskErrorKind::Locked);
        node.kill();
        let rt = boot(&node);
        rt.disk().lock(path(".lock")).await.unwrap();
    });
}

#[test]
fn a_disk_can_be_wiped_and_put_elsewhere() {
    run(1, |world, node, rt| async move {
        rt.disk().create_dir(path("d")).await.unwrap();
        rt.disk().sync_dir(path("")).await.unwrap();
        durable(&rt, "f", b"a").await;
        create(&rt, "d/g", b"b").await;
        node.kill();
        let disk = node.disk().live();
        assert_eq!(disk.files().count(), 2);
        assert_eq!(node.disk().durable().files().collect::<Vec<_>>(), [(path("f"), 1)]);
        node.disk().wipe();
        assert_eq!((node.disk().live().files().count(), node.disk().live().dirs().count()), (0, 1));
        let other = world.node("b2");
        other.disk().load(&disk);
        assert_eq!(other.disk().durable(), disk);
        let rt = boot(&other);
        let file = rt.disk().open(path("d/g"), OpenMode::Read).await.unwrap();
        assert_eq!(file.read_at(0, 9).await.unwrap(), "b");
    });
}

#[test]
fn a_power_loss_after_a_kill_takes_the_page_cache_all_the_same() {
    let seen = outcomes(|node, rt| async move {
        let file = durable(&rt, "f", b"a").await;
        write(&file, 0, b"b").await;
        node.kill();
        assert_eq!(node.disk().live().read(path("f")).unwrap(), "b");
        sectors(&node, "f")
    });
    assert_eq!(seen, set(&["a", "b"]));
}
