//! Unix groups and accounts by name, as the host knows them (files, LDAP, whatever its name service asks).

use nix::unistd::{Gid, Group, Uid, User};

/// Why a group is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no group {name:?} on this host{why}; `getent group` lists them")]
pub struct NoGroup {
    name: String,
    why: String,
}

/// The number of the group `name`. Blocking: the name service may ask a directory.
///
/// # Errors
/// When the host knows no such group, or cannot say.
pub fn group_id(name: &str) -> Result<u32, NoGroup> {
    let none = |why: String| NoGroup { name: name.to_owned(), why };
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) => Err(none(String::new())),
        Err(e) => Err(none(format!(" ({e})"))),
    }
}

/// The name of the group `number`, if the host knows it. Blocking.
#[must_use]
pub fn group_name(number: u32) -> Option<String> {
    Group::from_gid(Gid::from_raw(number)).ok().flatten().map(|group| group.name)
}

/// The name of the account `number`, if the host knows it. Blocking.
#[must_use]
pub fn account_name(number: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(number)).ok().flatten().map(|account| account.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_hosts_groups_and_no_others() {
        assert_eq!(group_id("root"), Ok(0));
        assert_eq!((group_name(0), account_name(0)), (Some("root".into()), Some("root".into())));
        assert_eq!((group_name(4_242_424), account_name(4_242_424)), (None, None));
        let error = group_id("no-such-group-here").unwrap_err().to_string();
        assert!(error.contains("no-such-group-here"), "{error}");
    }
}
