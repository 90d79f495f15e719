//! Actions on desktop monitoring: whoever cares for the PCs installs or repairs the client. There is
//! no call for it, and never an action on what was captured.

use crate::model::action::{ActionSpec, AimsAt, ChoiceSpec, Class};

/// Rows of the table.
pub const ACTIONS: &[ActionSpec] = &[ActionSpec {
    id: "future_digital.client_check",
    label: "Ask for a check of the monitoring client",
    class: Class::HandOff,
    aims_at: AimsAt::School,
    choices: &[ChoiceSpec {
        name: "stations",
        help: "names of the PCs, separated by commas",
        optional: false,
    }],
}];
