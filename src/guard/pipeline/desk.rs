//! The guard's counter: what an operator may ask of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::{oneshot, watch};

use crate::guard::machine::Event;
use crate::guard::pipeline::ailing::Ails;
use crate::guard::pipeline::audit;
use crate::guard::pipeline::inner::Inner;
use crate::guard::pipeline::planning::Planned;
use crate::guard::pipeline::running;
use crate::guard::policy::Policy;
use crate::model::action::ActionSpec;
use crate::model::plan::{AccountName, Aim, Operator, Role};
use crate::model::text::Clean;
use crate::ports::act::Act;
use crate::ports::chance::Entropy;
use crate::ports::clock::Clock;
use crate::ports::ledger::{Held, Ledger, LedgerError, LeftItem, Request};

/// How long a plan may be confirmed.
pub(super) const PLAN_LASTS: SignedDuration = SignedDuration::from_mins(5);
/// How long a confirmed plan may be approved and begun.
pub(super) const APPROVAL_LASTS: SignedDuration = SignedDuration::from_mins(30);

/// Who asks, with the roles that their account has at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The person.
    pub operator: Operator,
    /// Their roles, looked up for this request.
    pub roles: BTreeSet<Role>,
}

impl Who {
    pub(super) fn has(&self, role: Role) -> bool {
        let lead = matches!(role, Role::Operator | Role::Approver);
        self.roles.contains(&role) || (lead && self.roles.contains(&Role::Lead))
    }
}

/// Why the guard did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No role, no rule, protected target, frozen, out of hours.
    #[error("{0}")]
    Policy(String),
    /// There is no policy, or it is broken: no action at all.
    #[error("no action is possible: {0}")]
    NoPolicy(String),
    /// No such action, plan or intent.
    #[error("{0}")]
    Nothing(String),
    /// It makes no sense as asked.
    #[error("{0}")]
    Asked(String),
    /// Expired, other digest, used, leased.
    #[error("{0}")]
    Stale(String),
    /// The audit or the ledger cannot be written.
    #[error("{0}")]
    Ledger(String),
}

impl From<LedgerError> for Denied {
    fn from(error: LedgerError) -> Self {
        let text = error.to_string();
        match error {
            LedgerError::Unusable(_) => Self::Ledger(text),
            LedgerError::Nothing(_) => Self::Nothing(text),
            LedgerError::Used(_) | LedgerError::Leased { .. } => Self::Stale(text),
            LedgerError::NotApproved(_) | LedgerError::Limit(_) => Self::Policy(text),
        }
    }
}

/// What confirming a plan led to.
pub enum Started {
    /// It waits for a second person.
    Waits {
        /// Until when.
        until: Timestamp,
        /// In which role.
        role: Role,
    },
    /// It runs.
    Runs {
        /// The password, for the one step that makes one; ends without a value if it makes none.
        secret: Option<oneshot::Receiver<SecretString>>,
    },
}

/// What the guard is made of.
pub struct Parts {
    /// Where everything is kept.
    pub ledger: Arc<dyn Ledger>,
    /// The services' hands.
    pub acts: Vec<Arc<dyn Act>>,
    /// The policy, or why there is none.
    pub policy: Result<Policy, String>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Salts and keys.
    pub entropy: Arc<dyn Entropy>,
    /// Whether only one person can ever ask (an agent inside a console): what needs a second
    /// person is refused, not imitated.
    pub alone: bool,
}

/// What a second person gives to approve a request.
#[derive(Debug, Clone)]
pub struct Countersign<'a> {
    /// The digest of the plan as it was read.
    pub digest: &'a str,
    /// What was typed (`Plan::approval_words`); empty where nothing is asked for.
    pub typed: &'a str,
    /// The roles that whoever asked for it has now: without one that its rule wants it is refused. None
    /// where that is not known here; the agent always knows.
    pub asker: Option<BTreeSet<Role>>,
}

impl<'a> Countersign<'a> {
    /// Of the plan with this digest, without a word.
    #[must_use]
    pub fn of(digest: &'a str) -> Self {
        Self { digest, typed: "", asker: None }
    }

    /// With what was typed.
    #[must_use]
    pub fn typing(self, typed: &'a str) -> Self {
        Self { typed, ..self }
    }
}

/// The guard. Cheap to clone.
#[derive(Clone)]
pub struct Guard {
    pub(super) inner: Arc<Inner>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard(..)")
    }
}

impl Guard {
    /// The guard; nothing runs until [`Self::resume`].
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        // Begins with the clock, so that a console tells one run of the agent from the next.
        let first = u64::try_from(parts.clock.now().as_millisecond()).unwrap_or_default();
        let inner = Inner {
            ledger: parts.ledger,
            acts: RwLock::new(parts.acts),
            policy: RwLock::new(parts.policy),
            emergency: RwLock::new(None),
            clock: parts.clock,
            entropy: parts.entropy,
            alone: parts.alone,
            plans: Mutex::new(HashMap::new()),
            running: Mutex::new(HashMap::new()),
            armed: Mutex::new(HashMap::new()),
            ails: Ails::default(),
            news: watch::Sender::new(first),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Takes up every intent that is not closed: what was on its way has no answer, and is read. What
    /// was confirmed and never begun is recorded as that.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn resume(&self) -> Result<usize, Denied> {
        let held = self.inner.blocking(|ledger| ledger.open()).await?;
        if let Err(error) = self.record_policy().await {
            tracing::error!("nobody can act: {error}");
        }
        running::leave_unbegun(&self.inner).await?;
        let n = held.len();
        for held in held {
            running::resume(&self.inner, held);
        }
        Ok(n)
    }

    /// Ends with the next thing that happens to a plan or an action.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.inner.news.subscribe()
    }

    /// Other hands, after the configuration was read anew. What runs goes on with those it has.
    pub fn set_acts(&self, acts: Vec<Arc<dyn Act>>) {
        *self.inner.acts.write().unwrap_or_else(PoisonError::into_inner) = acts;
        self.inner.tell();
    }

    /// Another policy, or why there is none now.
    ///
    /// # Errors
    /// When it cannot be recorded; it holds all the same.
    pub async fn set_policy(&self, policy: Result<Policy, String>) -> Result<(), Denied> {
        *self.inner.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
        self.inner.tell();
        self.record_policy().await
    }

    /// Records which policy holds.
    async fn record_policy(&self) -> Result<(), Denied> {
        let policy = self.inner.policy.read().unwrap_or_else(PoisonError::into_inner).clone();
        let body = match &policy {
            Ok(policy) => ("digest", policy.digest().as_str()),
            Err(why) => ("refused", why.as_str()),
        };
        let draft = audit::entry(self.inner.clock.now(), "policy", None, "policy", &[body]);
        self.inner.blocking(move |ledger| ledger.append(draft)).await.map(drop)
    }

    /// The policy in force.
    ///
    /// # Errors
    /// Why there is none.
    pub fn policy(&self) -> Result<Policy, Denied> {
        self.inner.policy()
    }

    /// Every action that this configuration makes possible.
    #[must_use]
    pub fn actions(&self) -> Vec<ActionSpec> {
        let acts = self.inner.acts.read().unwrap_or_else(PoisonError::into_inner);
        acts.iter().flat_map(|act| act.actions()).collect()
    }

    /// Every action that it does not make possible, and what is missing.
    #[must_use]
    pub fn lacking(&self) -> Vec<(ActionSpec, String)> {
        let acts = self.inner.acts.read().unwrap_or_else(PoisonError::into_inner);
        acts.iter().flat_map(|act| act.lacking()).collect()
    }

    /// The emergency that was declared and has not run out: who, why, until when.
    #[must_use]
    pub fn emergency(&self) -> Option<(Operator, Clean, Timestamp)> {
        self.inner.emergency()
    }

    /// Declares an emergency: what the policy says is lifted, for as long as it says. Recorded
    /// before it holds.
    ///
    /// # Errors
    /// When the policy knows no emergency, or not by these roles, or it cannot be recorded.
    pub async fn declare_emergency(&self, who: &Who, why: &Clean) -> Result<Timestamp, Denied> {
        let declared = self.declaring(who, why).await;
        self.recorded(who, "emergency", "estate", declared).await
    }

    async fn declaring(&self, who: &Who, why: &Clean) -> Result<Timestamp, Denied> {
        let policy = self.policy()?;
        let Some(emergency) = &policy.settings().emergency else {
            return Err(Denied::Policy("the policy has no emergency mode".into()));
        };
        if !emergency.roles.iter().any(|role| who.has(*role)) {
            return Err(Denied::Policy("your roles may not declare an emergency".into()));
        }
        if why.is_empty() {
            return Err(Denied::Asked("an emergency needs a reason".into()));
        }
        let now = self.inner.clock.now();
        let lasts =
            SignedDuration::from_secs(i64::try_from(emergency.lasts.as_secs()).unwrap_or(i64::MAX));
        let until = now.checked_add(lasts).unwrap_or(now);
        let draft = audit::entry(
            now,
            "emergency",
            Some(&who.operator),
            "estate",
            &[("until", &until.to_string())],
        );
        let draft = self.inner.private(draft, "reason", why)?;
        self.inner.blocking(move |ledger| ledger.append(draft)).await?;
        *self.inner.emergency.write().unwrap_or_else(PoisonError::into_inner) =
            Some((who.operator.clone(), why.clone(), until));
        self.inner.tell();
        Ok(until)
    }

    /// A plan by its id, as long as it may be confirmed.
    #[must_use]
    pub fn planned(&self, id: &str) -> Option<Planned> {
        let plans = self.inner.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.get(id).map(|(planned, _)| planned.clone())
    }

    /// Confirms a plan by its digest. It runs, or waits for a second person.
    ///
    /// # Errors
    /// When it is not this person's, has expired, is another plan, or cannot be recorded.
    pub async fn confirm(&self, who: &Who, id: &str, digest: &str) -> Result<Started, Denied> {
        let (me, who) = (self.clone(), who.clone());
        let (id, digest) = (id.to_owned(), digest.to_owned());
        unbroken(async move {
            let confirmed = me.confirming(&who, &id, &digest).await;
            me.recorded(&who, "confirm", &id, confirmed).await
        })
        .await
    }

    async fn confirming(&self, who: &Who, id: &str, digest: &str) -> Result<Started, Denied> {
        let now = self.inner.clock.now();
        self.inner.is_armed(who)?;
        let (planned, limit) = self.inner.take(who, id, digest, now)?;
        let plan = planned.plan;
        self.inner.policy_is(plan.ruling.policy.as_str())?;
        self.still_allowed(who, &plan, now)?;
        if plan.ruling.second.is_some() && self.inner.alone {
            return Err(Denied::Policy(
                "this needs a second person, and an agent inside a console has one: attach to the \
                 desk's agent"
                    .into(),
            ));
        }
        let until = now.checked_add(APPROVAL_LASTS).unwrap_or(now);
        let draft = audit::about_plan(now, "confirmed", &who.operator, &plan, &*self.inner.entropy)
            .map_err(|e| Denied::Ledger(e.to_string()))?;
        let kept = plan.clone();
        self.inner.blocking(move |ledger| ledger.request(&kept, now, until, draft)).await?;
        self.inner.tell();
        match plan.ruling.second {
            Some(role) => Ok(Started::Waits { until, role }),
            None => {
                let secret = running::start(&self.inner, plan, limit);
                Ok(Started::Runs { secret })
            }
        }
    }

    /// Approves a request as its second person, and starts it.
    ///
    /// # Errors
    /// When the role is missing, another thing was typed than its items ask the second person for
    /// (`Plan::approval_words`), whoever asked has lost the role that its rule wants, or the database
    /// refuses.
    pub async fn approve(&self, who: &Who, id: &str, sign: Countersign<'_>) -> Result<(), Denied> {
        let (me, who, id) = (self.clone(), who.clone(), id.to_owned());
        let (digest, typed) = (sign.digest.to_owned(), sign.typed.to_owned());
        let asker = sign.asker;
        unbroken(async move {
            let approved = me.approving(&who, &id, (&digest, &typed), asker.as_ref()).await;
            me.recorded(&who, "approve", &id, approved).await
        })
        .await
    }

    /// Who asked for a plan that was confirmed.
    ///
    /// # Errors
    /// When there is none with this id, or the database refuses.
    pub async fn asker(&self, id: &str) -> Result<Operator, Denied> {
        let id = id.to_owned();
        Ok(self.inner.blocking(move |ledger| ledger.find(&id)).await?.plan.by)
    }

    async fn approving(
        &self,
        who: &Who,
        id: &str,
        (digest, typed): (&str, &str),
        asker: Option<&BTreeSet<Role>>,
    ) -> Result<(), Denied> {
        let now = self.inner.clock.now();
        let owned = id.to_owned();
        let request = self.inner.blocking(move |ledger| ledger.find(&owned)).await?;
        let plan = request.plan;
        let wanted =
            plan.ruling.second.ok_or_else(|| Denied::Asked("this plan waits for nobody".into()))?;
        let role = if wanted == Role::Lead { Role::Lead } else { Role::Approver };
        if !who.has(role) {
            return Err(Denied::Policy("your account may not approve this".into()));
        }
        self.inner.is_armed(who)?;
        let words = plan.approval_words();
        if typed != words {
            let why = if words.is_empty() {
                "this plan is approved without typing anything".to_owned()
            } else {
                format!("not approved: whoever approves this plan has to type {words}")
            };
            return Err(Denied::Asked(why));
        }
        self.inner.policy_is(plan.ruling.policy.as_str())?;
        let limit = self.approvable(&plan, asker, now)?;
        let draft = audit::about_plan(now, "approved", &who.operator, &plan, &*self.inner.entropy)
            .map_err(|e| Denied::Ledger(e.to_string()))?;
        let (owned, digest, by) = (id.to_owned(), digest.to_owned(), who.operator.clone());
        self.inner
            .blocking(move |ledger| ledger.approve(&owned, &digest, &by, role, now, draft))
            .await?;
        self.inner.tell();
        running::start(&self.inner, plan, limit);
        Ok(())
    }

    /// Takes back a plan or a request that has not begun. Its owner may, and so may a lead.
    ///
    /// # Errors
    /// When it has begun, is somebody else's, or is not there.
    pub async fn cancel(&self, who: &Who, id: &str) -> Result<(), Denied> {
        let cancelled = self.cancelling(who, id).await;
        self.recorded(who, "cancel", id, cancelled).await
    }

    async fn cancelling(&self, who: &Who, id: &str) -> Result<(), Denied> {
        let now = self.inner.clock.now();
        let own = |by: &Operator| by.person() == who.operator.person() || who.has(Role::Lead);
        if let Some(planned) = self.planned(id) {
            if !own(&planned.plan.by) {
                return Err(Denied::Policy("it is somebody else's plan".into()));
            }
            self.inner.plans.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            return Ok(());
        }
        let owned = id.to_owned();
        let request = self.inner.blocking(move |ledger| ledger.find(&owned)).await?;
        if !own(&request.plan.by) {
            return Err(Denied::Policy("it is somebody else's request".into()));
        }
        let draft =
            audit::about_plan(now, "cancelled", &who.operator, &request.plan, &*self.inner.entropy)
                .map_err(|e| Denied::Ledger(e.to_string()))?;
        let (owned, by) = (id.to_owned(), who.operator.clone());
        self.inner.blocking(move |ledger| ledger.cancel(&owned, &by, draft)).await?;
        self.inner.tell();
        Ok(())
    }

    /// A person saw that step `step` took effect, or did not; how they know is recorded.
    ///
    /// # Errors
    /// When nothing is open about it, or it cannot be recorded.
    pub async fn told(
        &self,
        who: &Who,
        key: &str,
        step: usize,
        there: bool,
        how: &Clean,
    ) -> Result<(), Denied> {
        let told = self.by_a_person(who, key, Event::Told(step, there, how.clone()), how).await;
        self.recorded(who, "tell", key, told).await
    }

    /// A person closes an action as it is; or the ticket of a closed one that stands, by its action's
    /// key or its own number.
    ///
    /// # Errors
    /// When there is nothing to close, or it cannot be recorded.
    pub async fn give_up(&self, who: &Who, key: &str, why: &Clean) -> Result<(), Denied> {
        let closed = match self.by_a_person(who, key, Event::GivenUp, why).await {
            Err(Denied::Nothing(_)) => self.close_ticket(who, key, why).await,
            told => told,
        };
        self.recorded(who, "close", key, closed).await
    }

    pub(super) async fn by_a_person(
        &self,
        who: &Who,
        key: &str,
        event: Event,
        why: &Clean,
    ) -> Result<(), Denied> {
        if !who.has(Role::Operator) {
            return Err(Denied::Policy("your account has no role to act".into()));
        }
        if why.is_empty() {
            return Err(Denied::Asked("say how you know, or why it is closed".into()));
        }
        running::tell(&self.inner, who, key, event, why).await
    }

    /// That whoever asks may look at accounts, without names.
    ///
    /// # Errors
    /// When they have no role for it.
    pub fn may_look(&self, who: &Who) -> Result<(), Denied> {
        if who.has(Role::Operator) || who.has(Role::Approver) {
            return Ok(());
        }
        Err(Denied::Policy("your account has no role to look at accounts".into()))
    }

    /// Records that a name was shown, before it is.
    ///
    /// # Errors
    /// When it cannot be recorded: then it must not be shown.
    pub async fn unmask(&self, who: &Who, aim: &Aim, why: &Clean) -> Result<(), Denied> {
        let unmasked = self.unmasking(who, aim, why).await;
        self.recorded(who, "unmask", &aim.masked().to_string(), unmasked).await
    }

    /// As [`Self::unmask`], within something whose own refusal is recorded.
    pub(super) async fn unmasking(&self, who: &Who, aim: &Aim, why: &Clean) -> Result<(), Denied> {
        if !(who.has(Role::Operator) || who.has(Role::Approver)) {
            return Err(Denied::Policy("your account has no role to see names".into()));
        }
        let now = self.inner.clock.now();
        let about = aim.masked().to_string();
        let draft = audit::entry(now, "unmasked", Some(&who.operator), &about, &[]);
        let mut draft = self.inner.private(draft, "reason", why)?;
        if let Aim::Account(_, AccountName::Sam(login)) = aim {
            draft = self.inner.private(draft, "login", &Clean::new(login))?;
        }
        self.inner.blocking(move |ledger| ledger.append(draft)).await?;
        Ok(())
    }

    /// Requests that wait for a second person.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn waiting(&self) -> Result<Vec<Request>, Denied> {
        let now = self.inner.clock.now();
        self.inner.blocking(move |ledger| ledger.waiting(now)).await
    }

    /// The newest actions.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn recent(&self, limit: usize) -> Result<Vec<Held>, Denied> {
        self.inner.blocking(move |ledger| ledger.recent(limit)).await
    }

    /// The newest items that were confirmed and not begun.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn left(&self, limit: usize) -> Result<Vec<LeftItem>, Denied> {
        self.inner.blocking(move |ledger| ledger.left(limit)).await
    }

    /// Actions that are not closed.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn open(&self) -> Result<Vec<Held>, Denied> {
        self.inner.blocking(|ledger| ledger.open()).await
    }

    /// The ledger, for reading the audit.
    #[must_use]
    pub fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(&self.inner.ledger)
    }
}

/// Goes on with `work` to its end even if whoever asked has gone: what was begun is never left half
/// done by a connection that dropped.
async fn unbroken<T: Send + 'static>(
    work: impl Future<Output = Result<T, Denied>> + Send + 'static,
) -> Result<T, Denied> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => Err(Denied::Ledger(error.to_string())),
    }
}
