//! Time, sleeping and chance come through here, so that a test can own them.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// A future that owns what it needs.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The program's clock.
pub trait Clock: Send + Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment of this process; never goes back, unlike the time of day.
    fn monotonic(&self) -> Duration;
    /// Ends after `span`.
    fn sleep(&self, span: Duration) -> Boxed<'static, ()>;
    /// A number from 0 up to but not including 1, for jitter.
    fn chance(&self) -> f64;
}
