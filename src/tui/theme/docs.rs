//! `docs/themes.md`, made from the roles.

use super::colour::names;
use super::{BUILT_IN, Role, TINT_STEPS};

/// The page as it must stand in `docs/themes.md`.
#[must_use]
pub fn page() -> String {
    let built_in: Vec<String> = BUILT_IN.iter().map(|(name, _)| format!("`{name}`")).collect();
    let colours: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    let mut out = format!(
        "# Themes\n\nMade from `src/tui/theme`; do not edit. A test compares them;\n\
         `UPDATE_DOCS=1 cargo test --test screens themes` writes this page again.\n\n\
         A theme is a TOML file: {} are built in (`themes/` in the sources, to begin from). A file \
         `NAME.toml`\nin the folder `themes/` beside the configuration adds one, or takes the place of \
         the built-in one of its\nname. `:theme NAME` wears it; while it is worn it is read again when \
         it changes. A file with a mistake is\nrefused with its line, and the theme before it stays. A \
         role that is hard to read on the theme's own ground\nis told when the theme is worn.\n\n\
         ```toml\nabout = \"what it is for\"\nground = \"#10151b\"      # a true colour; without it the \
         terminal's own stays\n\n[roles]               # how each role looks\ntext = \"#dce3ea\"\n\
         critical = \"#ffc99a bold\"\ncursor = \"#10151b on #8ecbff\"\n\n[roles16]             # instead, \
         where the terminal has 16 colours\ncritical = \"bright_yellow bold\"\n\n[tints]               # \
         grounds of cells in trouble, at full strength; all three or none\ncritical = \"#6e3804\"\n\
         unknown = \"#4a5058\"\nwarning = \"#4f3a1c\"\n```\n\n",
        built_in.join(", ")
    );
    out.push_str(&format!(
        "A look is made of words: a colour for the letters, `on` and a colour for the ground behind them, \
         `bold`,\n`reverse`, `underline`. A colour is `#rrggbb`, `default` (the terminal's own), or one \
         of {}.\nTrue colours become the nearest of 256 or 16 where the terminal has no more; without \
         colour (`NO_COLOR`)\nonly `reverse` and `underline` are left, as `mono` has them.\n\n\
         A tint grows in {TINT_STEPS} steps, the longer nobody has the trouble. It needs `ground`, and is \
         left out on a slow line.\n\n## Roles\n\nA role that a file does not name looks like plain text, \
         but the past, which is never plain.\n\n| role | what it is |\n|---|---|\n",
        colours.join(", ")
    ));
    for role in Role::ALL {
        out.push_str(&format!("| `{}` | {} |\n", role.word(), role.help()));
    }
    out
}
