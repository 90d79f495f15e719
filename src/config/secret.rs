//! Finds the values of a config that look like secrets.

use toml::Spanned;
use toml::de::DeValue;

use crate::config::error::ConfigError;
use crate::config::source::Source;
use crate::model::secret::looks_like_secret;

/// Every value in the document that looks like a secret. The errors do not hold the value.
pub fn secrets_in(source: &Source, document: &Spanned<DeValue<'_>>) -> Vec<ConfigError> {
    let mut found = Vec::new();
    walk(source, document, "", "", &mut found);
    found.sort_by_key(|e| (e.line, e.column));
    found
}

fn walk(
    source: &Source,
    value: &Spanned<DeValue<'_>>,
    at: &str,
    key: &str,
    found: &mut Vec<ConfigError>,
) {
    match value.get_ref() {
        DeValue::String(text) => {
            if let Some(why) = looks_like_secret(key, text) {
                let mut error = source.error(value.span().start, at, why);
                error.remedy =
                    "passwords never stand in this file: keep it with `caretaker secret \
                                set NAME`, and give the NAME where a credential is asked for"
                        .into();
                found.push(error);
            }
        }
        DeValue::Array(items) => items.iter().for_each(|item| walk(source, item, at, key, found)),
        DeValue::Table(table) => {
            for (name, item) in table {
                let name = name.get_ref().as_ref();
                let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
                walk(source, item, &at, name, found);
            }
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn finds_it_wherever_it_stands_and_never_says_it() {
        let canary = "Qx7r8KdcZp2fvR9sTn4hwLb6Yc";
        for text in [
            format!("a = \"{canary}\""),
            format!("[services.x.deep]\na = [[\"fine\"], [{{ b = \"{canary}\" }}]]"),
            format!("[[x]]\nname = '''\nline\n{canary}'''"),
        ] {
            let source = Source::new(Path::new("c.toml"), &text);
            let found = secrets_in(&source, &source.document().unwrap());
            assert_eq!(found.len(), 1, "{text}");
            assert!(!format!("{found:?} {}", found[0]).contains(canary));
        }
    }
}
