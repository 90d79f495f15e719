//! What only a filter and only the directory can do wrong; the three large vendors have files of their
//! own.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::simulators::stage::lock;
use crate::simulators::ways::Way;

/// One way in which an appliance of the web filter goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FilterFault {
    /// It fails open: every page passes, and nothing says so.
    LetsThrough,
}

impl Way for FilterFault {
    const ALL: &'static [Self] = &[Self::LetsThrough];
}

/// One way in which a school's part of the directory goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DirectoryFault {
    /// Somebody tries passwords: fourteen accounts are locked out within minutes.
    PasswordSpray,
}

impl Way for DirectoryFault {
    const ALL: &'static [Self] = &[Self::PasswordSpray];
}

/// The appliances that fail open, as a scenario names them: `smoothwall`, `smoothwall.filter01`.
#[derive(Default)]
pub(super) struct Open(Mutex<BTreeSet<String>>);

impl Open {
    pub(super) fn put(&self, on: &str, open: bool) {
        let mut all = lock(&self.0);
        if open {
            all.insert(on.to_owned());
        } else {
            all.remove(on);
        }
    }

    /// Whether the appliance of this name lets everything pass.
    pub(super) fn is(&self, appliance: &str) -> bool {
        let all = lock(&self.0);
        all.contains("smoothwall") || all.contains(&format!("smoothwall.{appliance}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_a_name_of_its_own() {
        crate::simulators::ways::names_are_their_own::<FilterFault>(&["lets_through"]);
        crate::simulators::ways::names_are_their_own::<DirectoryFault>(&["password_spray"]);
    }

    #[test]
    fn one_appliance_or_all_fail_open() {
        let open = Open::default();
        open.put("smoothwall.filter02", true);
        assert!(open.is("filter02") && !open.is("filter01"));
        open.put("smoothwall.filter02", false);
        assert!(!open.is("filter02"));
        open.put("smoothwall", true);
        assert!(open.is("filter02") && open.is("filter01"));
    }
}
