//! What time brings about: roles that end, and requests that are due.

use super::Quorum;
use crate::effect::Effect;
use crate::role::Role;
use model::Instant;
use model::time::Duration;

/// Roles that one moment may lead through: leader, resigned, unattached, prospective, follower.
const STEPS_MAX: usize = 8;

impl Quorum {
    /// When to step next if nothing happens before.
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.running {
            return None;
        }
        let parked = match &self.role {
            Role::Leader(leader) => leader.parked.values().map(|parked| parked.deadline).min(),
            _ => None,
        };
        let canvass = self.role.asked().and_then(|canvass| canvass.next_deadline());
        let canvass = canvass.filter(|_| !matches!(self.role, Role::Unattached(_)) || self.log.is_durable());
        [self.role.deadline(), canvass, self.next_fetch(), parked].into_iter().flatten().min()
    }

    /// Ends what is over at this time, and sends what is due.
    pub(super) fn run_timers(&mut self, effects: &mut Vec<Effect>) {
        if self.running {
            for _ in 0..STEPS_MAX {
                if self.role.deadline().is_none_or(|deadline| deadline > self.now) {
                    break;
                }
                self.role_over(effects);
            }
            self.expire_parked(effects);
            self.ask_leader(effects);
        }
        self.ask_peers(effects);
    }

    fn role_over(&mut self, effects: &mut Vec<Effect>) {
        let in_doubt = self.doubt.is_some();
        match &mut self.role {
            Role::Unattached(role) if in_doubt => {
                role.deadline = Some(self.now + self.config.timeouts.election)
            }
            Role::Unattached(_) => self.stand(0, effects),
            Role::Follower(_) if !in_doubt && self.config.is_voter() => self.stand(0, effects),
            // One that has no say looks for another leader.
            Role::Follower(_) => self.detach(self.epoch, None, effects),
            Role::Prospective(_) => self.lost(effects),
            Role::Candidate(_) => self.lost(effects),
            Role::Leader(leader) => {
                let heard = leader.majority_heard(&self.config);
                let until = heard.map(|heard| heard + self.config.timeouts.check_quorum());
                match until.filter(|until| *until > self.now) {
                    Some(until) => leader.check_quorum = Some(until),
                    None => self.resign(effects),
                }
            }
            Role::Resigned(_) => self.detach(self.epoch, None, effects),
        }
    }

    /// Puts the role's question to everybody whom it is due to.
    fn ask_peers(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Some(canvass) = self.role.asked() else { return };
        for peer in canvass.due(now) {
            let id = match &self.role {
                Role::Prospective(_) | Role::Candidate(_) => self.ask_for_vote(peer, effects),
                Role::Leader(leader) => {
                    let since = Instant(now.0.saturating_sub(nanos(self.silence())));
                    if leader.has_fetched_since(peer, since) {
                        let at = now + self.silence();
                        self.role.canvass().expect("a leader has one").again(peer, at);
                        continue;
                    }
                    self.tell_epoch(peer, effects)
                }
                Role::Resigned(_) => self.tell_epoch(peer, effects),
                // Not before what is in the log is durable: a fetch says that it is.
                Role::Unattached(_) if !self.log.is_durable() => return,
                Role::Unattached(_) => self.ask_for_records(peer, Duration::ZERO, effects),
                Role::Follower(_) => unreachable!("a follower asks its leader only"),
            };
            self.role.canvass().expect("it asked above").asked(peer, id);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
