//! The real clock. The only place of the program that reads the time or draws a number.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::ports::clock::{Boxed, Clock};

/// The machine's clock. Make one and share it: its monotonic time begins with it.
#[derive(Debug, Clone)]
pub struct SystemClock {
    began: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is what everybody else is sent to")]
    pub fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is what everybody else is sent to")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }

    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn chance(&self) -> f64 {
        fastrand::f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn time_passes_while_it_sleeps() {
        let clock = SystemClock::new();
        let (before, at) = (clock.monotonic(), clock.now());
        clock.sleep(Duration::from_millis(3)).await;
        assert!(clock.monotonic() >= before + Duration::from_millis(3));
        assert!(clock.now() > at);
    }

    #[test]
    fn chance_stays_below_one_and_varies() {
        let clock = SystemClock::new();
        let drawn: Vec<f64> = (0..200).map(|_| clock.chance()).collect();
        assert!(drawn.iter().all(|c| (0.0..1.0).contains(c)));
        assert!(drawn.iter().any(|c| *c < 0.5) && drawn.iter().any(|c| *c >= 0.5));
    }
}
