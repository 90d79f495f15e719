//! The keymap: which key is which command, from one table. Dispatch, hints, help, palette,
//! overrides, the clash check and `docs/keys.md` all read it.

mod chord;
mod docs;
mod table;
mod words;

use std::collections::BTreeMap;

pub use chord::Chord;
pub use docs::page;
pub use table::{BINDINGS, Binding, Command, Facts, IN_PAST, IN_REPLAY, Scope};
pub use words::{WORDS, Word};

/// Why the overrides of the config were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// A command that does not exist.
    #[error("keys.{name}: {}", self.found())]
    Command {
        /// As written.
        name: String,
        /// All names.
        known: String,
    },
    /// A key that cannot be understood, or must not be used.
    #[error("keys.{name}: {}", self.found())]
    Key {
        /// The command.
        name: String,
        /// As written.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// Two commands on one key.
    #[error("{}", self.found())]
    Clash {
        /// The key.
        key: String,
        /// One command.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Where both apply.
        scope: &'static str,
    },
}

impl KeymapError {
    /// What is wrong, without the place in the config.
    #[must_use]
    pub fn found(&self) -> String {
        match self {
            Self::Command { known, .. } => {
                format!("there is no such command; there are {known}")
            }
            Self::Key { key, why, .. } => format!("{key:?} {why}"),
            Self::Clash { key, first, second, scope } => {
                format!("{key} is both {first} and {second} in {scope}; move or remove one of them")
            }
        }
    }

    /// The commands that it is about.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Command { name, .. } | Self::Key { name, .. } => vec![name],
            Self::Clash { first, second, .. } => vec![first, second],
        }
    }
}

/// Keys to commands, with the overrides of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// One list of keys per row of the table.
    keys: Vec<Vec<Chord>>,
}

impl Keymap {
    /// The table with `overrides`: command name to keys; no keys takes the command off the keyboard.
    ///
    /// # Errors
    /// For unknown commands, keys that cannot be used, and clashes.
    pub fn new(overrides: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        if let Some(name) = overrides.keys().find(|n| !BINDINGS.iter().any(|b| b.name == **n)) {
            let known: Vec<_> = BINDINGS.iter().map(|b| b.name).collect();
            return Err(KeymapError::Command { name: name.clone(), known: known.join(", ") });
        }
        let keys = BINDINGS
            .iter()
            .map(|b| {
                let own = overrides.get(b.name);
                let written: Vec<&str> = own.map_or_else(
                    || b.keys.to_vec(),
                    |keys| keys.iter().map(String::as_str).collect(),
                );
                written.into_iter().map(|key| chord(b, key)).collect::<Result<Vec<_>, _>>()
            })
            .collect::<Result<Vec<_>, _>>()?;
        let map = Self { keys };
        map.refuse_clashes()?;
        Ok(map)
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Binding, &[Chord])> {
        BINDINGS.iter().zip(self.keys.iter().map(Vec::as_slice))
    }

    fn refuse_clashes(&self) -> Result<(), KeymapError> {
        for (n, (a, a_keys)) in self.rows().enumerate() {
            for (b, b_keys) in self.rows().skip(n + 1) {
                let shared = a.scopes.iter().find(|s| b.scopes.contains(s));
                let (Some(scope), Some(key)) = (shared, a_keys.iter().find(|k| b_keys.contains(k)))
                else {
                    continue;
                };
                return Err(KeymapError::Clash {
                    key: key.to_string(),
                    first: a.name,
                    second: b.name,
                    scope: scope.word(),
                });
            }
        }
        Ok(())
    }

    /// The command of a key in a place.
    #[must_use]
    pub fn command(&self, scope: Scope, chord: Chord) -> Option<Command> {
        self.rows()
            .find(|(b, keys)| b.scopes.contains(&scope) && keys.contains(&chord))
            .map(|(b, _)| b.command)
    }

    /// The place of a key among those of its command, from 0.
    #[must_use]
    pub fn place(&self, scope: Scope, chord: Chord) -> Option<usize> {
        let keys =
            self.rows().find(|(b, keys)| b.scopes.contains(&scope) && keys.contains(&chord))?.1;
        keys.iter().position(|key| *key == chord)
    }

    /// The key of a row of the table at this place among its keys.
    #[must_use]
    pub fn key_at(&self, name: &str, place: usize) -> Option<Chord> {
        self.rows().find(|(b, _)| b.name == name)?.1.get(place).copied()
    }

    /// The keys of a row of the table, as shown.
    #[must_use]
    pub fn keys_of(&self, name: &str) -> String {
        let keys = self.rows().find(|(b, _)| b.name == name).map(|(_, keys)| keys);
        let shown: Vec<String> = keys.unwrap_or_default().iter().map(Chord::to_string).collect();
        shown.join(" ")
    }

    /// What can be done in a place, with its keys: rows of the table that have a key there.
    pub fn here(&self, scope: Scope) -> impl Iterator<Item = (&'static Binding, &[Chord])> {
        self.rows().filter(move |(b, keys)| b.scopes.contains(&scope) && !keys.is_empty())
    }

    /// What can be done in a place by name alone: rows of the table without a key there, those of few
    /// places first.
    #[must_use]
    pub fn by_name(&self, scope: Scope) -> Vec<&'static Binding> {
        let here = self.rows().filter(|(b, keys)| b.scopes.contains(&scope) && keys.is_empty());
        let mut rows: Vec<_> = here.map(|(b, _)| b).collect();
        rows.sort_by_key(|b| b.scopes.len());
        rows
    }

    /// Key and label of what stands in the hint line of a place, the most useful first.
    #[must_use]
    pub fn hints(&self, scope: Scope, facts: &Facts) -> Vec<(String, &'static str)> {
        let mut rows: Vec<_> = self
            .here(scope)
            .filter(|(b, _)| b.hint > 0 && (b.why_not)(facts).is_none())
            .filter_map(|(b, keys)| Some((b.hint, keys.first()?.to_string(), b.label)))
            .collect();
        rows.sort_by_key(|(rank, ..)| *rank);
        rows.into_iter().map(|(_, key, label)| (key, label)).collect()
    }
}

fn chord(binding: &Binding, key: &str) -> Result<Chord, KeymapError> {
    let refuse = |why: &str| KeymapError::Key {
        name: binding.name.to_owned(),
        key: key.to_owned(),
        why: why.to_owned(),
    };
    let chord: Chord = key.parse().map_err(|why: String| refuse(&why))?;
    if let Some(why) = chord.why_refused() {
        return Err(refuse(why));
    }
    if binding.scopes.iter().any(|s| s.is_typed_in()) && chord.printable().is_some() {
        return Err(refuse("is text where text is typed; choose one with ctrl- or a named key"));
    }
    Ok(chord)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &[&str])]) -> Result<Keymap, KeymapError> {
        let map = pairs
            .iter()
            .map(|(n, keys)| ((*n).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect()))
            .collect();
        Keymap::new(&map)
    }

    #[test]
    fn the_table_itself_has_no_clash_and_no_forbidden_key() {
        let map = with(&[]).unwrap();
        assert_eq!(map.command(Scope::Board, "q".parse().unwrap()), Some(Command::Quit));
        assert_eq!(map.command(Scope::Page, "q".parse().unwrap()), Some(Command::Back));
        assert_eq!(map.command(Scope::Prompt, "q".parse().unwrap()), None);
        for (n, b) in BINDINGS.iter().enumerate() {
            assert!(BINDINGS.iter().skip(n + 1).all(|c| c.name != b.name), "{} twice", b.name);
        }
    }

    #[test]
    fn a_key_can_be_moved_or_removed_and_a_clash_names_both() {
        let map = with(&[("next_trouble", &["b"]), ("quit", &[])]).unwrap();
        assert_eq!(map.command(Scope::Board, "b".parse().unwrap()), Some(Command::NextTrouble));
        assert_eq!(map.command(Scope::Board, "n".parse().unwrap()), None);
        assert_eq!(map.command(Scope::Board, "q".parse().unwrap()), None);
        let clash = with(&[("next_trouble", &["r"])]).unwrap_err().to_string();
        assert!(clash.contains("next_trouble") && clash.contains("refresh"), "{clash}");
        for (name, key) in [
            ("nosuch", "b"),
            ("quit", "ctrl-s"),
            ("quit", "alt-x"),
            ("accept", "x"),
            ("quit", "qq"),
        ] {
            assert!(with(&[(name, &[key])]).is_err(), "{name} {key}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_override_makes_a_key_mean_two_things(
            moves in proptest::collection::btree_map(0..BINDINGS.len(), "[a-zA-Z?/:]|ctrl-[a-z]|f[1-9]", 0..6))
        {
            let map = moves.iter().map(|(n, k)| (BINDINGS[*n].name.to_owned(), vec![k.clone()])).collect();
            if let Ok(map) = Keymap::new(&map) {
                for scope in Scope::ALL {
                    let all: Vec<_> = map.here(*scope).flat_map(|(_, keys)| keys).collect();
                    for (n, key) in all.iter().enumerate() {
                        proptest::prop_assert!(!all[n + 1..].contains(key));
                    }
                }
            }
        }
    }
}
