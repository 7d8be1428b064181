//! Frames in order, answers to whom they belong, and how a connection ends, over an in-memory pipe.

use super::*;
use bytes::BufMut;
use tokio::io::{DuplexStream, duplex};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

type Waiting = oneshot::Receiver<Result<Bytes, Ending>>;

/// A reader at one end of a pipe that expects answers with these correlation ids; the other end; who waits.
fn expecting(ids: &[i32]) -> (impl Future<Output = ()>, DuplexStream, Vec<Waiting>) {
    let (here, there) = duplex(16);
    let (expect, expected) = mpsc::channel(16);
    let waiting = ids.iter().map(|correlation_id| {
        let (answer, waiting) = oneshot::channel();
        expect.try_send(Expected { correlation_id: *correlation_id, answer }).ok().unwrap();
        waiting
    });
    let waiting = waiting.collect();
    (read(here, expected), there, waiting)
}

fn answer(correlation_id: i32, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.put_i32(4 + body.len() as i32);
    frame.put_i32(correlation_id);
    frame.put_slice(body);
    frame
}

/// What each of the waiting got after these bytes had come and the connection had been closed.
fn outcomes(ids: &[i32], bytes: Vec<u8>) -> Vec<Result<Bytes, Ending>> {
    let (reading, mut there, waiting) = expecting(ids);
    run(async move {
        let writing = async move {
            // The reader may have given up before everything is written.
            let _ = there.write_all(&bytes).await;
        };
        tokio::join!(reading, writing);
        let mut outcomes = Vec::new();
        for waiting in waiting {
            outcomes.push(waiting.await.unwrap());
        }
        outcomes
    })
}

#[test]
fn answers_go_to_their_calls_and_the_rest_hears_of_the_end() {
    let body = vec![7; 100];
    let bytes = [answer(0, &body), answer(1, &[])].concat();
    let outcomes = outcomes(&[0, 1, 2], bytes);
    assert_eq!(outcomes[0].as_ref().unwrap()[4..], body);
    assert_eq!(outcomes[1].as_ref().unwrap().len(), 4);
    assert_eq!(outcomes[2], Err(Ending::There));
}

#[test]
fn an_answer_out_of_turn_ends_the_connection() {
    let ending = Ending::Order { due: 0, came: 1 };
    assert_eq!(outcomes(&[0, 1], [answer(1, &[]), answer(0, &[])].concat()), [Err(ending), Err(ending)]);
}

#[test]
fn an_absurd_length_ends_the_connection() {
    assert_eq!(outcomes(&[0], vec![0xff; 8]), [Err(Ending::Length(-1))]);
    assert_eq!(outcomes(&[0], vec![0x7f, 0xff, 0xff, 0xff, 0]), [Err(Ending::Length(i32::MAX))]);
    assert_eq!(outcomes(&[0], vec![0, 0, 0, 3, 0, 0, 0]), [Err(Ending::Length(3))]);
}

#[test]
fn half_an_answer_is_none() {
    assert_eq!(outcomes(&[0], answer(0, &[1, 2, 3])[..9].to_vec()), [Err(Ending::There)]);
}

#[test]
fn frames_leave_whole_and_in_order_through_a_narrow_pipe() {
    run(async {
        let (here, mut there) = duplex(3);
        let (outbox, outgoing) = mpsc::channel(4);
        let (expect, mut expected) = mpsc::channel(4);
        for n in 0..3u8 {
            let frame = vec![Bytes::from(vec![n; 5]), Bytes::new(), Bytes::from(vec![n + 10; 2])];
            let (answer, _) = oneshot::channel();
            let expected = (n != 1).then_some(Expected { correlation_id: i32::from(n), answer });
            outbox.try_send(Outgoing { frame, expected }).ok().unwrap();
        }
        drop(outbox);
        let mut bytes = Vec::new();
        let reading = async { there.read_to_end(&mut bytes).await.unwrap() };
        tokio::join!(write(here, outgoing, expect), reading);
        assert_eq!(bytes, [0, 0, 0, 0, 0, 10, 10, 1, 1, 1, 1, 1, 11, 11, 2, 2, 2, 2, 2, 12, 12]);
        assert_eq!(expected.recv().await.unwrap().correlation_id, 0);
        assert_eq!(expected.recv().await.unwrap().correlation_id, 2);
    });
}
