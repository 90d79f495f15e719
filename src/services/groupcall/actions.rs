//! What can be asked of Groupcall: fresh MIS data for a school.

use crate::model::action::{ActionSpec, AimsAt, Class};

/// The rows; their steps belong to the guard.
pub(super) const ACTIONS: &[ActionSpec] = &[RESYNC];

/// Fresh data.
pub(super) const RESYNC: ActionSpec = ActionSpec {
    id: "groupcall.resync",
    label: "Ask for fresh pupil data",
    class: Class::Trigger,
    aims_at: AimsAt::School,
    choices: &[],
};
