//! Actions on Purple Mash. Its sync is a wizard that only an administrator of the school can run,
//! so it is handed off.

use crate::model::action::{ActionSpec, AimsAt, Class};

/// Rows of the table.
pub const ACTIONS: &[ActionSpec] = &[ActionSpec {
    id: "purple_mash.resync",
    label: "Ask the school's admin to run the MIS Sync Wizard",
    class: Class::HandOff,
    aims_at: AimsAt::School,
    choices: &[],
}];
