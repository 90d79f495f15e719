//! Actions on desktop monitoring: whoever cares for the PCs installs or repairs the client. There is
//! no call for it, and never an action on what was captured.

use crate::model::action::{ActionSpec, Class};

/// Rows of the table.
pub const ACTIONS: &[ActionSpec] = &[ActionSpec {
    id: "future_digital.client_check",
    label: "Ask for a check of the monitoring client",
    class: Class::HandOff,
}];
