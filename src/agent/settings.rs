//! What an agent is started with.

use std::path::{Path, PathBuf};
use std::time::Duration;

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
            head: 16 * 1_024,
            head_time: Duration::from_secs(10),
            answer_time: Duration::from_secs(30),
            unread_time: Duration::from_secs(30),
        }
    }
}

/// What an agent is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        }
    }
}
