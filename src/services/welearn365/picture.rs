//! Which accounts are held back by provisioning errors, school by school: the rows of `users` and
//! `users/delta`, and what is kept of them.
//!
//! Fields that are read: `id`, `onPremisesDistinguishedName`, and of `onPremisesProvisioningErrors`
//! `category`, `propertyCausingError` and `occurredDateTime`; of a change also `@removed`. Never read
//! or kept: names, addresses, and the `value` of an error, which is somebody's address.
//! Invariant: an account that cannot be read makes the whole read unusable; it might be one in error.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::ids::Laestab;
use crate::services::answer::{ListRow, Seen, Trouble};
use crate::services::welearn365::dn::{Dn, Ous};

/// Of an account only this is asked for.
pub(super) const FIELDS: &str = "id,onPremisesDistinguishedName,onPremisesProvisioningErrors";
/// Accounts in error that are kept; a tenant with more has another trouble.
const MOST_HELD: usize = 100_000;
/// Errors of one account that are told apart.
const MOST_KINDS: usize = 8;
/// The longest name of a directory property.
const LONGEST_WORD: usize = 40;

/// One account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Account {
    id: Seen<String>,
    on_premises_distinguished_name: Seen<String>,
    on_premises_provisioning_errors: Seen<Vec<ListRow<ErrorRow>>>,
    #[serde(rename = "@removed")]
    removed: Seen<Removed>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ErrorRow {
    category: Seen<String>,
    property_causing_error: Seen<String>,
    occurred_date_time: Seen<String>,
}

/// Why it is gone does not matter here: deleted for good or restorable, it is held back by nothing.
#[derive(Debug, Clone, Default, Deserialize)]
struct Removed {}

/// An account in error.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    /// Whose OU it is under, if one's.
    school: Option<Laestab>,
    /// What is wrong: names of directory properties.
    kinds: Vec<String>,
    since: Option<Timestamp>,
}

/// What is known of every account.
#[derive(Debug, Default)]
pub(super) struct Picture {
    /// Accounts by school, when all were last read.
    accounts: BTreeMap<Laestab, u64>,
    /// Accounts that come from no directory.
    pub(super) cloud_only: u64,
    /// Accounts under no school's OU.
    pub(super) outside: u64,
    held: HashMap<String, Held>,
}

/// One school's share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Accounts under its OU.
    pub(super) accounts: u64,
    /// Of those, in error.
    pub(super) held: u64,
    /// What is wrong with how many, by the name of the property.
    pub(super) kinds: BTreeMap<String, u64>,
    /// The earliest of the errors.
    pub(super) since: Option<Timestamp>,
}

enum Place {
    Cloud,
    Outside,
    School(Laestab),
}

fn place(name: Option<&str>, ous: &Ous) -> Place {
    let Some(name) = name else { return Place::Cloud };
    match Dn::parse(name).and_then(|dn| ous.school(&dn)) {
        Some(school) => Place::School(school),
        None => Place::Outside,
    }
}

impl Picture {
    /// Takes a row of the whole list.
    pub(super) fn take(&mut self, row: ListRow<Account>, ous: &Ous) -> Result<(), Trouble> {
        let account = read(row)?;
        let id = account.id.need("an account's id")?;
        let name =
            account.on_premises_distinguished_name.nullable("onPremisesDistinguishedName")?;
        let errors =
            account.on_premises_provisioning_errors.need("onPremisesProvisioningErrors")?;
        let school = match place(name.as_deref(), ous) {
            Place::Cloud => {
                self.cloud_only += 1;
                None
            }
            Place::Outside => {
                self.outside += 1;
                None
            }
            Place::School(school) => {
                *self.accounts.entry(school).or_default() += 1;
                Some(school)
            }
        };
        self.hold(id, school, &errors)
    }

    /// Takes a row of what changed since. What a change does not name has not changed; the same
    /// account may come twice, the last counts.
    pub(super) fn change(&mut self, row: ListRow<Account>, ous: &Ous) -> Result<(), Trouble> {
        let account = read(row)?;
        let id = account.id.need("an account's id")?;
        match account.removed {
            Seen::Missing => {}
            other => {
                let Removed {} = other.need("@removed")?;
                self.held.remove(&id);
                return Ok(());
            }
        }
        let moved = match account.on_premises_distinguished_name {
            Seen::Missing => None,
            other => match place(other.nullable("onPremisesDistinguishedName")?.as_deref(), ous) {
                Place::School(school) => Some(Some(school)),
                Place::Cloud | Place::Outside => Some(None),
            },
        };
        let school = moved.unwrap_or_else(|| self.held.get(&id).and_then(|h| h.school));
        match account.on_premises_provisioning_errors {
            Seen::Missing => {
                if let Some(held) = self.held.get_mut(&id) {
                    held.school = school;
                }
                Ok(())
            }
            other => {
                let errors = other.nullable("onPremisesProvisioningErrors")?.unwrap_or_default();
                self.hold(id, school, &errors)
            }
        }
    }

    fn hold(
        &mut self,
        id: String,
        school: Option<Laestab>,
        errors: &[ListRow<ErrorRow>],
    ) -> Result<(), Trouble> {
        if errors.is_empty() {
            self.held.remove(&id);
            return Ok(());
        }
        if self.held.len() >= MOST_HELD {
            return Err(Trouble::malformed(format!(
                "Microsoft tells of provisioning errors of more than {MOST_HELD} accounts"
            )));
        }
        let mut held = Held { school, kinds: Vec::new(), since: None };
        for error in errors {
            let (kind, at) = match error {
                ListRow::Read(error) => (error.kind(), error.began()),
                ListRow::Unreadable(_) => ("an error that cannot be read".to_owned(), None),
            };
            if held.kinds.len() < MOST_KINDS && !held.kinds.contains(&kind) {
                held.kinds.push(kind);
            }
            held.since = [held.since, at].into_iter().flatten().min();
        }
        self.held.insert(id, held);
        Ok(())
    }

    /// Every school's share; `None` is what is under no school's OU.
    pub(super) fn tallies(&self) -> BTreeMap<Option<Laestab>, Tally> {
        let mut out: BTreeMap<Option<Laestab>, Tally> = BTreeMap::new();
        for (school, accounts) in &self.accounts {
            out.entry(Some(*school)).or_default().accounts = *accounts;
        }
        for held in self.held.values() {
            let tally = out.entry(held.school).or_default();
            tally.held += 1;
            tally.since = [tally.since, held.since].into_iter().flatten().min();
            for kind in &held.kinds {
                *tally.kinds.entry(kind.clone()).or_default() += 1;
            }
        }
        out
    }
}

fn read(row: ListRow<Account>) -> Result<Account, Trouble> {
    match row {
        ListRow::Read(account) => Ok(account),
        ListRow::Unreadable(_) => {
            Err(Trouble::malformed("an account in Microsoft's list cannot be read"))
        }
    }
}

impl ErrorRow {
    /// The property at fault, or else the category.
    fn kind(&self) -> String {
        let word = |seen: &Seen<String>| {
            let word = seen.value()?;
            let plain = |b: u8| b.is_ascii_alphanumeric();
            ((1..=LONGEST_WORD).contains(&word.len()) && word.bytes().all(plain))
                .then(|| word.clone())
        };
        word(&self.property_causing_error)
            .or_else(|| word(&self.category))
            .unwrap_or_else(|| "an error of an unknown kind".to_owned())
    }

    fn began(&self) -> Option<Timestamp> {
        self.occurred_date_time.value()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ous() -> Ous {
        let mut ous = Ous::default();
        for (ou, school) in [("OU=Ash,DC=fen", "9991001"), ("OU=Birch,DC=fen", "9991002")] {
            assert_eq!(ous.put(Dn::parse(ou).unwrap(), school.parse().unwrap()), None);
        }
        ous
    }

    fn row(value: &Value) -> ListRow<Account> {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn account(id: &str, ou: &str, errors: usize) -> Value {
        let error = json!({
            "category": "PropertyConflict", "propertyCausingError": "ProxyAddresses",
            "value": "SMTP:canary@fen.example", "occurredDateTime": "2027-02-08T21:35:02Z",
        });
        json!({
            "id": id,
            "onPremisesDistinguishedName": format!("CN=Canary,OU=Pupils,OU={ou},DC=fen"),
            "onPremisesProvisioningErrors": vec![error; errors],
        })
    }

    fn held(picture: &Picture, school: &str) -> u64 {
        picture.tallies().get(&Some(school.parse().unwrap())).map_or(0, |t| t.held)
    }

    #[test]
    fn accounts_are_counted_by_ou_and_keep_no_name() {
        let mut picture = Picture::default();
        for value in [
            account("1", "Ash", 2),
            account("2", "Ash", 0),
            account("3", "Birch", 0),
            account("4", "Elm", 1),
            json!({"id": "5", "onPremisesDistinguishedName": null,
                   "onPremisesProvisioningErrors": []}),
        ] {
            picture.take(row(&value), &ous()).unwrap();
        }
        let tallies = picture.tallies();
        let ash = &tallies[&Some("9991001".parse().unwrap())];
        assert_eq!((ash.accounts, ash.held), (2, 1), "two errors of one account are one account");
        assert_eq!(ash.kinds, BTreeMap::from([("ProxyAddresses".to_owned(), 1)]));
        assert_eq!(ash.since.unwrap().to_string(), "2027-02-08T21:35:02Z");
        assert_eq!(tallies[&Some("9991002".parse().unwrap())].held, 0);
        assert_eq!((tallies[&None].held, picture.outside, picture.cloud_only), (1, 1, 1));
        assert!(!format!("{picture:?}").contains("anary"), "{picture:?}");
    }

    #[test]
    fn a_word_that_is_no_property_is_not_repeated() {
        for word in ["canary@fen.example", "Canary Person", "", &"x".repeat(41)] {
            let mut value = account("1", "Ash", 1);
            value["onPremisesProvisioningErrors"][0]["propertyCausingError"] = json!(word);
            value["onPremisesProvisioningErrors"][0]["category"] = json!(word);
            let mut picture = Picture::default();
            picture.take(row(&value), &ous()).unwrap();
            assert_eq!(held(&picture, "9991001"), 1);
            assert!(!format!("{picture:?}").contains("anary"), "{picture:?}");
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_spoils_the_whole_read() {
        let whole = account("1", "Ash", 0);
        for field in ["id", "onPremisesDistinguishedName", "onPremisesProvisioningErrors"] {
            for (what, value) in
                [("gone", None), ("a number", Some(json!(7))), ("an object", Some(json!({})))]
            {
                let mut value_of = whole.clone();
                match value {
                    Some(value) => value_of[field] = value,
                    None => drop(value_of.as_object_mut().unwrap().remove(field)),
                }
                let taken = Picture::default().take(row(&value_of), &ous());
                assert!(taken.is_err(), "{field} {what}");
            }
        }
        assert!(Picture::default().take(row(&json!(7)), &ous()).is_err());
        let twice = r#"{"id":"1","id":"2"}"#;
        let twice: ListRow<Account> = serde_json::from_str(twice).unwrap();
        assert!(Picture::default().take(twice, &ous()).is_err());
        let mut odd = account("1", "Ash", 1);
        odd["onPremisesProvisioningErrors"][0] = json!("?");
        let mut picture = Picture::default();
        picture.take(row(&odd), &ous()).unwrap();
        assert_eq!(held(&picture, "9991001"), 1, "an unreadable error is an error");
    }

    #[test]
    fn changes_are_laid_over_what_is_known_and_the_last_counts() {
        let mut picture = Picture::default();
        for value in [account("1", "Ash", 1), account("2", "Ash", 0), account("3", "Birch", 1)] {
            picture.take(row(&value), &ous()).unwrap();
        }
        let mut change = |value: Value| picture.change(row(&value), &ous()).unwrap();
        change(json!({"id": "1"}));
        change(account("2", "Ash", 1));
        change(account("2", "Ash", 0));
        change(json!({"id": "3", "onPremisesDistinguishedName": "CN=X,OU=Ash,DC=fen"}));
        change(json!({"id": "9", "@removed": {"reason": "changed"}}));
        assert_eq!((held(&picture, "9991001"), held(&picture, "9991002")), (2, 0));
        let mut change = |value: Value| picture.change(row(&value), &ous());
        change(json!({"id": "3", "@removed": {"reason": "deleted"}})).unwrap();
        change(json!({"id": "1", "onPremisesProvisioningErrors": null})).unwrap();
        for odd in [
            json!({"id": "1", "@removed": 7}),
            json!({"id": "1", "@removed": null}),
            json!({"id": null}),
            json!({"id": "1", "onPremisesProvisioningErrors": 7}),
            json!({"id": "1", "onPremisesDistinguishedName": 7}),
            json!([]),
        ] {
            assert!(change(odd.clone()).is_err(), "{odd}");
        }
        assert_eq!((held(&picture, "9991001"), held(&picture, "9991002")), (0, 0));
    }
}
