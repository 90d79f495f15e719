//! `Redacted`: a value that may be held and passed on, but not shown.

use std::fmt;

/// Shows only that there is something. For values that are no credentials (those are
/// `SecretString`) and still have no place in a log: a person's name, an address, a body.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Redacted<T>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing_of_the_value() {
        let held = Redacted("m.sharp12");
        assert_eq!(format!("{held} {held:?} {held:#?} {held:>3}"), ["[redacted]"; 4].join(" "));
        assert_eq!(held.0, "m.sharp12");
    }
}
