//! One group: that it is one, that it is there, and that it does not run the domain.

use super::account::NoAccount;
use super::dn::Dn;
use super::failure::DirectoryFailure;
use super::fence::is_privileged;
use super::value::{Guid, Sid};
use crate::transport::ldap::{Filter, LdapFailure, Scope, Search, Session, Take};

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its lasting id.
    pub guid: Guid,
    /// Its id in tokens.
    pub sid: Sid,
    /// Its name now.
    pub dn: Dn,
}

const ATTRIBUTES: &[&str] = &["objectGUID", "objectSid", "adminCount"];

/// The group `dn`: one request.
pub(super) async fn read(session: &mut Session, dn: &str) -> Result<Group, NoAccount> {
    let filter = Filter::equals("objectClass", "group");
    let search = Search {
        base: dn,
        scope: Scope::Base,
        filter: &filter,
        attributes: ATTRIBUTES,
        take: Take::All(1),
    };
    let mut seen = None;
    let found = session.search(&search, &mut |entry| seen = Some(entry)).await;
    let none = || {
        NoAccount::NotOne(format!("the group {dn} of the settings is not there, or is no group"))
    };
    match found {
        Err(LdapFailure::Missing { .. }) => return Err(none()),
        Err(other) => return Err(DirectoryFailure::from(other).into()),
        Ok(_) => {}
    }
    let entry = seen.ok_or_else(none)?;
    let odd = |what: &str| NoAccount::CannotRead(format!("{what} of the group cannot be read"));
    let group = Group {
        guid: entry.one("objectGUID").and_then(Guid::read).ok_or_else(|| odd("objectGUID"))?,
        sid: entry.one("objectSid").and_then(Sid::read).ok_or_else(|| odd("objectSid"))?,
        dn: Dn::parse(entry.dn()).map_err(|_| odd("the name"))?,
    };
    if is_privileged(&group.sid) || entry.one("adminCount").is_some_and(|n| n != b"0") {
        return Err(NoAccount::NotOne(
            "protected: the group of the settings is one that runs the domain".into(),
        ));
    }
    Ok(group)
}
