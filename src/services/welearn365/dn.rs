//! Distinguished names (RFC 4514), as far as a school is told by one: which OU an account is under.

use std::collections::HashMap;

use crate::model::ids::Laestab;

/// More parts than any name has.
const MOST_PARTS: usize = 64;

/// A name as its parts, the nearest first, each `type=value` in lower case with escapes read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dn(Vec<String>);

impl Dn {
    /// `None` for what is no name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for raw in split(text)? {
            let (kind, value) = raw.split_once('=')?;
            let (kind, value) = (kind.trim(), unescaped(value)?);
            let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            if kind.is_empty() || value.is_empty() || !kind.chars().all(word) {
                return None;
            }
            parts.push(format!("{}={}", kind.to_lowercase(), value.to_lowercase()));
        }
        (1..=MOST_PARTS).contains(&parts.len()).then_some(Self(parts))
    }
}

/// The raw parts between commas that are not escaped.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut from, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(text.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
        if parts.len() > MOST_PARTS {
            return None;
        }
    }
    parts.push(text.get(from..)?);
    (!escaped).then_some(parts)
}

/// A value without its escapes and without the spaces around it that are not escaped.
fn unescaped(raw: &str) -> Option<String> {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    // Up to here the end is not white space, or was escaped.
    let mut kept = 0;
    let mut bytes = raw.trim_start().bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            if !byte.is_ascii_whitespace() {
                kept = out.len();
            }
            continue;
        }
        let first = bytes.next()?;
        let read = match hex(first) {
            Some(high) => {
                let low = hex(bytes.next()?)?;
                high * 16 + low
            }
            None => first,
        };
        out.push(read);
        kept = out.len();
    }
    out.truncate(kept);
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// Which school an OU belongs to.
#[derive(Debug, Default)]
pub(super) struct Ous {
    of: HashMap<Vec<String>, Laestab>,
}

impl Ous {
    /// Puts `ou` down as the school's. False if it is another school's already; then it is nobody's.
    pub(super) fn put(&mut self, ou: Dn, school: Laestab) -> Option<Laestab> {
        self.of.insert(ou.0, school)
    }

    /// Takes a school away whose OU is not its own.
    pub(super) fn without(&mut self, school: Laestab) {
        self.of.retain(|_, s| *s != school);
    }

    /// The schools that have one.
    pub(super) fn schools(&self) -> impl Iterator<Item = Laestab> + '_ {
        self.of.values().copied()
    }

    /// The school under whose OU `name` is; the nearest OU counts where one is inside another.
    pub(super) fn school(&self, name: &Dn) -> Option<Laestab> {
        (1..name.0.len()).find_map(|n| self.of.get(name.0.get(n..)?).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn school(n: &str) -> Laestab {
        n.parse().unwrap()
    }

    fn ous(pairs: &[(&str, &str)]) -> Ous {
        let mut ous = Ous::default();
        for (ou, n) in pairs {
            assert_eq!(ous.put(Dn::parse(ou).unwrap(), school(n)), None);
        }
        ous
    }

    #[test]
    fn an_ou_is_the_same_in_any_spelling() {
        let ous =
            ous(&[("OU=Ash\\2C Birch & Co\\, Infants,OU=Schools,DC=fen,DC=example", "9991001")]);
        let of = |dn: &str| Dn::parse(dn).and_then(|dn| ous.school(&dn));
        let ash = Some(school("9991001"));
        assert_eq!(of("CN=X, ou=ash\\, BIRCH & co\\2c infants ,OU=Schools,DC=fen,DC=example"), ash);
        assert_eq!(of("CN=X,OU=Schools,DC=fen,DC=example"), None);
        assert_eq!(of("CN=X,OU=Ash,OU=Schools,DC=fen,DC=example"), None);
    }

    #[test]
    fn an_ou_inside_another_goes_first() {
        let ous = ous(&[
            ("OU=Oak,DC=fen,DC=example", "9991001"),
            ("OU=Sixth,OU=Oak,DC=fen,DC=example", "9991002"),
        ]);
        let of = |dn: &str| ous.school(&Dn::parse(dn).unwrap());
        assert_eq!(of("CN=A,OU=Pupils,OU=Oak,DC=fen,DC=example"), Some(school("9991001")));
        assert_eq!(of("CN=A,OU=Sixth,OU=Oak,DC=fen,DC=example"), Some(school("9991002")));
        assert_eq!(of("OU=Oak,DC=fen,DC=example"), None, "the OU itself is not under itself");
        assert_eq!(of("CN=A,OU=Oakham,DC=fen,DC=example"), None, "no part of a name");
    }

    #[test]
    fn a_comma_in_a_name_is_not_a_place() {
        let ous = ous(&[("OU=Oak,DC=fen", "9991001")]);
        let of = |dn: &str| ous.school(&Dn::parse(dn).unwrap());
        assert_eq!(of("CN=O'Brien\\, Aoife (Year 4),OU=Oak,DC=fen"), Some(school("9991001")));
        assert_eq!(of("CN=Sly\\,OU=Oak\\,DC=fen,OU=Elm,DC=fen"), None, "only looks like one");
        assert_eq!(of("CN=Zo\\C3\\AB,OU=Oak,DC=fen"), Some(school("9991001")));
        assert_eq!(Dn::parse("CN=Zo\\C3\\AB,DC=fen"), Dn::parse("CN=Zoë,DC=fen"));
    }

    #[test]
    fn what_is_no_name_is_none() {
        let deep = "OU=a,".repeat(200) + "DC=fen";
        for bad in ["", ",", "Oak", "OU=", "=x", "OU=a,", "OU=a\\", "OU=\\C", "O U=a", &deep] {
            assert_eq!(Dn::parse(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,80}") {
            if let Some(dn) = Dn::parse(&text) {
                proptest::prop_assert!(!dn.0.is_empty() && Ous::default().school(&dn).is_none());
            }
        }

        #[test]
        fn a_value_never_makes_a_place(value in "[^\\\\,]{1,20}") {
            let escaped: String = value.chars().flat_map(|c| ['\\', c]).collect();
            let own = ous(&[("OU=Oak,DC=fen", "9991001")]);
            if let Some(dn) = Dn::parse(&format!("CN={escaped}\\,OU=Oak\\,DC=fen,OU=Elm,DC=fen")) {
                proptest::prop_assert_eq!(own.school(&dn), None);
            }
        }
    }
}
