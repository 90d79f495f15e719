//! Access tokens: held until shortly before they end, renewed one at a time, and asked for again
//! once when a call is refused.
//!
//! Invariant: a token endpoint that refuses or hangs is not asked by every waiting call; those who
//! waited for an attempt share its outcome.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::model::health::Reason;
use crate::ports::clock::Clock;
use crate::services::answer::Trouble;
use crate::transport::{Endpoint, Reply, Request};

/// How long a refusal stands before the same credential is tried again.
const REFUSED_REST: SignedDuration = SignedDuration::from_secs(30);
/// The same after no answer; the transport's breaker does the rest.
const FAILED_REST: SignedDuration = SignedDuration::from_secs(5);

/// What a token endpoint gave.
pub(super) struct Grant {
    /// The token. Opaque: never parsed, never logged.
    pub(super) secret: SecretString,
    /// From when on a new one is asked for.
    pub(super) renew_at: Timestamp,
    /// When it ends.
    pub(super) ends_at: Timestamp,
}

/// A held token. `Debug` never shows its value.
#[derive(Debug, Clone)]
struct Token {
    secret: SecretString,
    renew_at: Timestamp,
    ends_at: Timestamp,
    serial: u64,
}

#[derive(Default)]
struct State {
    good: Option<Token>,
    bad: Option<(Timestamp, Trouble)>,
    given: u64,
}

/// The token of one credential.
#[derive(Default)]
pub(super) struct TokenCell {
    state: Mutex<State>,
    /// Whoever asks for a token keeps the rest after a refusal.
    asker_rests: bool,
}

impl TokenCell {
    /// Whose asker itself does not send again what was just refused: so that another secret, or an
    /// operator who asks, need not wait.
    pub(super) fn without_rest() -> Self {
        Self { asker_rests: true, ..Self::default() }
    }

    /// The held token, or a new one from `ask`. `refused`: the serial of a token that was refused.
    async fn token<F, Fut>(
        &self,
        clock: &dyn Clock,
        refused: Option<u64>,
        ask: F,
    ) -> Result<Token, Trouble>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Grant, Trouble>>,
    {
        let mut state = self.state.lock().await;
        let now = clock.now();
        let usable = state.good.clone().filter(|t| refused != Some(t.serial) && now < t.ends_at);
        if let Some(token) = usable.as_ref().filter(|t| now < t.renew_at) {
            return Ok(token.clone());
        }
        if let Some((at, trouble)) = &state.bad {
            let rest = match trouble.reason {
                Reason::Unauthorised | Reason::Paused => REFUSED_REST,
                _ => FAILED_REST,
            };
            // A clock that was set back must not keep the refusal for ever.
            if *at <= now && now.duration_since(*at) < rest {
                return usable.ok_or_else(|| trouble.clone());
            }
        }
        match ask().await {
            Ok(grant) => {
                state.given += 1;
                let token = Token {
                    secret: grant.secret,
                    renew_at: grant.renew_at,
                    ends_at: grant.ends_at,
                    serial: state.given,
                };
                state.bad = None;
                state.good = Some(token.clone());
                Ok(token)
            }
            Err(trouble) => {
                let is_refusal = matches!(trouble.reason, Reason::Unauthorised | Reason::Paused);
                if !(is_refusal && self.asker_rests) {
                    state.bad = Some((clock.now(), trouble.clone()));
                }
                usable.ok_or(trouble)
            }
        }
    }

    /// The held token, or a new one from `ask`, and its serial; for what is not asked over HTTP.
    /// `refused`: the serial of a token that was refused.
    pub(super) async fn hold<F, Fut>(
        &self,
        clock: &dyn Clock,
        refused: Option<u64>,
        ask: F,
    ) -> Result<(SecretString, u64), Trouble>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Grant, Trouble>>,
    {
        let token = self.token(clock, refused, ask).await?;
        Ok((token.secret, token.serial))
    }

    /// A new token was refused as well: say so to everybody for a while.
    async fn give_up(&self, serial: u64, at: Timestamp, trouble: &Trouble) {
        let mut state = self.state.lock().await;
        if state.good.as_ref().is_some_and(|t| t.serial == serial) {
            state.good = None;
            state.bad = Some((at, trouble.clone()));
        }
    }

    /// The held token, or a new one: to look at what it may do.
    pub(super) async fn held<F, Fut>(
        &self,
        clock: &dyn Clock,
        ask: F,
    ) -> Result<SecretString, Trouble>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Grant, Trouble>>,
    {
        Ok(self.token(clock, None, ask).await?.secret)
    }

    /// Sends what `make` makes of the token; when `refused` says so of the answer, once more with
    /// a new token. An answer that is still refused is `Unauthorised`.
    pub(super) async fn send<F, Fut>(
        &self,
        (clock, endpoint): (&dyn Clock, &Endpoint),
        make: impl Fn(&SecretString) -> Request,
        refused: impl Fn(&Reply) -> bool,
        ask: F,
    ) -> Result<Reply, Trouble>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Grant, Trouble>>,
    {
        let token = self.token(clock, None, &ask).await?;
        let reply = endpoint.send(make(&token.secret)).await?;
        if !refused(&reply) {
            return Ok(reply);
        }
        let token = self.token(clock, Some(token.serial), &ask).await?;
        let reply = endpoint.send(make(&token.secret)).await?;
        if !refused(&reply) {
            return Ok(reply);
        }
        let trouble = Trouble::new(
            Reason::Unauthorised,
            format!("{} refused a token that it had just given us", reply.origin),
        )
        .answered(&reply);
        self.give_up(token.serial, clock.now(), &trouble).await;
        Err(trouble)
    }
}

/// Seconds from now on until a token is renewed: `early` before its end, but never more than half
/// its life early.
pub(super) fn renew_after(lifetime: SignedDuration, early: SignedDuration) -> SignedDuration {
    lifetime - early.min(lifetime / 2)
}
