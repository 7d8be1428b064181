//! What becomes of a change, whatever its controller still says when another node leads.

use super::*;
use std::future::{pending, ready};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;

fn answered() -> Forwarded {
    Forwarded::Answer { answer: Bytes::from_static(b"done"), committed: None }
}

/// What `exchange` comes to before and after another node leads.
fn around_a_succession(
    changes: bool,
    put: impl AsyncFnOnce(&mut ()) -> Forwarded,
    committed: impl AsyncFnOnce(&mut ()) -> Option<Offset>,
) -> [Poll<Forwarded>; 2] {
    let another_leads = Notify::new();
    let mut link = ();
    let exchange = exchange(&mut link, changes, put, committed, another_leads.notified());
    let mut exchange = pin!(exchange);
    let mut context = Context::from_waker(Waker::noop());
    let before = exchange.as_mut().poll(&mut context);
    if before.is_ready() {
        return [before.clone(), before];
    }
    another_leads.notify_one();
    [before, exchange.poll(&mut context)]
}

#[test]
fn a_change_that_was_answered_stays_answered_though_another_node_leads_before_its_end_is_known() {
    let outcomes = around_a_succession(true, async |()| answered(), async |()| pending().await);
    assert_eq!(outcomes, [Poll::Pending, Poll::Ready(answered())]);
}

#[test]
fn a_change_that_is_not_answered_when_another_node_leads_may_have_been_made() {
    let never = async |_: &mut ()| unreachable!("nothing was answered");
    let outcomes = around_a_succession(true, async |()| pending().await, never);
    assert_eq!(outcomes, [Poll::Pending, Poll::Ready(Forwarded::Unanswered)]);
}

#[test]
fn the_end_of_an_answered_change_is_told_and_what_changes_nothing_has_none() {
    let end = async |_: &mut ()| ready(Some(Offset(7))).await;
    let told = Forwarded::Answer { answer: Bytes::from_static(b"done"), committed: Some(Offset(7)) };
    assert_eq!(around_a_succession(true, async |_| answered(), end)[0], Poll::Ready(told));
    assert_eq!(around_a_succession(false, async |_| answered(), end)[0], Poll::Ready(answered()));
    let refused = Forwarded::Refused(ErrorCode::UnsupportedVersion);
    let outcomes = around_a_succession(true, async |_| refused.clone(), end);
    assert_eq!(outcomes[0], Poll::Ready(refused));
}
