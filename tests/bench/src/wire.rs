//! Two requests that librdkafka does not have, or sends to a broker of its own choice: who leads the metadata quorum, and
//! what one certain broker says about the cluster.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A broker that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Ten thousand partitions take half a megabyte.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A connection to one broker.
pub(crate) struct Wire {
    stream: TcpStream,
}

/// What a broker says about the cluster.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Ids of the brokers that are available.
    pub(crate) brokers: Vec<i32>,
    /// How many partitions each leads; those without a leader at -1.
    pub(crate) led: BTreeMap<i32, usize>,
    /// Partitions all of whose replicas are in sync.
    pub(crate) in_sync: usize,
}

impl View {
    /// How many partitions a broker leads.
    pub(crate) fn led_by(&self, id: i32) -> usize {
        self.led.get(&id).copied().unwrap_or(0)
    }

    /// All partitions.
    pub(crate) fn partitions(&self) -> usize {
        self.led.values().sum()
    }
}

impl Wire {
    pub(crate) fn open(addr: SocketAddr) -> Result<Wire, String> {
        let told = |error: io::Error| format!("{addr}: {error}");
        let stream = TcpStream::connect_timeout(&addr, PATIENCE).map_err(told)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(told)?;
        stream.set_nodelay(true).map_err(told)?;
        Ok(Wire { stream })
    }

    /// Metadata (3) version 1 of all topics.
    pub(crate) fn view(&mut self) -> Result<View, String> {
        let answer = self.call(&[0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])?;
        view(&mut Reader(&answer)).ok_or_else(|| "an answer to Metadata ends early".to_string())
    }

    /// DescribeQuorum (55) version 0 of the metadata's partition: the id of the active controller, `None` while there is
    /// none.
    pub(crate) fn active_controller(&mut self) -> Result<Option<i32>, String> {
        let mut request = vec![0, 55, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0];
        // Arrays and strings are one longer than they are; a 0 closes each structure.
        request.extend([2, b"__cluster_metadata".len() as u8 + 1]);
        request.extend(b"__cluster_metadata");
        request.extend([2, 0, 0, 0, 0, 0, 0, 0]);
        let answer = self.call(&request)?;
        let leader = leader(&mut Reader(&answer)).ok_or("an answer to DescribeQuorum ends early")?;
        Ok(leader.filter(|id| *id >= 0))
    }

    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        let answer = || -> io::Result<Vec<u8>> {
            self.stream.write_all(&(request.len() as u32).to_be_bytes())?;
            self.stream.write_all(request)?;
            let mut length = [0; 4];
            self.stream.read_exact(&mut length)?;
            let length = u32::from_be_bytes(length) as usize;
            if length > ANSWER_BYTES_MAX {
                return Err(io::Error::other(format!("an answer of {length} bytes")));
            }
            let mut answer = vec![0; length];
            self.stream.read_exact(&mut answer)?;
            Ok(answer)
        };
        let mut answer = answer;
        answer().map_err(|error| format!("a broker does not answer: {error}"))
    }
}

fn view(answer: &mut Reader) -> Option<View> {
    let mut view = View::default();
    let _correlation = answer.int()?;
    for _ in 0..answer.int()? {
        view.brokers.push(answer.int()?);
        let (_host, _port, _rack) = (answer.string()?, answer.int()?, answer.string()?);
    }
    let _controller = answer.int()?;
    for _ in 0..answer.int()? {
        let (_error, _name, _internal) = (answer.short()?, answer.string()?, answer.take(1)?);
        for _ in 0..answer.int()? {
            let (_error, _partition, leader) = (answer.short()?, answer.int()?, answer.int()?);
            let (replicas, in_sync) = (answer.ints()?, answer.ints()?);
            *view.led.entry(leader).or_default() += 1;
            view.in_sync += usize::from(replicas == in_sync);
        }
    }
    Some(view)
}

fn leader(answer: &mut Reader) -> Option<Option<i32>> {
    let _correlation_and_tags = answer.take(5)?;
    if answer.short()? != 0 {
        return Some(None);
    }
    let _topics = answer.take(1)?;
    let name = usize::from(*answer.take(1)?.first()?);
    let _name = answer.take(name.checked_sub(1)?)?;
    let (_partitions, _partition) = (answer.take(1)?, answer.int()?);
    match answer.short()? {
        0 => Some(Some(answer.int()?)),
        _ => Some(None),
    }
}

/// What has not been read yet. Everything is `None` beyond the end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn short(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn int(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A string, or none: `Some` in both cases.
    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.short()?;
        self.take(length.max(0) as usize)
    }

    /// How many integers an array holds; they are skipped.
    fn ints(&mut self) -> Option<usize> {
        let count = usize::try_from(self.int()?).ok()?;
        self.take(count.checked_mul(4)?)?;
        Some(count)
    }
}
