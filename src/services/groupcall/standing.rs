//! How one school's authorisation stands, as far as asking for tokens has shown it.
//!
//! Only a request for a token tells whether a school has paused or withdrawn its authorisation: an
//! old token may go on to work. And a secret that was refused is not tried again at once, because
//! the school has to act, not we.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::model::calendar::london;
use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::services::answer::Trouble;
use crate::services::groupcall::complaint::{Complaint, Kind};

/// How long a secret that was refused or paused is left alone; another one is tried at once.
const REST: SignedDuration = SignedDuration::from_mins(5);
/// The same when an operator asks meanwhile: Groupcall counts refusals.
const SHORTEST_REST: SignedDuration = SignedDuration::from_secs(30);

/// The last request for a token that brought none, because the school or its secret bars it.
struct Barred {
    at: Timestamp,
    secret: SecretString,
    trouble: Trouble,
}

#[derive(Default)]
struct State {
    accepted_at: Option<Timestamp>,
    barred: Option<Barred>,
    /// An operator has asked since the secret was tried last.
    asked_again: bool,
    /// No token could be had since one was given last.
    is_without: bool,
}

/// What asking for tokens has shown since the start.
#[derive(Default)]
pub(super) struct Standing(Mutex<State>);

impl Standing {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever a panicking holder left, the value is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why `secret` is not tried now.
    pub(super) fn rests(&self, secret: &SecretString, now: Timestamp) -> Option<Trouble> {
        let state = self.state();
        let barred = state.barred.as_ref()?;
        // A clock that was set back must not keep the refusal for ever.
        let rest = if state.asked_again { SHORTEST_REST } else { REST };
        let recent = barred.at <= now && now.duration_since(barred.at) < rest;
        let same = barred.secret.expose_secret() == secret.expose_secret();
        (recent && same).then(|| barred.trouble.clone())
    }

    /// Why the last request for a token was barred, if it was.
    pub(super) fn barred(&self) -> Option<Trouble> {
        self.state().barred.as_ref().map(|b| b.trouble.clone())
    }

    /// An operator asks: a secret that rests is tried again with the next poll.
    pub(super) fn asked_again(&self) {
        self.state().asked_again = true;
    }

    /// There was no secret to ask with.
    pub(super) fn is_without(&self) {
        self.state().is_without = true;
    }

    /// A token was given at `now`; whether none could be had before.
    pub(super) fn accept(&self, now: Timestamp) -> bool {
        let new = State { accepted_at: Some(now), ..State::default() };
        std::mem::replace(&mut *self.state(), new).is_without
    }

    /// No token was given for `secret`, which is kept as `name`; the trouble to tell.
    pub(super) fn refuse(
        &self,
        complaint: Complaint,
        (name, secret): (&CredentialName, SecretString),
        now: Timestamp,
    ) -> Trouble {
        let mut state = self.state();
        let mut trouble = told(complaint, name, state.accepted_at);
        if matches!(trouble.reason, Reason::Unauthorised | Reason::Paused) {
            let again = now.checked_add(REST).unwrap_or(now).to_zoned_datetime(london());
            trouble.why.push_str(&format!(
                "; tried again from {} on, at once with another secret or when asked to",
                again.strftime("%H:%M")
            ));
            (state.asked_again, state.is_without) = (false, true);
            state.barred = Some(Barred { at: now, secret, trouble: trouble.clone() });
        }
        trouble
    }
}

/// The trouble of a school that holds no secret for us: it has never authorised us.
pub(super) fn never_given(trouble: Trouble, name: &CredentialName, party: &str) -> Trouble {
    let Trouble { why, .. } = &trouble;
    let why = format!(
        "the school has never authorised us, or its secret was not stored as `{name}`: ask it to \
         authorise {party} in Groupcall's portal ({why})"
    );
    Trouble { why, ..trouble }.fact("authorisation", "never given")
}

fn told(complaint: Complaint, name: &CredentialName, accepted_at: Option<Timestamp>) -> Trouble {
    let Complaint { kind, trouble } = complaint;
    let (standing, why) = match (kind, accepted_at) {
        (Kind::Paused, _) => ("paused by the school", trouble.why.clone()),
        (Kind::Pending, _) => ("waits for the school's approval", trouble.why.clone()),
        (Kind::Secret | Kind::Token | Kind::Scope, Some(at)) => (
            "revoked",
            format!(
                "the school's authorisation was revoked, or given again with a new secret: its \
                 secret was accepted until {}; ask the school, and if it has authorised us again, \
                 store its new secret as `{name}`",
                at.to_zoned_datetime(london()).strftime("%d %b %H:%M")
            ),
        ),
        (Kind::Secret | Kind::Token | Kind::Scope, None) => (
            "refused",
            format!(
                "{}; the authorisation was revoked, given again with a new secret, or the secret \
                 is wrong: if the school has authorised us again, store its new secret as `{name}`",
                trouble.why
            ),
        ),
        (Kind::Throttled | Kind::Failed, _) => return trouble,
    };
    Trouble { why, ..trouble }.fact("authorisation", standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: Kind, reason: Reason) -> Complaint {
        Complaint { kind, trouble: Trouble::new(reason, "vendor's words") }
    }

    #[test]
    fn a_refused_secret_rests_and_another_does_not() {
        let standing = Standing::default();
        let now: Timestamp = "2027-02-09T11:00:00Z".parse().unwrap();
        let name: CredentialName = "xod.9991001".parse().unwrap();
        let (old, new) = (SecretString::from("old"), SecretString::from("new"));
        assert!(standing.rests(&old, now).is_none());
        let why =
            standing.refuse(refused(Kind::Secret, Reason::Unauthorised), (&name, old.clone()), now);
        assert!(why.why.contains("vendor's words") && why.why.contains("xod.9991001"), "{why:?}");
        assert_eq!(standing.rests(&old, now), Some(why.clone()));
        assert_eq!(standing.rests(&new, now), None, "a new secret is tried at once");
        assert_eq!(standing.rests(&old, now + REST), None);
        assert!(why.why.contains("tried again from 11:05 on"), "{why:?}");
        standing.asked_again();
        let soon = now + SHORTEST_REST;
        assert!(standing.rests(&old, soon - SignedDuration::from_secs(1)).is_some(), "a limit");
        assert_eq!(standing.rests(&old, soon), None, "an operator asked");
        standing.refuse(refused(Kind::Secret, Reason::Unauthorised), (&name, old.clone()), soon);
        assert!(standing.rests(&old, soon + SHORTEST_REST).is_some(), "they asked once");
        let why =
            standing.refuse(refused(Kind::Secret, Reason::Unauthorised), (&name, old.clone()), now);
        assert_eq!(standing.rests(&old, now - REST), None, "the clock was set back");
        assert_eq!(standing.barred(), Some(why));
        assert!(standing.accept(now), "none could be had before");
        assert_eq!(standing.barred(), None);
        assert!(!standing.accept(now));
        let why =
            standing.refuse(refused(Kind::Secret, Reason::Unauthorised), (&name, old.clone()), now);
        assert!(why.why.contains("revoked") && why.why.contains("09 Feb 11:00"), "{why:?}");
        assert!(why.facts.contains(&("authorisation", "revoked".into())));
        let passing =
            standing.refuse(refused(Kind::Failed, Reason::NoAnswer), (&name, old.clone()), now);
        assert_eq!(passing.facts, [], "a server that fails says nothing of the authorisation");
        let other = Standing::default();
        other.refuse(refused(Kind::Failed, Reason::NoAnswer), (&name, old.clone()), now);
        assert!(other.rests(&old, now).is_none() && other.barred().is_none());
    }
}
