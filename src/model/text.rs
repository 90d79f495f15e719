//! `Clean`: text from outside, made safe once, where it enters.
//!
//! Vendor text is hostile until proved otherwise. A `Clean` holds no control, bidi or zero-width
//! character, no pile of combining marks, and at most [`MAX_CHARS`] characters, so a widget or a
//! log line may hold it as it is.

use std::borrow::Cow;
use std::fmt;

use ecow::EcoString;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest text that is kept, in characters; more is cut and marked with an ellipsis.
pub const MAX_CHARS: usize = 400;

/// Combining marks that one base character may carry.
const MAX_MARKS: usize = 2;

/// Text that may be drawn and logged.
///
/// Made by [`Clean::new`] only; deserialising cleans again, so that a store or a socket is not
/// trusted either. Cheap to clone; a short one, such as a town or an operator's account, needs no
/// memory of its own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, JsonSchema)]
pub struct Clean(#[schemars(with = "String")] EcoString);

impl Clean {
    /// Cleans `raw`: control characters become one space, bidi and zero-width characters and
    /// surplus marks go, white space is folded and trimmed, the length is cut.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        if raw.is_empty() {
            return Self::default();
        }
        if is_plain(raw) {
            return Self(EcoString::from(raw));
        }
        let mut out = String::with_capacity(raw.len().min(MAX_CHARS * 4));
        let mut marks = 0_usize;
        let mut chars = 0_usize;
        let mut space = false;
        for c in raw.chars() {
            if c.is_control() || c.is_whitespace() || is_separator(c) {
                space = !out.is_empty();
                continue;
            }
            if is_invisible(c) {
                continue;
            }
            if is_mark(c) {
                if out.is_empty() || space || marks >= MAX_MARKS {
                    continue;
                }
                marks += 1;
            } else {
                marks = 0;
            }
            if chars + usize::from(space) >= MAX_CHARS {
                out.push('…');
                break;
            }
            if space {
                out.push(' ');
                chars += 1;
                space = false;
            }
            out.push(c);
            chars += 1;
        }
        Self(EcoString::from(out))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The common case, decided without copying twice: short ASCII without anything to mend.
fn is_plain(raw: &str) -> bool {
    raw.len() <= MAX_CHARS
        && raw.bytes().all(|b| (b' '..=b'~').contains(&b))
        && !raw.starts_with(' ')
        && !raw.ends_with(' ')
        && !raw.contains("  ")
}

/// Line and paragraph separators, which are neither control nor white space to every terminal.
fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Bidi controls, zero-width characters, tags, variation selectors, private use and the like.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Combining marks of the blocks that pile up (not the scripts that need theirs).
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Clean {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl From<&str> for Clean {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for Clean {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

impl<'de> Deserialize<'de> for Clean {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(from).map(|raw| Self::new(&raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threat_02_takes_out_what_can_hurt_a_screen() {
        let hostile = "A\u{1b}]52;c;aGk=\u{7}b \u{202e}evil\u{202c}\u{200b} x\u{9b}31m\r\ny";
        assert_eq!(Clean::new(hostile).as_str(), "A ]52;c;aGk= b evil x 31m y");
        let pile = format!("e{}", "\u{0301}".repeat(40));
        assert_eq!(Clean::new(&pile).as_str(), "e\u{0301}\u{0301}");
        assert_eq!(Clean::new("\u{0301}start").as_str(), "start");
    }

    #[test]
    fn cuts_what_is_too_long() {
        let long = Clean::new(&"é".repeat(5_000));
        assert_eq!(long.as_str().chars().count(), MAX_CHARS + 1);
        assert!(long.as_str().ends_with('…'));
    }

    #[test]
    fn cleans_again_when_read_back() {
        let back: Clean = serde_json::from_str("\"a\\u0007b\\u202e\"").unwrap();
        assert_eq!(back.as_str(), "a b");
    }

    proptest::proptest! {
        #[test]
        fn threat_01_whatever_comes_in_nothing_harmful_comes_out(raw in ".{0,600}") {
            let clean = Clean::new(&raw);
            proptest::prop_assert!(clean.as_str().chars().all(|c| !c.is_control() && !is_invisible(c)));
            proptest::prop_assert!(clean.as_str().chars().count() <= MAX_CHARS + 1);
            proptest::prop_assert_eq!(&Clean::new(clean.as_str()), &clean);
        }
    }
}
