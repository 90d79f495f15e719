//! What is asked for in a search, and whether an entry is that. Absent attributes match nothing, and
//! `not` of that is a match, as Active Directory has it.

use crate::simulators::directory::ber::{elements, number};
use crate::simulators::directory::people::Entry;

/// The rule that tests bits: all of them.
const ALL_BITS: &[u8] = b"1.2.840.113556.1.4.803";
/// The rule that tests bits: one of them.
const ANY_BIT: &[u8] = b"1.2.840.113556.1.4.804";
/// How deep filters may nest.
const DEEPEST: usize = 16;

/// A filter.
pub(super) enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Equal(String, Vec<u8>),
    AtLeast(String, i64),
    AtMost(String, i64),
    Present(String),
    /// The text begins with the first part, ends with the last, and holds the others in their order.
    Like {
        attribute: String,
        first: Vec<u8>,
        others: Vec<Vec<u8>>,
        last: Vec<u8>,
    },
    Bits {
        attribute: String,
        mask: i64,
        all: bool,
    },
    /// A rule or a form that is not played: matches nothing.
    Nothing,
}

impl Filter {
    /// From its encoding.
    pub(super) fn read(tag: u8, content: &[u8], depth: usize) -> Option<Self> {
        if depth > DEEPEST {
            return None;
        }
        let several = || -> Option<Vec<Self>> {
            elements(content)?.into_iter().map(|(t, c)| Self::read(t, c, depth + 1)).collect()
        };
        let pair = || -> Option<(String, Vec<u8>)> {
            match elements(content)?.as_slice() {
                [(_, name), (_, value)] => Some((lower(name)?, value.to_vec())),
                _ => None,
            }
        };
        Some(match tag {
            0xa0 => Self::And(several()?),
            0xa1 => Self::Or(several()?),
            0xa2 => Self::Not(Box::new(several()?.pop()?)),
            0xa3 => {
                let (name, value) = pair()?;
                Self::Equal(name, value)
            }
            0xa5 | 0xa6 => {
                let (name, value) = pair()?;
                let limit = decimal(&value);
                match (limit, tag) {
                    (None, _) => Self::Nothing,
                    (Some(n), 0xa5) => Self::AtLeast(name, n),
                    (Some(n), _) => Self::AtMost(name, n),
                }
            }
            0xa4 => Self::like(content)?,
            0x87 => Self::Present(lower(content)?),
            0xa9 => Self::rule(content)?,
            _ => Self::Nothing,
        })
    }

    fn like(content: &[u8]) -> Option<Self> {
        let both = elements(content)?;
        let [(_, attribute), (_, parts)] = both.as_slice() else { return None };
        let (mut first, mut others, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for (tag, part) in elements(parts)? {
            let part = part.to_ascii_lowercase();
            match tag {
                0x80 => first = part,
                0x81 => others.push(part),
                0x82 => last = part,
                _ => return None,
            }
        }
        Some(Self::Like { attribute: lower(attribute)?, first, others, last })
    }

    fn rule(content: &[u8]) -> Option<Self> {
        let (mut rule, mut attribute, mut value) = (None, None, None);
        for (tag, content) in elements(content)? {
            match tag {
                0x81 => rule = Some(content),
                0x82 => attribute = lower(content),
                0x83 => value = decimal(content),
                _ => {}
            }
        }
        Some(match (rule, attribute, value) {
            (Some(rule), Some(attribute), Some(mask)) if rule == ALL_BITS || rule == ANY_BIT => {
                Self::Bits { attribute, mask, all: rule == ALL_BITS }
            }
            _ => Self::Nothing,
        })
    }

    /// Whether `entry` is what is asked for.
    pub(super) fn matches(&self, entry: &Entry) -> bool {
        // What the server computes cannot be asked for.
        let values = |name: &str| match name {
            "msds-user-account-control-computed" => &[],
            name => entry.values(name),
        };
        let any = |name: &str, fits: &dyn Fn(&[u8]) -> bool| values(name).iter().any(|v| fits(v));
        let compare =
            |name: &str, fits: &dyn Fn(i64) -> bool| any(name, &|v| decimal(v).is_some_and(fits));
        match self {
            Self::And(all) => all.iter().all(|f| f.matches(entry)),
            Self::Or(some) => some.iter().any(|f| f.matches(entry)),
            Self::Not(one) => !one.matches(entry),
            Self::Equal(name, wanted) => any(name, &|v| equal(name, v, wanted)),
            Self::AtLeast(name, n) => compare(name, &|v| v >= *n),
            Self::AtMost(name, n) => compare(name, &|v| v <= *n),
            Self::Present(name) => name == "objectclass" || !values(name).is_empty(),
            Self::Like { attribute, first, others, last } => {
                any(attribute, &|v| like(&v.to_ascii_lowercase(), first, others, last))
            }
            Self::Bits { attribute, mask, all } => compare(attribute, &|v| match all {
                true => v & mask == *mask,
                false => v & mask != 0,
            }),
            Self::Nothing => false,
        }
    }
}

fn like(value: &[u8], first: &[u8], others: &[Vec<u8>], last: &[u8]) -> bool {
    let Some(mut rest) = value.strip_prefix(first).and_then(|v| v.strip_suffix(last)) else {
        return false;
    };
    others.iter().filter(|part| !part.is_empty()).all(|part| {
        let at = rest.windows(part.len()).position(|w| w == part.as_slice());
        let after = at.and_then(|at| rest.get(at + part.len()..));
        rest = after.unwrap_or_default();
        after.is_some()
    })
}

fn equal(name: &str, value: &[u8], wanted: &[u8]) -> bool {
    // A class is asked for by its short name and kept by its DN.
    let short = value.strip_prefix(b"CN=").and_then(|v| v.split(|b| *b == b',').next());
    value.eq_ignore_ascii_case(wanted)
        // A SID may be asked for as it is shown.
        || name == "objectsid" && super::people::shown(value).is_some_and(|s| s.as_bytes() == wanted)
        || name == "objectcategory" && short.is_some_and(|s| s.eq_ignore_ascii_case(wanted))
}

fn lower(name: &[u8]) -> Option<String> {
    std::str::from_utf8(name).ok().map(str::to_ascii_lowercase)
}

/// A number that is written out.
pub(super) fn decimal(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A search as it was sent.
pub(super) struct Search {
    /// Base, in small letters.
    pub(super) base: String,
    /// 0 the base, 1 the level below, 2 the subtree.
    pub(super) scope: i64,
    /// The client's own limit of entries; 0 for none.
    pub(super) most: i64,
    pub(super) filter: Filter,
    /// In small letters; empty for all.
    pub(super) attributes: Vec<String>,
}

impl Search {
    /// From the content of a search request.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let parts = elements(content)?;
        let [base, scope, _deref, most, _time, _types, filter, attributes] = parts.as_slice()
        else {
            return None;
        };
        let attributes = elements(attributes.1)?;
        Some(Self {
            base: lower(base.1)?,
            scope: number(scope.1),
            most: number(most.1),
            filter: Filter::read(filter.0, filter.1, 0)?,
            attributes: attributes.into_iter().map(|(_, a)| lower(a)).collect::<Option<_>>()?,
        })
    }

    /// Whether an entry of this name lies where is searched.
    pub(super) fn reaches(&self, dn: &str) -> bool {
        let dn = dn.to_lowercase();
        let below = || dn.strip_suffix(&self.base).and_then(|d| d.strip_suffix(','));
        match self.scope {
            0 => dn == self.base,
            1 => below().is_some_and(|d| !d.contains(',')),
            _ => dn == self.base || below().is_some(),
        }
    }
}
