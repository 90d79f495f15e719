//! Going on with an action that was partly done. The target is read anew, and the plan is made of what is
//! missing now; the first action is closed when the second begins, in one transaction.

use crate::guard::pipeline::desk::{Denied, Guard};
use crate::model::plan::{Ask, Outcome, StepState};
use crate::model::text::Clean;
use crate::model::when::written;
use crate::ports::ledger::Held;

/// Why an action cannot be continued; `None` when it can: it is partly done, open, and nothing of it is on
/// its way or not known.
#[must_use]
pub fn cannot_continue(held: &Held) -> Option<&'static str> {
    let any = |states: &[StepState]| held.steps.iter().any(|step| states.contains(&step.state));
    if held.closed {
        Some("it is closed: plan it anew")
    } else if any(&[StepState::Waiting, StepState::Sent]) {
        Some("it still runs: wait for what comes of it")
    } else if any(&[StepState::Took, StepState::Unknown]) {
        Some("what became of one of its steps is not known: tell what you saw of it first")
    } else if held.outcome != Some(Outcome::PartlyDone) {
        Some("nothing of it is missing")
    } else {
        None
    }
}

/// What a plan says of the action that it goes on with.
pub(super) fn goes_on_with(begun: &Held) -> Clean {
    Clean::new(&format!(
        "goes on with what {} began at {}, and closes it: what is so already is left out, what cannot be \
         seen by reading (a password, sessions that were ended) is done once more",
        begun.by.name,
        written(begun.at)
    ))
}

impl Guard {
    /// The open action that `ask` goes on with; none where it goes on with none.
    pub(super) async fn continued(&self, ask: &Ask) -> Result<Option<Held>, Denied> {
        let Some(key) = &ask.continues else { return Ok(None) };
        let mut open = self.open().await?.into_iter();
        let Some(begun) = open.find(|held| held.item.key == *key) else {
            return Err(Denied::Nothing(
                "no such open action: it is closed, or was never there".into(),
            ));
        };
        if begun.action != ask.action || !begun.item.aims().eq(&ask.targets) {
            return Err(Denied::Asked(format!(
                "what is open is {} of {}: only that can be continued",
                begun.action, begun.item.aim
            )));
        }
        match cannot_continue(&begun) {
            Some(why) => Err(Denied::Stale(format!("it cannot be continued: {why}"))),
            None => Ok(Some(begun)),
        }
    }
}
