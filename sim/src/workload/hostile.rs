//! Clients that do what no client should. They write nothing down: it is the others that must not notice.

use super::Client;
use crate::runtime::SimRuntime;
use crate::scenario::Hostility;
use ::runtime::Runtime;
use bytes::{BufMut, Bytes};
use client::single::{self, FetchLimits, Topic};
use model::time::Duration;
use model::{Offset, PartitionIndex, TopicId};
use protocol::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Stream = <SimRuntime as Runtime>::Stream;

pub(super) async fn run(mut client: Client, tricks: &[Hostility]) {
    while !client.over() {
        client.next_operation().await;
        let Some(trick) = client.stream.pick(tricks).copied() else { return };
        let Some(addr) = client.stream.pick(&client.around.brokers).copied() else { return };
        let deadline = client.after_ms(3_000);
        let stream = tokio::select! {
            biased;
            stream = client.runtime.connect(addr) => stream,
            () = client.runtime.sleep_until(deadline) => continue,
        };
        let Ok(mut stream) = stream else { continue };
        let bytes = words(&mut client, trick);
        write(&client, &mut stream, &bytes).await;
        if matches!(trick, Hostility::HangUp) {
            continue;
        }
        if matches!(trick, Hostility::Noise | Hostility::RandomBody) {
            listen(&client, &mut stream).await;
        } else {
            // Half-dead: the connection stays open for a while, and nothing else happens on it.
            client.rest_ms(3_000).await;
        }
    }
}

/// What a trick says.
fn words(client: &mut Client, trick: Hostility) -> Vec<u8> {
    match trick {
        Hostility::Silence => Vec::new(),
        Hostility::Noise => random(client, 300),
        Hostility::HalfFrame => {
            let mut frame = fetch(client).concat();
            let keep = client.stream.between(1, frame.len() as u64 - 1) as usize;
            frame.truncate(keep);
            frame
        }
        Hostility::HugeLength => {
            let length = [i32::MAX, i32::MIN, -1, 0, 104_857_601, 104_857_600][client.stream.index(6)];
            let mut bytes = length.to_be_bytes().to_vec();
            bytes.extend(random(client, 100));
            bytes
        }
        Hostility::RandomBody => random_body(client),
        Hostility::NeverReads => {
            let count = client.stream.between(1, 200);
            (0..count).flat_map(|_| fetch(client).concat()).collect()
        }
        Hostility::HangUp => {
            if client.stream.chance(500_000) {
                fetch(client).concat()
            } else {
                Vec::new()
            }
        }
    }
}

/// A sound header with a body that is none.
fn random_body(client: &mut Client) -> Vec<u8> {
    let supported = protocol::supported();
    let api = supported[client.stream.index(supported.len())];
    let version = client.stream.between(0, api.max as u64 + 1) as i16;
    let body = random(client, 200);
    let mut frame = Vec::new();
    frame.put_i32(10 + body.len() as i32);
    frame.put_i16(api.key as i16);
    frame.put_i16(version);
    frame.put_i32(1);
    frame.put_i16(-1);
    frame.extend(body);
    frame
}

fn random(client: &mut Client, most: u64) -> Vec<u8> {
    let count = client.stream.between(0, most);
    (0..count).map(|_| client.stream.next_u64() as u8).collect()
}

fn fetch(client: &mut Client) -> Vec<Bytes> {
    let (name, partition) = client.any_partition().unwrap_or_default();
    let topic = Topic { name, id: TopicId::default() };
    let limits = FetchLimits { max_wait_ms: 500, min_bytes: 1, max_bytes: 1 << 20 };
    let request = single::fetch(&topic, PartitionIndex(partition), Offset(0), limits);
    // By name, which it need not ask for first.
    Frame::request(1, Some("hostile"), 11, &request).expect("a sound request")
}

/// Writes as much as the broker takes within a second.
async fn write(client: &Client, stream: &mut Stream, bytes: &[u8]) {
    let deadline = client.runtime.now() + Duration::from_secs(1);
    tokio::select! {
        biased;
        // A broker that hangs up on rubbish is right to do so.
        _ = stream.write_all(bytes) => {}
        () = client.runtime.sleep_until(deadline) => {}
    }
}

/// Reads what the broker has to say within two seconds.
async fn listen(client: &Client, stream: &mut Stream) {
    let deadline = client.runtime.now() + Duration::from_secs(2);
    let mut buffer = [0; 1024];
    loop {
        tokio::select! {
            biased;
            read = stream.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
            () = client.runtime.sleep_until(deadline) => return,
        }
    }
}
