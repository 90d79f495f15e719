//! Clocks for tests: one that stands still until it is moved, one that runs fast.

use std::sync::Mutex;
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

/// Moves only when told; its chance is always the same one, none if nothing else was said.
pub struct Still {
    chance: f64,
    slept: Mutex<Vec<Duration>>,
    time: watch::Sender<Duration>,
}

impl Still {
    pub fn new() -> Self {
        Self::with_chance(0.0)
    }

    pub fn with_chance(chance: f64) -> Self {
        let time = watch::Sender::new(Duration::from_secs(1_000));
        Self { chance, slept: Mutex::default(), time }
    }

    /// Everything that was slept for.
    pub fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
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
        self.slept.lock().unwrap().push(span);
        let due = self.monotonic() + span;
        let mut time = self.time.subscribe();
        Box::pin(async move {
            time.wait_for(|now| *now >= due).await.unwrap();
        })
    }
    fn chance(&self) -> f64 {
        self.chance
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
