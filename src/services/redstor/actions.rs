//! What can be asked of Redstor. Neither API starts a restore, so the one action is a ticket.

use crate::model::action::{ActionSpec, AimsAt, ChoiceSpec, Class};

/// The rows; their steps belong to the guard.
pub(super) const ACTIONS: &[ActionSpec] = &[RESTORE];

/// A restore.
pub(super) const RESTORE: ActionSpec = ActionSpec {
    id: "redstor.restore_request",
    label: "Ask for a restore",
    class: Class::HandOff,
    aims_at: AimsAt::School,
    choices: &[
        ChoiceSpec { name: "data_set", help: "documents or sims", optional: false },
        ChoiceSpec {
            name: "path",
            help: "what to restore: Staff/Planning, or all",
            optional: false,
        },
        ChoiceSpec {
            name: "at",
            help: "the day of the run to restore from: 2026-03-03; `caretaker runs` lists them",
            optional: false,
        },
        ChoiceSpec {
            name: "asked_by",
            help: "who asked, by role: the school's office",
            optional: false,
        },
        ChoiceSpec {
            name: "verified",
            help: "how you know that it was they: rang back",
            optional: false,
        },
        ChoiceSpec {
            name: "text",
            help: "what the ticket says besides, without any pupil's name",
            optional: true,
        },
    ],
};
