//! `docs/keys.md`, made from the table.

use super::{BINDINGS, Chord, Scope, WORDS};

/// The page as it must stand in `docs/keys.md`.
#[must_use]
pub fn page() -> String {
    let mut out = String::from(
        "# Keys\n\nMade from the keymap (`src/tui/keymap/table.rs`); do not edit. A test compares \
         them;\n`UPDATE_DOCS=1 cargo test --test screens keys` writes this page again.\n\n\
         Each key can be moved or taken away in the config, by the command's name:\n\n```toml\n\
         [keys]\nnext_trouble = [\"b\"]\nquit = []\n```\n\nTwo commands on one key in one place are \
         an error that names both.\n",
    );
    for scope in Scope::ALL {
        out.push_str(&format!(
            "\n## In {}\n\n| keys | command | what it does |\n|---|---|---|\n",
            scope.word()
        ));
        for b in BINDINGS.iter().filter(|b| b.scopes.contains(scope)) {
            let keys: Vec<String> = b
                .keys
                .iter()
                .map(|k| {
                    let shown =
                        k.parse::<Chord>().map_or_else(|_| (*k).to_owned(), |c| c.to_string());
                    format!("`{shown}`")
                })
                .collect();
            out.push_str(&format!("| {} | `{}` | {} |\n", keys.join(" "), b.name, b.help));
        }
    }
    out.push_str(
        "\n## Words behind `:`\n\nThey have no key. In every list:\n\n| word | what it does |\n\
         |---|---|\n",
    );
    for word in WORDS {
        out.push_str(&format!("| `:{}` | {} |\n", word.name.trim_end(), word.help));
    }
    out
}
