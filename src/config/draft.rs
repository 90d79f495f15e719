//! A configuration that comes to be: the example, with one setting after the other taken from its
//! comments. What is not set stays there as a comment, for whoever goes on by hand.

use std::path::Path;

use crate::config::error::{ConfigError, ConfigErrors};
use crate::config::load::Config;
use crate::config::source::Source;

/// What stands before an example of a key that has no default.
const SHOWN: &str = "#> ";
/// What stands before a default.
const DEFAULT: &str = "# ";

/// The text of the example, being filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    example: Vec<String>,
    lines: Vec<String>,
}

impl Draft {
    /// From a text written as `config.example.toml` is.
    #[must_use]
    pub fn new(example: &str) -> Self {
        let lines: Vec<String> = example.lines().map(str::to_owned).collect();
        Self { example: lines.clone(), lines }
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Takes the comment off a table's head. `false` if the example has no such table.
    pub fn open(&mut self, table: &str) -> bool {
        let Some(at) = self.head(table) else { return false };
        self.lines.get_mut(at).into_iter().for_each(|line| *line = format!("[{table}]"));
        true
    }

    /// Makes a table a comment again, with all that was set in it.
    pub fn close(&mut self, table: &str) {
        for at in self.part(table) {
            if let (Some(line), Some(shown)) = (self.lines.get_mut(at), self.example.get(at)) {
                line.clone_from(shown);
            }
        }
    }

    /// Sets a key of a table that is open; `value` as TOML. `false` where the example does not show it.
    pub fn set(&mut self, table: &str, key: &str, value: &str) -> bool {
        let Some(at) = self.place(table, key) else { return false };
        self.lines.get_mut(at).into_iter().for_each(|line| *line = format!("{key} = {value}"));
        true
    }

    /// What the example says of a key: the comment above it, and a value for it.
    #[must_use]
    pub fn shown(&self, table: &str, key: &str) -> Option<(Vec<&str>, &str)> {
        let at = self.place(table, key)?;
        let (_, value) = self.example.get(at)?.split_once(" = ")?;
        let above = self.example.get(..at)?.iter().rev();
        let mut said: Vec<&str> = above.map_while(|line| words(line)).collect();
        said.reverse();
        Some((said, value))
    }

    /// The first thing that is wrong with what is set, read as if it stood at `path`.
    ///
    /// # Errors
    /// Everything that is wrong with the whole.
    pub fn read(&self, path: &Path, services: &[&str]) -> Result<Config, ConfigErrors> {
        Config::parse(Source::new(path, &self.text()), services)
    }

    fn head(&self, table: &str) -> Option<usize> {
        let head = format!("[{table}]");
        self.example.iter().position(|line| line.strip_prefix(SHOWN).unwrap_or(line) == head)
    }

    /// The lines of a table, its head first.
    fn part(&self, table: &str) -> std::ops::Range<usize> {
        let Some(from) = self.head(table) else { return 0..0 };
        let next = |line: &String| line.strip_prefix(SHOWN).unwrap_or(line).starts_with('[');
        let rest = self.example.iter().skip(from + 1).position(next);
        from..rest.map_or(self.example.len(), |n| from + 1 + n)
    }

    fn place(&self, table: &str, key: &str) -> Option<usize> {
        let is_key = |at: &usize| {
            let line = self.example.get(*at);
            let line = line.and_then(|l| l.strip_prefix(SHOWN).or_else(|| l.strip_prefix(DEFAULT)));
            line.is_some_and(|l| l.split_once(" = ").is_some_and(|(name, _)| name == key))
        };
        let part = if table.is_empty() { 0..self.first_table() } else { self.part(table) };
        part.into_iter().find(is_key)
    }

    fn first_table(&self) -> usize {
        self.example.iter().position(|line| line.starts_with('[')).unwrap_or(self.example.len())
    }
}

/// The words of a comment that shows no setting.
fn words(line: &str) -> Option<&str> {
    let said = line.strip_prefix(DEFAULT)?;
    let sets = said.split_once(" = ").is_some_and(|(key, _)| {
        key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    });
    (!sets).then_some(said)
}

/// What was typed, as TOML: as it stands where it is a list, a table, a number or quoted; else as text.
#[must_use]
pub fn as_toml(typed: &str) -> String {
    let typed = typed.trim();
    let reads = |text: &str| toml::from_str::<toml::Table>(&format!("value = {text}\n")).is_ok();
    if typed.starts_with(['[', '{', '"', '\'']) && reads(typed) {
        return typed.to_owned();
    }
    match typed.parse::<i64>() {
        Ok(n) => n.to_string(),
        Err(_) => toml::Value::from(typed).to_string(),
    }
}

/// The key of a table that an error is about: `user` of `services.redstor.user`.
#[must_use]
pub fn key_of<'e>(error: &'e ConfigError, table: &str) -> Option<&'e str> {
    let rest = error.key.strip_prefix(table)?.strip_prefix('.')?;
    rest.split('.').next().filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "\
# How to read it.
# la_codes = [937]

[schools]
# The register.
# Two lines of it.
#> register_file = \"register.csv\"

# Redstor Backup.
#> [services.redstor]
#> api = \"storage_platform\"
# How long.
# agent_silent = \"3d\"
#> [services.other]
#> api = \"another\"
";

    #[test]
    fn what_is_set_stands_where_the_example_shows_it_and_all_else_stays() {
        let mut draft = Draft::new(EXAMPLE);
        assert_eq!(draft.text(), EXAMPLE);
        assert!(
            draft.open("services.redstor") && draft.set("services.redstor", "api", "\"redapi\"")
        );
        assert!(draft.set("services.redstor", "agent_silent", "\"5d\""));
        assert!(draft.set("", "la_codes", "[937, 330]"));
        assert!(!draft.set("services.redstor", "nosuch", "1") && !draft.open("services.nosuch"));
        let text = draft.text();
        let changed: Vec<_> =
            text.lines().zip(EXAMPLE.lines()).filter(|(a, b)| a != b).map(|(a, _)| a).collect();
        assert_eq!(
            changed,
            [
                "la_codes = [937, 330]",
                "[services.redstor]",
                "api = \"redapi\"",
                "agent_silent = \"5d\""
            ]
        );
        draft.close("services.redstor");
        draft.set("", "la_codes", "[937]");
        assert_eq!(draft.text(), EXAMPLE.replace("# la_codes", "la_codes"));
    }

    #[test]
    fn the_example_says_what_a_key_is_for() {
        let draft = Draft::new(EXAMPLE);
        let (said, value) = draft.shown("schools", "register_file").unwrap();
        assert_eq!((said, value), (vec!["The register.", "Two lines of it."], "\"register.csv\""));
        // Not the table's, nor another key's.
        assert_eq!(draft.shown("services.redstor", "api").unwrap().0, [""; 0]);
        assert_eq!(draft.shown("services.other", "api").unwrap().1, "\"another\"");
        assert_eq!(draft.shown("services.redstor", "nosuch"), None);
    }

    #[test]
    fn what_is_typed_is_text_unless_it_is_toml() {
        for (typed, toml) in [
            ("desk.example.org", "\"desk.example.org\""),
            (" 00000000-0000-0000-0000-00000000000a ", "\"00000000-0000-0000-0000-00000000000a\""),
            ("it's \"so\"", "'''it's \"so\"'''"),
            ("\"quoted\"", "\"quoted\""),
            ("{ url = \"https://x.example\" }", "{ url = \"https://x.example\" }"),
            ("[937, 330]", "[937, 330]"),
            ("{ not closed", "\"{ not closed\""),
            ("12", "12"),
            ("true", "\"true\""),
        ] {
            let read: toml::Table = toml::from_str(&format!("v = {}", as_toml(typed))).unwrap();
            let meant: toml::Table = toml::from_str(&format!("v = {toml}")).unwrap();
            assert_eq!(read, meant, "{typed}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_is_a_value_and_no_more(typed in "\\PC{0,40}") {
            let text = format!("v = {}\nw = 1\n", as_toml(&typed));
            let read: toml::Table = toml::from_str(&text).unwrap();
            proptest::prop_assert_eq!(read.len(), 2);
        }
    }
}
