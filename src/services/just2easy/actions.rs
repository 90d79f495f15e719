//! Actions on Just2easy. Its sync is a button that an administrator of the school presses after
//! reading the list of unmatched users; pressing it blindly can delete work, so it is handed off.

use crate::model::action::{ActionSpec, AimsAt, Class};

/// Rows of the table.
pub const ACTIONS: &[ActionSpec] = &[ActionSpec {
    id: "just2easy.resync",
    label: "Ask the school's J2E admin to sync users",
    class: Class::HandOff,
    aims_at: AimsAt::School,
    choices: &[],
}];
