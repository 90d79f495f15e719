//! Accounts, login uids and groups, as the host knows them.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::model::plan::Operator;
use crate::model::text::Clean;
use crate::ports::people::{Nobody, People, Person};

/// What the kernel writes where nobody logged in.
const NO_LOGIN: u32 = u32::MAX;

/// The host's own accounts.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostPeople;

impl People for HostPeople {
    fn person(&self, uid: u32, pid: Option<i32>) -> Result<Person, Nobody> {
        let account = account(uid)?;
        let login = pid.and_then(login_of);
        // The name in the audit is that of whoever logged in, under whatever uid they act now.
        let name = match login {
            Some(login) if login != uid => account_name(login),
            _ => account.name.clone(),
        };
        let operator = Operator { uid, login, name: Clean::new(&name) };
        Ok(Person { operator, groups: groups_of(&account)? })
    }
}

fn account(uid: u32) -> Result<User, Nobody> {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(Nobody(format!("this host has no account with uid {uid}"))),
        Err(error) => Err(Nobody(format!("the account of uid {uid} cannot be read: {error}"))),
    }
}

fn account_name(uid: u32) -> String {
    account(uid).map_or_else(|_| format!("uid {uid}"), |user| user.name)
}

/// The uid that logged in, by the kernel's word; none in containers and for services.
fn login_of(pid: i32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?;
    text.trim().parse().ok().filter(|uid| *uid != NO_LOGIN)
}

/// By the account database, not by what the process held when it began: a group that was taken
/// away counts at once.
fn groups_of(user: &User) -> Result<Vec<String>, Nobody> {
    let wrong = |why: String| Nobody(format!("the groups of {} cannot be read: {why}", user.name));
    let name = CString::new(user.name.as_bytes()).map_err(|e| wrong(e.to_string()))?;
    let ids = getgrouplist(&name, user.gid).map_err(|e| wrong(e.to_string()))?;
    Ok(ids.into_iter().filter_map(name_of).collect())
}

/// A group that has no name cannot stand in a policy.
fn name_of(gid: Gid) -> Option<String> {
    Group::from_gid(gid).ok().flatten().map(|group| group.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_this_process_and_its_groups_and_no_stranger() {
        let me = nix::unistd::getuid().as_raw();
        let pid = i32::try_from(std::process::id()).unwrap();
        let person = HostPeople.person(me, Some(pid)).unwrap();
        assert_eq!(person.operator.uid, me);
        assert!(!person.operator.name.is_empty());
        let primary = Group::from_gid(account(me).unwrap().gid).unwrap().unwrap().name;
        assert!(person.groups.contains(&primary), "{person:?}");
        assert!(HostPeople.person(3_999_999_999, None).is_err());
    }
}
