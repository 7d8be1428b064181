//! TCP as processes meet it: handshakes, windows, ends of all kinds, partitions.

use super::*;
use crate::runtime::{NodeHandle, SimRuntime, World, WorldKnobs, run_seed};
use ::runtime::{Listener, Runtime, Stream};
use model::time::Duration;
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
/// The latency of every link here, one way.
const TRIP_MS: u64 = 10;

/// Two machines, a process on each, and the code on neither: a test holds both ends.
struct Pair {
    world: World,
    a: NodeHandle,
    b: NodeHandle,
    at_a: SimRuntime,
    at_b: SimRuntime,
}

fn with_pair<F, Fut>(change: impl FnOnce(&mut NetKnobs), test: F)
where
    F: FnOnce(Pair) -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    let mut knobs = WorldKnobs::default();
    knobs.net.link.latency = Latency::fixed(TRIP_MS * 1000);
    knobs.net.short_ppm = 0;
    change(&mut knobs.net);
    let finished = run_seed(1, knobs, |world| async move {
        let (a, b) = (world.node("a"), world.node("b"));
        let (at_a, at_b) = (process(&a), process(&b));
        test(Pair { world: world.clone(), a, b, at_a, at_b }).await;
    });
    finished.unwrap_or_else(|failure| panic!("{failure}"));
}

/// A process that does nothing by itself.
fn process(node: &NodeHandle) -> SimRuntime {
    let mut runtime = None;
    node.boot(|rt| {
        runtime = Some(rt);
        std::future::pending()
    });
    runtime.unwrap()
}

impl Pair {
    async fn connected(&self) -> (SimStream, SimStream) {
        let mut listener = self.at_b.listen(SocketAddr::new(self.b.ip(), 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let near = self.at_a.connect(addr).await.unwrap();
        let (far, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.ip(), self.a.ip());
        assert_eq!((near.peer_addr().unwrap(), far.peer_addr().unwrap()), (addr, peer));
        (near, far)
    }

    /// Milliseconds since `since`, a time of `now`.
    fn ms_since(&self, since: u64) -> u64 {
        (self.world.now_nanos() - since) / MS
    }

    fn now(&self) -> u64 {
        self.world.now_nanos()
    }

    async fn within<T>(&self, seconds: u64, future: impl Future<Output = T>) -> Option<T> {
        let (mut future, mut late) = (pin!(future), pin!(self.world.sleep(Duration::from_secs(seconds))));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => late.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    async fn connect(&self, port: u16) -> Result<SimStream, ErrorKind> {
        self.at_a.connect(SocketAddr::new(self.b.ip(), port)).await.map_err(|error| error.kind())
    }

    fn cut(&self) {
        self.world.net().partition(&[self.a.id()], &[self.b.id()]);
    }
}

async fn read(stream: &mut SimStream) -> Result<Vec<u8>, ErrorKind> {
    let mut buf = [0; 1000];
    stream.read(&mut buf).await.map(|n| buf[..n].to_vec()).map_err(|error| error.kind())
}

async fn write(stream: &mut SimStream, data: &[u8]) -> Result<(), ErrorKind> {
    stream.write_all(data).await.map_err(|error| error.kind())
}

#[test]
fn connecting_takes_a_round_trip() {
    with_pair(
        |_| {},
        |pair| async move {
            let start = pair.now();
            let (mut near, mut far) = pair.connected().await;
            // SYN, SYN-ACK, and the ACK that fills the accept queue.
            assert_eq!(pair.ms_since(start), 3 * TRIP_MS);
            let start = pair.now();
            write(&mut near, b"hello").await.unwrap();
            assert_eq!(read(&mut far).await.unwrap(), b"hello");
            assert_eq!(pair.ms_since(start), TRIP_MS);
        },
    );
}

#[test]
fn connecting_to_nobody_is_refused_after_a_round_trip() {
    with_pair(
        |_| {},
        |pair| async move {
            let start = pair.now();
            assert_eq!(pair.connect(9092).await.err(), Some(ErrorKind::ConnectionRefused));
            assert_eq!(pair.ms_since(start), 2 * TRIP_MS);
            pair.b.kill();
            assert_eq!(pair.connect(9092).await.err(), Some(ErrorKind::ConnectionRefused));
            let nowhere = SocketAddr::new([10, 9, 9, 9].into(), 1);
            let error = pair.at_a.connect(nowhere).await.err().unwrap();
            assert_eq!(error.kind(), ErrorKind::HostUnreachable);
            assert_eq!(pair.world.net().connections(), 0);
        },
    );
}

#[test]
fn connecting_into_a_void_hangs_for_127_seconds() {
    with_pair(
        |_| {},
        |pair| async move {
            let _listener = pair.at_b.listen(SocketAddr::new(pair.b.ip(), 9092)).await.unwrap();
            for one_way in [false, true] {
                pair.world.net().heal();
                match one_way {
                    false => pair.cut(),
                    true => pair.world.net().block(pair.b.id(), pair.a.id()),
                }
                let start = pair.now();
                assert_eq!(pair.connect(9092).await.err(), Some(ErrorKind::TimedOut));
                assert_eq!(pair.ms_since(start), 127_000);
            }
            pair.world.net().heal();
            pair.b.power_loss();
            let start = pair.now();
            assert_eq!(pair.connect(9092).await.err(), Some(ErrorKind::TimedOut));
            assert_eq!(pair.ms_since(start), 127_000);
            assert_eq!(pair.world.net().connections(), 0);
        },
    );
}

#[test]
fn a_connect_that_hangs_goes_through_with_the_first_syn_after_healing() {
    with_pair(
        |_| {},
        |pair| async move {
            let _listener = pair.at_b.listen(SocketAddr::new(pair.b.ip(), 9092)).await.unwrap();
            pair.cut();
            let start = pair.now();
            let (world, healed) = (pair.world.clone(), start + 4 * SECOND);
            pair.world.spawn(async move {
                world.sleep_until(healed).await;
                world.net().heal();
            });
            pair.connect(9092).await.unwrap();
            // SYNs go out at 0, 1, 3 and 7 seconds.
            assert_eq!(pair.ms_since(start), 7000 + 2 * TRIP_MS);
        },
    );
}

#[test]
fn a_full_backlog_makes_connects_wait() {
    with_pair(
        |knobs| knobs.backlog = 1,
        |pair| async move {
            let mut listener = pair.at_b.listen(SocketAddr::new([0, 0, 0, 0].into(), 9092)).await.unwrap();
            let _first = pair.connect(9092).await.unwrap();
            pair.world.sleep(Duration::from_millis(100)).await;
            assert!(pair.within(20, pair.connect(9092)).await.is_none());
            listener.accept().await.unwrap();
            assert!(pair.within(20, pair.connect(9092)).await.is_some());
        },
    );
}

#[test]
fn addresses_are_a_machines_own() {
    with_pair(
        |_| {},
        |pair| async move {
            let other = pair.at_a.listen(SocketAddr::new(pair.b.ip(), 1)).await.err().unwrap();
            assert_eq!(other.kind(), ErrorKind::AddrNotAvailable);
            let _inside = pair.at_b.listen(SocketAddr::new([127, 0, 0, 1].into(), 7)).await.unwrap();
            assert_eq!(pair.connect(7).await.err(), Some(ErrorKind::ConnectionRefused));
            assert!(pair.at_b.connect(SocketAddr::new([127, 0, 0, 1].into(), 7)).await.is_ok());
        },
    );
}

#[test]
fn loss_delays_and_leaves_no_gap() {
    with_pair(
        |knobs| knobs.link.loss_ppm = 300_000,
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            let start = pair.now();
            let mut slowest = 0;
            for number in 0..300u32 {
                let sent = pair.now();
                write(&mut near, &number.to_le_bytes()).await.unwrap();
                assert_eq!(far.read_u32_le().await.unwrap(), number);
                slowest = slowest.max(pair.ms_since(sent));
            }
            assert!(slowest > 500, "{slowest}");
            assert!(pair.ms_since(start) > 300 * TRIP_MS);
        },
    );
}

#[test]
fn a_stream_keeps_its_order_whatever_the_latencies() {
    with_pair(
        |knobs| knobs.link.latency = Latency::uniform(1, 50_000),
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            for number in 0..1000u32 {
                write(&mut near, &number.to_le_bytes()).await.unwrap();
            }
            for number in 0..1000u32 {
                assert_eq!(far.read_u32_le().await.unwrap(), number);
            }
        },
    );
}

#[test]
fn bandwidth_is_shared_by_a_link() {
    with_pair(
        |knobs| knobs.link.bandwidth = 1_000_000,
        |pair| async move {
            let (near, mut far) = pair.connected().await;
            let (_reader, mut writer) = near.into_split();
            let start = pair.now();
            pair.world.spawn(async move {
                writer.write_all(&vec![7; 1_000_000]).await.unwrap();
            });
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            assert_eq!(all.len(), 1_000_000);
            assert!((1000..1500).contains(&pair.ms_since(start)), "{}", pair.ms_since(start));
        },
    );
}

#[test]
fn a_reader_that_waits_stops_the_writer_at_the_window() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            let mut sent = 0;
            for _ in 0..100 {
                sent += pair.within(60, near.write(&[1; 10_000])).await.unwrap_or(Ok(0)).unwrap();
            }
            assert_eq!(sent, 256 * 1024);
            far.read_exact(&mut vec![0; 1000]).await.unwrap();
            // The window opens when the acknowledgement is back.
            let start = pair.now();
            assert_eq!(near.write(&[1; 10_000]).await.unwrap(), 1000);
            assert_eq!(pair.ms_since(start), TRIP_MS);
        },
    );
}

#[test]
fn reads_and_writes_may_be_partial() {
    with_pair(
        |knobs| knobs.short_ppm = 1_000_000,
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            let parts = [IoSlice::new(&[1; 500]), IoSlice::new(&[2; 500])];
            let (mut written, mut got, mut calls) = (0, 0, 0);
            for _ in 0..50 {
                written += near.write_vectored(&parts).await.unwrap();
            }
            assert!((1000..49_000).contains(&written), "{written}");
            while got < written {
                got += far.read(&mut [0; 1000]).await.unwrap();
                calls += 1;
            }
            assert!(calls > written / 1000 + 5, "{calls}");
        },
    );
}

#[test]
fn a_dropped_stream_is_the_end_of_file_after_its_data() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            write(&mut near, b"bye").await.unwrap();
            drop(near);
            assert_eq!(read(&mut far).await.unwrap(), b"bye");
            assert_eq!(read(&mut far).await.unwrap(), b"");
            // Nobody is there any more: what is written is answered by a reset.
            write(&mut far, b"late").await.unwrap();
            pair.world.sleep(Duration::from_millis(100)).await;
            assert_eq!(write(&mut far, b"later").await, Err(ErrorKind::ConnectionReset));
            drop(far);
            assert_eq!(pair.world.net().connections(), 0);
        },
    );
}

#[test]
fn a_shut_down_direction_leaves_the_other_open() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            near.shutdown().await.unwrap();
            assert_eq!(read(&mut far).await.unwrap(), b"");
            assert_eq!(write(&mut near, b"x").await, Err(ErrorKind::BrokenPipe));
            write(&mut far, b"still here").await.unwrap();
            assert_eq!(read(&mut near).await.unwrap(), b"still here");
            drop((near, far));
            pair.world.sleep(Duration::from_secs(1)).await;
            assert_eq!(pair.world.net().connections(), 0);
        },
    );
}

#[test]
fn closing_with_unread_data_resets() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            write(&mut near, b"unread").await.unwrap();
            pair.world.sleep(Duration::from_secs(1)).await;
            write(&mut far, b"first").await.unwrap();
            drop(far);
            assert_eq!(read(&mut near).await.unwrap(), b"first");
            assert_eq!(read(&mut near).await, Err(ErrorKind::ConnectionReset));
        },
    );
}

#[test]
fn a_listener_that_goes_resets_what_it_had_not_accepted() {
    with_pair(
        |_| {},
        |pair| async move {
            let listener = pair.at_b.listen(SocketAddr::new(pair.b.ip(), 9092)).await.unwrap();
            let mut near = pair.connect(9092).await.unwrap();
            pair.world.sleep(Duration::from_secs(1)).await;
            drop(listener);
            assert_eq!(read(&mut near).await, Err(ErrorKind::ConnectionReset));
            assert_eq!(pair.connect(9092).await.err(), Some(ErrorKind::ConnectionRefused));
        },
    );
}

#[test]
fn a_killed_peer_resets_after_what_it_had_sent() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            write(&mut far, b"last words").await.unwrap();
            let start = pair.now();
            pair.b.kill();
            assert_eq!(read(&mut near).await.unwrap(), b"last words");
            assert_eq!(read(&mut near).await, Err(ErrorKind::ConnectionReset));
            assert_eq!(pair.ms_since(start), TRIP_MS);
            assert_eq!(write(&mut near, b"x").await, Err(ErrorKind::ConnectionReset));
            drop((near, far));
            assert_eq!(pair.world.net().connections(), 0);
        },
    );
}

#[test]
fn an_exited_peer_closes_in_order() {
    with_pair(
        |_| {},
        |pair| async move {
            let c = pair.world.node("c");
            let mut listener = pair.at_a.listen(SocketAddr::new(pair.a.ip(), 9092)).await.unwrap();
            let addr = listener.local_addr().unwrap();
            c.boot(move |rt| async move {
                let mut stream = rt.connect(addr).await.unwrap();
                write(&mut stream, b"done").await.unwrap();
                // Still in hand when the process ends.
                rt.spawn_detached("holder", async move {
                    let _held = stream;
                    std::future::pending().await
                });
                rt.sleep_until(rt.now() + Duration::from_secs(1)).await;
            });
            let (mut far, _) = listener.accept().await.unwrap();
            assert_eq!(read(&mut far).await.unwrap(), b"done");
            assert_eq!(read(&mut far).await.unwrap(), b"");
            assert!(!c.is_up());
        },
    );
}

#[test]
fn a_peer_without_power_is_silent_until_it_boots_again() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, _far) = pair.connected().await;
            pair.b.power_loss();
            assert_eq!(pair.within(600, read(&mut near)).await, None);
            write(&mut near, b"anybody?").await.unwrap();
            assert_eq!(pair.within(10, read(&mut near)).await, None);
            process(&pair.b);
            // The new kernel knows nothing of it and says so when the data is sent again.
            assert_eq!(pair.within(60, read(&mut near)).await, Some(Err(ErrorKind::ConnectionReset)));
            drop(near);
            assert_eq!(pair.world.net().connections(), 0);
        },
    );
}

#[test]
fn data_into_a_void_times_out_in_the_end() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, _far) = pair.connected().await;
            pair.b.power_loss();
            let start = pair.now();
            write(&mut near, b"anybody?").await.unwrap();
            assert_eq!(read(&mut near).await, Err(ErrorKind::TimedOut));
            // Linux's tcp_retries2 of 15: some 15 minutes.
            assert!((800..950).contains(&(pair.ms_since(start) / 1000)), "{}", pair.ms_since(start));
        },
    );
}

#[test]
fn a_partition_hides_a_death_and_healing_reveals_it() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, _far) = pair.connected().await;
            pair.cut();
            pair.b.kill();
            assert_eq!(pair.within(100, read(&mut near)).await, None);
            pair.world.net().heal();
            assert_eq!(pair.within(100, read(&mut near)).await, None);
            write(&mut near, b"ping").await.unwrap();
            assert_eq!(pair.within(1, read(&mut near)).await, Some(Err(ErrorKind::ConnectionReset)));
        },
    );
}

#[test]
fn what_a_dead_process_had_not_sent_is_never_sent() {
    for power in [false, true] {
        with_pair(
            |_| {},
            move |pair| async move {
                let (mut near, mut far) = pair.connected().await;
                pair.cut();
                write(&mut far, b"from the grave").await.unwrap();
                pair.world.sleep(Duration::from_millis(300)).await;
                if power {
                    pair.b.power_loss()
                } else {
                    pair.b.kill()
                }
                pair.world.net().heal();
                process(&pair.b);
                assert_eq!(pair.within(300, read(&mut near)).await, None);
            },
        );
    }
}

#[test]
fn what_was_held_up_by_a_partition_arrives_after_it() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            write(&mut near, b"1").await.unwrap();
            // Under way already, and cut off all the same.
            pair.world.net().block(pair.a.id(), pair.b.id());
            write(&mut near, b"2").await.unwrap();
            near.shutdown().await.unwrap();
            write(&mut far, b"the other way").await.unwrap();
            assert_eq!(read(&mut near).await.unwrap(), b"the other way");
            assert_eq!(pair.within(20, read(&mut far)).await, None);
            pair.world.net().heal();
            let start = pair.now();
            assert_eq!(read(&mut far).await.unwrap(), b"12");
            // After 20 s the timer stands at 12.8 s: it goes off at 12.6 or 25.4 s.
            assert!((1..14_000).contains(&pair.ms_since(start)), "{}", pair.ms_since(start));
            assert_eq!(read(&mut far).await.unwrap(), b"");
        },
    );
}

#[test]
fn a_reset_on_demand_hits_both_ends() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            let c = pair.world.node("c");
            assert_eq!(pair.world.net().reset(pair.a.id(), c.id()), 0);
            assert_eq!(pair.world.net().reset(pair.b.id(), pair.a.id()), 1);
            assert_eq!(read(&mut near).await, Err(ErrorKind::ConnectionReset));
            assert_eq!(write(&mut far, b"x").await, Err(ErrorKind::ConnectionReset));
            drop((near, far));
            assert_eq!(pair.world.net().connections(), 0);
        },
    );
}

#[test]
fn a_forgotten_connection_is_half_open_and_new_ones_work() {
    with_pair(
        |_| {},
        |pair| async move {
            let (mut near, mut far) = pair.connected().await;
            assert_eq!(pair.world.net().forget(pair.a.id(), pair.b.id()), 1);
            write(&mut near, b"lost").await.unwrap();
            assert_eq!(pair.within(100, read(&mut far)).await, None);
            let (mut near, mut far) = pair.connected().await;
            write(&mut near, b"found").await.unwrap();
            assert_eq!(read(&mut far).await.unwrap(), b"found");
        },
    );
}

#[test]
fn the_kernel_of_a_paused_process_goes_on() {
    with_pair(
        |_| {},
        |pair| async move {
            let _listener = pair.at_b.listen(SocketAddr::new(pair.b.ip(), 9092)).await.unwrap();
            pair.b.pause();
            let mut near = pair.connect(9092).await.unwrap();
            assert!(pair.within(10, near.write_all(&[0; 200_000])).await.is_some());
            assert!(pair.within(10, near.write_all(&[0; 200_000])).await.is_none());
        },
    );
}

#[test]
fn a_given_up_connect_leaves_nothing_behind() {
    with_pair(
        |_| {},
        |pair| async move {
            let mut listener = pair.at_b.listen(SocketAddr::new(pair.b.ip(), 9092)).await.unwrap();
            pair.cut();
            assert!(pair.within(2, pair.connect(9092)).await.is_none());
            pair.world.net().heal();
            assert!(pair.within(10, listener.accept()).await.is_none());
            assert_eq!(pair.world.net().connections(), 0);
        },
    );
}

#[test]
fn accept_may_fail_and_loses_no_connection() {
    with_pair(
        |knobs| knobs.accept_error_ppm = 500_000,
        |pair| async move {
            let mut listener = pair.at_b.listen(SocketAddr::new(pair.b.ip(), 9092)).await.unwrap();
            let mut errors = 0;
            for _ in 0..20 {
                let _near = pair.connect(9092).await.unwrap();
                while listener.accept().await.is_err() {
                    errors += 1;
                }
            }
            assert!(errors > 0);
        },
    );
}
