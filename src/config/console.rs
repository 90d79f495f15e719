//! What the console shows, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::load::is_word;
use crate::model::filter::Filter;
use crate::model::health::Health;

/// The console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleSettings {
    /// Theme: `auto`, `default`, `dark`, `light`, `cvd`, `mono`, or the name of a file in `themes/`
    /// beside the config. `auto` asks the terminal for its background.
    #[schemars(regex(pattern = "^[a-z0-9_-]{1,32}$"))]
    pub theme: String,
    /// Whether the terminal's window shows in its title how much nobody has.
    pub title: bool,
    /// How an operator who looks elsewhere is called.
    pub call: CallSettings,
    /// Views: `v` and the keys 1 to 9, in this order.
    pub views: Vec<ViewSettings>,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            theme: "default".into(),
            title: true,
            call: CallSettings::default(),
            views: Vec::new(),
        }
    }
}

impl ConsoleSettings {
    /// What is well-formed but means nothing: the key, what is wrong with it, the remedy.
    pub(super) fn nonsense(&self) -> Vec<(String, String, &'static str)> {
        let mut wrong = Vec::new();
        let mut refuse = |key: String, found: String, remedy| wrong.push((key, found, remedy));
        if !is_word(&self.theme) {
            refuse(
                "console.theme".into(),
                "not the name of a theme".into(),
                "use auto, default, dark, light, cvd, mono, or the name of a file in themes/ without .toml",
            );
        }
        if !self.call.from.is_trouble() {
            refuse(
                "console.call.from".into(),
                format!("{} is no trouble", self.call.from.word()),
                "use warning, unknown or critical",
            );
        }
        if let Err(error) = Filter::parse(&self.call.filter) {
            refuse("console.call.filter".into(), error.to_string(), "mend the filter");
        }
        for (n, view) in self.views.iter().enumerate() {
            let key = |field: &str| format!("console.views.{n}.{field}");
            if !is_word(&view.name) {
                refuse(
                    key("name"),
                    format!("{:?} is no name for a view", view.name),
                    "use up to 32 lower-case letters, digits, underscores, hyphens",
                );
            }
            if self.views.iter().take(n).any(|other| other.name == view.name) {
                let found = format!("a second view {:?}", view.name);
                refuse(key("name"), found, "give one of them another name");
            }
            if let Err(error) = Filter::parse(&view.filter) {
                refuse(key("filter"), error.to_string(), "mend the filter");
            }
        }
        wrong
    }
}

/// How an operator who looks elsewhere is called: for new trouble that nobody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CallSettings {
    /// By what; nothing calls unless it stands here.
    pub by: Vec<CallBy>,
    /// The least bad health that calls: `warning`, `unknown` or `critical`.
    pub from: Health,
    /// Only schools that match, in the language of the board's filter; the whole estate always calls.
    pub filter: String,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self { by: Vec::new(), from: Health::Critical, filter: String::new() }
    }
}

/// What calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallBy {
    /// The terminal's bell.
    Bell,
    /// A notification of the desktop by OSC 9 (iTerm2, kitty, Windows Terminal, `WezTerm`).
    Osc9,
    /// A notification of the desktop by OSC 777 (urxvt, foot, Ghostty, `WezTerm`).
    Osc777,
}

/// A part of the board under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewSettings {
    /// Its name: letters, digits, `_`, `-`.
    #[schemars(regex(pattern = "^[a-z0-9_-]{1,32}$"))]
    pub name: String,
    /// Which schools, in the language of the board's filter; empty for all.
    #[serde(default)]
    pub filter: String,
    /// In which groups.
    #[serde(default)]
    pub group: GroupBy,
}

/// What schools of the board are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// By nothing: worst first, what is had and what is well folded.
    #[default]
    Nothing,
    /// By the service of the worst cell.
    Service,
    /// By town.
    Town,
    /// By trust.
    Trust,
    /// By phase.
    Phase,
    /// By the open incident that the school is part of.
    Incident,
}

impl GroupBy {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::Nothing, Self::Service, Self::Town, Self::Trust, Self::Phase, Self::Incident];

    /// The word in the configuration and in the palette.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Service => "service",
            Self::Town => "town",
            Self::Trust => "trust",
            Self::Phase => "phase",
            Self::Incident => "incident",
        }
    }
}
