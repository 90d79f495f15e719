//! One group: that it is one, that it is there, and that it does not run the domain.

use super::account::NoAccount;
use super::dn::Dn;
use super::failure::DirectoryFailure;
use super::fence::is_privileged;
use super::value::{Guid, Sid};
use crate::transport::ldap::{Entry, Filter, LdapFailure, Scope, Search, Session, Take};

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

const ATTRIBUTES: &[&str] = &["objectGUID", "objectSid", "adminCount", "memberOf"];
/// More groups above one than this are not looked through: it is refused.
const MOST_ABOVE: usize = 100;

/// The group `dn`, if neither it nor a group that it is in, however deep, runs the domain: one request,
/// and one for each group above. (A controller need not tell `tokenGroups` of a group: Samba's does not.)
pub(super) async fn read(session: &mut Session, dn: &str) -> Result<Group, NoAccount> {
    let entry = one(session, dn).await?;
    let odd = |what: &str| NoAccount::CannotRead(format!("{what} of a group cannot be read"));
    let group = Group {
        guid: entry.one("objectGUID").and_then(Guid::read).ok_or_else(|| odd("objectGUID"))?,
        sid: entry.one("objectSid").and_then(Sid::read).ok_or_else(|| odd("objectSid"))?,
        dn: Dn::parse(entry.dn()).map_err(|_| odd("the name"))?,
    };
    let mut seen = Vec::from([group.dn.clone()]);
    let mut above = Vec::from([entry]);
    while let Some(entry) = above.pop() {
        let sid = entry.one("objectSid").and_then(Sid::read).ok_or_else(|| odd("objectSid"))?;
        if is_privileged(&sid) || entry.one("adminCount").is_some_and(|n| n != b"0") {
            return Err(NoAccount::NotOne(format!(
                "protected: the group {dn} of the settings runs the domain, or is in one that does"
            )));
        }
        let Some(part) = entry.part("memberOf") else { continue };
        if part.first != 0 || part.last.is_some() || seen.len() > MOST_ABOVE {
            return Err(odd("memberOf"));
        }
        for value in part.values {
            let text = std::str::from_utf8(value).map_err(|_| odd("memberOf"))?;
            let name = Dn::parse(text).map_err(|_| odd("memberOf"))?;
            if !seen.contains(&name) {
                seen.push(name);
                above.push(one(session, text).await?);
            }
        }
    }
    Ok(group)
}

/// The group `dn` as the directory has it.
async fn one(session: &mut Session, dn: &str) -> Result<Entry, NoAccount> {
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
    let none = || NoAccount::NotOne(format!("the group {dn} is not there, or is no group"));
    match found {
        Err(LdapFailure::Missing { .. }) => return Err(none()),
        Err(other) => return Err(DirectoryFailure::from(other).into()),
        Ok(_) => {}
    }
    seen.ok_or_else(none)
}
