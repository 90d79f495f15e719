//! What can be asked of Redstor. Neither API starts a restore, so the one action is a ticket.

use crate::model::action::{ActionSpec, Class};

/// The rows; their steps belong to the guard.
pub(super) const ACTIONS: &[ActionSpec] = &[ActionSpec {
    id: "redstor.restore_request",
    label: "Ask for a restore",
    class: Class::HandOff,
}];
