//! Names with several addresses.

use super::*;
use crate::stage::{self, Answering, Stage};
use protocol::ApiKey;

const ADDRESSES: [&str; 3] = ["10.0.0.1:9092", "10.0.0.2:9092", "10.0.0.3:9092"];
const DEADLINE: Duration = Duration::from_secs(9);

/// Opens a link to a name of three addresses, at which these hosts are.
fn open(hosts: [Option<Answering>; 3]) -> (Result<(), LinkError>, Vec<String>, Duration) {
    let hosts = ADDRESSES.into_iter().zip(hosts).filter_map(|(at, host)| Some((at, host?)));
    stage::run(&[("b", &["10.0.0.1", "10.0.0.2", "10.0.0.3"])], hosts.collect(), async |stage: Stage| {
        let endpoint = Endpoint { host: "b".into(), port: 9092 };
        let opened = Link::open(&stage, &endpoint, "test", stage.now() + DEADLINE).await;
        let tried = stage.tried().iter().map(SocketAddr::to_string).collect();
        (opened.map(drop), tried, stage.now() - Instant(0))
    })
}

fn good() -> Option<Answering> {
    Some(Box::new(|asked| stage::hello(asked, &[(ApiKey::Metadata, 7)])))
}

fn silent() -> Option<Answering> {
    Some(Box::new(|_| None))
}

#[test]
fn each_address_is_tried_until_one_answers() {
    let (opened, tried, took) = open([good(), None, None]);
    assert_eq!((opened, tried, took), (Ok(()), vec![ADDRESSES[0].to_string()], Duration::ZERO));
    let (opened, tried, took) = open([None, good(), None]);
    assert_eq!((opened, tried.len(), took), (Ok(()), 2, Duration::ZERO), "refused at once");
    let (opened, tried, took) = open([silent(), None, good()]);
    assert_eq!((opened, tried.len(), took), (Ok(()), 3, DEADLINE / 3), "it leaves time to the others");
}

#[test]
fn the_last_address_says_why_there_is_none() {
    let (opened, tried, took) = open([silent(), silent(), silent()]);
    assert_eq!((opened, tried.len(), took), (Err(LinkError::Hello(CallError::TimedOut)), 3, DEADLINE));
    let (opened, tried, _) = open([silent(), None, None]);
    let refused = ConnectError::Failed(io::ErrorKind::ConnectionRefused);
    assert_eq!((opened, tried.len()), (Err(LinkError::Connect(refused)), 3));
}
