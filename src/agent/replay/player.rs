//! Where a recording stands while it is played. Knows no clock: time is a value.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::tape::Tape;
use crate::model::calendar::london;
use crate::model::text::Clean;
use crate::wire::recording::{Names, RecordedNote};
use crate::wire::replay::{FASTEST, Playing, Replay, ReplayOrder, SPEEDS};

/// A tape that plays.
pub(super) struct Player {
    pub tape: Tape,
    at: Timestamp,
    speed: u32,
    playing: Playing,
    /// The monotonic clock when it stood at `at`.
    mono: Duration,
    /// Grows when a board must be fetched anew: what is told of the playing changed, or went back.
    turn: u32,
    notes: usize,
}

impl Player {
    /// Plays from the beginning, at `mono`.
    pub fn new(tape: Tape, speed: u32, mono: Duration) -> Self {
        let at = tape.recording().head.from;
        let notes = tape.notes().count();
        let speed = speed.clamp(1, FASTEST);
        Self { tape, at, speed, playing: Playing::Plays, mono, turn: 0, notes }
    }

    /// The moment that it shows.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Whether it plays.
    pub fn plays(&self) -> bool {
        self.playing == Playing::Plays
    }

    /// Which turn of the board this is.
    pub fn turn(&self) -> u32 {
        self.turn
    }

    /// A number for the board as it stands: its turn, and how much of it has happened.
    pub fn revision(&self) -> u64 {
        (u64::from(self.turn) << 32) | self.tape.place() as u64
    }

    /// Time has come to `mono`.
    pub fn advance(&mut self, mono: Duration) {
        let passed = mono.saturating_sub(self.mono).saturating_mul(self.speed);
        self.mono = mono;
        if !self.plays() {
            return;
        }
        let until = self.tape.recording().head.until;
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        self.at = self.at.checked_add(passed).unwrap_or(until).min(until);
        self.wind();
        if self.at >= until {
            self.playing = Playing::Over;
            self.turn += 1;
        }
    }

    /// The tape goes to where it is; a note on the way is told to whoever looks.
    fn wind(&mut self) {
        self.tape.seek(self.at);
        let notes = self.tape.notes().count();
        if notes != self.notes {
            self.notes = notes;
            self.turn += 1;
        }
    }

    /// Does what is asked, at `mono`.
    pub fn order(&mut self, order: ReplayOrder, mono: Duration) {
        self.advance(mono);
        match order {
            ReplayOrder::Pause => {
                self.playing = match self.playing {
                    Playing::Plays => Playing::Paused,
                    Playing::Paused => Playing::Plays,
                    Playing::Over => Playing::Over,
                };
            }
            ReplayOrder::Faster => {
                let faster = SPEEDS.into_iter().find(|speed| *speed > self.speed);
                self.speed = faster.unwrap_or(self.speed);
            }
            ReplayOrder::Slower => {
                let slower = SPEEDS.into_iter().rev().find(|speed| *speed < self.speed);
                self.speed = slower.unwrap_or(self.speed);
            }
            ReplayOrder::Next => self.go(self.tape.later(self.at)),
            ReplayOrder::Previous => self.go(self.tape.earlier(self.at)),
            ReplayOrder::To { at } => self.go(at),
        }
        self.turn += 1;
    }

    /// Stands still at a moment.
    fn go(&mut self, at: Timestamp) {
        let head = &self.tape.recording().head;
        let (from, until) = (head.from, head.until);
        self.at = at.clamp(from, until);
        self.playing = if self.at == until { Playing::Over } else { Playing::Paused };
        self.wind();
    }

    /// What is told of it.
    pub fn told(&self) -> Replay {
        let head = &self.tape.recording().head;
        Replay {
            at: self.at,
            from: head.from,
            until: head.until,
            speed: self.speed,
            playing: self.playing,
            names_schools: head.names == Names::Schools,
            note: self.tape.notes().next_back().map(words),
        }
    }
}

/// A note in a line.
fn words(note: &RecordedNote) -> Clean {
    let who = note.who.as_ref().map(|who| format!("{who}: ")).unwrap_or_default();
    let cells = match note.cells {
        0 => String::new(),
        1 => ", 1 cell".to_owned(),
        n => format!(", {n} cells"),
    };
    let time = note.at.to_zoned_datetime(london()).strftime("%H:%M");
    Clean::new(&format!("{time} {who}{}{cells}", note.what))
}
