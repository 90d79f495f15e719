//! Actions on Just2easy. Its sync is a button that an administrator of the school presses after
//! reading the list of unmatched users; pressing it blindly can delete work, so it is handed off.
//!
//! Source: support.j2e.com, articles 77000532781 and 77000528372, as restated in the vendor notes.

use crate::model::action::{ActionSpec, AimsAt, ChoiceSpec, Class};

/// Rows of the table.
pub(super) const ACTIONS: &[ActionSpec] = &[RESYNC];

/// Its sync by hand.
pub(super) const RESYNC: ActionSpec = ActionSpec {
    id: "just2easy.resync",
    label: "Ask the school's J2E admin to sync users",
    class: Class::HandOff,
    aims_at: AimsAt::School,
    choices: &[ChoiceSpec {
        name: "text",
        help: "what the ticket says besides, without any pupil's name",
        optional: true,
    }],
};

/// What the administrator of the school does, in order.
pub(super) const CHECK_LIST: &[&str] = &[
    "1. Sign in to Just2easy as an administrator of the school and open J2dashboard, Manage Users.",
    "2. Look at the provider's button: light grey waits for the data controller's approval, dark grey \
     is for signing in only; only the green one syncs users.",
    "3. Press the green button and confirm.",
    "4. Read the list of users that were not matched before you answer it: deleting a user deletes \
     that user's work. Ignore whom you are not sure of.",
    "5. Tell the desk who pressed it and when, and how many were left unmatched.",
];
