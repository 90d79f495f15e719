//! Actions on the web filter: a user's group decides what is filtered.

use crate::model::action::{ActionSpec, AimsAt, ChoiceSpec, Class};

/// Rows of the table.
pub const ACTIONS: &[ActionSpec] = &[ActionSpec {
    id: "smoothwall.move_group",
    label: "Move a user to another filtering group",
    class: Class::SetState,
    aims_at: AimsAt::Account,
    choices: &[ChoiceSpec {
        name: "group",
        help: "a group of the configured list, or `back`",
        optional: false,
    }],
}];
