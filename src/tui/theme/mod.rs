//! Themes: roles to styles, for terminals with none, 16, 256 or all colours.
//!
//! Invariant: the only folder that names a colour. Letters carry the meaning; a theme adds to it.

mod colour;
mod docs;
mod file;
mod folder;
pub mod svg;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier, Style};

pub use colour::Depth;
pub use docs::page;
pub use file::ThemeError;
pub use folder::Folder;

use colour::{Rgb, reduce};

macro_rules! roles {
    ($(#[doc = $doc:literal] $name:ident = $word:literal,)*) => {
        /// What a piece of the screen is; the theme decides how it looks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Role { $(#[doc = $doc] $name,)* }

        impl Role {
            /// All, in the order of a theme's tables.
            pub const ALL: &'static [Role] = &[$(Role::$name,)*];

            /// The name in a theme file.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Role::$name => $word,)* }
            }

            /// What it is, in a sentence.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Role::$name => $doc,)* }.trim_ascii()
            }
        }
    };
}

roles! {
    /// What is read.
    Text = "text",
    /// Labels, hints, what stands back.
    Quiet = "quiet",
    /// Headings.
    Title = "title",
    /// The one accent.
    Accent = "accent",
    /// Lines between parts.
    Rule = "rule",
    /// Critical.
    Critical = "critical",
    /// Unknown.
    Unknown = "unknown",
    /// Warning.
    Warning = "warning",
    /// Well.
    Ok = "ok",
    /// Follows from another cell.
    Follows = "follows",
    /// Not subscribed, not watched.
    NotTaken = "not_taken",
    /// Somebody has it.
    Handled = "handled",
    /// The pinned row.
    Estate = "estate",
    /// The name under the cursor.
    Selected = "selected",
    /// The cell under the cursor, and the place where text is typed.
    Cursor = "cursor",
    /// A mark.
    Marked = "marked",
    /// The line lives.
    Live = "live",
    /// The line is late.
    Late = "late",
    /// The line is gone.
    Offline = "offline",
    /// What is shown is the past.
    Past = "past",
    /// Nothing here is real.
    Demo = "demo",
    /// What the console has to say.
    Message = "message",
    /// A key in a hint.
    Key = "key",
    /// What is typed.
    Prompt = "prompt",
}

/// The least contrast between letters and ground (WCAG 2.2, success criterion 1.4.3, AA).
const LEAST_CONTRAST: f32 = 4.5;

/// How many steps a tint has; a longer trouble is a stronger one.
pub const TINT_STEPS: u8 = 4;

/// The themes that are built in, by name.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("default", include_str!("../../../themes/default.toml")),
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("cvd", include_str!("../../../themes/cvd.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// A theme, ready for one terminal.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    name: String,
    styles: Vec<Style>,
    /// Grounds of critical, unknown, warning at each strength.
    tints: Option<[[Color; TINT_STEPS as usize]; 3]>,
    base: Style,
}

impl Role {
    /// How it looks in a theme that does not name it: the past is never plain.
    fn unnamed(self) -> Style {
        match self {
            Self::Past => Style::new().add_modifier(Modifier::REVERSED),
            _ => Style::new(),
        }
    }
}

impl Theme {
    /// A built-in theme. Without colours it is always `mono`. `None` if there is none of that name.
    #[must_use]
    pub fn built_in(name: &str, depth: Depth) -> Option<Self> {
        let wanted = if depth == Depth::None { "mono" } else { name };
        BUILT_IN.iter().find(|(n, _)| *n == name)?;
        let (_, text) = BUILT_IN.iter().find(|(n, _)| *n == wanted)?;
        Self::parse(name, text, depth).ok()
    }

    /// Reads a theme file for a terminal of `depth`.
    ///
    /// # Errors
    /// When the file is not TOML, or names what does not exist; the message has the line.
    pub fn parse(name: &str, text: &str, depth: Depth) -> Result<Self, ThemeError> {
        let file = file::read(name, text)?;
        if depth == Depth::None && name != "mono" {
            let (_, mono) = BUILT_IN.iter().find(|(n, _)| *n == "mono").ok_or_else(|| {
                ThemeError { name: name.to_owned(), why: "there is no mono theme".to_owned() }
            })?;
            return Self::parse("mono", mono, depth)
                .map(|theme| Self { name: name.to_owned(), ..theme });
        }
        let deep = matches!(depth, Depth::C256 | Depth::Full);
        let ground = file.ground.filter(|_| deep);
        let base = ground.map_or_else(Style::new, |g| Style::new().bg(reduce(g.colour(), depth)));
        let style = |role: &Role| {
            let own = if deep { None } else { file.roles16.get(role.word()) };
            let look = own.or_else(|| file.roles.get(role.word())).copied();
            let look = look.unwrap_or_else(|| role.unnamed());
            base.patch(reduced(look, depth))
        };
        let styles = Role::ALL.iter().map(style).collect();
        let tints = ground.zip(file.tints).map(|(ground, full)| {
            full.map(|tint| {
                std::array::from_fn(|n| reduce(ground.mix(tint, tint_share(n)).colour(), depth))
            })
        });
        Ok(Self { name: name.to_owned(), styles, tints, base })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let at = Role::ALL.iter().position(|r| *r == role);
        at.and_then(|n| self.styles.get(n)).copied().unwrap_or(self.base)
    }

    /// The same without the grounds that trouble tints, which take many bytes.
    #[must_use]
    pub fn untinted(self) -> Self {
        Self { tints: None, ..self }
    }

    /// The first role that is hard to read on the theme's ground or on a tint, in words; none where all
    /// can be read, or the ground is the terminal's own.
    #[must_use]
    pub fn faint(&self) -> Option<String> {
        self.base.bg?;
        let looks = Role::ALL.iter().flat_map(|role| {
            (0..=TINT_STEPS).map(move |strength| (*role, self.tinted(*role, strength)))
        });
        let ratios = looks.filter_map(|(role, style)| Some((role, contrast(style)?)));
        let (role, ratio) = ratios.min_by(|a, b| a.1.total_cmp(&b.1))?;
        (ratio < LEAST_CONTRAST).then(|| {
            format!(
                "theme {}: {} is hard to read on its ground ({ratio:.1} to 1, {LEAST_CONTRAST} is the \
                 least)",
                self.name,
                role.word()
            )
        })
    }

    /// The style of what is empty.
    #[must_use]
    pub fn base(&self) -> Style {
        self.base
    }

    /// The style of a role on the ground that its trouble tints, from 1 (new) to
    /// [`TINT_STEPS`] (nobody had it for days). 0, and a role without a tint: no tint.
    #[must_use]
    pub fn tinted(&self, role: Role, strength: u8) -> Style {
        let style = self.style(role);
        let row = match role {
            Role::Critical => 0,
            Role::Unknown => 1,
            Role::Warning => 2,
            _ => return style,
        };
        let step = usize::from(strength.min(TINT_STEPS)).checked_sub(1);
        let tint = step.and_then(|s| self.tints.as_ref()?.get(row)?.get(s));
        tint.map_or(style, |c| style.bg(*c))
    }
}

/// How much of the full tint step `n` (from 0) has.
fn tint_share(n: usize) -> f32 {
    [0.35, 0.55, 0.78, 1.0].get(n).copied().unwrap_or(1.0)
}

fn reduced(look: Style, depth: Depth) -> Style {
    let mut out = look;
    out.fg = look.fg.map(|c| reduce(c, depth));
    out.bg = look.bg.map(|c| reduce(c, depth));
    if depth == Depth::None {
        out = Style { fg: None, bg: None, ..out };
        out.add_modifier &= Modifier::REVERSED | Modifier::UNDERLINED;
    }
    out
}

/// A style in a few letters, for snapshots: `critical` looks like `fg=#ffb3ad bg=#.. bold`.
#[must_use]
pub fn describe(fg: Color, bg: Color, modifier: Modifier) -> String {
    let mut out = Vec::new();
    if fg != Color::Reset {
        out.push(format!("fg={}", colour::name(fg)));
    }
    if bg != Color::Reset {
        out.push(format!("bg={}", colour::name(bg)));
    }
    for (bit, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::REVERSED, "reverse"),
        (Modifier::UNDERLINED, "underline"),
    ] {
        if modifier.contains(bit) {
            out.push(word.to_owned());
        }
    }
    out.join(" ")
}

/// The parameters of the SGR sequence (ECMA-48, 8.3.117) that leads from one style to another;
/// empty if they look the same.
#[must_use]
pub fn sgr(from: &Cell, to: &Cell) -> String {
    let mut out: Vec<String> = Vec::new();
    for (bit, on, off) in [
        (Modifier::BOLD, "1", "22"),
        (Modifier::UNDERLINED, "4", "24"),
        (Modifier::REVERSED, "7", "27"),
    ] {
        match (from.modifier.contains(bit), to.modifier.contains(bit)) {
            (false, true) => out.push(on.to_owned()),
            (true, false) => out.push(off.to_owned()),
            _ => {}
        }
    }
    if from.fg != to.fg {
        out.push(colour::sgr(to.fg, 30));
    }
    if from.bg != to.bg {
        out.push(colour::sgr(to.bg, 40));
    }
    out.join(";")
}

/// Gives a blank `cell` what is not seen of the style of the cell `before` it.
pub fn blank_like(cell: &mut Cell, before: &Cell) {
    let seen = Modifier::REVERSED | Modifier::UNDERLINED;
    if cell.symbol() == " " && !(cell.modifier | before.modifier).intersects(seen) {
        cell.fg = before.fg;
        cell.modifier = before.modifier;
    }
}

/// The contrast of WCAG 2 between the letters and the ground of a style, where both are known: true
/// colours, or of the 256 those that every terminal shows alike.
#[must_use]
pub fn contrast(style: Style) -> Option<f32> {
    Some(Rgb::shown(style.fg?)?.contrast(Rgb::shown(style.bg?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_themes_are_complete_at_every_depth() {
        for (name, text) in BUILT_IN {
            let file = file::read(name, text).unwrap();
            for role in Role::ALL {
                assert!(file.roles.contains_key(role.word()), "{name} lacks {}", role.word());
                assert!(
                    file.roles16.is_empty() || file.roles16.contains_key(role.word()),
                    "{name} lacks {} for 16 colours",
                    role.word()
                );
            }
            for depth in [Depth::None, Depth::C16, Depth::C256, Depth::Full] {
                assert!(Theme::built_in(name, depth).is_some(), "{name} {depth:?}");
            }
        }
    }

    #[test]
    fn letters_can_be_read_on_every_ground_that_a_theme_declares() {
        let mut seen = 0;
        for (name, _) in BUILT_IN {
            for depth in [Depth::C256, Depth::Full] {
                let theme = Theme::built_in(name, depth).unwrap();
                if theme.base().bg.is_none() {
                    // The ground and the letters are the terminal's own.
                    continue;
                }
                for role in Role::ALL {
                    for strength in 0..=TINT_STEPS {
                        let at = format!("{name} {depth:?} {} step {strength}", role.word());
                        let ratio = contrast(theme.tinted(*role, strength)).expect(&at);
                        seen += 1;
                        assert!(ratio >= LEAST_CONTRAST, "{at}: {ratio:.2}");
                    }
                }
            }
        }
        // Three themes have a ground.
        assert_eq!(seen, 2 * 3 * Role::ALL.len() * usize::from(TINT_STEPS + 1));
    }

    #[test]
    fn an_own_theme_that_is_hard_to_read_is_told() {
        let mine = |quiet: &str| {
            let text =
                format!("ground = \"#101010\"\n[roles]\ntext = \"#e0e0e0\"\nquiet = {quiet:?}\n");
            Theme::parse("mine", &text, Depth::Full).unwrap().faint()
        };
        assert_eq!(mine("#909090"), None);
        let told = mine("#505050").unwrap();
        assert!(told.starts_with("theme mine: quiet is hard to read on its ground (2."), "{told}");
        for (name, _) in BUILT_IN {
            assert_eq!(Theme::built_in(name, Depth::Full).unwrap().faint(), None, "{name}");
        }
    }

    #[test]
    fn every_theme_of_the_folder_is_built_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/themes");
        let mut there: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        let mut known = BUILT_IN.map(|(name, _)| format!("{name}.toml"));
        there.sort();
        known.sort();
        assert_eq!(there, known);
    }

    #[test]
    fn a_longer_trouble_has_a_stronger_ground() {
        let theme = Theme::built_in("dark", Depth::Full).unwrap();
        let ground = Rgb::of(theme.base().bg.unwrap()).unwrap();
        let away: Vec<f32> = (0..=TINT_STEPS)
            .map(|s| Rgb::of(theme.tinted(Role::Critical, s).bg.unwrap()).unwrap().contrast(ground))
            .collect();
        assert!(away.windows(2).all(|w| w[0] < w[1]), "{away:?}");
    }

    #[test]
    fn without_colours_only_reverse_and_underline_are_left() {
        for (name, _) in BUILT_IN {
            let theme = Theme::built_in(name, Depth::None).unwrap();
            for role in Role::ALL {
                let style = theme.tinted(*role, 3);
                assert_eq!((style.fg, style.bg), (None, None), "{name}");
                assert!((Modifier::REVERSED | Modifier::UNDERLINED).contains(style.add_modifier));
            }
        }
        let sixteen = Theme::built_in("dark", Depth::C16).unwrap();
        assert_eq!(sixteen.base().bg, None, "16 colours leave the ground alone");
    }
}
