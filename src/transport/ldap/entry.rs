//! What is taken of an entry: the attributes that were asked for.

use std::fmt;

/// An entry. Its DN may hold a person's name, so `Debug` shows neither it nor a value.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    dn: String,
    attributes: Vec<Attribute>,
}

/// The values of one attribute, or a part of them.
#[derive(Clone, PartialEq, Eq)]
struct Attribute {
    /// As it was asked for.
    name: String,
    values: Vec<Vec<u8>>,
    /// Where the server gives a part only: the number of the first and of the last value, the last
    /// `None` where these are the rest.
    range: Option<(usize, Option<usize>)>,
}

/// The values of an attribute of which the server gave a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The values.
    pub values: &'a [Vec<u8>],
    /// Number of the first.
    pub first: usize,
    /// Number of the last; `None` when nothing follows.
    pub last: Option<usize>,
}

impl Entry {
    /// An entry without attributes.
    #[must_use]
    pub fn new(dn: String) -> Self {
        Self { dn, attributes: Vec::new() }
    }

    /// An entry for tests.
    #[cfg(test)]
    pub(crate) fn of(dn: &str, attributes: &[(&str, &[u8])]) -> Self {
        let mut out = Self::new(dn.to_owned());
        for (name, value) in attributes {
            out.add((*name).to_owned(), vec![value.to_vec()], &[name]).unwrap();
        }
        out
    }

    /// Takes an attribute in, if it was asked for. `None` when it came twice, or with a range that
    /// cannot be read.
    pub(super) fn add(
        &mut self,
        name: String,
        values: Vec<Vec<u8>>,
        wanted: &[&str],
    ) -> Option<()> {
        let (bare, options) = name.split_once(';').unwrap_or((&name, ""));
        let same = |w: &&&str| w.split(';').next().is_some_and(|w| w.eq_ignore_ascii_case(bare));
        let Some(wanted) = wanted.iter().find(same) else { return Some(()) };
        let range = match options.to_ascii_lowercase().strip_prefix("range=") {
            Some(range) => Some(read_range(range)?),
            None => None,
        };
        let name = wanted.split(';').next().unwrap_or(wanted).to_owned();
        match self.attributes.iter_mut().find(|a| a.name == name) {
            None => self.attributes.push(Attribute { name, values, range }),
            // Active Directory gives the bare attribute, empty, beside the range of it.
            Some(known) if known.values.is_empty() && known.range.is_none() => {
                *known = Attribute { name, values, range };
            }
            Some(_) if values.is_empty() && range.is_none() => {}
            Some(_) => return None,
        }
        Some(())
    }

    /// Its name. May hold a person's name.
    #[must_use]
    pub fn dn(&self) -> &str {
        &self.dn
    }

    /// All values of an attribute; `None` when there are none, or the server gave a part only.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[Vec<u8>]> {
        let found = self.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))?;
        (found.range.is_none() && !found.values.is_empty()).then_some(found.values.as_slice())
    }

    /// The one value of an attribute that has exactly one.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&[u8]> {
        match self.values(name)? {
            [one] => Some(one),
            _ => None,
        }
    }

    /// How many values an attribute has here.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.values(name).map_or(0, <[Vec<u8>]>::len)
    }

    /// The values of an attribute that may have more of them than a server gives at once.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<Part<'_>> {
        let found = self.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))?;
        let (first, last) = found.range.unwrap_or((0, None));
        Some(Part { values: &found.values, first, last })
    }
}

/// `0-1499` or `1500-*`.
fn read_range(text: &str) -> Option<(usize, Option<usize>)> {
    let (first, last) = text.split_once('-')?;
    let last = match last {
        "*" => None,
        last => Some(last.parse().ok()?),
    };
    Some((first.parse().ok()?, last))
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.attributes.iter().map(|a| a.name.as_str()).collect();
        f.debug_struct("Entry").field("attributes", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(attributes: &[(&str, &[&str])], wanted: &[&str]) -> Option<Entry> {
        let mut entry = Entry::new("CN=Zoe,DC=x".into());
        for (name, values) in attributes {
            let values = values.iter().map(|v| v.as_bytes().to_vec()).collect();
            entry.add((*name).to_owned(), values, wanted)?;
        }
        Some(entry)
    }

    #[test]
    fn only_what_was_asked_for_is_taken_however_the_server_spells_it() {
        let entry = of(
            &[("USERACCOUNTCONTROL", &["512"]), ("displayName", &["Zoe"]), ("mail", &[])],
            &["userAccountControl", "mail"],
        )
        .unwrap();
        assert_eq!(entry.one("useraccountcontrol"), Some(&b"512"[..]));
        assert_eq!((entry.values("mail"), entry.values("displayName")), (None, None));
        assert_eq!(
            format!("{entry:?}"),
            "Entry { attributes: [\"userAccountControl\", \"mail\"], .. }"
        );
    }

    #[test]
    fn two_values_are_not_one_and_an_attribute_that_comes_twice_is_refused() {
        let entry = of(&[("pwdLastSet", &["0", "1"])], &["pwdLastSet"]).unwrap();
        assert_eq!((entry.one("pwdLastSet"), entry.count("pwdLastSet")), (None, 2));
        assert_eq!(of(&[("a", &["1"]), ("A", &["2"])], &["a"]), None);
    }

    #[test]
    fn a_part_of_many_values_is_not_taken_for_all() {
        let entry = of(&[("member", &[]), ("member;range=0-1", &["a", "b"])], &["member"]).unwrap();
        assert_eq!(entry.values("member"), None);
        let part = entry.part("member").unwrap();
        assert_eq!((part.values.len(), part.first, part.last), (2, 0, Some(1)));
        let rest = of(&[("member;Range=2-*", &["c"])], &["member;range=2-*"]).unwrap();
        assert_eq!(rest.part("member").unwrap().last, None);
        for bad in ["member;range=x-1", "member;range=1", "member;range=-1-2"] {
            assert_eq!(of(&[(bad, &["a"])], &["member"]), None, "{bad}");
        }
        let whole = of(&[("member;lang-en", &["a"])], &["member"]).unwrap();
        assert!(whole.values("member").is_some());
    }
}
