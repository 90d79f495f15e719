//! The line to the agent, told honestly: `LIVE`, `LATE 40s`, `OFFLINE since 09:02`.

use std::time::Duration;

use jiff::Timestamp;

/// A beat younger than this is a live line (beats come every five seconds).
const LIVE: u64 = 15;
/// A beat older than this is no line any more, even if nobody said that it was lost.
const GONE: u64 = 60;

/// How the line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// Nothing has come yet.
    Waiting,
    /// A beat within 15 s.
    Live,
    /// The last beat is about this many seconds old, in steps of ten.
    Late(u64),
    /// Nothing since then.
    Offline(Timestamp),
}

/// When the agent was last heard, by our monotonic clock, and what its clock said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BeatLine {
    heard: Option<(Duration, Timestamp)>,
    lost: bool,
}

impl BeatLine {
    /// The agent was heard at `mono`; its clock said `as_of`.
    pub fn heard(&mut self, mono: Duration, as_of: Timestamp) {
        self.heard = Some((mono, as_of));
        self.lost = false;
    }

    /// The connection is lost.
    pub fn lost(&mut self) {
        self.lost = true;
    }

    /// Whether anything was ever heard.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.heard.is_some()
    }

    /// The agent's clock at `mono`; `None` before anything was heard.
    #[must_use]
    pub fn agent_now(&self, mono: Duration) -> Option<Timestamp> {
        let (at, as_of) = self.heard?;
        let passed = i64::try_from(mono.saturating_sub(at).as_secs()).unwrap_or_default();
        Timestamp::from_second(as_of.as_second().saturating_add(passed)).ok()
    }

    /// How the line stands at `mono`.
    #[must_use]
    pub fn state(&self, mono: Duration) -> LineState {
        let Some((at, as_of)) = self.heard else { return LineState::Waiting };
        match mono.saturating_sub(at).as_secs() {
            0..LIVE => LineState::Live,
            s if s <= GONE && !self.lost => LineState::Late((s + 5) / 10 * 10),
            _ => LineState::Offline(as_of),
        }
    }

    /// When the state next changes by time alone, from `mono` on; `None` if it does not.
    #[must_use]
    pub fn next_change(&self, mono: Duration) -> Option<Duration> {
        let (at, _) = self.heard?;
        let age = mono.saturating_sub(at).as_secs();
        let steps = [LIVE, 25, 35, 45, 55, GONE + 1];
        steps.iter().find(|s| **s > age).map(|s| at + Duration::from_secs(*s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_live_then_late_in_steps_then_offline() {
        let mut line = BeatLine::default();
        let s = Duration::from_secs;
        assert_eq!(line.state(s(9)), LineState::Waiting);
        let as_of: Timestamp = "2026-11-24T09:02:00Z".parse().unwrap();
        line.heard(s(100), as_of);
        for (at, want) in [
            (114, LineState::Live),
            (115, LineState::Late(20)),
            (124, LineState::Late(20)),
            (125, LineState::Late(30)),
            (160, LineState::Late(60)),
            (161, LineState::Offline(as_of)),
        ] {
            assert_eq!(line.state(s(at)), want, "{at}");
        }
        // Every change of the state is announced.
        for at in 100..170 {
            if line.state(s(at)) != line.state(s(at + 1)) {
                assert_eq!(line.next_change(s(at)), Some(s(at + 1)), "{at}");
            }
        }
        line.lost();
        assert_eq!(line.state(s(114)), LineState::Live);
        assert_eq!(line.state(s(116)), LineState::Offline(as_of));
        line.heard(s(120), as_of);
        assert_eq!(line.state(s(121)), LineState::Live);
        assert_eq!(line.agent_now(s(180)).unwrap().to_string(), "2026-11-24T09:03:00Z");
    }
}
