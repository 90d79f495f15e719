//! Names of things: schools, services, checks, credentials.

use std::fmt;
use std::str::FromStr;

use ecow::EcoString;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why an identifier was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not seven digits.
    #[error(
        "{0:?} is not a LAESTAB: it needs exactly 7 digits (LA code 3, establishment number 4); \
         6 digits are a URN, 8 a UKPRN"
    )]
    Laestab(String),
    /// A service key, check id or credential name with other characters or another length.
    #[error("{0:?} is not a {1}")]
    Name(String, &'static str),
}

/// A school's key: LA code and establishment number, seven digits.
///
/// The URN changes when a school becomes an academy; this number usually stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Laestab(u32);

impl Laestab {
    /// From the two numbers of the register. `None` outside 3 and 4 digits.
    #[must_use]
    pub fn from_parts(la: u16, establishment: u16) -> Option<Self> {
        ((100..=999).contains(&la) && establishment <= 9999)
            .then(|| Self(u32::from(la) * 10_000 + u32::from(establishment)))
    }

    /// The seven digits as a number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// The local authority's code, three digits.
    #[must_use]
    pub fn la(self) -> u16 {
        u16::try_from(self.0 / 10_000).unwrap_or_default()
    }

    /// As people read it aloud: `937 1234`.
    #[must_use]
    pub fn spaced(self) -> String {
        format!("{:03} {:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

impl FromStr for Laestab {
    type Err = IdError;

    /// Takes `9371234`, `937/1234`, `937 1234`, `937-1234`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let refuse = || IdError::Laestab(text.chars().take(40).collect());
        let trimmed = text.trim();
        if !trimmed.chars().all(|c| c.is_ascii_digit() || matches!(c, '/' | ' ' | '-')) {
            return Err(refuse());
        }
        let digits: String = trimmed.chars().filter(char::is_ascii_digit).collect();
        if digits.len() != 7 || digits.starts_with('0') {
            return Err(refuse());
        }
        digits.parse().map(Self).map_err(|_| refuse())
    }
}

impl fmt::Display for Laestab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:07}", self.0)
    }
}

impl Serialize for Laestab {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Laestab {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Laestab {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Laestab".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^[1-9][0-9]{6}$",
            "description": "LA code and establishment number, 7 digits"
        })
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $pattern:literal, $good:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(EcoString);

        impl $name {
            /// The name as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let good: fn(&str) -> bool = $good;
                if good(text) {
                    Ok(Self(EcoString::from(text)))
                } else {
                    Err(IdError::Name(text.chars().take(80).collect(), $what))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": $pattern})
            }
        }
    };
}

fn word(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

name_type!(
    /// A service's key, such as `groupcall`. Data, not an enum: seven built in, more from config.
    ServiceKey,
    "service key (lower-case letters, digits, underscore; at most 32)",
    "^[a-z0-9_]{1,32}$",
    |t| word(t, 32)
);

name_type!(
    /// A check's id, `service.check`, such as `groupcall.xporter_data`.
    CheckId,
    "check id (`service.check`)",
    "^[a-z0-9_]{1,32}\\.[a-z0-9_]{1,32}$",
    |t| t.split_once('.').is_some_and(|(s, c)| word(s, 32) && word(c, 32))
);

name_type!(
    /// An action's id, `service.action`, such as `groupcall.resync`; `desk.raise_ticket` belongs to
    /// the desk itself.
    ActionId,
    "action id (`service.action`)",
    "^[a-z0-9_]{1,32}\\.[a-z0-9_]{1,32}$",
    |t| t.split_once('.').is_some_and(|(s, a)| word(s, 32) && word(a, 32))
);

name_type!(
    /// The name under which a credential is kept; never the credential.
    CredentialName,
    "credential name (lower-case letters, digits, dot, underscore, hyphen; at most 64)",
    "^[a-z0-9._-]{1,64}$",
    |t| (1..=64).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        && t != "." && t != ".."
);

impl ActionId {
    /// The part before the dot; `desk` for what belongs to the desk itself.
    #[must_use]
    pub fn service(&self) -> &str {
        self.0.split_once('.').map_or("", |(s, _)| s)
    }

    /// The part after the dot: the action's word.
    #[must_use]
    pub fn word(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, a)| a)
    }
}

impl CheckId {
    /// The id of `name` in `service`.
    ///
    /// # Errors
    /// When either part is not a word.
    pub fn of(service: &ServiceKey, name: &str) -> Result<Self, IdError> {
        format!("{service}.{name}").parse()
    }

    /// The part before the dot.
    #[must_use]
    pub fn service(&self) -> &str {
        self.0.split_once('.').map_or("", |(s, _)| s)
    }

    /// The part after the dot.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, c)| c)
    }

    /// Whether this check belongs to `service`.
    #[must_use]
    pub fn is_of(&self, service: &ServiceKey) -> bool {
        self.service() == service.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_usual_way_to_write_a_laestab() {
        for text in ["9371234", "937/1234", "937 1234", " 937-1234 "] {
            assert_eq!(text.parse::<Laestab>().unwrap().to_string(), "9371234");
        }
        for text in ["125484", "10012345", "", "937123a", "0371234", "93712345"] {
            assert!(text.parse::<Laestab>().is_err(), "{text}");
        }
        assert_eq!("9370042".parse::<Laestab>().unwrap().spaced(), "937 0042");
    }

    #[test]
    fn a_check_id_names_its_service() {
        let id: CheckId = "groupcall.xporter_data".parse().unwrap();
        assert_eq!((id.service(), id.name()), ("groupcall", "xporter_data"));
        for bad in ["groupcall", "a.b.c", "A.b", ".b", "a."] {
            assert!(bad.parse::<CheckId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_credential_name_cannot_climb_out_of_its_folder() {
        for bad in ["..", ".", "a/b", "", "A", "é"] {
            assert!(bad.parse::<CredentialName>().is_err(), "{bad}");
        }
        assert!("xod.9371234".parse::<CredentialName>().is_ok());
    }
}
