//! Looking for accounts of one school by a part of a name, and looking at one.

use secrecy::SecretString;

use super::account::{self, Account, Here, NoAccount};
use super::failure::DirectoryFailure;
use super::value::{Flags, Guid};
use super::{Answered, Directory, Dn};
use crate::model::ids::Laestab;
use crate::model::plan::AccountName;
use crate::model::text::Clean;
use crate::transport::ldap::{Entry, Filter, LdapFailure, Scope, Search, Session, Take};

/// Characters of a part of a name.
const SHORTEST: usize = 2;
const LONGEST: usize = 64;

const ATTRIBUTES: &[&str] = &[
    "objectGUID",
    "sAMAccountName",
    "displayName",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
];

/// An account that a search found. `Debug` shows its id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Match {
    /// Its lasting id.
    pub guid: Guid,
    /// `sAMAccountName`.
    pub login: Clean,
    /// `displayName`.
    pub name: Clean,
    /// The folders between the school's OU and it, from the top down.
    pub folders: Vec<String>,
    /// Disabled.
    pub disabled: bool,
    /// Locked out now.
    pub locked_out: bool,
}

impl std::fmt::Debug for Match {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Match({})", self.guid)
    }
}

impl Match {
    fn read(entry: &Entry, ou: &Dn) -> Option<Self> {
        let text = |name: &str| entry.one(name).and_then(|v| std::str::from_utf8(v).ok());
        let flags = |name: &str| entry.one(name).and_then(Flags::read);
        let dn = Dn::parse(entry.dn()).ok()?;
        Some(Self {
            guid: entry.one("objectGUID").and_then(Guid::read)?,
            login: Clean::new(text("sAMAccountName")?),
            name: Clean::new(text("displayName").unwrap_or_default()),
            folders: dn.between(ou).into_iter().map(str::to_owned).collect(),
            disabled: flags("userAccountControl")?.has(Flags::DISABLED),
            locked_out: flags("msDS-User-Account-Control-Computed")?.has(Flags::LOCKED),
        })
    }
}

/// The filter for people whose login, name or mail address holds `part`.
fn holding(part: &str) -> Result<Filter, NoAccount> {
    let part = part.trim();
    let length = part.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) || part.chars().any(char::is_control) {
        return Err(NoAccount::NotOne(format!(
            "type {SHORTEST} to {LONGEST} characters of the login, the name or the mail address"
        )));
    }
    let names = ["sAMAccountName", "displayName", "mail"];
    let mut all = super::census::people();
    all.push(Filter::or(&names.map(|name| Filter::holds(name, part))));
    Ok(Filter::and(&all))
}

impl Directory {
    /// Accounts of `school` whose login, name or mail address holds `part`, by login: at most `most`,
    /// and whether there are more. One request.
    ///
    /// # Errors
    /// When the part is too short, the school has no OU, or the directory does not answer.
    pub async fn matching(
        &self,
        password: &SecretString,
        school: Laestab,
        part: &str,
        most: u16,
    ) -> Result<Answered<(Vec<Match>, bool)>, NoAccount> {
        let filter = holding(part)?;
        let ou = self.ou(school)?;
        let base = ou.to_string();
        let take = Take::First(most.saturating_add(1));
        let search = Search {
            base: &base,
            scope: Scope::Subtree,
            filter: &filter,
            attributes: ATTRIBUTES,
            take,
        };
        let (mut found, mut odd) = (Vec::new(), 0);
        let mut each = |entry: Entry| match Match::read(&entry, ou) {
            // One in another school's OU inside this one's is not of this school.
            Some(one) if self.places().school(entry.dn()) == Some(school) => found.push(one),
            Some(_) => {}
            None => odd += 1,
        };
        let (mut session, passed_over) = self.opened(password).await?;
        let all = session.search(&search, &mut each).await.map_err(DirectoryFailure::from)?;
        if odd > 0 {
            return Err(NoAccount::CannotRead(format!(
                "{odd} of the accounts found cannot be read: may our account in the directory read \
                 them?"
            )));
        }
        let more = all.entries > usize::from(most);
        found.sort_by(|a, b| a.login.cmp(&b.login));
        found.truncate(usize::from(most));
        Ok(closed(session, (found, more), passed_over).await)
    }

    /// One account of `school`, and what is known of the domain: four requests.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub async fn account(
        &self,
        password: &SecretString,
        school: Laestab,
        name: &AccountName,
    ) -> Result<Answered<(Account, Here)>, NoAccount> {
        let (mut session, passed_over) = self.opened(password).await?;
        let account = account::read(&mut session, self.places(), school, name).await?;
        let here = account::here(&mut session).await?;
        Ok(closed(session, (account, here), passed_over).await)
    }

    /// The OU of a school.
    ///
    /// # Errors
    /// When it has none.
    pub fn ou(&self, school: Laestab) -> Result<&Dn, NoAccount> {
        self.places().ous().get(&school).ok_or_else(|| NoAccount::without_ou(school))
    }

    /// A session with the first controller that answers, and why those before it did not.
    async fn opened(
        &self,
        password: &SecretString,
    ) -> Result<(Session, Vec<LdapFailure>), NoAccount> {
        let mut route = self.controllers().route();
        let session = route.open(password).await.map_err(DirectoryFailure::from)?;
        Ok((session, route.passed_over().to_vec()))
    }
}

/// What was answered, after a goodbye.
async fn closed<T>(session: Session, value: T, passed_over: Vec<LdapFailure>) -> Answered<T> {
    let by = session.controller().to_owned();
    session.close().await;
    Answered { value, by, passed_over }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threat_18_a_part_of_a_name_stays_a_value() {
        let filter = holding(" *)(objectClass=* ").unwrap();
        assert!(filter.as_str().contains("(displayName=*\\2a\\29\\28objectClass=\\2a*)"));
        for bad in ["", "a", " a ", "a\nb", &"x".repeat(65)] {
            assert!(holding(bad).is_err(), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn threat_18_no_part_of_a_name_leaves_its_place(part in "\\PC{2,64}") {
            if let Ok(filter) = holding(&part) {
                // Brackets and stars of ours, and none of the name's.
                let plain = holding("aa").unwrap();
                let count = |f: &Filter, c: char| f.as_str().chars().filter(|x| *x == c).count();
                for c in ['(', ')', '*', '&', '|'] {
                    let extra = if matches!(c, '&' | '|') { 3 * part.trim().matches(c).count() } else { 0 };
                    proptest::prop_assert_eq!(count(&filter, c), count(&plain, c) + extra);
                }
            }
        }
    }
}
