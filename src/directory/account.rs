//! One account, read whole: who it is by its lasting ids, how it stands, and what it may do.
//!
//! Aimed at by `objectGUID` or by the login's whole name, and only within the school's own OU.
//!
//! Invariant: a value that must be known and cannot be read is an error, never a guess.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::dn::Dn;
use super::failure::DirectoryFailure;
use super::places::Places;
use super::root::{Lockout, Root};
use super::value::{Flags, Guid, Sid, Ticks, number};
use crate::model::ids::Laestab;
use crate::model::plan::AccountName;
use crate::model::text::Clean;
use crate::transport::ldap::{Entry, Filter, Scope, Search, Session, Take};

/// Read of each account. The computed ones come by name only, and `tokenGroups` from the account
/// itself only.
const ATTRIBUTES: &[&str] = &[
    "objectGUID",
    "objectSid",
    "objectClass",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "mail",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "lockoutTime",
    "accountExpires",
    "pwdLastSet",
    "lastLogonTimestamp",
    "adminCount",
    "servicePrincipalName",
    "mS-DS-ConsistencyGuid",
    "uSNChanged",
    "memberOf",
    "tokenGroups",
];

/// Why there is no account to speak of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// None, or several, fit.
    #[error("{0}")]
    NotOne(String),
    /// The directory did not answer, or something of the account cannot be read.
    #[error("{0}")]
    CannotRead(String),
}

impl NoAccount {
    /// A school whose OU is not known.
    pub(super) fn without_ou(school: Laestab) -> Self {
        Self::NotOne(format!(
            "{} has no OU: set it in the column welearn365.ou of the subscriptions table",
            school.spaced()
        ))
    }
}

impl From<DirectoryFailure> for NoAccount {
    fn from(failure: DirectoryFailure) -> Self {
        Self::CannotRead(failure.to_string())
    }
}

/// An account. `Debug` shows its id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its lasting id.
    pub guid: Guid,
    /// Its id in tokens.
    pub sid: Sid,
    /// Where it stands; the leaf may be a person's name.
    pub(super) dn: Dn,
    /// As the server wrote it.
    pub(super) raw_dn: String,
    /// `sAMAccountName`.
    pub login: Clean,
    /// `userPrincipalName`.
    pub principal: Clean,
    /// `displayName`.
    pub name: Clean,
    /// `mail`; empty when it has none.
    pub mail: Clean,
    /// `userAccountControl`.
    pub flags: Flags,
    /// The same as the server wrote it, for compare-and-set.
    pub(super) flags_text: Vec<u8>,
    /// What the server makes of it now.
    pub computed: Flags,
    /// `lockoutTime`; 0 when it never was locked out.
    pub lockout: Ticks,
    /// `accountExpires`.
    pub ends: Ticks,
    /// `pwdLastSet`; 0 when the password must be changed.
    pub password_set: Ticks,
    /// `lastLogonTimestamp`, which lags up to two weeks behind.
    pub signed_in: Ticks,
    /// `adminCount` is set.
    pub admin_count: bool,
    /// It has a name that services are reached by.
    pub serves: bool,
    /// Its classes, in small letters.
    pub(super) classes: Vec<String>,
    /// Every group, nested and primary ones too.
    pub groups: Vec<Sid>,
    /// The groups that it is in directly, the primary one left out.
    pub(super) member_of: Vec<Dn>,
    /// What Microsoft 365 knows it by (`onPremisesImmutableId`).
    pub immutable_id: String,
    /// The number of its last change, this controller's own.
    pub(super) changed: i64,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.guid)
    }
}

/// What is known of the domain when an account is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The controller.
    pub root: Root,
    /// How the domain locks.
    pub lockout: Lockout,
}

impl Account {
    /// Its distinguished name as the server wrote it. It names a person: for a system that knows the
    /// account by nothing else, and never for a plan, a ledger or a log.
    #[must_use]
    pub fn distinguished_name(&self) -> &str {
        &self.raw_dn
    }

    /// Whether it is disabled.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.flags.has(Flags::DISABLED)
    }

    /// Whether it is locked out now, after too many wrong passwords. The controller's own word.
    #[must_use]
    pub fn is_locked_out(&self) -> bool {
        self.computed.has(Flags::LOCKED)
    }

    /// Whether its password must be changed at the next sign-in.
    #[must_use]
    pub fn must_change(&self) -> bool {
        self.password_set == Ticks(0)
    }

    /// Whether its last day has passed, by the controller's clock.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        !self.ends.is_never() && self.ends <= Ticks::of(now)
    }

    /// The folders between the school's OU and it, from the top down.
    #[must_use]
    pub fn folders(&self, school: &Dn) -> Vec<&str> {
        self.dn.between(school)
    }

    /// Whether it is directly in the group of this name.
    #[must_use]
    pub fn is_in(&self, group: &Dn) -> bool {
        self.member_of.contains(group)
    }

    fn read(entry: &Entry) -> Result<Self, &'static str> {
        let text = |name: &str| entry.one(name).and_then(|v| std::str::from_utf8(v).ok());
        let clean = |name: &str| Clean::new(text(name).unwrap_or_default());
        // An account that never had one of these has no such attribute.
        let ticks = |name: &'static str| match (entry.one(name), entry.count(name)) {
            (Some(value), _) => Ticks::read(value).ok_or(name),
            (None, 0) => Ok(Ticks(0)),
            (None, _) => Err(name),
        };
        let guid = entry.one("objectGUID").and_then(Guid::read).ok_or("objectGUID")?;
        let flags_text = entry.one("userAccountControl").ok_or("userAccountControl")?;
        let computed = entry.one("msDS-User-Account-Control-Computed").and_then(Flags::read);
        let admin_count = match entry.values("adminCount") {
            None => 0,
            Some([one]) => number(one).ok_or("adminCount")?,
            Some(_) => return Err("adminCount"),
        };
        let groups = entry.values("tokenGroups").ok_or("tokenGroups")?;
        let member_of = match entry.part("memberOf") {
            None => Vec::new(),
            Some(part) if part.first == 0 && part.last.is_none() => part.values.to_vec(),
            Some(_) => return Err("memberOf"),
        };
        let dn_of = |v: &Vec<u8>| std::str::from_utf8(v).ok().and_then(|v| Dn::parse(v).ok());
        let anchor = entry.one("mS-DS-ConsistencyGuid").unwrap_or(&guid.bytes()).to_vec();
        let classes = entry.values("objectClass").ok_or("objectClass")?;
        Ok(Self {
            guid,
            sid: entry.one("objectSid").and_then(Sid::read).ok_or("objectSid")?,
            dn: Dn::parse(entry.dn()).map_err(|_| "its own name")?,
            raw_dn: entry.dn().to_owned(),
            login: Clean::new(text("sAMAccountName").ok_or("sAMAccountName")?),
            principal: clean("userPrincipalName"),
            name: clean("displayName"),
            mail: clean("mail"),
            flags: Flags::read(flags_text).ok_or("userAccountControl")?,
            flags_text: flags_text.to_vec(),
            computed: computed.ok_or("msDS-User-Account-Control-Computed")?,
            lockout: ticks("lockoutTime")?,
            ends: ticks("accountExpires")?,
            password_set: ticks("pwdLastSet")?,
            signed_in: ticks("lastLogonTimestamp")?,
            admin_count: admin_count != 0,
            serves: entry.part("servicePrincipalName").is_some(),
            classes: classes.iter().map(|c| String::from_utf8_lossy(c).to_lowercase()).collect(),
            groups: groups
                .iter()
                .map(|g| Sid::read(g))
                .collect::<Option<_>>()
                .ok_or("tokenGroups")?,
            member_of: member_of.iter().map(dn_of).collect::<Option<_>>().ok_or("memberOf")?,
            immutable_id: STANDARD.encode(anchor),
            changed: entry.one("uSNChanged").and_then(number).ok_or("uSNChanged")?,
        })
    }
}

/// The clock of the controller, and how the domain locks: two requests.
pub(super) async fn here(session: &mut Session) -> Result<Here, DirectoryFailure> {
    let root = Root::of(session).await?;
    let lockout = Lockout::of(session, &root.domain).await?;
    Ok(Here { root, lockout })
}

/// The one account of `school` that `name` names: two requests.
pub(super) async fn read(
    session: &mut Session,
    places: &Places,
    school: Laestab,
    name: &AccountName,
) -> Result<Account, NoAccount> {
    let ou = places.ous().get(&school).ok_or_else(|| NoAccount::without_ou(school))?;
    let which = match name {
        AccountName::Guid(text) => {
            let guid: Guid = text.parse().map_err(|e| NoAccount::NotOne(format!("the id {e}")))?;
            guid.filter()
        }
        AccountName::Sam(login) => Filter::equals("sAMAccountName", login),
    };
    let dn = the_one(session, &ou.to_string(), which, school).await?;
    let account = by_dn(session, &dn).await?;
    // A directory compares with less care than a person: é and e may be one to it.
    let same = match name {
        AccountName::Guid(text) => account.guid.to_string().eq_ignore_ascii_case(text),
        AccountName::Sam(login) => account.login.as_str().to_lowercase() == login.to_lowercase(),
    };
    if !same {
        return Err(NoAccount::NotOne(
            "the directory answers with another account than the one that was named".into(),
        ));
    }
    if places.school(&account.raw_dn) != Some(school) {
        return Err(NoAccount::NotOne(format!(
            "the account stands in the OU of another school than {}",
            school.spaced()
        )));
    }
    Ok(account)
}

/// The name of the one person below `ou` that `which` finds.
async fn the_one(
    session: &mut Session,
    ou: &str,
    which: Filter,
    school: Laestab,
) -> Result<String, NoAccount> {
    let mut parts = super::census::people();
    parts.push(which);
    let filter = Filter::and(&parts);
    let take = Take::First(2);
    let search = Search { base: ou, scope: Scope::Subtree, filter: &filter, attributes: &[], take };
    let mut found = Vec::new();
    session
        .search(&search, &mut |entry| found.push(entry.dn().to_owned()))
        .await
        .map_err(DirectoryFailure::from)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(NoAccount::NotOne(format!(
            "no such account in the OU of {}: it may have moved, or belong to another school",
            school.spaced()
        ))),
        _ => Err(NoAccount::NotOne("more than one account fits: name it by its id".into())),
    }
}

/// The account of this name.
async fn by_dn(session: &mut Session, dn: &str) -> Result<Account, NoAccount> {
    let filter = Filter::present("objectClass");
    let search = Search {
        base: dn,
        scope: Scope::Base,
        filter: &filter,
        attributes: ATTRIBUTES,
        take: Take::All(1),
    };
    let mut seen = None;
    session
        .search(&search, &mut |entry| seen = Some(entry))
        .await
        .map_err(|e| without_name(DirectoryFailure::from(e)))?;
    let entry = seen.ok_or_else(|| NoAccount::NotOne("the account has just gone".into()))?;
    Account::read(&entry).map_err(|what| {
        NoAccount::CannotRead(format!(
            "{what} of the account cannot be read: may our account in the directory read it?"
        ))
    })
}

/// What a failure says without the name that was asked for.
fn without_name(failure: DirectoryFailure) -> NoAccount {
    match failure {
        DirectoryFailure::Ldap(crate::transport::ldap::LdapFailure::Missing { .. }) => {
            NoAccount::NotOne("the account has just gone, or was moved".into())
        }
        other => other.into(),
    }
}

/// Whether `adminCount` can be read at all: some account of a domain always has it. One that may not
/// be read looks like one that is not there.
pub(super) async fn sees_admin_count(session: &mut Session, domain: &str) -> Result<(), NoAccount> {
    let filter = Filter::at_least("adminCount", 1);
    let take = Take::First(1);
    let search =
        Search { base: domain, scope: Scope::Subtree, filter: &filter, attributes: &[], take };
    let found = session.search(&search, &mut drop).await.map_err(DirectoryFailure::from)?;
    match found.entries {
        0 => Err(NoAccount::CannotRead(
            "nobody in the domain has an adminCount that we may read, so administrators cannot be \
             told: let our account in the directory read it"
                .into(),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const GOOD: &[(&str, &[u8])] = &[
        ("objectGUID", &[7; 16]),
        ("objectSid", &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 1, 2, 0, 0]),
        ("objectClass", b"user"),
        ("sAMAccountName", b"z.pupil"),
        ("userAccountControl", b"66048"),
        ("msDS-User-Account-Control-Computed", b"16"),
        ("lockoutTime", b"133000000000000000"),
        ("pwdLastSet", b"0"),
        ("uSNChanged", b"77"),
        ("tokenGroups", &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 33, 2, 0, 0]),
        ("memberOf", b"CN=Year 3,OU=Groups,DC=x"),
    ];

    fn read(
        change: impl Fn(&mut Vec<(&'static str, &'static [u8])>),
    ) -> Result<Account, &'static str> {
        let mut attributes = GOOD.to_vec();
        change(&mut attributes);
        Account::read(&Entry::of("CN=Zoe,OU=Ash,DC=x", &attributes))
    }

    /// A pupil's account, locked out.
    pub(in crate::directory) fn account() -> Account {
        read(|_| {}).unwrap()
    }

    #[test]
    fn an_account_says_which_lock_is_on() {
        let account = read(|_| {}).unwrap();
        assert!(account.is_locked_out() && !account.is_disabled() && account.must_change());
        assert_eq!(account.immutable_id, "BwcHBwcHBwcHBwcHBwcHBw==");
        assert_eq!(account.groups, ["S-1-5-32-545".parse().unwrap()]);
        assert!(account.is_in(&Dn::parse("cn=year 3,ou=groups,dc=X").unwrap()));
        assert_eq!(format!("{account:?}"), "Account(07070707-0707-0707-0707-070707070707)");
        let other = read(|a| a.push(("mS-DS-ConsistencyGuid", &[9; 16]))).unwrap();
        assert_eq!(other.immutable_id, "CQkJCQkJCQkJCQkJCQkJCQ==");
    }

    #[test]
    fn what_must_be_known_and_cannot_be_read_is_an_error() {
        for must in [
            "objectGUID",
            "objectSid",
            "objectClass",
            "sAMAccountName",
            "userAccountControl",
            "msDS-User-Account-Control-Computed",
            "uSNChanged",
            "tokenGroups",
        ] {
            assert!(read(|a| a.retain(|(n, _)| *n != must)).is_err(), "{must} is missing");
        }
        for (name, bad) in [
            ("tokenGroups", &b"S-1-5-32-544"[..]),
            ("adminCount", b"one"),
            ("lockoutTime", b"soon"),
            ("pwdLastSet", b""),
            ("memberOf", b"nothing"),
            ("objectSid", b"\x01\x02"),
        ] {
            let damaged = read(|a| {
                a.retain(|(n, _)| *n != name);
                a.push((name, bad));
            });
            assert!(damaged.is_err(), "{name} is damaged");
        }
    }
}
