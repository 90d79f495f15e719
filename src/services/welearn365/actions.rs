//! What can be changed in WeLearn365 and the Active Directory behind it.

use crate::model::action::{ActionSpec, AimsAt, Class};

/// The rows; their steps belong to the guard. A chain has the class of its gravest step: `lock`
/// resets to passwords that nobody sees, so it may be repeated.
pub(super) const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        id: "welearn365.lock_account",
        label: "Lock an account",
        class: Class::SetState,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.restore_account",
        label: "Restore a locked account",
        class: Class::SetState,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.clear_lockout",
        label: "Clear a lockout (too many wrong passwords)",
        class: Class::SetState,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.reset_password",
        label: "Reset a password",
        class: Class::Destructive,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.resync_account",
        label: "Sync one account again",
        class: Class::Trigger,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.sync_directory",
        label: "Start a directory sync",
        class: Class::Trigger,
        aims_at: AimsAt::Estate,
        choices: &[],
    },
];
