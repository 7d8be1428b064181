//! Bytes from strangers: no frame makes a decoder panic, or allocate more than 64 KiB plus 32 times its length.
//!
//! A frame of four bytes made another implementation ask for 154 GB before anybody had logged in. Frames here are
//! random bytes, random bytes behind a valid header, and valid messages that were damaged: lengths and counts
//! overwritten, bytes flipped, cut out, doubled, cut off. What still decodes must also encode, and read the same.
//!
//! A produced batch is opened only when its checksum is right. So batches are damaged in their records, in what they
//! were compressed to and in their headers, and given the checksum of what they are then.
//!
//! The allocator counts every byte that is asked for on this thread, freed or not: a stricter bound than memory held.

// The number of frames comes from the environment.
#![allow(clippy::disallowed_methods)]

use bytes::Bytes;
use model::Timestamp;
use protocol::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use protocol::{ApiKey, Message, Request, RequestHeader};
use records::batch::{
    Attributes, BatchBuilder, BatchError, CRC_COVERS_FROM, Compression, HEADER_LEN, LENGTH_PREFIX_LEN,
    ProduceRefusal, ProduceRules, Timeline, TimestampType, check_produced, crc32c,
};
use records::codec::{ALLOCATION_FREE, Writer};
use records::compression::compress;
use records::metadata::MetadataRecord;
use tidemark_wire_tests::allocator::{Counting, counted};
use tidemark_wire_tests::generate::{Draws, Style, message};
use tidemark_wire_tests::schema::{Schema, load};
use tidemark_wire_tests::subject::{self, Subject};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Frames without `TIDEMARK_FUZZ_FRAMES`.
const FRAMES: usize = 50_000;

/// What a run met.
#[derive(Debug, Default)]
struct Tally {
    frames: usize,
    decoded: usize,
    bytes: usize,
    /// Bytes asked for beyond 64 KiB, per byte of input, in hundredths: how near the bound was.
    worst_percent: usize,
    worst: &'static str,
}

impl Tally {
    fn check(&mut self, name: &'static str, frame: &[u8], asked: usize) {
        self.check_beyond(name, frame, asked, 0);
    }

    /// As `check`, where so many bytes more are allowed for whatever frame.
    fn check_beyond(&mut self, name: &'static str, frame: &[u8], asked: usize, fixed: usize) {
        let bound = fixed + 64 * 1024 + 32 * frame.len();
        assert!(asked <= bound, "{name}: {asked} bytes asked for a frame of {}: {frame:02x?}", frame.len());
        let percent = 100 * asked.saturating_sub(fixed + 64 * 1024) / frame.len().max(1);
        if percent > self.worst_percent {
            (self.worst_percent, self.worst) = (percent, name);
        }
        self.frames += 1;
        self.bytes += frame.len();
    }
}

#[test]
fn no_frame_panics_or_allocates_beyond_its_bound() {
    let frames = frames_wanted();
    let (clients, metadata) = (load("clients"), load("metadata"));
    let schema_of =
        |subject: &Subject| clients.get(subject.schema.name).or(metadata.get(subject.schema.name)).unwrap();
    let subjects = subject::all();
    let mut draws = Draws::new(4);
    let mut tally = Tally::default();
    while tally.frames < frames {
        let subject = &subjects[draws.below(subjects.len())];
        let schema = schema_of(subject);
        let version = schema.versions.min
            + draws.below((schema.versions.max - schema.versions.min + 1) as usize) as i16;
        let frame = frame(schema, version, &mut draws);
        decode_body(subject, version, &frame, &mut tally);
        if draws.once_in(4) {
            decode_whole(schema, version, frame, &mut draws, &mut tally);
        }
    }
    println!("{tally:?}");
    assert!(
        tally.decoded > frames / 20,
        "damage that nothing survives tests the first check only: {tally:?}"
    );
}

fn frames_wanted() -> usize {
    std::env::var("TIDEMARK_FUZZ_FRAMES").map_or(FRAMES, |text| text.parse().expect("a number of frames"))
}

fn decode_body(subject: &Subject, version: i16, frame: &[u8], tally: &mut Tally) {
    let input = Bytes::copy_from_slice(frame);
    // The test's own clone and closures of a message that decodes are counted too, so that is done apart.
    let (decoded, asked) = counted(|| (subject.decode_only)(input.clone(), version));
    tally.check(subject.schema.name, frame, asked);
    if decoded.is_ok() {
        tally.decoded += 1;
        let decoded = (subject.decode)(input, version).expect("it decoded before");
        let encoded = (decoded.encode)(version).expect("what was read can be written");
        let again = (subject.decode)(encoded.clone(), version).expect("what was written can be read");
        assert_eq!((again.encode)(version), Ok(encoded), "{} {version}: {frame:02x?}", subject.schema.name);
    }
}

/// The same bytes behind a request's header, or a metadata record's frame.
fn decode_whole(schema: &Schema, version: i16, body: Vec<u8>, draws: &mut Draws, tally: &mut Tally) {
    let key = schema.api_key.unwrap_or(0) as i16;
    let mut record = vec![1, key as u8, version as u8];
    record.extend(&body);
    damage(&mut record, draws, 4);
    let input = Bytes::from(record.clone());
    let (_, asked) = counted(|| MetadataRecord::decode(input));
    tally.check("MetadataRecord", &record, asked);

    let mut request =
        [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 7, 0, 2, b'm', b'e', 0]].concat();
    request.extend(body);
    damage(&mut request, draws, 4);
    let input = Bytes::from(request.clone());
    let (_, asked) = counted(|| RequestHeader::decode(input));
    tally.check("RequestHeader", &request, asked);
}

fn frame(schema: &Schema, version: i16, draws: &mut Draws) -> Vec<u8> {
    if draws.once_in(10) {
        return (0..draws.below(200)).map(|_| draws.draw() as u8).collect();
    }
    let style = match draws.below(40) {
        // Long enough for the factor to matter and not only the 64 KiB.
        0 => Style::Dense(draws.below(10_000), draws.below(4)),
        _ => Style::Random,
    };
    let mut frame = message(schema, version, style, draws);
    damage(&mut frame, draws, 2);
    frame
}

/// Damages a frame up to three times, or, once in `spared`, not at all.
fn damage(frame: &mut Vec<u8>, draws: &mut Draws, spared: usize) {
    if draws.once_in(spared + 1) {
        return;
    }
    for _ in 0..1 + draws.below(3) {
        if frame.is_empty() {
            return frame.push(draws.draw() as u8);
        }
        let at = draws.below(frame.len());
        match draws.below(8) {
            0 => frame[at] ^= 1 << draws.below(8),
            1 => frame[at] = draws.draw() as u8,
            2 => overwrite(frame, at, &[0x7f, 0xff, 0xff, 0xff]),
            3 => overwrite(frame, at, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            4 => overwrite(frame, at, &(draws.below(100_000) as u32).to_be_bytes()),
            5 => frame.truncate(at),
            6 => drop(frame.drain(at..(at + 1 + draws.below(8)).min(frame.len()))),
            _ => {
                let end = (at + 1 + draws.below(16)).min(frame.len());
                let doubled = frame[at..end].to_vec();
                frame.splice(at..at, doubled);
            }
        }
    }
}

fn overwrite(frame: &mut [u8], at: usize, with: &[u8]) {
    let end = (at + with.len()).min(frame.len());
    frame[at..end].copy_from_slice(&with[..end - at]);
}

const COMPRESSIONS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// When the batches arrive.
const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// What a decoder may take whatever it is fed, besides what a frame pays for: gzip for its window of 32 KiB, its tables
/// and the extra field of up to 64 KiB that its header may claim, LZ4 for blocks of up to 4 MiB
/// (`records::batch::Timeline`). Zstd's window is C's, and bounded in a test of its own.
fn fixed(how: Option<Compression>) -> usize {
    match how {
        Some(Compression::Gzip) => 128 << 10,
        Some(Compression::Lz4) => 13 << 20,
        _ => 0,
    }
}

/// How far damaged batches got.
#[derive(Debug, Default)]
struct Depths {
    accepted: usize,
    /// Refused for a record, which the walk found.
    walked: usize,
    /// Read by time to the end.
    read: usize,
    /// Read by time up to a record that is none.
    stopped: usize,
    /// Read by time up to where decompression failed.
    undone: usize,
}

#[test]
fn no_damaged_batch_panics_or_allocates_beyond_its_bound() {
    let batches = frames_wanted() / 5;
    let mut draws = Draws::new(6);
    let (mut tally, mut depths) = (Tally::default(), Depths::default());
    for _ in 0..batches {
        let how = COMPRESSIONS[draws.below(COMPRESSIONS.len())];
        let batch = damaged_batch(how, &mut draws);
        produce(&batch, &mut draws, &mut tally, &mut depths);
        search(&batch, &mut tally, &mut depths);
    }
    println!("{tally:?} {depths:?}");
    let Depths { accepted, walked, read, stopped, undone } = depths;
    for depth in [accepted, walked, read, stopped, undone] {
        assert!(depth > batches / 50, "too few batches get there: {depths:?} of {batches}");
    }
}

/// As the leader takes it: nothing is allocated, whatever it holds.
fn produce(batch: &[u8], draws: &mut Draws, tally: &mut Tally, depths: &mut Depths) {
    let rules = ProduceRules {
        now: NOW,
        batch_bytes_max: 1 << 20,
        timestamp_type: TimestampType::CreateTime,
        before_max_ms: i64::MAX,
        after_max_ms: 3_600_000,
        zstd: !draws.once_in(10),
        keys: draws.once_in(10),
    };
    let input = Bytes::copy_from_slice(batch);
    // A second handle of the same bytes is what the first one is paid for.
    let second = input.clone();
    let (checked, asked) = counted(|| check_produced(&input, &rules));
    drop(second);
    assert_eq!(asked, 0, "check_produced: {batch:02x?}");
    tally.check("check_produced", batch, asked);
    match checked {
        Ok(produced) => {
            depths.accepted += 1;
            if produced.header.compression() == Compression::None {
                let newest = Timeline::new(&input, 0)
                    .expect("it was checked")
                    .map(|record| record.expect("it was walked").1);
                assert_eq!(newest.max(), Some(produced.header.max_timestamp), "{batch:02x?}");
            }
        }
        Err(ProduceRefusal::Corrupt(BatchError::Record { .. } | BatchError::BytesAfterRecords { .. })) => {
            depths.walked += 1;
        }
        Err(_) => {}
    }
}

/// As a search by time reads what is stored.
fn search(batch: &[u8], tally: &mut Tally, depths: &mut Depths) {
    let (last, asked) = counted(|| Timeline::new(batch, 1 << 20).map(|timeline| timeline.last().transpose()));
    let how = batch.get(CRC_COVERS_FROM + 1).and_then(|bits| Compression::from_id(bits & 7));
    tally.check_beyond("Timeline", batch, asked, fixed(how));
    match last {
        Ok(Ok(_)) => depths.read += 1,
        Ok(Err(BatchError::Record { .. })) => depths.stopped += 1,
        Ok(Err(BatchError::Compression(_))) => depths.undone += 1,
        Ok(Err(_)) | Err(_) => {}
    }
}

/// A batch whose records, compressed records, header, or all of it were damaged, or nothing; its checksum is right.
fn damaged_batch(how: Compression, draws: &mut Draws) -> Vec<u8> {
    let mut builder = BatchBuilder::produced();
    for _ in 0..1 + draws.below(30) {
        let value = vec![draws.draw() as u8; draws.below(400)];
        let key = (!draws.once_in(20)).then_some(&b"key"[..]);
        let timestamp = Timestamp(NOW.0 - draws.below(1000) as i64);
        builder.push_with_headers(timestamp, key, Some(&value), &[("header", Some(b"of it"))]);
    }
    let plain = builder.build();
    let (mut header, mut records) = (plain[..HEADER_LEN].to_vec(), plain[HEADER_LEN..].to_vec());
    let bits = Attributes::default().with_compression(how).bits();
    header[CRC_COVERS_FROM..CRC_COVERS_FROM + 2].copy_from_slice(&bits.to_be_bytes());
    let what = draws.below(5);
    if what == 0 {
        damage(&mut records, draws, 10);
    }
    let mut body = compress(how, &records);
    if what == 1 {
        damage(&mut body, draws, 10);
    }
    if what == 2 {
        let mut fields = header.split_off(CRC_COVERS_FROM);
        damage(&mut fields, draws, 10);
        fields.resize(HEADER_LEN - CRC_COVERS_FROM, 0);
        header.extend(fields);
    }
    let mut batch = [header, body].concat();
    let length = (batch.len() - LENGTH_PREFIX_LEN) as i32;
    batch[8..LENGTH_PREFIX_LEN].copy_from_slice(&length.to_be_bytes());
    if what == 3 {
        damage(&mut batch, draws, 10);
    }
    if batch.len() > CRC_COVERS_FROM {
        let crc = crc32c(&batch[CRC_COVERS_FROM..]);
        batch[CRC_COVERS_FROM - 4..CRC_COVERS_FROM].copy_from_slice(&crc.to_be_bytes());
    }
    batch
}

/// A request is given room for before it is decoded, by a factor of its length. What it may take is that, however dense
/// it is.
#[test]
fn a_request_takes_no_more_memory_than_it_is_charged_for() {
    let schemas = load("clients");
    let mut draws = Draws::new(5);
    for request in subject::requests() {
        let schema = schemas.get(request.schema.name).unwrap();
        for version in schema.versions.min..=schema.versions.max {
            for (elements, depth) in [(20_000, 0), (20_000, 1), (20_000, 2), (20_000, 3)] {
                let body = Bytes::from(message(schema, version, Style::Dense(elements, depth), &mut draws));
                let charge = request.key.decoding_bytes_max(body.len());
                let (decoded, asked) = counted(|| (request.decode_only)(body.clone(), version));
                let name = request.schema.name;
                assert!(asked <= ALLOCATION_FREE + charge, "{name} {version}: {asked} of {charge}");
                // Produce requests that name partitions without batches are refused instead.
                if request.key != ApiKey::Produce {
                    assert_eq!(decoded, Ok(()), "{name} {version}, {elements} at {depth}");
                }
            }
        }
    }
}

/// The densest thing that a producer can honestly say: many topics of one letter, each with the shortest batch.
#[test]
fn a_produce_request_of_tiny_batches_decodes_within_its_charge() {
    let mut builder = BatchBuilder::produced();
    builder.push(Timestamp(1), None, None);
    let batch = builder.build();
    for version in 3..=13 {
        let partition =
            PartitionProduceData { records: Some(batch.clone()), ..PartitionProduceData::default() };
        let topic = TopicProduceData {
            name: if version < 13 { "t".into() } else { String::new() },
            partition_data: vec![partition],
            ..TopicProduceData::default()
        };
        let request = ProduceRequest { topic_data: vec![topic; 20_000], ..ProduceRequest::default() };
        let mut writer = Writer::new();
        request.encode(&mut writer, version).unwrap();
        let body = writer.into_bytes();
        let charge = ApiKey::Produce.decoding_bytes_max(body.len());
        let (decoded, asked) = counted(|| ProduceRequest::decode_body(body.clone(), version).map(drop));
        assert_eq!(decoded, Ok(()), "{version}");
        assert!(asked <= ALLOCATION_FREE + charge && asked > charge / 2, "{version}: {asked} of {charge}");
        assert!(
            charge <= 2 * body.len(),
            "a large Produce pays for what it is, not for what another API makes of it"
        );
    }
}

/// The frame that made another implementation ask for 154 GB: Metadata version 1, and a count.
#[test]
fn a_count_without_elements_asks_for_nothing() {
    let metadata =
        subject::messages().into_iter().find(|subject| subject.schema.name == "MetadataRequest").unwrap();
    let input = Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]);
    let (decoded, asked) = counted(|| (metadata.decode_only)(input, 1));
    assert_eq!(decoded, Err(records::codec::DecodeError::ArrayTooLong));
    assert!(asked < 256, "{asked} bytes");
}
