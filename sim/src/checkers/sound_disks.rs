//! I27: no broker gives its directory up whose disk has not failed: for want of space something is refused, or waits, and nothing
//! ends.
//!
//! Whether disks fail is the scenario's to say; where they do, or lie, nobody can tell what a broker has met.

use super::{Checker, Context, Report, Seen};
use ::runtime::{Event, Fence};

/// See the file's header.
pub struct SoundDisks {
    /// No disk fails.
    sound: bool,
}

impl SoundDisks {
    /// `sound`: see [`Scenario::has_sound_disks`](crate::scenario::Scenario::has_sound_disks).
    pub fn new(sound: bool) -> SoundDisks {
        SoundDisks { sound }
    }
}

impl Checker for SoundDisks {
    fn name(&self) -> &'static str {
        "sound_disks"
    }

    fn invariant(&self) -> &'static str {
        "I27"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        if let Seen::Event { broker, event: Event::Fenced(why @ (Fence::SyncFailed | Fence::WriteFailed)) } =
            seen
            && self.sound
        {
            report
                .violation(format!("broker {broker} gave its directory up ({why:?}), and its disk is sound"));
        }
    }
}

#[cfg(test)]
#[path = "sound_disks_test.rs"]
mod tests;
