//! Where the schools are: each school's OU, all of them below one.

use std::collections::{BTreeMap, HashMap};

use super::dn::{Dn, DnError, above};
use crate::model::ids::Laestab;

/// Where the schools are in a directory.
#[derive(Debug, Clone)]
pub struct Places {
    base: Dn,
    schools: HashMap<String, Laestab>,
    ous: BTreeMap<Laestab, Dn>,
}

/// Why a school's OU cannot be watched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It cannot be read.
    #[error("it {0}")]
    Dn(#[from] DnError),
    /// It lies elsewhere.
    #[error("it does not lie below the schools' OU of the settings")]
    Elsewhere,
    /// Another school names it, too.
    #[error("{} names the same OU", .0.spaced())]
    Shared(Laestab),
}

impl Places {
    /// No schools yet, all to lie below `base`.
    #[must_use]
    pub fn new(base: Dn) -> Self {
        Self { base, schools: HashMap::new(), ous: BTreeMap::new() }
    }

    /// A school and its OU.
    ///
    /// # Errors
    /// When it cannot be watched there. The OU that two schools name stays that of the first.
    pub fn add(&mut self, school: Laestab, ou: &str) -> Result<(), PlaceError> {
        let ou = Dn::parse(ou)?;
        if !ou.is_within(&self.base) || ou == self.base {
            return Err(PlaceError::Elsewhere);
        }
        let key = ou.key();
        if let Some(other) = self.schools.get(&key).filter(|other| **other != school) {
            return Err(PlaceError::Shared(*other));
        }
        self.schools.insert(key, school);
        self.ous.insert(school, ou);
        Ok(())
    }

    /// The OU below which all schools are.
    #[must_use]
    pub fn base(&self) -> &Dn {
        &self.base
    }

    /// The schools and their OUs.
    #[must_use]
    pub fn ous(&self) -> &BTreeMap<Laestab, Dn> {
        &self.ous
    }

    /// The school in whose OU the entry of this name stands: the nearest above it.
    pub(super) fn school(&self, dn: &str) -> Option<Laestab> {
        self.finder().school(dn)
    }

    /// Finds schools for entries, by what stands above their names.
    pub(super) fn finder(&self) -> Finder<'_> {
        Finder { places: self, known: HashMap::new() }
    }
}

/// The most folders that a finder remembers; beyond it works on, without memory.
const MOST_FOLDERS: usize = 50_000;

/// Finds the school of an entry. Remembers the folders, which are few, and never a leaf.
pub(super) struct Finder<'a> {
    places: &'a Places,
    known: HashMap<String, Option<Laestab>>,
}

impl Finder<'_> {
    /// The school whose OU is the nearest above the entry of this name.
    pub(super) fn school(&mut self, dn: &str) -> Option<Laestab> {
        let folder = above(dn)?;
        if let Some(known) = self.known.get(folder) {
            return *known;
        }
        let parsed = Dn::parse(folder).ok();
        let school =
            parsed.and_then(|f| f.keys().find_map(|key| self.places.schools.get(&key).copied()));
        if self.known.len() < MOST_FOLDERS {
            self.known.insert(folder.to_owned(), school);
        }
        school
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Laestab {
        text.parse().unwrap()
    }

    #[test]
    fn the_nearest_ou_decides_and_comparing_is_without_case() {
        let mut places = Places::new(Dn::parse("OU=Schools,DC=x").unwrap());
        places.add(id("9992001"), "OU=Ash\\, brook,OU=Schools,DC=x").unwrap();
        places.add(id("9992002"), "OU=Annexe,OU=Ash\\2c brook,ou=schools,dc=X").unwrap();
        let mut finder = places.finder();
        for (dn, school) in [
            ("CN=Zoe,OU=Pupils,OU=Ash\\, brook,OU=Schools,DC=x", Some("9992001")),
            ("CN=Zoe\\,OU=Annexe,OU=ASH\\, BROOK,OU=Schools,DC=x", Some("9992001")),
            ("CN=Max,OU=Annexe,OU=Ash\\2C brook,OU=Schools,DC=x", Some("9992002")),
            ("CN=Max,OU=Other,OU=Schools,DC=x", None),
            ("CN=Max", None),
            ("", None),
        ] {
            assert_eq!(finder.school(dn), school.map(id), "{dn}");
            assert_eq!(finder.school(dn), school.map(id), "{dn}, remembered");
        }
        assert!(!format!("{:?}", finder.known).contains("Zoe"));
    }

    #[test]
    fn an_ou_that_cannot_be_watched_says_why() {
        let mut places = Places::new(Dn::parse("OU=Schools,DC=x").unwrap());
        places.add(id("9992001"), "OU=Ash,OU=Schools,DC=x").unwrap();
        let mut add = |school, ou| places.add(id(school), ou);
        assert_eq!(
            add("9992002", "ou=ASH,ou=schools,dc=x"),
            Err(PlaceError::Shared(id("9992001")))
        );
        assert_eq!(add("9992002", "OU=Elm,OU=Old,DC=x"), Err(PlaceError::Elsewhere));
        assert_eq!(add("9992002", "OU=Schools,DC=x"), Err(PlaceError::Elsewhere));
        assert_eq!(add("9992002", "Elm"), Err(PlaceError::Dn(DnError::Part)));
        assert_eq!(places.ous().len(), 1);
    }
}
