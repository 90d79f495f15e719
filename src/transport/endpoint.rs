//! One API that may be called: its turn, its tries, and what its answers say of the origin.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::client::LazyClient;
use super::exchange::{Call, Limit};
use super::gate::{self, Open};
use super::origin::Origin;
use super::retry_after;
use super::settings::{EndpointSettings, PlainHttp, TransportSettings};
use super::{Failure, Reply, Request};
use crate::ports::clock::Clock;

/// First pause before a call is repeated; doubled each time.
const FIRST_BACK_OFF: Duration = Duration::from_millis(250);
/// Longest pause between two tries of one call.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

/// One API that may be called. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) name: String,
    pub(super) base: Url,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) plain: PlainHttp,
    /// A filter must refuse it.
    pub(super) is_bait: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) client: Arc<LazyClient>,
    pub(super) settings: Arc<TransportSettings>,
    deadline: Duration,
    origin: Arc<Origin>,
}

impl Endpoint {
    pub(super) fn new(
        name: String,
        own: &EndpointSettings,
        (plain, is_bait): (PlainHttp, bool),
        client: Arc<LazyClient>,
        origin: Arc<Origin>,
        settings: Arc<TransportSettings>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let deadline = own.deadline.unwrap_or(settings.deadline).duration();
        let base = own.url.clone();
        let ca_file = own.ca_file.clone();
        Self {
            inner: Arc::new(Inner {
                name,
                base,
                ca_file,
                plain,
                is_bait,
                clock,
                client,
                settings,
                deadline,
                origin,
            }),
        }
    }

    /// Scheme, host and port, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.inner.name
    }

    /// How long one exchange may take, all of it.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.inner.deadline
    }

    /// The base URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.inner.base
    }

    /// The request for a next-page link, whole and unchanged. Whether a link was followed before
    /// is the caller's to know.
    ///
    /// # Errors
    /// [`Failure::ForeignLink`] when scheme, host or port differ or it carries user information.
    pub fn next_page(&self, link: &str) -> Result<Request, Failure> {
        match Url::parse(link) {
            Ok(url) => {
                self.inner.own_link(&url)?;
                Ok(Request { absolute: Some(url), ..Request::get("") })
            }
            Err(_) => Err(Failure::ForeignLink {
                origin: self.inner.name.clone(),
                to: "a link that is not a URL".to_owned(),
            }),
        }
    }

    /// Sends `request` and reads the whole answer.
    ///
    /// Waits for its turn first; then all of it, repetitions included, has the endpoint's deadline.
    /// Cancel-safe: a dropped call gives back its place.
    ///
    /// # Errors
    /// See [`Failure`]; a status that is not success is an answer, not an error, but for
    /// redirects and for throttling that outlasted the retries.
    pub async fn send(&self, request: Request) -> Result<Reply, Failure> {
        let inner = &*self.inner;
        let call = Call::new(inner, request)?;
        let began = inner.clock.monotonic();
        let outcome = inner.in_turn(&call).await;
        call.trace(inner, began, &outcome);
        if let Some(trace) = &inner.origin.trace {
            trace.call(call.told(inner, began, &outcome));
        }
        outcome
    }
}

impl Inner {
    /// Refuses a link that is not to this very origin.
    pub(super) fn own_link(&self, url: &Url) -> Result<(), Failure> {
        let stranger = url.origin() != self.base.origin()
            || !url.username().is_empty()
            || url.password().is_some();
        if stranger {
            return Err(Failure::ForeignLink {
                origin: self.name.clone(),
                to: super::failure::host_of(url),
            });
        }
        Ok(())
    }

    async fn in_turn(&self, call: &Call) -> Result<Reply, Failure> {
        let gate = &self.origin.gate;
        // A dead or throttling origin costs nothing, not even a place in the queue.
        let now = self.clock.monotonic();
        if let Some(open) = gate.is_open(now) {
            return Err(self.left_alone(open));
        }
        if let Some(wait) = gate.quiet_for(now).filter(|wait| *wait >= self.deadline) {
            return Err(self.throttled(Some(wait), Vec::new()));
        }

        let limits = self.origin.limits(&self.settings, &self.clock);
        let _place = limits.place().await;
        limits.turn().await;

        let began = self.clock.monotonic();
        let limit = Limit { began, due: began + self.deadline, whole: self.deadline };
        let pass = gate.enter(began).map_err(|open| self.left_alone(open))?;
        let tries = match call.repeatable {
            true if !pass.decides() => self.settings.tries.max(1),
            _ => 1,
        };
        let outcome = self.tries(call, &limit, tries).await;
        match &outcome {
            Ok(reply) if reply.status < 500 => pass.alive(true),
            Ok(_)
            | Err(Failure::NoAnswer { .. } | Failure::Deadline { .. } | Failure::Tls { .. }) => {
                pass.dead(self.clock.monotonic(), self.clock.chance());
            }
            Err(Failure::Throttled { .. }) => pass.alive(false),
            Err(
                Failure::Redirected { .. }
                | Failure::TooLarge { .. }
                | Failure::Unauthorised { .. }
                | Failure::Status { .. }
                | Failure::Malformed { .. }
                | Failure::Open { .. }
                | Failure::ForeignLink { .. },
            ) => pass.alive(true),
        }
        outcome
    }

    /// Sends up to `most` times, as long as each pause fits the deadline.
    async fn tries(&self, call: &Call, limit: &Limit, most: u32) -> Result<Reply, Failure> {
        let gate = &self.origin.gate;
        let mut tried = 0;
        let mut asked_by = Vec::new();
        loop {
            while let Some(wait) = gate.quiet_for(self.clock.monotonic()) {
                // Not all at once when the time is up.
                let spread = wait.mul_f64(1.0 + 0.1 * self.clock.chance());
                if self.clock.monotonic() + spread >= limit.due {
                    return Err(self.throttled(Some(wait), asked_by));
                }
                self.clock.sleep(spread).await;
            }
            if tried > 0 {
                self.origin.limits(&self.settings, &self.clock).turn().await;
            }
            tried += 1;
            let outcome = self.exchange(call, limit).await;
            let now = self.clock.monotonic();
            match &outcome {
                Ok(reply) => match asked_to_wait(reply) {
                    Some(said) => {
                        let said = said.map(Duration::from_secs);
                        gate.hush(now, said, self.clock.chance());
                        asked_by = super::reply::plain(&reply.headers);
                        if tried >= most {
                            return Err(self.throttled(said, asked_by));
                        }
                        continue;
                    }
                    None if reply.status < 500 => return outcome,
                    None => {}
                },
                Err(Failure::NoAnswer { .. }) => {}
                Err(_) => return outcome,
            }
            // Others may have opened the breaker meanwhile.
            if tried >= most || gate.is_open(now).is_some() {
                return outcome;
            }
            let pause = gate::grown(FIRST_BACK_OFF, tried, LONGEST_BACK_OFF, self.clock.chance());
            if now + pause >= limit.due {
                return outcome;
            }
            self.clock.sleep(pause).await;
        }
    }

    fn throttled(&self, wait: Option<Duration>, headers: Vec<(String, String)>) -> Failure {
        Failure::Throttled { origin: self.name.clone(), seconds: wait.map(rounded_up), headers }
    }

    fn left_alone(&self, open: Open) -> Failure {
        Failure::Open {
            origin: self.name.clone(),
            seconds: rounded_up(open.wait),
            failures: open.failures,
        }
    }
}

/// Whole seconds, at least one.
pub(super) fn rounded_up(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Whether the answer asks for a pause, and for how many seconds if it says so. A 503 without
/// `Retry-After` is an outage like any other 5xx; 509 is what some Microsoft services send for 429.
fn asked_to_wait(reply: &Reply) -> Option<Option<u64>> {
    if !matches!(reply.status, 429 | 503 | 509) {
        return None;
    }
    let said = reply.header("retry-after").and_then(|value| {
        retry_after::seconds(value, reply.header("date"), reply.received_at.try_into().ok()?)
    });
    (reply.status != 503 || said.is_some()).then_some(said)
}
