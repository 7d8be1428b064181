//! Whoever ends for want of space must be noticed, whoever meets a failure or has lost its place must not.

use crate::checkers::Seen;
use crate::checkers::forge::Forge;
use ::runtime::{Event, Fence};

#[test]
fn only_a_failure_ends_a_broker() {
    for (sound, fence, fires) in [
        (true, Fence::SyncFailed, &["sound_disks"][..]),
        (true, Fence::WriteFailed, &["sound_disks"]),
        (true, Fence::MetadataFailed, &[]),
        (true, Fence::Displaced, &[]),
        (false, Fence::SyncFailed, &[]),
        (false, Fence::WriteFailed, &[]),
    ] {
        let event = Event::Fenced(fence);
        Forge::on_disks(sound).seen(&Seen::Event { broker: 1, event: &event }).fires(fires);
    }
}
