//! Reads a theme file. Refuses what it does not know, with the line.

use std::collections::BTreeMap;

use ratatui::style::{Modifier, Style};
use serde::Deserialize;

use super::Role;
use super::colour::{Rgb, parse};

/// Why a theme was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("theme {name:?}: {why}")]
pub struct ThemeError {
    /// The theme.
    pub name: String,
    /// What is wrong, with line and what would do.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "about")]
    _about: Option<String>,
    ground: Option<String>,
    roles: BTreeMap<String, String>,
    #[serde(default)]
    roles16: BTreeMap<String, String>,
    tints: Option<Tints>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tints {
    critical: String,
    unknown: String,
    warning: String,
}

/// A theme file, understood.
pub(super) struct File {
    pub(super) ground: Option<Rgb>,
    pub(super) roles: BTreeMap<&'static str, Style>,
    pub(super) roles16: BTreeMap<&'static str, Style>,
    /// Critical, unknown, warning at full strength.
    pub(super) tints: Option<[Rgb; 3]>,
}

pub(super) fn read(name: &str, text: &str) -> Result<File, ThemeError> {
    let refuse = |why: String| ThemeError { name: name.to_owned(), why };
    let written: Written = toml::from_str(text).map_err(|e| refuse(e.to_string()))?;
    let rgb = |text: &str| {
        Rgb::parse(text)
            .ok_or_else(|| refuse(format!("{text:?} is not a colour such as \"#1a2b3c\"")))
    };
    let looks = |table: &BTreeMap<String, String>| {
        table
            .iter()
            .map(|(role, look)| {
                let known = Role::ALL.iter().find(|r| r.word() == role).ok_or_else(|| {
                    let all: Vec<_> = Role::ALL.iter().map(|r| r.word()).collect();
                    refuse(format!("there is no role {role:?}; there are {}", all.join(", ")))
                })?;
                let style = style(look).map_err(|why| refuse(format!("{role}: {why}")))?;
                Ok((known.word(), style))
            })
            .collect::<Result<BTreeMap<_, _>, ThemeError>>()
    };
    let tints = written
        .tints
        .as_ref()
        .map(|t| Ok([rgb(&t.critical)?, rgb(&t.unknown)?, rgb(&t.warning)?]))
        .transpose()?;
    Ok(File {
        ground: written.ground.as_deref().map(rgb).transpose()?,
        roles: looks(&written.roles)?,
        roles16: looks(&written.roles16)?,
        tints,
    })
}

/// A style as written: `yellow bold`, `#112233 on #ddeeff`, `reverse`.
fn style(text: &str) -> Result<Style, String> {
    let mut out = Style::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "bold" => out = out.add_modifier(Modifier::BOLD),
            "reverse" => out = out.add_modifier(Modifier::REVERSED),
            "underline" => out = out.add_modifier(Modifier::UNDERLINED),
            "default" => {}
            "on" => {
                let colour = words.next().and_then(parse).ok_or("`on` needs a colour after it")?;
                out = out.bg(colour);
            }
            _ => {
                let colour = parse(word).ok_or_else(|| {
                    format!(
                        "{word:?} is not a colour (a name such as bright_red, or \"#1a2b3c\"), \
                         nor bold, reverse, underline"
                    )
                })?;
                out = out.fg(colour);
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_file_says_what_and_where() {
        for (text, part) in [
            ("[roles]\ntext = \"blu\"", "blu"),
            ("[roles]\ntxet = \"blue\"", "txet"),
            ("ground = 3\n[roles]", "line 1"),
            ("ground = \"blue\"\n[roles]", "not a colour"),
            ("[roles]\n[extra]\na=1", "extra"),
            ("[roles]\ntext = \"red on\"", "needs a colour"),
            ("not toml", "line 1"),
        ] {
            let said = read("mine", text).err().unwrap().to_string();
            assert!(said.contains(part) && said.contains("mine"), "{text}: {said}");
        }
    }
}
