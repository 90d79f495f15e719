//! What the account that we sign in with may do beside reading: asked by reading alone, nothing is tried.
//!
//! A controller tells whoever asks the groups in its own token (`tokenGroups` of the rootDSE) and, of any
//! entry, what it may write there (`allowedAttributesEffective`, `allowedChildClassesEffective`,
//! `sDRightsEffective`). Not told is a right that is no attribute's, such as resetting a password.
//!
//! Source: MS-ADTS 3.1.1.3.2 (rootDSE) and 3.1.1.4.5 (constructed attributes), read 2026-11.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::census::people;
use super::failure::DirectoryFailure;
use super::fence::privileged;
use super::value::{Sid, number};
use super::{Answered, Directory, Places};
use crate::model::text::Clean;
use crate::transport::ldap::{Entry, Filter, Scope, Search, Session, Take};

/// Groups that a token may hold (a controller's own limit is 1,024).
const MOST_GROUPS: usize = 1_100;
/// Accounts that are looked at for rights to write.
const SAMPLE: u16 = 20;
/// Attributes that are named in one sentence.
const NAMED: usize = 3;

const EFFECTIVE: &[&str] =
    &["allowedAttributesEffective", "allowedChildClassesEffective", "sDRightsEffective"];

/// What our own account may do beside reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Groups that run the domain and that it is in, nested ones included, each with its name and SID.
    pub runs: Vec<String>,
    /// Whether it is, or was, an administrator's (`adminCount`); none where its entry is not to be read.
    pub admin_count: Option<bool>,
    /// Accounts that were looked at for rights to write.
    pub looked_at: usize,
    /// Those of them that it may write to.
    pub writable: usize,
    /// What it may write to these accounts, some of it, as the directory calls it.
    pub attributes: BTreeSet<Clean>,
    /// Whether it may change the schools' OU itself, or make something in it.
    pub changes_ou: bool,
}

/// What may be written to one entry.
struct Effective {
    attributes: Vec<Clean>,
    makes: bool,
    /// Owner, rights or their audit.
    security: bool,
}

impl Effective {
    fn read(entry: &Entry) -> Option<Self> {
        let text = |v: &Vec<u8>| Clean::new(std::str::from_utf8(v).unwrap_or("?"));
        Some(Self {
            attributes: part(entry, "allowedAttributesEffective").iter().map(text).collect(),
            makes: !part(entry, "allowedChildClassesEffective").is_empty(),
            // Told whatever it is: without it the two others, absent, would look like no right.
            security: number(entry.one("sDRightsEffective")?)? != 0,
        })
    }

    fn writes(&self) -> bool {
        self.security || self.makes || !self.attributes.is_empty()
    }
}

/// The values that came of an attribute, all or not: any of them counts.
fn part<'a>(entry: &'a Entry, name: &str) -> &'a [Vec<u8>] {
    entry.part(name).map_or(&[], |part| part.values)
}

impl Directory {
    /// What the account that signs in with `password` may do beside reading: four requests.
    ///
    /// # Errors
    /// When no controller answers, or one does not tell.
    pub async fn own_rights(
        &self,
        password: &SecretString,
    ) -> Result<Answered<Own>, DirectoryFailure> {
        self.asked(password, |session, places| Box::pin(own(session, places))).await
    }
}

async fn own(session: &mut Session, places: &Places) -> Result<Own, DirectoryFailure> {
    let schools = &places.base().to_string();
    let malformed = |controller: &str, what: &str| {
        DirectoryFailure::malformed(controller, format!("it does not tell {what}"))
    };
    let name = session.controller().to_owned();
    let root = base(session, "", &["tokenGroups", "defaultNamingContext"]).await?;
    let root = root.ok_or_else(|| malformed(&name, "anything of itself"))?;
    let domain = root.one("defaultNamingContext").and_then(|v| std::str::from_utf8(v).ok());
    let domain = domain.ok_or_else(|| malformed(&name, "its domain"))?;
    let groups = root.values("tokenGroups").filter(|all| all.len() <= MOST_GROUPS);
    let groups: Option<Vec<Sid>> =
        groups.and_then(|all| all.iter().map(|v| Sid::read(v)).collect());
    let groups = groups.ok_or_else(|| malformed(&name, "in which groups the account is"))?;
    let runs = groups.iter().filter_map(|sid| Some(format!("{} ({sid})", privileged(sid)?)));
    let mut own = Own {
        runs: runs.collect(),
        admin_count: admin_count(session, domain, &groups).await?,
        looked_at: 0,
        writable: 0,
        attributes: BTreeSet::new(),
        changes_ou: false,
    };
    let untold = || malformed(&name, "what the account may write (sDRightsEffective)");
    let ou = base(session, schools, EFFECTIVE).await?.ok_or_else(untold)?;
    own.changes_ou = Effective::read(&ou).ok_or_else(untold)?.writes();

    let filter = Filter::and(&people());
    let take = Take::First(SAMPLE);
    let search = Search {
        base: schools,
        scope: Scope::Subtree,
        filter: &filter,
        attributes: EFFECTIVE,
        take,
    };
    let mut seen = Vec::new();
    session.search(&search, &mut |entry| seen.push(Effective::read(&entry))).await?;
    own.looked_at = seen.len();
    for effective in seen {
        let effective = effective.ok_or_else(untold)?;
        own.writable += usize::from(effective.writes());
        own.attributes.extend(effective.attributes.into_iter().take(NAMED));
    }
    while own.attributes.len() > NAMED {
        own.attributes.pop_last();
    }
    Ok(own)
}

/// `adminCount` of our own account: the one person among the SIDs of our token.
async fn admin_count(
    session: &mut Session,
    domain: &str,
    token: &[Sid],
) -> Result<Option<bool>, DirectoryFailure> {
    let sids: Vec<Filter> = token
        .iter()
        .filter(|sid| sid.of_domain().is_some())
        .map(|sid| Filter::equals("objectSid", &sid.to_string()))
        .collect();
    if sids.is_empty() {
        return Ok(None);
    }
    let mut parts = people();
    parts.push(Filter::or(&sids));
    let filter = Filter::and(&parts);
    let search = Search {
        base: domain,
        scope: Scope::Subtree,
        filter: &filter,
        attributes: &["adminCount"],
        take: Take::First(2),
    };
    let mut seen = Vec::new();
    session.search(&search, &mut |entry| seen.push(entry)).await?;
    let [entry] = seen.as_slice() else { return Ok(None) };
    Ok(match entry.values("adminCount") {
        None => Some(false),
        Some([one]) => number(one).map(|n| n != 0),
        Some(_) => None,
    })
}

async fn base(
    session: &mut Session,
    base: &str,
    attributes: &[&str],
) -> Result<Option<Entry>, DirectoryFailure> {
    let filter = Filter::present("objectClass");
    let search =
        Search { base, scope: Scope::Base, filter: &filter, attributes, take: Take::All(1) };
    let mut seen = None;
    session.search(&search, &mut |entry| seen = Some(entry)).await?;
    Ok(seen)
}
