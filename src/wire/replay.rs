//! A recording that is played: where it stands, and what the console asks of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::text::Clean;

/// Speeds that faster and slower go through: seconds of the recording in a second.
pub const SPEEDS: [u32; 10] = [1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600];
/// The greatest speed.
pub const FASTEST: u32 = 3_600;
/// The speed without a word.
pub const USUAL_SPEED: u32 = 60;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Playing {
    /// It plays.
    Plays,
    /// It stands still.
    Paused,
    /// It stands still at its end.
    Over,
}

/// A recording that is played. What comes with it is neither the present nor anybody's real board:
/// nothing can be done there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// The moment that is shown.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The recording's beginning.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// Its end.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Seconds of the recording in a second.
    pub speed: u32,
    /// How it stands.
    pub playing: Playing,
    /// Whether schools are named; persons never are.
    pub names_schools: bool,
    /// What was last done, by the recording's time line, in words.
    pub note: Option<Clean>,
}

/// What is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "do", deny_unknown_fields)]
pub enum ReplayOrder {
    /// To stand still, or to go on.
    Pause,
    /// The next greater speed.
    Faster,
    /// The next smaller speed.
    Slower,
    /// To the next moment at which something happened; it stands still there.
    Next,
    /// To the one before; it stands still there.
    Previous,
    /// To a moment; it stands still there.
    To {
        /// Which.
        #[schemars(with = "String")]
        at: Timestamp,
    },
}
