//! Packets take the link of their destination, each direction by itself.

use super::*;

const NOW: Duration = Duration::ZERO;

fn fabric() -> Fabric {
    Fabric::new([10, 1, 2], &[1, 2, 3], 7)
}

fn packet(to: [u8; 4], text: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; HEADER_BYTES_MIN];
    packet[0] = 0x45;
    packet[16..20].copy_from_slice(&to);
    packet.extend(text);
    packet
}

#[test]
fn a_packet_goes_where_its_address_says() {
    let mut fabric = fabric();
    let sent = packet([10, 1, 2, 3], b"hello");
    assert_eq!(fabric.offer(NOW, 1, &sent), Some(Offered::Taken));
    assert_eq!(fabric.next_due(), Some(NOW));
    assert_eq!(fabric.due(NOW), Some((3, sent.into())));
    assert_eq!(fabric.due(NOW), None);
}

#[test]
fn one_direction_is_cut_and_the_other_is_not() {
    let mut fabric = fabric();
    fabric.set(NOW, 1, 2, Condition::CUT);
    assert_eq!(fabric.offer(NOW, 1, &packet([10, 1, 2, 2], b"")), Some(Offered::Cut));
    assert_eq!(fabric.offer(NOW, 2, &packet([10, 1, 2, 1], b"")), Some(Offered::Taken));
    assert_eq!(fabric.offer(NOW, 1, &packet([10, 1, 2, 3], b"")), Some(Offered::Taken));
}

#[test]
fn what_is_for_nobody_here_goes_nowhere() {
    let mut fabric = fabric();
    let no_host = packet([10, 1, 2, 9], b"");
    let other_network = packet([10, 1, 3, 2], b"");
    let mut other_version = packet([10, 1, 2, 2], b"");
    other_version[0] = 0x65;
    let itself = packet([10, 1, 2, 1], b"");
    let short = &itself[..19];
    for sent in [&no_host, &other_network, &other_version, &itself, short] {
        assert_eq!(fabric.offer(NOW, 1, sent), None);
    }
    assert_eq!(fabric.next_due(), None);
}
