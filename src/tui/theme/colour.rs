//! Colours: names, mixing, contrast, and what a terminal with fewer of them shows instead.

use ratatui::style::Color;

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None, or `NO_COLOR` is set.
    None,
    /// The 16 named ones.
    C16,
    /// The 256 of xterm.
    C256,
    /// All.
    Full,
}

impl Depth {
    /// What the environment says of the terminal. `look` reads one variable.
    ///
    /// `NO_COLOR` counts when it is set and not empty (no-color.org).
    #[must_use]
    pub fn from_environment(look: impl Fn(&str) -> Option<String>) -> Self {
        let term = look("TERM").unwrap_or_default();
        if look("NO_COLOR").is_some_and(|v| !v.is_empty()) || term == "dumb" {
            return Self::None;
        }
        let said = look("COLORTERM").unwrap_or_default();
        if said.contains("truecolor") || said.contains("24bit") || term.ends_with("-direct") {
            Self::Full
        } else if term.contains("256color") {
            Self::C256
        } else {
            Self::C16
        }
    }
}

/// A true colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    pub(super) fn of(colour: Color) -> Option<Self> {
        match colour {
            Color::Rgb(r, g, b) => Some(Self(r, g, b)),
            _ => None,
        }
    }

    /// What a terminal shows: true colours, and those of the 256 that are the same everywhere.
    pub(super) fn shown(colour: Color) -> Option<Self> {
        match colour {
            Color::Indexed(n @ 16..232) => {
                let n = n - 16;
                let step = |of: u8| STEPS.get(usize::from(of % 6)).copied().unwrap_or_default();
                Some(Self(step(n / 36), step(n / 6), step(n)))
            }
            Color::Indexed(n @ 232..) => {
                let grey = 8 + 10 * (n - 232);
                Some(Self(grey, grey, grey))
            }
            other => Self::of(other),
        }
    }

    pub(super) fn colour(self) -> Color {
        Color::Rgb(self.0, self.1, self.2)
    }

    /// From `#rrggbb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix('#').filter(|h| h.len() == 6 && h.is_ascii())?;
        let n = u32::from_str_radix(hex, 16).ok()?;
        let [_, r, g, b] = n.to_be_bytes();
        Some(Self(r, g, b))
    }

    /// `share` of `other`, the rest of this.
    pub(super) fn mix(self, other: Self, share: f32) -> Self {
        let one = |a: u8, b: u8| byte(f32::from(a) + (f32::from(b) - f32::from(a)) * share);
        Self(one(self.0, other.0), one(self.1, other.1), one(self.2, other.2))
    }

    /// Relative luminance of WCAG 2.
    fn luminance(self) -> f32 {
        let part = |v: u8| {
            let c = f32::from(v) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(self.0) + 0.7152 * part(self.1) + 0.0722 * part(self.2)
    }

    /// The contrast ratio of WCAG 2, from 1 to 21.
    pub(super) fn contrast(self, other: Self) -> f32 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn distance(self, other: Self) -> u32 {
        let one = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        one(self.0, other.0) + one(self.1, other.1) + one(self.2, other.2)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a byte's range just before"
)]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// The 16 names and what they usually look like (xterm's values).
const NAMED: [(&str, Color, Rgb); 16] = [
    ("black", Color::Black, Rgb(0, 0, 0)),
    ("red", Color::Red, Rgb(205, 0, 0)),
    ("green", Color::Green, Rgb(0, 205, 0)),
    ("yellow", Color::Yellow, Rgb(205, 205, 0)),
    ("blue", Color::Blue, Rgb(0, 0, 238)),
    ("magenta", Color::Magenta, Rgb(205, 0, 205)),
    ("cyan", Color::Cyan, Rgb(0, 205, 205)),
    ("white", Color::Gray, Rgb(229, 229, 229)),
    ("bright_black", Color::DarkGray, Rgb(127, 127, 127)),
    ("bright_red", Color::LightRed, Rgb(255, 0, 0)),
    ("bright_green", Color::LightGreen, Rgb(0, 255, 0)),
    ("bright_yellow", Color::LightYellow, Rgb(255, 255, 0)),
    ("bright_blue", Color::LightBlue, Rgb(92, 92, 255)),
    ("bright_magenta", Color::LightMagenta, Rgb(255, 0, 255)),
    ("bright_cyan", Color::LightCyan, Rgb(0, 255, 255)),
    ("bright_white", Color::White, Rgb(255, 255, 255)),
];

/// The names of the 16.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMED.iter().map(|(name, ..)| *name)
}

/// A colour by name or `#rrggbb`; `default` is the terminal's own.
pub(super) fn parse(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    NAMED
        .iter()
        .find(|(name, ..)| *name == text)
        .map(|(_, colour, _)| *colour)
        .or_else(|| Rgb::parse(text).map(Rgb::colour))
}

/// A colour's name, `#rrggbb`, or its number among the 256.
pub(super) fn name(colour: Color) -> String {
    if let Some((name, ..)) = NAMED.iter().find(|(_, c, _)| *c == colour) {
        return (*name).to_owned();
    }
    match colour {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(n) => format!("{n}"),
        _ => "default".to_owned(),
    }
}

/// A colour as SGR parameters; `base` is 30 for letters, 40 for grounds.
pub(super) fn sgr(colour: Color, base: u8) -> String {
    // The standard's order of the eight names, then the bright ones at 60 more.
    let place = NAMED.iter().position(|(_, c, _)| *c == colour).and_then(|n| u8::try_from(n).ok());
    match (colour, place) {
        (_, Some(n @ 0..8)) => (base + n).to_string(),
        (_, Some(n)) => (base + 60 + n - 8).to_string(),
        (Color::Rgb(r, g, b), None) => format!("{};2;{r};{g};{b}", base + 8),
        (Color::Indexed(n), None) => format!("{};5;{n}", base + 8),
        _ => (base + 9).to_string(),
    }
}

/// What `colour` looks like, for pictures; `None` for the terminal's own.
pub(super) fn seen(colour: Color) -> Option<Rgb> {
    Rgb::of(colour).or_else(|| NAMED.iter().find(|(_, c, _)| *c == colour).map(|(_, _, rgb)| *rgb))
}

/// The nearest colour that a terminal of `depth` has.
pub(super) fn reduce(colour: Color, depth: Depth) -> Color {
    match (Rgb::of(colour), depth) {
        (_, Depth::None) => Color::Reset,
        (Some(rgb), Depth::C256) => Color::Indexed(nearest_256(rgb)),
        (Some(rgb), Depth::C16) => NAMED
            .iter()
            .min_by_key(|(_, _, other)| other.distance(rgb))
            .map_or(Color::Reset, |(_, c, _)| *c),
        _ => colour,
    }
}

/// The steps of the cube among the 256.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of xterm's 6x6x6 cube and its 24 greys.
fn nearest_256(rgb: Rgb) -> u8 {
    let step = |v: u8| (0_u8..).zip(STEPS).min_by_key(|(_, s)| s.abs_diff(v)).unwrap_or_default();
    let ((r, rv), (g, gv), (b, bv)) = (step(rgb.0), step(rgb.1), step(rgb.2));
    let cube = (16 + 36 * r + 6 * g + b, Rgb(rv, gv, bv));
    let grey = (0_u8..24)
        .map(|n| (232 + n, Rgb(8 + 10 * n, 8 + 10 * n, 8 + 10 * n)))
        .min_by_key(|(_, c)| c.distance(rgb))
        .unwrap_or(cube);
    if grey.1.distance(rgb) < cube.1.distance(rgb) { grey.0 } else { cube.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_of_the_256_is_what_was_reduced_to_it() {
        for n in 16..=255 {
            let rgb = Rgb::shown(Color::Indexed(n)).unwrap();
            // Some greys stand in the cube too.
            let again = Rgb::shown(reduce(rgb.colour(), Depth::C256)).unwrap();
            assert_eq!(again, rgb, "{n}");
        }
        assert_eq!(Rgb::shown(Color::Indexed(9)), None, "the terminal's own");
    }

    #[test]
    fn the_environment_decides_how_many_colours() {
        let with = |pairs: &'static [(&str, &str)]| {
            Depth::from_environment(|k| {
                pairs.iter().find(|(n, _)| *n == k).map(|(_, v)| (*v).to_owned())
            })
        };
        assert_eq!(with(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), Depth::Full);
        assert_eq!(with(&[("TERM", "tmux-256color")]), Depth::C256);
        assert_eq!(with(&[("TERM", "linux")]), Depth::C16);
        assert_eq!(with(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(with(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), Depth::C256);
        assert_eq!(with(&[("TERM", "dumb")]), Depth::None);
    }

    #[test]
    fn colours_become_the_standards_numbers() {
        for (colour, letters, ground) in [
            (Color::Reset, "39", "49"),
            (Color::Red, "31", "41"),
            (Color::Gray, "37", "47"),
            (Color::DarkGray, "90", "100"),
            (Color::White, "97", "107"),
            (Color::Indexed(208), "38;5;208", "48;5;208"),
            (Color::Rgb(1, 2, 3), "38;2;1;2;3", "48;2;1;2;3"),
        ] {
            assert_eq!((sgr(colour, 30).as_str(), sgr(colour, 40).as_str()), (letters, ground));
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((Rgb(0, 0, 0).contrast(Rgb(255, 255, 255)) - 21.0).abs() < 0.01);
        // The example of the standard's own commentary: #777777 on white is 4.48.
        assert!((Rgb(0x77, 0x77, 0x77).contrast(Rgb(255, 255, 255)) - 4.48).abs() < 0.01);
    }

    #[test]
    fn fewer_colours_give_the_nearest() {
        assert_eq!(nearest_256(Rgb(255, 0, 0)), 196);
        assert_eq!(nearest_256(Rgb(10, 10, 10)), 232);
        assert_eq!(reduce(Color::Rgb(250, 5, 5), Depth::C16), Color::LightRed);
        assert_eq!(reduce(Color::Rgb(250, 5, 5), Depth::None), Color::Reset);
    }
}
