//! Several controllers of one directory: which is asked first, which is passed over, and the sign-in
//! that they share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use super::failure::{LdapFailure, SignIn};
use super::line::{self, Trust};
use super::session::{Limits, Session};
use super::settings::{Address, LdapSettings, addresses};
use crate::ports::clock::Clock;
use crate::ports::watch::{Door, Stuck};
use crate::transport::gate::Gate;
use crate::transport::settings::{SetupError, TransportSettings};
use crate::transport::{Failure, Transport, look};

/// How long a password that was refused as wrong is not tried again. Domains lock an account after
/// some five wrong passwords in some thirty minutes.
const WRONG_REST: Duration = Duration::from_secs(30 * 60);
/// The same for refusals that a right password brings (disabled, expired, locked): they count nothing.
const REFUSED_REST: Duration = Duration::from_secs(5 * 60);

/// The controllers of one directory. Cheap to clone; clones share breakers and the refused sign-in.
#[derive(Clone)]
pub struct Controllers {
    inner: Arc<Inner>,
}

struct Inner {
    controllers: Vec<Controller>,
    trust: Trust,
    settings: LdapSettings,
    /// Bytes of one page.
    bytes: usize,
    clock: Arc<dyn Clock>,
    refused: Mutex<Option<Refusal>>,
    /// Held while signing in, so that several polls do not try one wrong password at once.
    signing_in: tokio::sync::Mutex<()>,
}

struct Controller {
    address: Address,
    gate: Gate,
}

/// A sign-in that was refused, and with which password.
struct Refusal {
    at: Duration,
    rest: Duration,
    password: SecretString,
    failure: LdapFailure,
}

impl Transport {
    /// The controllers of a directory.
    ///
    /// # Errors
    /// When an address may not be used or the CA file cannot be read.
    pub fn directory(&self, settings: &LdapSettings) -> Result<Controllers, SetupError> {
        let roots = self.roots(settings.ca_file.as_deref())?;
        let (own, clock) = self.limits();
        let controllers = addresses(settings)?
            .into_iter()
            .map(|address| Controller { address, gate: gate(own) })
            .collect();
        Ok(Controllers {
            inner: Arc::new(Inner {
                controllers,
                trust: Trust { roots, built: OnceCell::new() },
                settings: settings.clone(),
                bytes: own.body_limit,
                clock,
                refused: Mutex::default(),
                signing_in: tokio::sync::Mutex::default(),
            }),
        })
    }
}

fn gate(settings: &TransportSettings) -> Gate {
    Gate::new(settings.breaker_failures, settings.breaker_longest.duration())
}

impl Controllers {
    /// Scheme, host and port of each, in the order in which they are tried.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.inner.controllers.iter().map(|c| c.address.name.as_str())
    }

    /// A way through the controllers, from the first to the last.
    #[must_use]
    pub fn route(&self) -> Route<'_> {
        Route { controllers: self, next: 0, passed_over: Vec::new() }
    }

    /// A signed-in session with the controller at `place`, and no other.
    ///
    /// Cancel-safe: a dropped call closes its connection.
    ///
    /// # Errors
    /// See [`LdapFailure`].
    pub async fn open(
        &self,
        place: usize,
        password: &SecretString,
    ) -> Result<Session, LdapFailure> {
        let inner = &*self.inner;
        let controller = inner.controllers.get(place).ok_or_else(|| {
            LdapFailure::no_answer("the directory", "there is no such controller in the settings")
        })?;
        let origin = &controller.address.name;
        inner.sendable(origin, password)?;
        inner.rested(password)?;
        let now = inner.clock.monotonic();
        let pass = controller.gate.enter(now).map_err(|open| Failure::Open {
            origin: origin.clone(),
            seconds: open.wait.as_secs().max(1),
            failures: open.failures,
        })?;
        let outcome = inner.signed_in(controller, password, now).await;
        match &outcome {
            Err(failure) if is_dead(failure) => {
                pass.dead(inner.clock.monotonic(), inner.clock.chance());
            }
            _ => pass.alive(true),
        }
        outcome
    }

    /// Each controller as it is found now, over a connection of its own, and whether it lets us in
    /// with `password`; where there is none, why. Two connections to each, one after the other.
    pub async fn doors(&self, password: Result<&SecretString, &str>) -> Vec<Door> {
        let mut out = Vec::new();
        for place in 0..self.inner.controllers.len() {
            out.extend(self.door(place, password).await);
        }
        out
    }

    async fn door(&self, place: usize, password: Result<&SecretString, &str>) -> Option<Door> {
        let inner = &*self.inner;
        let address = &inner.controllers.get(place)?.address;
        let began = inner.clock.monotonic();
        let reached = inner.in_time(address, line::secured(address, &inner.trust)).await;
        let took = inner.clock.monotonic().saturating_sub(began);
        let mut door = look::door(&address.name, reached.as_ref().map(|tls| (tls, took)));
        drop(reached);
        if door.stuck.is_none() {
            door.stuck = match password {
                Err(why) => Some((Stuck::SignIn, why.to_owned())),
                Ok(password) => match self.open(place, password).await {
                    Ok(session) => {
                        session.close().await;
                        None
                    }
                    Err(LdapFailure::Call(failure)) => {
                        Some((look::stuck_at(&failure), failure.to_string()))
                    }
                    Err(refused) => Some((Stuck::SignIn, refused.to_string())),
                },
            };
        }
        Some(door)
    }

    /// Counts a failure of a session that was open already.
    fn broke(&self, place: usize, failure: &LdapFailure) {
        let Some(controller) = self.inner.controllers.get(place) else { return };
        let now = self.inner.clock.monotonic();
        if is_dead(failure)
            && let Ok(pass) = controller.gate.enter(now)
        {
            pass.dead(now, self.inner.clock.chance());
        }
    }
}

/// Whether the controller itself is gone, and not merely busy or unwilling.
fn is_dead(failure: &LdapFailure) -> bool {
    matches!(
        failure,
        LdapFailure::Call(
            Failure::NoAnswer { .. } | Failure::Deadline { .. } | Failure::Tls { .. }
        )
    )
}

impl Inner {
    async fn signed_in(
        &self,
        controller: &Controller,
        password: &SecretString,
        began: Duration,
    ) -> Result<Session, LdapFailure> {
        let (address, origin) = (&controller.address, controller.address.name.clone());
        let connecting = line::connect(address, &self.trust, &self.clock);
        let line = self.in_time(address, connecting).await?;
        let whole = self.settings.deadline.duration();
        let limits = Limits {
            operation: self.settings.operation_timeout.duration(),
            due: began + whole,
            whole,
            page: self.settings.page,
            bytes: self.bytes,
        };
        let mut session = Session::new(line, origin, limits, self.clock.clone());
        // One at a time; who waited behind a refusal does not repeat it.
        let _turn = self.signing_in.lock().await;
        self.rested(password)?;
        let account = self.settings.bind_as.trim();
        let outcome = session.bind(account, password.expose_secret()).await;
        self.note(password, &outcome);
        outcome.map(|()| session)
    }

    /// What it takes to reach a controller, within its time.
    async fn in_time<T>(
        &self,
        address: &Address,
        reaching: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limit = self.settings.connect_timeout.duration();
        tokio::select! {
            biased;
            reached = reaching => reached,
            () = self.clock.sleep(limit) => Err(Failure::NoAnswer {
                origin: address.name.clone(),
                why: format!("no connection within {} s", limit.as_secs()),
                unsent: false,
            }),
        }
    }

    /// LDAP takes a name or a password without the other for an anonymous sign-in that succeeds.
    fn sendable(&self, origin: &str, password: &SecretString) -> Result<(), LdapFailure> {
        if !self.settings.bind_as.trim().is_empty() && !password.expose_secret().is_empty() {
            return Ok(());
        }
        Err(LdapFailure::Call(Failure::Unauthorised {
            origin: origin.to_owned(),
            why: "name or password is empty, and is not sent: set bind_as, and store the \
                  account's password"
                .to_owned(),
        }))
    }

    /// That this very password was not refused a short while ago.
    fn rested(&self, password: &SecretString) -> Result<(), LdapFailure> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match &*refused {
            Some(last)
                if last.password.expose_secret() == password.expose_secret()
                    && self.clock.monotonic() < last.at + last.rest =>
            {
                Err(last.failure.clone())
            }
            _ => Ok(()),
        }
    }

    fn note(&self, password: &SecretString, outcome: &Result<(), LdapFailure>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => *refused = None,
            Err(failure @ LdapFailure::SignIn { why, .. }) => {
                let counts =
                    matches!(why, SignIn::WrongPassword | SignIn::NoSuchUser | SignIn::Other);
                *refused = Some(Refusal {
                    at: self.clock.monotonic(),
                    rest: if counts { WRONG_REST } else { REFUSED_REST },
                    password: password.clone(),
                    failure: failure.clone(),
                });
            }
            Err(_) => {}
        }
    }
}

/// A way through the controllers: the next is tried when one has failed.
pub struct Route<'a> {
    controllers: &'a Controllers,
    next: usize,
    passed_over: Vec<LdapFailure>,
}

impl Route<'_> {
    /// A session with the next controller that answers.
    ///
    /// # Errors
    /// When none is left: the failure of the first. A refused sign-in is not tried elsewhere.
    pub async fn open(&mut self, password: &SecretString) -> Result<Session, LdapFailure> {
        loop {
            if self.next >= self.controllers.inner.controllers.len() {
                return Err(self.none_left());
            }
            match self.controllers.open(self.next, password).await {
                Ok(session) => return Ok(session),
                Err(failure) if failure.moves_on() => {
                    self.passed_over.push(failure);
                    self.next += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// The session that [`Route::open`] gave has failed. Well when another controller may be tried.
    ///
    /// # Errors
    /// The failure itself, when it would be the same anywhere.
    pub fn failed(&mut self, failure: LdapFailure) -> Result<(), LdapFailure> {
        self.controllers.broke(self.next, &failure);
        if !failure.moves_on() {
            return Err(failure);
        }
        self.passed_over.push(failure);
        self.next += 1;
        Ok(())
    }

    /// Which controller it is at, from 0.
    #[must_use]
    pub fn place(&self) -> usize {
        self.next
    }

    /// Why controllers before the present one did not answer.
    #[must_use]
    pub fn passed_over(&self) -> &[LdapFailure] {
        &self.passed_over
    }

    fn none_left(&self) -> LdapFailure {
        match self.passed_over.as_slice() {
            [] => LdapFailure::no_answer("the directory", "no controller is configured"),
            [only] => only.clone(),
            // The first that says more than that it is being left alone.
            [first, ..] => {
                let told = |f: &&LdapFailure| !matches!(f, LdapFailure::Call(Failure::Open { .. }));
                self.passed_over.iter().find(told).unwrap_or(first).clone()
            }
        }
    }
}
