//! Unix accounts by number, as the host knows them (files, LDAP, whatever its name service asks).

use nix::unistd::{Uid, User};

use crate::model::text::Clean;
use crate::ports::people::People;

/// The host's accounts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accounts;

impl People for Accounts {
    fn account(&self, uid: u32) -> Option<Clean> {
        match User::from_uid(Uid::from_raw(uid)) {
            Ok(user) => user.map(|u| Clean::new(&u.name)),
            Err(error) => {
                tracing::warn!("the host cannot name the account {uid}: {error}");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_hosts_accounts_and_no_others() {
        assert_eq!(Accounts.account(0).unwrap().as_str(), "root");
        assert_eq!(Accounts.account(3_999_999_999), None);
    }
}
