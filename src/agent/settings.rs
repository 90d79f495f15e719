//! What an agent is started with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Time, time};
use jiff::{SignedDuration, Timestamp};

use crate::agent::training::TrainingDesk;
use crate::guard::Guard;
use crate::model::calendar::{london, london_date};
use crate::model::text::Clean;
use crate::ports::accounts::Accounts;
use crate::ports::people::{Nobody, People, Person};
use crate::ports::vendor_audit::VendorAudits;

/// How many polls run at once. The transport limits each origin besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Of all services together.
    pub overall: usize,
    /// Of one service, so that one slow vendor cannot take every place.
    pub per_service: usize,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { overall: 128, per_service: 64 }
    }
}

/// What a client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Readers of `/v1/changes` at once.
    pub readers: usize,
    /// Whole boards and statuses that are written at once.
    pub whole: usize,
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of a request's body that names cells.
    pub orders: usize,
    /// Bytes of a request's head, and of what is read ahead.
    pub head: usize,
    /// From the first byte of a request to the end of its head; also how long an idle connection
    /// is kept.
    pub head_time: Duration,
    /// From the head of a request to the head of its answer.
    pub answer_time: Duration,
    /// How long a client may leave what was sent to it unread.
    pub unread_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            readers: 64,
            whole: 16,
            body: 64 * 1_024,
            orders: 1_024 * 1_024,
            head: 16 * 1_024,
            head_time: Duration::from_secs(10),
            answer_time: Duration::from_secs(30),
            unread_time: Duration::from_secs(30),
        }
    }
}

/// What an agent is started with.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// Where it listens. Its folder is made (0700) if it does not exist.
    pub socket: PathBuf,
    /// Whether this is the demonstration.
    pub demo: bool,
    /// Whether it lives inside a console.
    pub embedded: bool,
    /// The group whose members may attach as well (0660 instead of 0600).
    pub group: Option<u32>,
    /// Polls at once.
    pub concurrency: Concurrency,
    /// A job that was asked more recently than this is left alone by "refresh now".
    pub refresh_floor: Duration,
    /// While an operator looks at a school, its jobs run five times as often, but not more often
    /// than this.
    pub looked_at_floor: Duration,
    /// How long one poll may take before it counts as unanswered.
    pub poll_time: Duration,
    /// How long polls may finish once the agent is told to stop.
    pub drain_time: Duration,
    /// How often a reader hears that the agent lives.
    pub beat: Duration,
    /// What clients may take.
    pub limits: Limits,
    /// Who is behind a process.
    pub people: Arc<dyn People>,
    /// Where accounts are looked up.
    pub accounts: Option<Arc<dyn Accounts>>,
    /// The vendor's audit that ours is held against.
    pub audits: Option<Arc<dyn VendorAudits>>,
    /// The guard, or why nobody can act.
    pub guard: Result<Guard, Clean>,
    /// The training that runs; in a demo alone.
    pub training: Option<Arc<TrainingDesk>>,
    /// When shifts end, in London: what somebody has and for which no end is named runs out then.
    pub shift_ends: Vec<Time>,
}

impl AgentSettings {
    /// The defaults, for `socket`.
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
            demo: false,
            embedded: false,
            group: None,
            concurrency: Concurrency::default(),
            refresh_floor: Duration::from_secs(10),
            looked_at_floor: Duration::from_secs(30),
            poll_time: Duration::from_secs(300),
            drain_time: Duration::from_secs(5),
            beat: Duration::from_secs(5),
            limits: Limits::default(),
            people: Arc::new(Nameless),
            accounts: None,
            audits: None,
            guard: Err(Clean::new("no policy is configured")),
            training: None,
            shift_ends: vec![time(8, 0, 0, 0), time(17, 0, 0, 0)],
        }
    }

    /// The end of the shift that `now` lies in; one that ends within a quarter of an hour is over.
    /// Without ends of shifts eight hours.
    #[must_use]
    pub fn shift_end(&self, now: Timestamp) -> Timestamp {
        let soon = now + SignedDuration::from_mins(15);
        let next = self.ends_around(soon).filter(|end| *end >= soon).min();
        next.unwrap_or_else(|| now + SignedDuration::from_hours(8))
    }

    /// When the shift that `now` lies in began: the end of the one before. None without ends of
    /// shifts.
    #[must_use]
    pub fn shift_began(&self, now: Timestamp) -> Option<Timestamp> {
        self.ends_around(now).filter(|end| *end <= now).max()
    }

    /// When the shift that `at` lies in ended, or will. None without ends of shifts.
    #[must_use]
    pub fn shift_of(&self, at: Timestamp) -> Option<Timestamp> {
        self.ends_around(at).filter(|end| *end >= at).min()
    }

    /// The ends of shifts of the day before, the day, and the day after.
    fn ends_around(&self, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        let today = london_date(at);
        let days = [today.yesterday().ok(), Some(today), today.tomorrow().ok()];
        days.into_iter().flatten().flat_map(|day| {
            self.shift_ends.iter().filter_map(move |end| {
                let civil = day.to_datetime(*end);
                Some(civil.to_zoned_datetime(london()).ok()?.timestamp())
            })
        })
    }
}

/// Knows nobody by name.
#[derive(Debug)]
struct Nameless;

impl People for Nameless {
    fn person(&self, uid: u32, _: Option<i32>) -> Result<Person, Nobody> {
        Err(Nobody(format!("uid {uid} is not looked up here")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_without_an_end_runs_out_with_the_shift() {
        let settings = AgentSettings::new(Path::new("/x"));
        let end = |now: &str| settings.shift_end(now.parse().unwrap()).to_string();
        assert_eq!(end("2026-11-24T09:14:00Z"), "2026-11-24T17:00:00Z");
        assert_eq!(end("2026-11-24T16:46:00Z"), "2026-11-25T08:00:00Z", "minutes are no hold");
        assert_eq!(end("2026-11-24T23:59:00Z"), "2026-11-25T08:00:00Z");
        assert_eq!(end("2026-07-14T09:14:00Z"), "2026-07-14T16:00:00Z", "London's clock");
        let began = |now: &str| settings.shift_began(now.parse().unwrap()).unwrap().to_string();
        assert_eq!(began("2026-11-24T09:14:00Z"), "2026-11-24T08:00:00Z");
        assert_eq!(began("2026-11-24T07:59:00Z"), "2026-11-23T17:00:00Z");
        let of = |at: &str| settings.shift_of(at.parse().unwrap()).unwrap().to_string();
        assert_eq!(of("2026-11-23T16:50:00Z"), "2026-11-23T17:00:00Z", "not that of the next");
        let none = AgentSettings { shift_ends: Vec::new(), ..settings };
        assert_eq!(none.shift_began("2026-11-24T09:14:00Z".parse().unwrap()), None);
        let now = "2026-11-24T09:14:00Z".parse().unwrap();
        assert_eq!(none.shift_end(now).to_string(), "2026-11-24T17:14:00Z");
    }
}
