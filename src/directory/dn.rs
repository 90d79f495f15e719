//! Distinguished names: read properly, compared without case, written escaped.
//!
//! Source: RFC 4514, read 2026-11. Names are never split at commas: `CN=O'Brien\, Aoife` is one part.

use std::fmt;

use crate::transport::ldap::escape_dn;

/// The longest name that is read, in bytes.
const LONGEST: usize = 4_096;
/// The most parts of one name.
const MOST_PARTS: usize = 64;

/// Why a text is no distinguished name. Never repeats the text, which may hold a person's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    /// Too long or with too many parts.
    #[error("is too long for a distinguished name")]
    TooLong,
    /// A part without a type or a value.
    #[error(
        "is no distinguished name: each part is written TYPE=value, as in OU=Ashbrook,DC=example"
    )]
    Part,
    /// An escape that means nothing, or an open quote.
    #[error(
        "is no distinguished name: a comma or another special sign in a value needs a \\ before it"
    )]
    Escape,
}

/// A distinguished name, the leaf first.
///
/// Two are equal when they name the same object: case and spare spaces do not count.
#[derive(Clone)]
pub struct Dn {
    parts: Vec<Part>,
}

/// One level: mostly one pair of type and value, seldom several.
#[derive(Clone)]
struct Part(Vec<(String, String)>);

impl Dn {
    /// Reads a name.
    ///
    /// # Errors
    /// See [`DnError`]. The empty name, which is the root of a server, is none of these.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        if text.len() > LONGEST {
            return Err(DnError::TooLong);
        }
        let mut rest = text.trim();
        let mut parts = Vec::new();
        if rest.is_empty() {
            return Err(DnError::Part);
        }
        loop {
            let mut pairs = Vec::new();
            let ended = loop {
                let (pair, sign, after) = pair(rest)?;
                pairs.push(pair);
                rest = after;
                match sign {
                    Some('+') => {}
                    other => break other,
                }
            };
            parts.push(Part(pairs));
            if parts.len() > MOST_PARTS {
                return Err(DnError::TooLong);
            }
            if ended.is_none() {
                return Ok(Self { parts });
            }
        }
    }

    /// What it is compared by: each level folded, the leaf first.
    #[must_use]
    pub fn key(&self) -> String {
        self.keys().next().unwrap_or_default()
    }

    /// The keys of the name itself and of each name above it, up to the root.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        let folded: Vec<String> = self.parts.iter().map(Part::folded).collect();
        (0..folded.len()).map(move |from| folded.get(from..).unwrap_or_default().join("\n"))
    }

    /// Whether it stands below `other`, or is it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let key = other.key();
        self.keys().any(|k| k == key)
    }

    /// The values of the levels that stand between it and `above`, from the top down; none where it
    /// does not stand below.
    #[must_use]
    pub fn between(&self, above: &Self) -> Vec<&str> {
        if !self.is_within(above) {
            return Vec::new();
        }
        let levels = self.parts.len().saturating_sub(above.parts.len());
        let folders = self.parts.iter().take(levels).skip(1).rev();
        folders.filter_map(|p| p.0.first()).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of the leaf, for messages about OUs.
    #[must_use]
    pub fn leaf(&self) -> &str {
        self.parts.first().and_then(|p| p.0.first()).map_or("", |(_, value)| value.as_str())
    }
}

impl Part {
    fn folded(&self) -> String {
        let mut pairs: Vec<String> =
            self.0.iter().map(|(kind, value)| format!("{kind}={}", folded(value))).collect();
        pairs.sort();
        pairs.join("+")
    }
}

/// Without case, and with one space where there are several. Line ends cannot stay in it.
fn folded(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl PartialEq for Dn {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Dn {}

impl fmt::Display for Dn {
    /// As it is sent: types in capitals, values escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            for (j, (kind, value)) in part.0.iter().enumerate() {
                let plus = if j > 0 { "+" } else { "" };
                write!(f, "{plus}{}={}", kind.to_ascii_uppercase(), escape_dn(value))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Dn {
    /// Without the leaf's value: it may be a person's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dn({} parts)", self.parts.len())
    }
}

/// The name of what stands above, as it was written. The leaf is not looked at further: it may be a
/// person's name. `None` at the root, and for an open quote.
#[must_use]
pub fn above(text: &str) -> Option<&str> {
    let mut escaped = false;
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' | ';' if !quoted => return text.get(at + 1..).map(str::trim_start),
            _ => {}
        }
    }
    None
}

type Pair = (String, String);

/// A pair of type and value, the sign behind it, and what follows that.
fn pair(text: &str) -> Result<(Pair, Option<char>, &str), DnError> {
    let (kind, rest) = text.split_once('=').ok_or(DnError::Part)?;
    let kind = kind.trim().to_ascii_lowercase();
    let kind = kind.strip_prefix("oid.").unwrap_or(&kind).to_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if kind.is_empty() || !kind.chars().all(fits) {
        return Err(DnError::Part);
    }
    let rest = rest.trim_start();
    let (value, sign, after) = match rest.strip_prefix('"') {
        Some(quoted) => quoted_value(quoted)?,
        // A value in hex of its encoding: no directory that we know writes one.
        None if rest.starts_with('#') => return Err(DnError::Part),
        None => plain_value(rest)?,
    };
    if value.is_empty() {
        return Err(DnError::Part);
    }
    Ok(((kind, value), sign, after))
}

type Value<'a> = (String, Option<char>, &'a str);

fn plain_value(text: &str) -> Result<Value<'_>, DnError> {
    let mut out = Vec::new();
    // Spaces at the end count only when they are escaped.
    let mut solid = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ',' | ';' | '+' => {
                out.truncate(solid);
                let after = text.get(at + 1..).unwrap_or_default().trim_start();
                return Ok((utf8(out)?, Some(c), after));
            }
            '\\' => {
                escape(&mut chars, &mut out)?;
                solid = out.len();
            }
            '"' | '<' | '>' | '\0' => return Err(DnError::Escape),
            c => {
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
                if c != ' ' {
                    solid = out.len();
                }
            }
        }
    }
    out.truncate(solid);
    Ok((utf8(out)?, None, ""))
}

/// `"value"`, as older programs write it.
fn quoted_value(text: &str) -> Result<Value<'_>, DnError> {
    let mut out = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let rest = text.get(at + 1..).unwrap_or_default().trim_start();
                let sign = rest.chars().next();
                return match sign {
                    None => Ok((utf8(out)?, None, "")),
                    Some(',' | ';' | '+') => {
                        let after = rest.get(1..).unwrap_or_default().trim_start();
                        Ok((utf8(out)?, sign, after))
                    }
                    Some(_) => Err(DnError::Escape),
                };
            }
            '\\' => escape(&mut chars, &mut out)?,
            c => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Err(DnError::Escape)
}

/// What follows a `\`: a special sign, or two hex digits of a byte.
fn escape(chars: &mut std::str::CharIndices<'_>, out: &mut Vec<u8>) -> Result<(), DnError> {
    let (_, c) = chars.next().ok_or(DnError::Escape)?;
    if let Some(high) = c.to_digit(16) {
        let low = chars.next().and_then(|(_, c)| c.to_digit(16)).ok_or(DnError::Escape)?;
        out.push(u8::try_from(high * 16 + low).map_err(|_| DnError::Escape)?);
        return Ok(());
    }
    match c {
        ' ' | '#' | ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' | '/' => {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            Ok(())
        }
        _ => Err(DnError::Escape),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, DnError> {
    String::from_utf8(bytes).map_err(|_| DnError::Escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn one_object_has_many_spellings() {
        let plain = dn("OU=Pupils,OU=Ash  brook,OU=Schools,DC=example,DC=org");
        for same in [
            "ou=pupils, ou=ash brook , ou=SCHOOLS,dc=example,dc=org",
            "OU=Pupils;OU=Ash brook;OU=Schools;DC=example;DC=org",
            "OU=\"Pupils\",OU=Ash brook,OU=Schools,DC=example,DC=org",
            "OU=\\50upils,OU=Ash brook,OU=Schools,DC=example,DC=org",
        ] {
            assert_eq!(dn(same), plain, "{same}");
        }
        for other in [
            "OU=Ash brook,OU=Schools,DC=example,DC=org",
            "CN=Pupils,OU=Ash brook,OU=Schools,DC=example,DC=org",
            "OU=Pupils,OU=Ashbrook,OU=Schools,DC=example,DC=org",
        ] {
            assert_ne!(dn(other), plain, "{other}");
        }
        assert_eq!(dn("CN=a+OU=b,DC=x"), dn("ou=B+cn=A,dc=X"));
        assert_eq!(dn("OU=ÉCOLE,DC=x"), dn("ou=école,dc=x"));
    }

    #[test]
    fn a_special_sign_in_a_value_does_not_end_it() {
        let name = dn(r"CN=O'Brien\, Aoife (Year 4),OU=Staff\+Support,OU=A\\B,DC=x");
        assert_eq!(name.leaf(), "O'Brien, Aoife (Year 4)");
        assert_eq!(name.keys().count(), 4);
        assert_eq!(
            name.to_string(),
            r"CN=O'Brien\2c Aoife (Year 4),OU=Staff\2bSupport,OU=A\5cB,DC=x"
        );
        assert_eq!(dn(r"CN=\ lead and trail\ ,DC=x").leaf(), " lead and trail ");
        assert_eq!(dn(r"CN=trail   ,DC=x").leaf(), "trail");
        assert_eq!(dn(r"CN=Zo\C3\AB,DC=x").leaf(), "Zoë");
    }

    #[test]
    fn the_folders_between_are_told_from_the_top_down() {
        let name = dn(r"CN=Quin\, Q,OU=Year 3,OU=Pupils,OU=Ash,OU=Schools,DC=x");
        assert_eq!(name.between(&dn("ou=ASH,ou=schools,dc=x")), ["Pupils", "Year 3"]);
        assert!(name.between(&dn("OU=Elm,OU=Schools,DC=x")).is_empty());
        assert!(dn("OU=Ash,DC=x").between(&dn("OU=Ash,DC=x")).is_empty());
    }

    #[test]
    fn what_is_no_name_is_refused_and_not_repeated() {
        for (bad, why) in [
            ("", DnError::Part),
            ("Ashbrook", DnError::Part),
            ("OU=,DC=x", DnError::Part),
            ("=x", DnError::Part),
            ("OU=a,,DC=x", DnError::Part),
            ("OU=a,", DnError::Part),
            ("O U=a", DnError::Part),
            ("CN=#0401", DnError::Part),
            (r"OU=a\", DnError::Escape),
            (r"OU=a\zz", DnError::Escape),
            (r"OU=\C3,DC=x", DnError::Escape),
            ("OU=\"open,DC=x", DnError::Escape),
            ("OU=a<b", DnError::Escape),
        ] {
            assert_eq!(Dn::parse(bad).map(|_| ()), Err(why), "{bad}");
        }
        assert_eq!(Dn::parse(&"OU=a,".repeat(900)).map(|_| ()), Err(DnError::TooLong));
        assert_eq!(
            Dn::parse(&format!("{}DC=x", "OU=a,".repeat(64))).map(|_| ()),
            Err(DnError::TooLong)
        );
        assert!(!format!("{:?}", dn("CN=Zoe,DC=x")).contains("Zoe"));
    }

    #[test]
    fn below_is_by_parts_and_not_by_letters() {
        let base = dn("OU=Schools,DC=x");
        assert!(dn("CN=a,OU=b,ou=schools,dc=x").is_within(&base) && base.is_within(&base));
        assert!(!dn("OU=OldSchools,DC=x").is_within(&base));
        assert!(!dn(r"CN=a\,OU=Schools,DC=x").is_within(&base));
        assert_eq!(above(r"CN=O'Brien\, A,OU=b,DC=x"), Some("OU=b,DC=x"));
        assert_eq!(above("CN=\"O'Brien, A\", OU=b"), Some("OU=b"));
        assert_eq!(above("DC=x"), None);
        assert_eq!(above("CN=\"open,OU=b"), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(values in proptest::collection::vec("[ -~éŷ\u{0}]{1,24}", 1..5)) {
            let parts: Vec<Part> =
                values.iter().map(|v| Part(vec![("ou".into(), v.clone())])).collect();
            let name = Dn { parts };
            let read = Dn::parse(&name.to_string());
            proptest::prop_assert!(read.is_ok(), "{}", name);
            let read = read.unwrap();
            proptest::prop_assert_eq!(read.leaf(), name.leaf());
            proptest::prop_assert_eq!(read, name);
        }

        #[test]
        fn above_is_what_stands_above(leaf in "[ -~é]{1,24}") {
            let text = format!("CN={},OU=b,DC=x", escape_dn(&leaf));
            proptest::prop_assert_eq!(above(&text), Some("OU=b,DC=x"));
        }

        #[test]
        fn noise_never_panics(text in "\\PC{0,80}") {
            if let Ok(name) = Dn::parse(&text) {
                let again = Dn::parse(&name.to_string());
                proptest::prop_assert_eq!(again.map(|n| n.key()), Ok(name.key()));
            }
            proptest::prop_assert!(above(&text).is_none_or(|a| a.len() < text.len()));
        }
    }
}
