//! Text of the configuration with places for what a school's row says: `{laestab}`, `{urn}`,
//! `{name}`, `{param:NAME}`. A brace that opens none of them is written `{{` or `}}`.
//!
//! Invariant: what is put into a place is never read again as a place, and the caller encodes it for
//! where it goes.

use std::collections::BTreeSet;

use crate::model::estate::Estate;
use crate::model::ids::{Laestab, ServiceKey};

/// One part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Fixed(String),
    Place(Place),
}

/// What a place stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The seven digits.
    Laestab,
    /// The register's unique reference number.
    Urn,
    /// The school's name.
    Name,
    /// A column `service.NAME` of the subscriptions table.
    Param(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Laestab => f.write_str("{laestab}"),
            Self::Urn => f.write_str("{urn}"),
            Self::Name => f.write_str("{name}"),
            Self::Param(name) => write!(f, "{{param:{name}}}"),
        }
    }
}

/// Text with places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Template(Vec<Part>);

impl Template {
    /// Reads `text`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (mut parts, mut fixed) = (Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '{' | '}' if chars.peek() == Some(&c) => {
                    chars.next();
                    fixed.push(c);
                }
                '}' => return Err("a `}` closes nothing; write `}}` for a brace".to_owned()),
                '{' => {
                    let mut word = String::new();
                    loop {
                        match chars.next() {
                            Some('}') => break,
                            Some(c) if word.len() < 80 => word.push(c),
                            _ => return Err("a `{` is not closed; write `{{` for one".to_owned()),
                        }
                    }
                    if !fixed.is_empty() {
                        parts.push(Part::Fixed(std::mem::take(&mut fixed)));
                    }
                    parts.push(Part::Place(place(&word)?));
                }
                c => fixed.push(c),
            }
        }
        if !fixed.is_empty() {
            parts.push(Part::Fixed(fixed));
        }
        Ok(Self(parts))
    }

    /// The places in it.
    pub(super) fn places(&self) -> BTreeSet<Place> {
        let places = self.0.iter().filter_map(|part| match part {
            Part::Place(place) => Some(place.clone()),
            Part::Fixed(_) => None,
        });
        places.collect()
    }

    /// Whether nothing is to be put in.
    pub(super) fn is_fixed(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Fixed(_)))
    }

    /// The text with `value` in each place; the first place that has none is the error.
    pub(super) fn fill(&self, value: impl Fn(&Place) -> Option<String>) -> Result<String, &Place> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Fixed(text) => out.push_str(text),
                Part::Place(place) => out.push_str(&value(place).ok_or(place)?),
            }
        }
        Ok(out)
    }
}

/// The place that `text` is, where it is one and nothing else; the error where it looks like one and
/// names nothing.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn whole_place(text: &str) -> Result<Option<Place>, String> {
    let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    inside.filter(|word| word.chars().all(is_word)).map(place).transpose()
}

fn place(word: &str) -> Result<Place, String> {
    match word {
        "laestab" => Ok(Place::Laestab),
        "urn" => Ok(Place::Urn),
        "name" => Ok(Place::Name),
        other => match other.strip_prefix("param:") {
            Some(name) if is_param(name) => Ok(Place::Param(name.to_owned())),
            Some(_) => Err(format!(
                "`{{{other}}}` does not name a column: use up to 32 lower-case letters, digits, \
                 underscores"
            )),
            None => Err(format!(
                "`{{{other}}}` is not known; there are {{laestab}}, {{urn}}, {{name}} and \
                 {{param:NAME}}"
            )),
        },
    }
}

/// Whether `name` can be the part of a column after the dot.
pub(super) fn is_param(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// What stands in a place for `school`; `None` where its row says nothing.
pub(super) fn value_of(
    estate: &Estate,
    service: &ServiceKey,
    school: Laestab,
    place: &Place,
) -> Option<String> {
    let known = estate.schools.get(&school);
    match place {
        Place::Laestab => Some(school.to_string()),
        Place::Urn => known?.urn.map(|urn| urn.to_string()),
        Place::Name => Some(known?.name.as_str().to_owned()).filter(|name| !name.is_empty()),
        Place::Param(name) => {
            let row = estate.subscriptions.get(&school)?;
            row.parameter(service, name).map(str::to_owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let template = Template::read(text)?;
        let value = |place: &Place| match place {
            Place::Laestab => Some("9990001".to_owned()),
            Place::Param(name) if name == "site" => Some("{urn}/..".to_owned()),
            _ => None,
        };
        template.fill(value).map_err(|place| format!("no {place}"))
    }

    #[test]
    fn fills_places_once() {
        assert_eq!(filled("a"), Ok("a".to_owned()));
        assert_eq!(filled(""), Ok(String::new()));
        assert_eq!(filled("x{laestab}.json"), Ok("x9990001.json".to_owned()));
        assert_eq!(filled("{param:site}"), Ok("{urn}/..".to_owned()), "not read again");
        assert_eq!(filled("{{laestab}}"), Ok("{laestab}".to_owned()));
        assert_eq!(filled("{urn}"), Err("no {urn}".to_owned()));
        assert_eq!(filled("{param:none}"), Err("no {param:none}".to_owned()));
    }

    #[test]
    fn says_what_is_wrong() {
        for (bad, words) in [
            ("{school}", "there are {laestab}"),
            ("{param:}", "does not name a column"),
            ("{param:A}", "does not name a column"),
            ("{laestab", "not closed"),
            ("a}b", "closes nothing"),
            ("{}", "is not known"),
        ] {
            let said = filled(bad).unwrap_err();
            assert!(said.contains(words), "{bad}: {said}");
        }
    }

    #[test]
    fn a_text_is_a_place_only_where_it_is_nothing_else() {
        assert_eq!(whole_place("{laestab}"), Ok(Some(Place::Laestab)));
        assert_eq!(whole_place("{param:site}"), Ok(Some(Place::Param("site".to_owned()))));
        for text in
            ["", "laestab", "{laestab} ", "x{urn}", "{ schools { id } }", "{a{b}}", "{{urn}}"]
        {
            assert_eq!(whole_place(text), Ok(None), "{text}");
        }
        for text in ["{}", "{school}", "{param:}"] {
            assert!(whole_place(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics_and_text_without_braces_stays(text in ".{0,60}") {
            let read = Template::read(&text);
            if !text.contains(['{', '}']) {
                let filled = read.unwrap().fill(|_| None).map_err(ToString::to_string);
                proptest::prop_assert_eq!(filled, Ok(text));
            }
        }
    }
}
