//! What can be done to an account: which change each step sends, and by what its effect is known.
//!
//! A step carries immutable ids and the values that the plan read; nothing of it names a person.

use std::collections::BTreeMap;

use super::account::Account;
use super::value::{Flags, Guid, Ticks};
use crate::model::action::Class;
use crate::model::plan::Step;
use crate::model::text::Clean;

/// Where steps in the directory are done, as plans say it.
pub const SYSTEM: &str = "AD";
/// Seconds until somebody must look for an effect that does not show.
const PATIENCE_S: u32 = 120;

/// One step in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Disables the account whose `userAccountControl` is this.
    Disable(Flags),
    /// Enables it.
    Enable(Flags),
    /// Takes a lockout of this moment away.
    Unlock(Ticks),
    /// Sets a password that nobody sees; the number tells the first from the second.
    Unseen(u8),
    /// Sets a password that is shown once, and must be changed at the next sign-in.
    Reset,
    /// Puts the account into a group.
    Join(Guid),
    /// Takes it out of a group.
    Leave(Guid),
}

impl Deed {
    fn id(&self) -> &'static str {
        match self {
            Self::Disable(_) => "ad_disable",
            Self::Enable(_) => "ad_enable",
            Self::Unlock(_) => "ad_unlock",
            Self::Unseen(1) => "ad_password_1",
            Self::Unseen(_) => "ad_password_2",
            Self::Reset => "ad_reset",
            Self::Join(_) => "ad_join",
            Self::Leave(_) => "ad_leave",
        }
    }

    /// The step, with `says` as the operator reads it.
    #[must_use]
    pub fn step(&self, says: &str) -> Step {
        let with = match self {
            Self::Disable(flags) | Self::Enable(flags) => Some(("flags", flags.0.to_string())),
            Self::Unlock(at) => Some(("locked_at", at.0.to_string())),
            Self::Join(group) | Self::Leave(group) => Some(("group", group.to_string())),
            Self::Unseen(_) | Self::Reset => None,
        };
        let class = match self {
            Self::Unseen(_) => Class::Monotonic,
            Self::Reset => Class::Destructive,
            _ => Class::SetState,
        };
        Step {
            id: Clean::new(self.id()),
            system: Clean::new(SYSTEM),
            says: Clean::new(says),
            class,
            undoable: class == Class::SetState,
            patience_s: PATIENCE_S,
            with: with.into_iter().map(|(k, v)| (k.to_owned(), Clean::new(&v))).collect(),
        }
    }

    /// What a step stands for; `None` when it is not one of the directory's.
    #[must_use]
    pub fn of(step: &Step) -> Option<Self> {
        let text = |name: &str| part(&step.with, name);
        let flags = || text("flags")?.parse().ok().map(Flags);
        let group = || text("group")?.parse().ok();
        Some(match step.id.as_str() {
            "ad_disable" => Self::Disable(flags()?),
            "ad_enable" => Self::Enable(flags()?),
            "ad_unlock" => Self::Unlock(Ticks(text("locked_at")?.parse().ok()?)),
            "ad_password_1" => Self::Unseen(1),
            "ad_password_2" => Self::Unseen(2),
            "ad_reset" => Self::Reset,
            "ad_join" => Self::Join(group()?),
            "ad_leave" => Self::Leave(group()?),
            _ => return None,
        })
    }

    /// The group that it is about.
    pub(super) fn group(&self) -> Option<Guid> {
        match self {
            Self::Join(group) | Self::Leave(group) => Some(*group),
            _ => None,
        }
    }

    /// Whether `account`, directly in the group or not, is as this step makes it; `None` where the
    /// account alone does not tell.
    pub(super) fn shows(&self, account: &Account, in_group: bool) -> Option<bool> {
        match self {
            Self::Disable(_) => Some(account.is_disabled()),
            Self::Enable(_) => Some(!account.is_disabled()),
            Self::Unlock(_) => Some(!account.is_locked_out() && account.lockout == Ticks(0)),
            Self::Join(_) => Some(in_group),
            Self::Leave(_) => Some(!in_group),
            Self::Unseen(_) | Self::Reset => None,
        }
    }

    /// Whether `account` is still what the plan read, as far as this step replaces it.
    pub(super) fn still_fits(&self, account: &Account) -> bool {
        match self {
            Self::Disable(flags) | Self::Enable(flags) => account.flags == *flags,
            Self::Unlock(at) => account.lockout == *at,
            _ => true,
        }
    }

    /// What is seen when its effect is there.
    pub(super) fn seen_as(&self) -> &'static str {
        match self {
            Self::Disable(_) => "the account is disabled",
            Self::Enable(_) => "the account is enabled",
            Self::Unlock(_) => "the lockout is gone",
            Self::Unseen(_) => "the password was set anew",
            Self::Reset => "the password was set anew",
            Self::Join(_) => "the account is in the group",
            Self::Leave(_) => "the account is not in the group",
        }
    }

    /// What is seen when it is not.
    pub(super) fn not_seen_as(&self) -> &'static str {
        match self {
            Self::Disable(_) => "the account is still enabled",
            Self::Enable(_) => "the account is still disabled",
            Self::Unlock(_) => "the account is still locked out",
            Self::Unseen(_) | Self::Reset => "the password is still the one from before",
            Self::Join(_) => "the account is not in the group",
            Self::Leave(_) => "the account is still in the group",
        }
    }
}

fn part<'a>(with: &'a BTreeMap<String, Clean>, name: &str) -> Option<&'a str> {
    with.get(name).map(Clean::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::account::tests::account;

    fn every() -> Vec<Deed> {
        let group = Guid::read(&[3; 16]).unwrap();
        vec![
            Deed::Disable(Flags(66_048)),
            Deed::Enable(Flags(66_050)),
            Deed::Unlock(Ticks(7)),
            Deed::Unseen(1),
            Deed::Unseen(2),
            Deed::Reset,
            Deed::Join(group),
            Deed::Leave(group),
        ]
    }

    #[test]
    fn a_step_is_read_back_after_a_restart() {
        for deed in every() {
            let step = deed.step("do it");
            assert_eq!(Deed::of(&step), Some(deed));
            let mut bare = step.clone();
            bare.with.clear();
            assert!(step.with.is_empty() || Deed::of(&bare).is_none(), "{step:?}");
        }
        let stranger = Step { id: Clean::new("graph_block"), ..Deed::Reset.step("x") };
        assert_eq!(Deed::of(&stranger), None);
    }

    #[test]
    fn only_a_password_that_is_shown_is_never_repeated() {
        for deed in every() {
            let class = deed.step("do it").class;
            assert_eq!(class == Class::Destructive, deed == Deed::Reset);
            assert_eq!(class == Class::Monotonic, matches!(deed, Deed::Unseen(_)));
        }
    }

    #[test]
    fn effects_are_told_by_the_account() {
        let open = account();
        let mut shut = account();
        shut.flags = Flags(open.flags.0 | 2);
        assert_eq!(Deed::Disable(open.flags).shows(&open, false), Some(false));
        assert_eq!(Deed::Disable(open.flags).shows(&shut, false), Some(true));
        assert!(Deed::Disable(open.flags).still_fits(&open));
        assert!(!Deed::Disable(open.flags).still_fits(&shut));
        assert_eq!(Deed::Unlock(open.lockout).shows(&open, false), Some(false));
        shut.computed = Flags(0);
        assert_eq!(
            Deed::Unlock(open.lockout).shows(&shut, false),
            Some(false),
            "not yet taken away"
        );
        shut.lockout = Ticks(0);
        assert_eq!(Deed::Unlock(open.lockout).shows(&shut, false), Some(true));
        assert_eq!(Deed::Reset.shows(&open, true), None);
    }
}
