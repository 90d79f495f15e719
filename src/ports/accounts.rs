//! Looking at accounts. Read-only: whoever acts on one goes through the guard.

use crate::model::account::{AccountPage, Hits};
use crate::model::ids::Laestab;
use crate::model::plan::AccountName;
use crate::ports::act::Refused;
use crate::ports::clock::Boxed;

/// Looks accounts up. `show` tells whether names may be given whole (their showing was recorded).
pub trait Accounts: Send + Sync + std::fmt::Debug {
    /// The accounts of `school` whose login, name or mail address holds `part`.
    fn find<'a>(
        &'a self,
        school: Laestab,
        part: &'a str,
        show: bool,
    ) -> Boxed<'a, Result<Hits, Refused>>;

    /// How one account of `school` stands.
    fn page<'a>(
        &'a self,
        school: Laestab,
        name: &'a AccountName,
        show: bool,
    ) -> Boxed<'a, Result<AccountPage, Refused>>;
}
