//! What comes next for one item: a pure state machine over what was recorded.
//!
//! The pipeline records every event before it acts on the next answer of [`Run::next`], so a run
//! that is read back after a crash goes on from the same place.
//!
//! Invariant: a step that triggers, destroys or hands off is sent at most once, unless the other
//! side is known not to have had it. Invariant: no answer is never "failed".

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use crate::model::action::Class;
use crate::model::plan::{Item, Outcome, Step, StepState};
use crate::model::text::Clean;
use crate::ports::ledger::StepRecord;

/// How often a step that may be repeated is sent at most, the first time included.
pub const MAX_SENDS: u32 = 3;

/// How long a target stays leased, and how long after its intent a step may still be sent.
pub const LEASE_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// When the lease of what was committed at `at` ends.
#[must_use]
pub fn ends(at: Timestamp) -> Timestamp {
    at.checked_add(LEASE_LASTS).unwrap_or(at)
}

/// How long a hand-off that got no answer is searched for before it may be handed over again: the
/// other side may be slow to list what it took.
const HAND_OFF_SETTLES: SignedDuration = SignedDuration::from_mins(5);

/// Waits between two looks at one step, in seconds; the last goes on for ever.
const LOOKS: [i64; 8] = [2, 5, 15, 60, 300, 900, 1_800, 3_600];

/// One item's run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// One record for each step.
    pub steps: Vec<StepRecord>,
    /// Whether the target was read again and was as the plan says.
    pub reread: bool,
    /// Whether it ended because the target had changed.
    pub changed: bool,
    /// Whether a person said that nothing more is to be done.
    pub given_up: bool,
    /// After this nothing more is sent: the lease has ended, and somebody else may have acted.
    pub until: Timestamp,
}

/// What the target looked like just before the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// As the plan read it.
    Same,
    /// Different, or it could not be read.
    Changed,
}

/// What the other side said to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It took it.
    Took,
    /// It refused.
    Refused,
    /// The value to be replaced was another one; nothing was written.
    Changed,
    /// Nothing, or nothing clear.
    NoAnswer,
    /// It cannot have had it.
    NotSent,
}

/// What reading told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The effect is there.
    There,
    /// It is not there.
    NotThere,
    /// Not yet.
    NotYet,
    /// Reading cannot tell.
    CannotTell,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The target was read again.
    Reread(Fresh),
    /// It was recorded that this step is about to be sent.
    Sending(usize),
    /// The other side answered, or did not.
    Answered(usize, Said, Clean),
    /// The target was read for this step's effect.
    Looked(usize, Look, Clean),
    /// The process began anew: what was on its way has no answer.
    Restarted,
    /// A person saw that the step took effect (`true`) or did not.
    Told(usize, bool, Clean),
    /// Its lease ended: what was not sent is not sent any more.
    Expired,
    /// A person closed it as it is.
    GivenUp,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read the target again and compare.
    Reread,
    /// Record, then send this step.
    Send(usize),
    /// Read for this step's effect.
    Look(usize),
    /// Record that the lease has ended.
    Expire,
    /// Nothing before this time; the outcome so far stands.
    Wait(Timestamp, Outcome),
    /// It is over.
    End(Outcome),
}

/// An event that does not fit what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misplaced(&'static str);

impl Run {
    /// A run of `steps` steps that has not begun.
    #[must_use]
    pub fn new(steps: usize, until: Timestamp) -> Self {
        let waiting = StepRecord {
            state: StepState::Waiting,
            sent_at: None,
            sent: 0,
            looked_at: None,
            looks: 0,
            says: Clean::new(""),
        };
        Self { steps: vec![waiting; steps], reread: false, changed: false, given_up: false, until }
    }

    /// A run as it was recorded. One whose first step was ever sent has been read again before.
    #[must_use]
    pub fn recorded(steps: Vec<StepRecord>, until: Timestamp) -> Self {
        let reread = steps.iter().any(|s| s.sent > 0);
        Self { steps, reread, changed: false, given_up: false, until }
    }

    /// Takes what happened.
    ///
    /// # Errors
    /// When it cannot have happened in this state; nothing is changed then.
    pub fn apply(&mut self, item: &Item, event: &Event, now: Timestamp) -> Result<(), Misplaced> {
        if self.given_up {
            return Err(Misplaced("it was closed by a person"));
        }
        match event {
            Event::Reread(fresh) => self.reread(*fresh),
            Event::Sending(i) => self.sending(item, *i, now),
            Event::Answered(i, said, says) => self.answered(item, *i, *said, says),
            Event::Looked(i, look, says) => self.looked(item, *i, *look, says, now),
            Event::Restarted => {
                for step in self.steps.iter_mut().filter(|s| s.state == StepState::Sent) {
                    step.state = StepState::Unknown;
                    step.says = Clean::new("the agent ended before an answer was recorded");
                }
                Ok(())
            }
            Event::Told(i, there, says) => self.told(*i, *there, says),
            Event::Expired if now <= self.until => Err(Misplaced("its lease has not ended")),
            Event::Expired => {
                self.skip_waiting();
                Ok(())
            }
            Event::GivenUp => {
                self.given_up = true;
                Ok(())
            }
        }
    }

    fn reread(&mut self, fresh: Fresh) -> Result<(), Misplaced> {
        if self.steps.iter().any(|s| s.sent > 0) {
            return Err(Misplaced("a step was sent already"));
        }
        match fresh {
            Fresh::Same => self.reread = true,
            Fresh::Changed => {
                self.changed = true;
                self.skip_waiting();
            }
        }
        Ok(())
    }

    fn step(&mut self, i: usize) -> Result<&mut StepRecord, Misplaced> {
        self.steps.get_mut(i).ok_or(Misplaced("there is no such step"))
    }

    fn sending(&mut self, item: &Item, i: usize, now: Timestamp) -> Result<(), Misplaced> {
        if self.next(item, now) != Next::Send(i) {
            return Err(Misplaced("it is not this step's turn"));
        }
        let step = self.step(i)?;
        step.state = StepState::Sent;
        step.sent += 1;
        step.sent_at = Some(now);
        Ok(())
    }

    fn answered(
        &mut self,
        item: &Item,
        i: usize,
        said: Said,
        says: &Clean,
    ) -> Result<(), Misplaced> {
        let touched = self.steps.iter().take(i).any(|s| reached(s.state));
        let step = self.step(i)?;
        if step.state != StepState::Sent {
            return Err(Misplaced("this step is not on its way"));
        }
        step.says = says.clone();
        step.state = match said {
            Said::Took => StepState::Took,
            Said::Refused => StepState::Refused,
            Said::NoAnswer => StepState::Unknown,
            Said::NotSent if step.sent < MAX_SENDS => StepState::Waiting,
            Said::NotSent => StepState::Refused,
            Said::Changed => StepState::Refused,
        };
        if said == Said::Changed && !touched && !item.protective {
            self.changed = true;
        }
        if self.steps.get(i).is_some_and(|s| s.state == StepState::Refused) && !item.protective {
            self.skip_waiting();
        }
        Ok(())
    }

    fn looked(
        &mut self,
        item: &Item,
        i: usize,
        look: Look,
        says: &Clean,
        now: Timestamp,
    ) -> Result<(), Misplaced> {
        let class = item.steps.get(i).map(|s| s.class);
        let leased = now <= self.until;
        let step = self.step(i)?;
        if !matches!(step.state, StepState::Took | StepState::Unknown) {
            return Err(Misplaced("there is nothing to look for"));
        }
        step.looked_at = Some(now);
        step.looks = step.looks.saturating_add(1);
        step.says = says.clone();
        let again = match class {
            Some(Class::SetState | Class::Monotonic) => true,
            // Searched for by our key and still not there: it may be handed over again.
            Some(Class::HandOff) => {
                step.state == StepState::Unknown
                    && step.sent_at.is_some_and(|at| now.duration_since(at) >= HAND_OFF_SETTLES)
            }
            _ => false,
        };
        match look {
            Look::There => step.state = StepState::Seen,
            Look::NotThere if again && leased && step.sent < MAX_SENDS => {
                step.state = StepState::Waiting;
                step.looks = 0;
            }
            Look::NotThere | Look::NotYet | Look::CannotTell => {}
        }
        Ok(())
    }

    fn told(&mut self, i: usize, there: bool, says: &Clean) -> Result<(), Misplaced> {
        let step = self.step(i)?;
        if !matches!(step.state, StepState::Took | StepState::Unknown) {
            return Err(Misplaced("nothing is open about this step"));
        }
        step.state = if there { StepState::Seen } else { StepState::Refused };
        step.says = says.clone();
        Ok(())
    }

    /// What waits is not sent any more. A step that got no answer before, and was only not there when it
    /// was looked for, may still come: it stays unknown.
    fn skip_waiting(&mut self) {
        for step in self.steps.iter_mut().filter(|s| s.state == StepState::Waiting) {
            step.state =
                if step.looked_at.is_some() { StepState::Unknown } else { StepState::Skipped };
        }
    }

    /// What is to be done at `now`.
    #[must_use]
    pub fn next(&self, item: &Item, now: Timestamp) -> Next {
        if self.given_up || self.changed {
            return Next::End(self.outcome(item));
        }
        if now > self.until && self.steps.iter().any(|s| s.state == StepState::Waiting) {
            return Next::Expire;
        }
        if !self.reread && self.steps.iter().any(|s| s.state == StepState::Waiting) {
            return Next::Reread;
        }
        let mut wake: Option<Timestamp> = None;
        for (i, (record, step)) in self.steps.iter().zip(&item.steps).enumerate() {
            match record.state {
                StepState::Waiting => return Next::Send(i),
                // On its way: its answer is the next event.
                StepState::Sent => return Next::Wait(now, self.outcome(item)),
                StepState::Seen | StepState::Refused | StepState::Skipped => {}
                StepState::Took | StepState::Unknown => {
                    let due = due(record);
                    if due <= now {
                        return Next::Look(i);
                    }
                    wake = Some(wake.map_or(due, |w| w.min(due)));
                    if !item.protective && self.holds_back(i, step) {
                        break;
                    }
                }
            }
        }
        match wake {
            Some(at) => Next::Wait(at, self.outcome(item)),
            None => Next::End(self.outcome(item)),
        }
    }

    /// When it is looked for again by itself; each look moves it on. None where nothing is.
    #[must_use]
    pub fn next_look(&self, item: &Item, now: Timestamp) -> Option<Timestamp> {
        match self.next(item, now) {
            Next::Wait(at, _) => Some(at),
            Next::Look(_) => Some(now),
            _ => None,
        }
    }

    /// Whether the steps after `i` wait until it was seen.
    fn holds_back(&self, i: usize, step: &Step) -> bool {
        let later = self.steps.iter().skip(i + 1).any(|s| s.state == StepState::Waiting);
        let taken = self.steps.get(i).is_some_and(|s| s.state == StepState::Took);
        later && !(taken && matches!(step.class, Class::Trigger | Class::HandOff))
    }

    /// What came of it so far.
    #[must_use]
    pub fn outcome(&self, item: &Item) -> Outcome {
        if self.changed {
            return Outcome::ChangedSincePlan;
        }
        let any = |state| self.steps.iter().any(|s| s.state == state);
        let all = |state| self.steps.iter().all(|s| s.state == state);
        let reached =
            self.steps.iter().any(|s| matches!(s.state, StepState::Took | StepState::Seen));
        let open = any(StepState::Unknown) || any(StepState::Sent);
        let short = any(StepState::Refused) || any(StepState::Skipped);
        if all(StepState::Seen) {
            Outcome::Done
        } else if open && !(item.protective && reached) {
            Outcome::Unknown
        } else if open || (short && reached) {
            Outcome::PartlyDone
        } else if reached {
            Outcome::Accepted
        } else {
            // All refused, or given up before anything was sent.
            Outcome::Rejected
        }
    }

    /// Whether somebody must look: an effect that has not shown in its time, or no answer that
    /// reading could settle, or a protective chain with a step that was refused.
    #[must_use]
    pub fn needs_a_look(&self, item: &Item, now: Timestamp) -> bool {
        self.steps.iter().zip(&item.steps).any(|(record, step)| match record.state {
            StepState::Took => overdue(record, step, now),
            StepState::Unknown => {
                record.looks > 0
                    && (matches!(step.class, Class::Destructive | Class::HandOff)
                        || overdue(record, step, now))
            }
            // A lock with a gap: what was left open stays somebody's business.
            StepState::Refused | StepState::Skipped => {
                item.protective && self.outcome(item) == Outcome::PartlyDone
            }
            _ => false,
        })
    }
}

/// Whether the other side has it, or may have it.
fn reached(state: StepState) -> bool {
    matches!(state, StepState::Took | StepState::Seen | StepState::Unknown | StepState::Sent)
}

fn overdue(record: &StepRecord, step: &Step, now: Timestamp) -> bool {
    let patience = SignedDuration::from_secs(i64::from(step.patience_s));
    record.sent_at.is_none_or(|sent| now.duration_since(sent) > patience)
}

/// When a step is looked for next.
fn due(record: &StepRecord) -> Timestamp {
    let Some(last) = record.looked_at.filter(|_| record.looks > 0) else {
        return record.sent_at.unwrap_or(Timestamp::MIN);
    };
    let n = usize::try_from(record.looks).unwrap_or(usize::MAX).saturating_sub(1);
    let wait = LOOKS.get(n.min(LOOKS.len() - 1)).copied().unwrap_or(3_600);
    last.checked_add(SignedDuration::from_secs(wait)).unwrap_or(Timestamp::MAX)
}
