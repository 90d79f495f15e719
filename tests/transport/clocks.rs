//! Clocks for tests: one that stands still until it is moved, one that runs fast.

use std::time::Duration;

use caretaker::ports::clock::{Boxed, Clock};
use caretaker::sys::SystemClock;
use jiff::Timestamp;
use tokio::sync::watch;

/// 2024-03-11 08:00:00 UTC.
const START: i64 = 1_710_144_000;

fn stamp(since_start: Duration) -> Timestamp {
    Timestamp::from_second(START + i64::try_from(since_start.as_secs()).unwrap()).unwrap()
}

/// Moves only when told; no chance.
pub struct Still {
    time: watch::Sender<Duration>,
}

impl Still {
    pub fn new() -> Self {
        Self { time: watch::Sender::new(Duration::from_secs(1_000)) }
    }

    pub fn advance(&self, by: Duration) {
        self.time.send_modify(|now| *now += by);
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        stamp(self.monotonic())
    }
    fn monotonic(&self) -> Duration {
        *self.time.borrow()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        let due = self.monotonic() + span;
        let mut time = self.time.subscribe();
        Box::pin(async move {
            time.wait_for(|now| *now >= due).await.unwrap();
        })
    }
    fn chance(&self) -> f64 {
        0.0
    }
}

/// A hundred times as fast as the real one.
pub struct Fast(SystemClock);

const FACTOR: u32 = 100;

impl Fast {
    pub fn new() -> Self {
        Self(SystemClock::new())
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        stamp(self.monotonic())
    }
    fn monotonic(&self) -> Duration {
        self.0.monotonic() * FACTOR
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        // Tokio's timer may fire a little early when rounded to its tick.
        let this = self.0.clone();
        let due = this.monotonic() + span / FACTOR;
        Box::pin(async move {
            while this.monotonic() < due {
                this.sleep(due - this.monotonic()).await;
            }
        })
    }
    fn chance(&self) -> f64 {
        self.0.chance()
    }
}
