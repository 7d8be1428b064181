//! Headers: their versions, and the traps around ApiVersions and the client id.

use bytes::Bytes;
use records::codec::Writer;

use super::*;
use crate::supported;

fn header(api: i16, version: i16) -> RequestHeader {
    RequestHeader { api_key: api, api_version: version, correlation_id: 9, client_id: Some("cli".into()) }
}

fn encode(header: &RequestHeader) -> Bytes {
    let mut writer = Writer::new();
    header.encode(&mut writer).unwrap();
    writer.into_bytes()
}

/// Trap: the client id keeps its int16 length in the flexible header, where every other string is compact.
#[test]
fn the_client_id_has_an_int16_length_in_every_version() {
    let fixed = encode(&header(ApiKey::Metadata as i16, 8));
    let flexible = encode(&header(ApiKey::Metadata as i16, 9));
    assert_eq!(&fixed[8..], &[0, 3, b'c', b'l', b'i']);
    assert_eq!(&flexible[8..], &[0, 3, b'c', b'l', b'i', 0]);
}

/// Trap: an ApiVersions answer has header version 0 at every version, since its reader knows nothing yet.
#[test]
fn an_api_versions_answer_never_has_a_flexible_header() {
    for version in 0..=99 {
        assert_eq!(response_header_version(ApiKey::ApiVersions, version), 0);
    }
    assert_eq!(request_header_version(ApiKey::ApiVersions as i16, 2), 1);
    assert_eq!(request_header_version(ApiKey::ApiVersions as i16, 3), 2);
}

/// Trap: a version of ApiVersions that does not exist yet still has a header that can be read.
#[test]
fn the_header_of_an_api_versions_request_from_the_future_is_read() {
    let header = header(ApiKey::ApiVersions as i16, 99);
    let mut frame = encode(&header).to_vec();
    frame.extend(b"whatever it says");
    let (decoded, body) = RequestHeader::decode(Bytes::from(frame)).unwrap();
    assert_eq!(decoded, header);
    assert_eq!(&body[..], b"whatever it says");
}

#[test]
fn every_header_version_survives() {
    for (api, version, expected) in [
        (7, 0, 0),
        (ApiKey::Metadata as i16, 0, 1),
        (ApiKey::Metadata as i16, 13, 2),
        (ApiKey::Vote as i16, 0, 2),
        (ApiKey::BeginQuorumEpoch as i16, 0, 1),
        (ApiKey::JoinGroup as i16, 0, 1),
        (-5, -5, 1),
    ] {
        assert_eq!(request_header_version(api, version), expected);
        let mut header = header(api, version);
        if expected == 0 {
            header.client_id = None;
        }
        let (decoded, body) = RequestHeader::decode(encode(&header)).unwrap();
        assert_eq!((decoded, body.len()), (header, 0));
    }
}

#[test]
fn a_body_shares_the_memory_of_its_frame() {
    let mut frame = encode(&header(ApiKey::Produce as i16, 9)).to_vec();
    let at = frame.len();
    frame.extend([1; 100]);
    let frame = Bytes::from(frame);
    let (_, body) = RequestHeader::decode(frame.clone()).unwrap();
    assert_eq!(body.as_ptr(), frame[at..].as_ptr());
}

#[test]
fn a_header_that_ends_early_or_lies_is_refused() {
    let whole = encode(&header(ApiKey::Fetch as i16, 12));
    for length in 0..whole.len() {
        let cut = RequestHeader::decode(whole.slice(..length));
        assert_eq!(cut, Err(HeaderError { cause: DecodeError::Truncated }), "{length} bytes");
    }
    let mut not_text = whole.to_vec();
    not_text[10] = 0xff;
    let refused = RequestHeader::decode(Bytes::from(not_text));
    assert_eq!(refused.unwrap_err().to_string(), "request header: a string is not UTF-8");
}

#[test]
fn every_offered_api_is_declared() {
    for supported in supported() {
        assert!(supported.key.flexible().is_some(), "{:?}", supported.key);
    }
}
