//! What all calls to one origin share: how many at once, how many a second, and the gate.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::gate::Gate;
use super::settings::TransportSettings;
use super::trace::Trace;
use crate::ports::clock::Clock;

/// One origin reached with one set of roots.
pub(super) struct Origin {
    /// Breaker and quiet time.
    pub(super) gate: Gate,
    /// Where calls are told to, if somebody listens.
    pub(super) trace: Option<Trace>,
    wanted: Mutex<Wanted>,
    /// Made at the first call, when all endpoints of the configuration have said what they want.
    limits: OnceLock<Limits>,
}

/// Explicit limits of the endpoints at this origin. The strictest counts.
#[derive(Default)]
struct Wanted {
    concurrency: Option<usize>,
    per_second: Option<u32>,
}

/// Limits in force.
pub(super) struct Limits {
    places: Option<Semaphore>,
    rate: Option<Rate>,
}

struct Rate {
    limiter: RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>,
    /// One caller at a time waits for the limiter, the others in order behind it: waking all of
    /// them for each turn would cost their number squared.
    queue: Semaphore,
}

/// The program's clock as governor wants it.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

impl Origin {
    pub(super) fn new(settings: &TransportSettings, trace: Option<Trace>) -> Self {
        Self {
            trace,
            gate: Gate::new(settings.breaker_failures, settings.breaker_longest.duration()),
            wanted: Mutex::default(),
            limits: OnceLock::new(),
        }
    }

    /// One more endpoint at this origin, with its own wishes. Without effect after the first call.
    pub(super) fn want(&self, concurrency: Option<usize>, per_second: Option<u32>) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.concurrency = stricter(wanted.concurrency, concurrency);
        wanted.per_second = stricter(wanted.per_second, per_second);
    }

    /// The limits in force.
    pub(super) fn limits(&self, settings: &TransportSettings, clock: &Arc<dyn Clock>) -> &Limits {
        self.limits.get_or_init(|| {
            let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            Limits::new(
                wanted.concurrency.unwrap_or(settings.concurrency),
                wanted.per_second.unwrap_or(settings.per_second),
                clock,
            )
        })
    }
}

/// The smaller of two limits, where 0 is none.
fn stricter<T: Copy + Ord + Default>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) if a == T::default() || b == T::default() => Some(a.max(b)),
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

impl Limits {
    fn new(concurrency: usize, per_second: u32, clock: &Arc<dyn Clock>) -> Self {
        let places =
            (concurrency > 0).then(|| Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS)));
        let rate = std::num::NonZeroU32::new(per_second).map(|per_second| {
            // A tenth of a second's worth at once: a full second's worth would let twice the
            // vendor's limit through in the first second.
            let burst = std::num::NonZeroU32::new(per_second.get() / 10);
            let burst = burst.unwrap_or(std::num::NonZeroU32::MIN);
            let quota = Quota::per_second(per_second).allow_burst(burst);
            Rate {
                limiter: RateLimiter::direct_with_clock(quota, Ticks(clock.clone())),
                queue: Semaphore::new(1),
            }
        });
        Self { places, rate }
    }

    /// A place among the calls in flight, until dropped.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        match &self.places {
            // The semaphore is never closed.
            Some(places) => places.acquire().await.ok(),
            None => None,
        }
    }

    /// Ends when the rate allows one more call. Callers are served in order.
    pub(super) async fn turn(&self) {
        let Some(rate) = &self.rate else { return };
        if rate.queue.available_permits() > 0 && rate.limiter.check().is_ok() {
            return;
        }
        let _first = rate.queue.acquire().await;
        let ticks = rate.limiter.clock();
        while let Err(not_yet) = rate.limiter.check() {
            ticks.0.sleep(not_yet.wait_time_from(ticks.now())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_explicit_limit_counts_and_none_is_the_mildest() {
        assert_eq!(stricter::<u32>(None, None), None);
        assert_eq!(stricter(None, Some(7)), Some(7));
        assert_eq!(stricter(Some(3), Some(7)), Some(3));
        assert_eq!(stricter(Some(0), Some(7)), Some(7));
        assert_eq!(stricter(Some(0), Some(0)), Some(0));
    }
}
