//! Arming: where the policy asks for it, nobody plans, confirms or approves without having said,
//! with a reason and for a while, that they are about to act.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::{Denied, Guard, Who};
use crate::guard::pipeline::inner::Inner;
use crate::model::plan::Role;
use crate::model::text::Clean;

/// The longest that anybody can be armed.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What whoever is not armed is told.
pub(super) const NOT_ARMED: &str =
    "you are not armed: `:arm 15m why` in the console, or `caretaker arm 15m --reason ..`";

impl Guard {
    /// Whether the policy asks for arming.
    #[must_use]
    pub fn asks_for_arming(&self) -> bool {
        self.policy().is_ok_and(|policy| policy.settings().arming)
    }

    /// Until when `who` is armed; none if they are not.
    #[must_use]
    pub fn armed_until(&self, who: &Who) -> Option<Timestamp> {
        self.inner.armed_until(who)
    }

    /// Arms `who` for `lasts`, or no longer (`None`). Recorded before it holds.
    ///
    /// # Errors
    /// When the policy asks for no arming, the role is missing, it is for too long or without a
    /// reason, or it cannot be recorded.
    pub async fn arm(
        &self,
        who: &Who,
        lasts: Option<Duration>,
        why: &Clean,
    ) -> Result<Option<Timestamp>, Denied> {
        let armed = self.arming(who, lasts, why).await;
        self.recorded(who, "arm", who.operator.name.as_str(), armed).await
    }

    async fn arming(
        &self,
        who: &Who,
        lasts: Option<Duration>,
        why: &Clean,
    ) -> Result<Option<Timestamp>, Denied> {
        if !self.policy()?.settings().arming {
            return Err(Denied::Asked("this policy asks nobody to be armed".into()));
        }
        if !(who.has(Role::Operator) || who.has(Role::Approver)) {
            return Err(Denied::Policy("your account has no role to act".into()));
        }
        let now = self.inner.clock.now();
        let until = match lasts {
            None => None,
            Some(lasts) if lasts.is_zero() || lasts > LONGEST => {
                return Err(Denied::Asked("for a minute to an hour, such as 15m".into()));
            }
            Some(_) if why.is_empty() => {
                return Err(Denied::Asked("say why: the reason stands in the audit".into()));
            }
            Some(lasts) => {
                let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::ZERO);
                now.checked_add(lasts).ok()
            }
        };
        let kind = if until.is_some() { "armed" } else { "disarmed" };
        let end = until.map(|until| until.to_string()).unwrap_or_default();
        let about = who.operator.name.as_str();
        let draft = audit::entry(now, kind, Some(&who.operator), about, &[("until", &end)]);
        let draft = self.inner.private(draft, "reason", why)?;
        self.inner.blocking(move |ledger| ledger.append(draft)).await?;
        let mut armed = self.inner.armed.lock().unwrap_or_else(PoisonError::into_inner);
        armed.retain(|_, until| *until > now);
        match until {
            Some(until) => armed.insert(who.operator.person(), until),
            None => armed.remove(&who.operator.person()),
        };
        drop(armed);
        self.inner.tell();
        Ok(until)
    }
}

impl Inner {
    fn armed_until(&self, who: &Who) -> Option<Timestamp> {
        let armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let until = armed.get(&who.operator.person()).copied();
        until.filter(|until| *until > self.clock.now())
    }

    /// That `who` may act as far as arming goes.
    pub fn is_armed(&self, who: &Who) -> Result<(), Denied> {
        if self.policy()?.settings().arming && self.armed_until(who).is_none() {
            return Err(Denied::Policy(NOT_ARMED.into()));
        }
        Ok(())
    }
}
