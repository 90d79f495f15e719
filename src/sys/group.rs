//! Unix groups by name, as the host knows them (files, LDAP, whatever its name service asks).

use nix::unistd::Group;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_hosts_groups_and_no_others() {
        assert_eq!(group_id("root"), Ok(0));
        let error = group_id("no-such-group-here").unwrap_err().to_string();
        assert!(error.contains("no-such-group-here"), "{error}");
    }
}
