//! Actions on Purple Mash. Its sync is a wizard that only an administrator of the school can run,
//! so it is handed off.
//!
//! Source: help.2simple.com on the MIS Sync Wizard, as restated in the vendor notes.

use crate::model::action::{ActionSpec, AimsAt, ChoiceSpec, Class};

/// Rows of the table.
pub(super) const ACTIONS: &[ActionSpec] = &[RESYNC];

/// Its sync by hand.
pub(super) const RESYNC: ActionSpec = ActionSpec {
    id: "purple_mash.resync",
    label: "Ask the school's admin to run the MIS Sync Wizard",
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
    "1. Sign in to Purple Mash as an administrator of the school: Manage Users, Import/Sync, MIS Sync \
     Wizard.",
    "2. Choose how new users are named. Who is there already keeps user name and password.",
    "3. Map year groups and choose subject groups. Classes must be named as in the MIS, or they come \
     twice.",
    "4. Where pupils sign in with Office 365, import their e-mail addresses: users are matched by them.",
    "5. Read the summary, finish, and resolve possible duplicates before you close the result page.",
    "6. Tell the desk who ran it and when, and how many duplicates were left.",
];
