//! Reads a section into its settings, telling every mistake in it and not only the first.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeValue, Error, ValueDeserializer};

use crate::config::error::{ConfigError, ConfigErrors};
use crate::config::source::Source;
use crate::model::nearest::nearest;

/// More mistakes than this are one mistake.
const MAX_ERRORS: usize = 20;

/// One step from a table or an array to what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Reads `section`, which stands at the dotted key `at` (empty for the document), by `read`.
///
/// What was wrong is taken out and the rest is read again, so that one run tells everything.
///
/// # Errors
/// Everything that is wrong in the section.
pub fn read_section<T>(
    source: &Source,
    at: &str,
    section: Spanned<DeValue<'_>>,
    read: impl Fn(ValueDeserializer<'_>) -> Result<T, Error>,
) -> Result<T, ConfigErrors> {
    let mut errors: Vec<ConfigError> = Vec::new();
    let mut left = section.clone();
    loop {
        let error = match read(ValueDeserializer::from(left.clone())) {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        let span = error.span().unwrap_or_else(|| section.span());
        // Named by its place in the file, not in what is left of it.
        let key = dotted(at, &find(&section, &span).unwrap_or_default());
        let told = tell(source, &key, &span, &error);
        // What we took out ourselves is not missing.
        if !errors.iter().any(|e| e.key == told.key) {
            errors.push(told);
        }
        let steps = find(&left, &span).unwrap_or_default();
        if errors.len() >= MAX_ERRORS || !take_out(left.get_mut(), &steps) {
            break;
        }
    }
    errors.sort_by_key(|e| (e.line, e.column));
    Err(ConfigErrors(errors))
}

/// The value of a dotted key, and where the key stands; of the longest part of it that exists.
pub fn offset_of(document: &Spanned<DeValue<'_>>, key: &str) -> usize {
    let (mut at, mut value) = (document.span().start, document);
    for part in key.split('.') {
        if let Some((name, next)) = entry(value, part) {
            (at, value) = (name.span().start, next);
        } else if let Some(next) = item(value, part) {
            (at, value) = (next.span().start, next);
        } else {
            break;
        }
    }
    at
}

/// The value at a dotted key.
pub fn value_of<'a, 'i>(
    document: &'a Spanned<DeValue<'i>>,
    key: &str,
) -> Option<&'a Spanned<DeValue<'i>>> {
    key.split('.').try_fold(document, |value, part| entry(value, part).map(|(_, v)| v))
}

fn entry<'a, 'i>(
    value: &'a Spanned<DeValue<'i>>,
    key: &str,
) -> Option<(&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>)> {
    value.get_ref().as_table()?.iter().find(|(name, _)| name.get_ref() == key)
}

/// The item of an array at an index from 0.
fn item<'a, 'i>(value: &'a Spanned<DeValue<'i>>, index: &str) -> Option<&'a Spanned<DeValue<'i>>> {
    value.get_ref().as_array()?.get(index.parse::<usize>().ok()?)
}

/// Where in `value` the text at `span` stands.
fn find(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Vec<Step>> {
    let inside = |step: Step, item: &Spanned<DeValue<'_>>| {
        let steps = if item.span() == *span { Some(Vec::new()) } else { find(item, span) };
        steps.map(|mut steps| {
            steps.insert(0, step);
            steps
        })
    };
    match value.get_ref() {
        DeValue::Table(table) => table.iter().find_map(|(key, item)| {
            let step = Step::Key(key.get_ref().to_string());
            if key.span() == *span { Some(vec![step]) } else { inside(step, item) }
        }),
        DeValue::Array(items) => {
            items.iter().enumerate().find_map(|(i, item)| inside(Step::Index(i), item))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

fn take_out(value: &mut DeValue<'_>, steps: &[Step]) -> bool {
    let Some((first, rest)) = steps.split_first() else { return false };
    match (value, first) {
        (DeValue::Table(table), Step::Key(key)) if rest.is_empty() => {
            table.remove(key.as_str()).is_some()
        }
        (DeValue::Table(table), Step::Key(key)) => table
            .iter_mut()
            .find(|(name, _)| name.get_ref() == key.as_str())
            .is_some_and(|(_, item)| take_out(item.get_mut(), rest)),
        (DeValue::Array(items), Step::Index(i)) if rest.is_empty() => {
            let before = items.len();
            let rest = items.iter().enumerate().filter(|(n, _)| n != i);
            *items = rest.map(|(_, item)| item.clone()).collect();
            items.len() < before
        }
        (DeValue::Array(items), Step::Index(i)) => {
            items.get_mut(*i).is_some_and(|item| take_out(item.get_mut(), rest))
        }
        _ => false,
    }
}

fn dotted(at: &str, steps: &[Step]) -> String {
    let mut text = at.to_owned();
    for step in steps {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(i) => text.push_str(&format!("[{i}]")),
        }
    }
    text
}

/// Puts serde's sentence into ours.
fn tell(source: &Source, key: &str, span: &Range<usize>, error: &Error) -> ConfigError {
    let message = error.message().trim();
    let (found, expected) = match message.split_once(", expected ") {
        Some((found, expected)) => (found, expected),
        None => (message.strip_suffix(", there are no fields").unwrap_or(message), ""),
    };
    let mut told = source.error(span.start, key, found);
    told.expected = plain(expected).to_owned();
    if let Some(name) = quoted(found, "unknown field") {
        told.found = "unknown key".into();
        told.nearest = nearest(&name, ticked(expected));
        told.remedy = if sounds_secret(&name) {
            "passwords never stand in this file: run `caretaker secret set NAME` and give the NAME"
        } else {
            "rename or remove it"
        }
        .into();
    } else if let Some(name) = quoted(found, "unknown variant") {
        told.found = format!("unknown word `{name}`");
        told.nearest = nearest(&name, ticked(expected));
    } else if let Some(name) = quoted(found, "missing field") {
        told.key = dotted(key, &[Step::Key(name)]);
        told.found = "this key is missing".into();
        told.remedy = "add it".into();
    } else if sounds_secret(key.rsplit('.').next().unwrap_or(key)) && !names_files(key) {
        // What was put here instead of a name may be the credential itself.
        told.found = "this does not fit (the value is not shown)".into();
        told.expected = "the name of a credential: lower-case letters, digits, . _ -".into();
        told.remedy = "run `caretaker secret set NAME` and write the NAME here".into();
    } else if let Some(kind) = found.strip_prefix("invalid type: ") {
        told.found = format!("found {kind}");
        if told.expected == "text" {
            told.remedy =
                "write it in quotes; a duration as \"90s\", \"5m\", \"2h\" or \"1d\"".into();
        }
    } else if is_date(key) && !found.contains("is not a credential name") {
        told.found = "this is not a date".into();
        told.expected = "one such as 2026-09-01".into();
    }
    told
}

/// Names of credentials stand here as keys, not as values.
fn names_files(key: &str) -> bool {
    key.starts_with("credentials.files") || key.starts_with("credentials.expires")
}

/// serde's words for types in the operator's.
fn plain(expected: &str) -> &str {
    match expected {
        "a string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list, in square brackets",
        "a map" => "a table",
        "u8" => "a whole number up to 255",
        "u16" => "a whole number up to 65535",
        "u32" | "u64" | "usize" => "a whole number, not below 0",
        "i64" => "a whole number",
        "f64" => "a number",
        other => other,
    }
}

/// The first or last day of a term or closure, or the last of a credential, whose type's own words
/// come from the calendar library.
fn is_date(key: &str) -> bool {
    (key.starts_with("calendars.") && (key.ends_with("].from") || key.ends_with("].to")))
        || key.starts_with("credentials.expires.")
}

/// The name in ``PREFIX `name` ``.
fn quoted(found: &str, prefix: &str) -> Option<String> {
    found.strip_prefix(prefix)?.trim().strip_prefix('`')?.strip_suffix('`').map(str::to_owned)
}

/// Every name between backticks.
fn ticked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn sounds_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["credential", "password", "passwd", "secret", "token", "api_key", "apikey", "private_key"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Toy {
        #[expect(dead_code, reason = "only reading it is tested")]
        port: u16,
        #[expect(dead_code, reason = "only reading it is tested")]
        #[serde(default)]
        named: BTreeMap<String, Vec<u8>>,
    }

    fn errors(text: &str) -> Vec<String> {
        let source = Source::new(Path::new("t.toml"), text);
        let document = source.document().unwrap();
        let section = value_of(&document, "services.toy").unwrap().clone();
        match read_section(&source, "services.toy", section, |s| Toy::deserialize(s)) {
            Ok(toy) => panic!("{toy:?}"),
            Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn tells_every_mistake_of_a_section_at_its_place() {
        let said = errors(
            "[services.toy]\nport = \"x\"\nprot = 1\nclient_secret = \"s\"\n\n[services.toy.named]\na = [1, 999]\nb = 3\n",
        );
        insta::assert_snapshot!(said.join("\n"), @r#"
        t.toml:2:8: services.toy.port: found string "x", expected a whole number up to 65535
        t.toml:3:1: services.toy.prot: unknown key (did you mean `port`?), expected `port` or `named`; rename or remove it
        t.toml:4:1: services.toy.client_secret: unknown key, expected `port` or `named`; passwords never stand in this file: run `caretaker secret set NAME` and give the NAME
        t.toml:7:9: services.toy.named.a[1]: invalid value: integer `999`, expected a whole number up to 255
        t.toml:8:5: services.toy.named.b: found integer `3`, expected a list, in square brackets
        "#);
    }

    #[derive(Debug, Deserialize)]
    struct Named {
        #[expect(dead_code, reason = "only reading it is tested")]
        credential: Option<crate::model::ids::CredentialName>,
    }

    #[test]
    fn a_password_in_the_place_of_its_name_is_not_repeated() {
        let source = Source::new(Path::new("t.toml"), "credential = \"Hunter2!\"");
        let document = source.document().unwrap();
        let error = read_section(&source, "", document, |d| Named::deserialize(d)).unwrap_err();
        insta::assert_snapshot!(error, @"t.toml:1:14: credential: this does not fit (the value is not shown), expected the name of a credential: lower-case letters, digits, . _ -; run `caretaker secret set NAME` and write the NAME here");
    }

    #[test]
    fn tells_what_is_missing_and_not_what_it_took_out_itself() {
        assert_eq!(
            errors("\n[services.toy]\nnamed = {}\n"),
            ["t.toml:2:1: services.toy.port: this key is missing; add it"]
        );
        assert_eq!(errors("[services.toy]\nport = []\n").len(), 1);
    }
}
