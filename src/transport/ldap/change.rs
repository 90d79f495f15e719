//! What is changed in one entry, and what came of it.
//!
//! Source: RFC 4511, 4.6 (a modification is done as a whole or not at all), read 2026-11.

use std::collections::HashSet;
use std::fmt;

use ldap3::Mod;
use secrecy::zeroize::Zeroizing;

use super::failure::LdapFailure;

/// One part of a change. Names of attributes stand in the code; values are bytes, which need no
/// escaping. `Debug` shows no value: it may be a password.
pub struct Change {
    how: How,
    attribute: &'static str,
    value: Zeroizing<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Add,
    Delete,
    Replace,
}

impl Change {
    fn new(how: How, attribute: &'static str, value: &[u8]) -> Self {
        Self { how, attribute, value: Zeroizing::new(value.to_vec()) }
    }

    /// Puts this value in; refused when it is there.
    #[must_use]
    pub fn add(attribute: &'static str, value: &[u8]) -> Self {
        Self::new(How::Add, attribute, value)
    }

    /// Takes this very value away; refused when it is not there.
    #[must_use]
    pub fn delete(attribute: &'static str, value: &[u8]) -> Self {
        Self::new(How::Delete, attribute, value)
    }

    /// Puts this value in place of whatever is there.
    #[must_use]
    pub fn replace(attribute: &'static str, value: &[u8]) -> Self {
        Self::new(How::Replace, attribute, value)
    }

    /// Compare-and-set: `new` in place of `old`, refused when `old` is not there any more.
    #[must_use]
    pub fn swap(attribute: &'static str, old: &[u8], new: &[u8]) -> [Self; 2] {
        [Self::delete(attribute, old), Self::add(attribute, new)]
    }

    /// As the library sends it.
    pub(super) fn sent(&self) -> Mod<&[u8]> {
        let values = HashSet::from([self.value.as_slice()]);
        let name = self.attribute.as_bytes();
        match self.how {
            How::Add => Mod::Add(name, values),
            How::Delete => Mod::Delete(name, values),
            How::Replace => Mod::Replace(name, values),
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.how, self.attribute)
    }
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// All of it was taken.
    Taken,
    /// A value to be taken away is not there, or one to be put in is there already: nothing was written.
    Changed,
    /// Refused: nothing was written.
    Refused(LdapFailure),
    /// No answer that says so: it may have been written.
    NoAnswer(LdapFailure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_shown() {
        let change = Change::replace("unicodePwd", b"canary");
        assert_eq!(format!("{change:?}"), "Replace unicodePwd");
    }

    #[test]
    fn a_swap_takes_the_old_value_away_first() {
        let [first, second] = Change::swap("userAccountControl", b"512", b"514");
        assert!(
            matches!(first.sent(), Mod::Delete(n, v) if n == b"userAccountControl" && v.contains(&b"512"[..]))
        );
        assert!(matches!(second.sent(), Mod::Add(_, v) if v.contains(&b"514"[..])));
    }
}
