//! How the faults of a scenario are drawn: kinds of faults, each with how often it comes, when it strikes and whom.

use super::distribution::{PERCENT, Range, range};
use super::fault::{Action, ClockFault, DiskFault, EventKind, Fault, LinkFault, Trigger};
use crate::random::Stream;
use serde::Deserialize;

/// A kind of fault and how often it comes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultDraw {
    /// Of a hundred seeds, how many have this kind at all.
    #[serde(default = "always")]
    on_percent: u32,
    #[serde(default = "range::<1, 3>")]
    count: Range,
    action: ActionDraw,
    /// Which events may trigger it; none: a time.
    #[serde(default)]
    events: Vec<EventKind>,
    /// Of a hundred, how many wait for an event if there are any.
    #[serde(default = "half")]
    event_percent: u32,
    #[serde(default = "range::<1, 50>")]
    nth: Range,
    #[serde(default = "range::<0, 2000>")]
    after_us: Range,
    /// When it strikes, or begins to count events; none: at any time.
    #[serde(default)]
    from_ms: Option<Range>,
    /// Where it waits for an event: it counts those of all brokers, and strikes the one that tells it.
    #[serde(default)]
    whoever: bool,
    /// It strikes every broker at the same time.
    #[serde(default)]
    everywhere: bool,
    /// All of this kind strike the same broker.
    #[serde(default)]
    always_the_same: bool,
    /// Which brokers they strike.
    #[serde(default)]
    among: Among,
    /// What follows once it has healed: each waits for an event of its own.
    #[serde(default)]
    then: Vec<FaultDraw>,
    /// What strikes while it is at work: each waits for an event of its own.
    #[serde(default)]
    meanwhile: Vec<FaultDraw>,
}

/// Some of the brokers.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Among {
    #[default]
    All,
    /// Those that vote in the metadata quorum.
    Voters,
    /// Those that do not.
    Observers,
}

fn always() -> u32 {
    100
}

fn half() -> u32 {
    50
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum ActionDraw {
    Kill { down_ms: Range },
    PowerLoss { down_ms: Range },
    Wipe { down_ms: Range },
    Stop { down_ms: Range },
    Pause { for_ms: Range },
    JumpAhead { ms: Range, for_ms: Range },
    JumpBack { ms: Range, for_ms: Range },
    RunFast { ppm: Range, for_ms: Range },
    RunSlow { ppm: Range, for_ms: Range },
    SyncErrors { ppm: Range, for_ms: Range },
    WriteErrors { ppm: Range, for_ms: Range },
    ReadErrors { ppm: Range, for_ms: Range },
    Full { left_bytes: Range, for_ms: Range },
    Slow { times: Range, for_ms: Range },
    HungSync { for_ms: Range },
    HungWrite { for_ms: Range },
    Lie { for_ms: Range },
    Cut { for_ms: Range },
    CutInbound { for_ms: Range },
    CutOutbound { for_ms: Range },
    Loss { ppm: Range, for_ms: Range },
    Delay { ms: Range, for_ms: Range },
    Reset {},
    Forget {},
    CutPeers { for_ms: Range },
    CutPeersInbound { for_ms: Range },
    CutPeersOutbound { for_ms: Range },
    LosePeers { ppm: Range, for_ms: Range },
    DelayPeers { ms: Range, for_ms: Range },
    ResetPeers {},
    ForgetPeers {},
}

/// Whom faults happen to.
pub(super) struct Whom<'a> {
    brokers: &'a [i32],
    /// Those of them that vote in the metadata quorum: the first so many.
    voters: usize,
    stream: Stream,
}

impl<'a> Whom<'a> {
    pub(super) fn new(brokers: &'a [i32], voters: usize, stream: Stream) -> Whom<'a> {
        Whom { brokers, voters, stream }
    }

    fn draw(&mut self, among: Among) -> i32 {
        let from = match among {
            Among::All => self.brokers,
            Among::Voters => &self.brokers[..self.voters],
            Among::Observers => &self.brokers[self.voters..],
        };
        *self.stream.pick(from).expect("a scenario has such a broker")
    }
}

impl FaultDraw {
    /// Draws the faults of this kind; `name` is the prefix of their names.
    pub(super) fn draw(
        &self,
        stream: &mut Stream,
        name: &str,
        mut whom: Whom<'_>,
        duration_ms: u64,
        into: &mut Vec<Fault>,
    ) {
        if !stream.chance(self.on_percent * PERCENT) {
            return;
        }
        let mut same = None;
        for n in 0..self.count.draw(stream) {
            let name = format!("{name}.{n}");
            let drawn = whom.draw(self.among);
            let broker = if self.always_the_same { *same.get_or_insert(drawn) } else { drawn };
            let waits = !self.events.is_empty() && stream.chance(self.event_percent * PERCENT);
            let from_ms = self.from_ms.unwrap_or(Range(0, duration_ms)).draw(stream);
            let trigger = if waits { self.wait(stream, from_ms) } else { Trigger::At(from_ms) };
            let action = self.action.draw(stream);
            if self.everywhere {
                let strike = |broker: &i32| Fault {
                    name: format!("{name}.b{broker}"),
                    broker: *broker,
                    trigger: trigger.clone(),
                    action: action.clone(),
                };
                into.extend(whom.brokers.iter().map(strike));
                continue;
            }
            into.push(Fault { name: name.clone(), broker, trigger, action });
            self.draw_others(stream, &name, broker, into);
        }
    }

    /// What would be dropped of it without a word, if anything.
    pub(super) fn validate(&self) -> Result<(), String> {
        let mut others = self.then.iter().chain(&self.meanwhile).peekable();
        if self.everywhere && others.peek().is_some() {
            return Err("`everywhere` has no `then` and no `meanwhile`: whom would they strike?".into());
        }
        others.try_for_each(|other| match other.everywhere {
            true => Err("what follows a fault strikes the same broker, not `everywhere`".into()),
            false => other.validate(),
        })
    }

    /// Draws what follows the fault `of`, and what strikes while it is at work.
    fn draw_others(&self, stream: &mut Stream, of: &str, broker: i32, into: &mut Vec<Fault>) {
        let then = self.then.iter().map(|draw| ("then", draw));
        let meanwhile = self.meanwhile.iter().map(|draw| ("meanwhile", draw));
        for (n, (how, draw)) in then.enumerate().chain(meanwhile.enumerate()) {
            if stream.chance(draw.on_percent * PERCENT) {
                let name = format!("{of}.{how}{n}");
                let mut trigger = draw.wait(stream, 0);
                if let Trigger::Event { since, during, .. } = &mut trigger {
                    let waits_for = if how == "then" { since } else { during };
                    *waits_for = Some(of.to_string());
                }
                let action = draw.action.draw(stream);
                into.push(Fault { name: name.clone(), broker, trigger, action });
                draw.draw_others(stream, &name, broker, into);
            }
        }
    }

    fn wait(&self, stream: &mut Stream, from_ms: u64) -> Trigger {
        Trigger::Event {
            since: None,
            during: None,
            from_ms,
            whoever: self.whoever,
            kind: stream.pick(&self.events).copied().unwrap_or(EventKind::Started),
            nth: self.nth.draw_log(stream).max(1) as u32,
            after_us: self.after_us.draw_log(stream),
        }
    }
}

impl ActionDraw {
    fn draw(&self, stream: &mut Stream) -> Action {
        let mut log = |range: &Range| range.draw_log(stream);
        match self {
            ActionDraw::Kill { down_ms } => Action::Kill { down_ms: log(down_ms) },
            ActionDraw::PowerLoss { down_ms } => Action::PowerLoss { down_ms: log(down_ms) },
            ActionDraw::Wipe { down_ms } => Action::Wipe { down_ms: log(down_ms) },
            ActionDraw::Stop { down_ms } => Action::Stop { down_ms: log(down_ms) },
            ActionDraw::Pause { for_ms } => Action::Pause { for_ms: log(for_ms) },
            ActionDraw::JumpAhead { ms, for_ms } => clock(ClockFault::Jump(log(ms) as i64), log(for_ms)),
            ActionDraw::JumpBack { ms, for_ms } => clock(ClockFault::Jump(-(log(ms) as i64)), log(for_ms)),
            ActionDraw::RunFast { ppm, for_ms } => clock(ClockFault::Drift(log(ppm) as i32), log(for_ms)),
            ActionDraw::RunSlow { ppm, for_ms } => clock(ClockFault::Drift(-(log(ppm) as i32)), log(for_ms)),
            ActionDraw::SyncErrors { ppm, for_ms } => {
                disk(DiskFault::SyncErrors(log(ppm) as u32), log(for_ms))
            }
            ActionDraw::WriteErrors { ppm, for_ms } => {
                disk(DiskFault::WriteErrors(log(ppm) as u32), log(for_ms))
            }
            ActionDraw::ReadErrors { ppm, for_ms } => {
                disk(DiskFault::ReadErrors(log(ppm) as u32), log(for_ms))
            }
            ActionDraw::Full { left_bytes, for_ms } => disk(DiskFault::Full(log(left_bytes)), log(for_ms)),
            ActionDraw::Slow { times, for_ms } => disk(DiskFault::Slow(log(times) as u32), log(for_ms)),
            ActionDraw::HungSync { for_ms } => disk(DiskFault::HungSync, log(for_ms)),
            ActionDraw::HungWrite { for_ms } => disk(DiskFault::HungWrite, log(for_ms)),
            ActionDraw::Lie { for_ms } => disk(DiskFault::Lies, log(for_ms)),
            ActionDraw::Cut { for_ms } => link(LinkFault::Cut, log(for_ms)),
            ActionDraw::CutInbound { for_ms } => link(LinkFault::CutInbound, log(for_ms)),
            ActionDraw::CutOutbound { for_ms } => link(LinkFault::CutOutbound, log(for_ms)),
            ActionDraw::Loss { ppm, for_ms } => link(LinkFault::Loss(log(ppm) as u32), log(for_ms)),
            ActionDraw::Delay { ms, for_ms } => link(LinkFault::Delay(log(ms)), log(for_ms)),
            ActionDraw::Reset {} => link(LinkFault::Reset, 0),
            ActionDraw::Forget {} => link(LinkFault::Forget, 0),
            ActionDraw::CutPeers { for_ms } => peers(LinkFault::Cut, log(for_ms)),
            ActionDraw::CutPeersInbound { for_ms } => peers(LinkFault::CutInbound, log(for_ms)),
            ActionDraw::CutPeersOutbound { for_ms } => peers(LinkFault::CutOutbound, log(for_ms)),
            ActionDraw::LosePeers { ppm, for_ms } => peers(LinkFault::Loss(log(ppm) as u32), log(for_ms)),
            ActionDraw::DelayPeers { ms, for_ms } => peers(LinkFault::Delay(log(ms)), log(for_ms)),
            ActionDraw::ResetPeers {} => peers(LinkFault::Reset, 0),
            ActionDraw::ForgetPeers {} => peers(LinkFault::Forget, 0),
        }
    }
}

fn clock(fault: ClockFault, for_ms: u64) -> Action {
    Action::Clock { fault, for_ms }
}

fn disk(fault: DiskFault, for_ms: u64) -> Action {
    Action::Disk { fault, for_ms }
}

fn link(fault: LinkFault, for_ms: u64) -> Action {
    Action::Link { fault, for_ms }
}

fn peers(fault: LinkFault, for_ms: u64) -> Action {
    Action::Peers { fault, for_ms }
}
