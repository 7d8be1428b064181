//! Whether a node's process answers: asked on new connections for ApiVersions, which it answers by itself.
//!
//! ```text
//! answered ─▶ it lives            broken off ─▶ asked again, a few times
//! refused  ─▶ nobody is there     no answer  ─▶ asked once more: mute
//! ```

use super::link::Link;
use model::Instant;
use model::time::Duration;
use raft::Failure;
use runtime::Runtime;
use tracing::debug;

/// How long a node may take to answer, the connection included.
pub(super) const ANSWER_MAX: Duration = Duration::from_millis(250);
/// A timer that fires so much later says that this process was held up: its question proves nothing.
const LATE_MAX: Duration = Duration::from_millis(100);
/// Before one is asked again whose connection broke, as it does while a process is ending. Doubled each time.
const BROKEN_PAUSE: Duration = Duration::from_millis(25);
/// So often it may break.
const BROKEN_MAX: u32 = 4;
/// So often it may not answer.
const UNANSWERED_MAX: u32 = 2;

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It lives.
    Answered,
    /// Nobody listens there: so it was said of a question put then.
    Refused(Instant),
    /// No connection lasted until an answer.
    Broken,
    /// Questions were not answered in time, one after the other.
    Mute,
    /// This process was held up itself.
    Late,
}

/// Whether a timer for `deadline` that fires `now` tells more of this process than of whom it asks.
pub(super) fn is_late(now: Instant, deadline: Instant) -> bool {
    now > deadline + LATE_MAX
}

/// Asks until there is something to tell.
pub(super) async fn inquire<R: Runtime>(rt: &R, link: &mut Link<R>) -> Found {
    let (mut broken, mut unanswered) = (0, 0);
    loop {
        let asked = rt.now();
        let deadline = asked + ANSWER_MAX;
        let pause = match link.answers(deadline).await {
            Ok(()) => return Found::Answered,
            Err(Failure::Refused) => return Found::Refused(asked),
            Err(Failure::TimedOut | Failure::Mute) if is_late(rt.now(), deadline) => return Found::Late,
            Err(Failure::TimedOut | Failure::Mute) => {
                unanswered += 1;
                Duration::ZERO
            }
            Err(Failure::Lost) => {
                broken += 1;
                BROKEN_PAUSE * (1 << broken)
            }
        };
        debug!(to = ?link.to(), unanswered, broken, "a node does not answer");
        rt.sleep_until(rt.now() + pause).await;
        if unanswered == UNANSWERED_MAX {
            return Found::Mute;
        }
        if broken == BROKEN_MAX {
            return Found::Broken;
        }
    }
}
