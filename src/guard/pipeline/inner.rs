//! What the guard holds while it runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::guard::pipeline::ailing::Ails;
use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::{Denied, Who};
use crate::guard::pipeline::planning::Planned;
use crate::guard::pipeline::running::Word;
use crate::guard::policy::Policy;
use crate::ledger::Draft;
use crate::model::ids::ActionId;
use crate::model::plan::Operator;
use crate::model::text::Clean;
use crate::ports::act::Act;
use crate::ports::chance::Entropy;
use crate::ports::clock::Clock;
use crate::ports::ledger::{HourLimit, Ledger, LedgerError};

/// What people say of one action that waits to be heard.
const WORDS: usize = 8;
/// Plans that are kept at once; the oldest go first.
const PLANS: usize = 1_000;

pub(super) struct Inner {
    pub ledger: Arc<dyn Ledger>,
    pub acts: RwLock<Vec<Arc<dyn Act>>>,
    pub policy: RwLock<Result<Policy, String>>,
    pub emergency: RwLock<Option<(Operator, Clean, Timestamp)>>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub alone: bool,
    pub plans: Mutex<HashMap<String, (Planned, HourLimit)>>,
    /// Until when each person is armed.
    pub armed: Mutex<HashMap<u32, Timestamp>>,
    /// How to reach whoever runs an item, by its key.
    pub running: Mutex<HashMap<String, mpsc::Sender<Word>>>,
    /// Why the ledger could not be written or read, for as long as that lasts.
    pub ails: Ails,
    /// One more whenever something happened, so that consoles can look.
    pub news: watch::Sender<u64>,
}

impl Inner {
    /// Runs `work` with the ledger off the runtime.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, Denied> {
        let ledger = Arc::clone(&self.ledger);
        let done = match tokio::task::spawn_blocking(move || work(&*ledger)).await {
            Ok(result) => result.map_err(Denied::from),
            Err(error) => Err(Denied::Ledger(error.to_string())),
        };
        if let Err(Denied::Ledger(why)) = &done {
            self.ails(why);
        }
        done
    }

    /// Somebody runs the item of `key` from now on.
    pub fn runs(&self, key: &str) -> mpsc::Receiver<Word> {
        let (send, words) = mpsc::channel(WORDS);
        self.runners().insert(key.to_owned(), send);
        words
    }

    /// Nobody runs it any more.
    pub fn ended(&self, key: &str) {
        self.runners().remove(key);
    }

    pub fn runner(&self, key: &str) -> Option<mpsc::Sender<Word>> {
        self.runners().get(key).cloned()
    }

    fn runners(&self) -> MutexGuard<'_, HashMap<String, mpsc::Sender<Word>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tell(&self) {
        self.news.send_modify(|n| *n = n.wrapping_add(1));
    }

    pub fn policy(&self) -> Result<Policy, Denied> {
        self.policy.read().unwrap_or_else(PoisonError::into_inner).clone().map_err(Denied::NoPolicy)
    }

    /// That the policy is still the one that ruled.
    pub fn policy_is(&self, digest: &str) -> Result<(), Denied> {
        if self.policy()?.digest().as_str() == digest {
            return Ok(());
        }
        Err(Denied::Stale("the policy has changed since the plan was made: plan again".into()))
    }

    pub fn emergency(&self) -> Option<(Operator, Clean, Timestamp)> {
        let declared = self.emergency.read().unwrap_or_else(PoisonError::into_inner).clone();
        declared.filter(|(_, _, until)| *until > self.clock.now())
    }

    pub fn private(&self, draft: Draft, name: &str, value: &Clean) -> Result<Draft, Denied> {
        audit::with_detail(draft, &*self.entropy, name, value)
            .map_err(|e| Denied::Ledger(e.to_string()))
    }

    /// The hands that do `action`.
    pub fn act(&self, action: &ActionId) -> Result<Arc<dyn Act>, Denied> {
        let acts = self.acts.read().unwrap_or_else(PoisonError::into_inner);
        let able = |act: &&Arc<dyn Act>| act.actions().iter().any(|s| s.id == action.as_str());
        if let Some(act) = acts.iter().find(able) {
            return Ok(Arc::clone(act));
        }
        let lacking = acts.iter().flat_map(|act| act.lacking());
        let why = lacking.into_iter().find(|(spec, _)| spec.id == action.as_str());
        let why = why.map_or_else(
            || "no such action, or its service is not configured".to_owned(),
            |(_, why)| why,
        );
        Err(Denied::Nothing(format!("{action} is not possible here: {why}")))
    }

    pub fn keep(&self, planned: Planned, limit: HourLimit) {
        let now = self.clock.now();
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|_, (kept, _)| kept.plan.expires_at > now);
        if plans.len() >= PLANS {
            let oldest = plans.iter().min_by_key(|(_, (p, _))| p.plan.made_at);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                plans.remove(&id);
            }
        }
        plans.insert(planned.plan.id.to_string(), (planned, limit));
    }

    /// Takes a plan out, once, for whoever made it.
    pub fn take(
        &self,
        who: &Who,
        id: &str,
        digest: &str,
        now: Timestamp,
    ) -> Result<(Planned, HourLimit), Denied> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((planned, _)) = plans.get(id) else {
            return Err(Denied::Nothing("no such plan: it was used, or has expired".into()));
        };
        if planned.plan.by.person() != who.operator.person() {
            return Err(Denied::Policy("only whoever made a plan can confirm it".into()));
        }
        if planned.plan.expires_at <= now {
            plans.remove(id);
            return Err(Denied::Stale("the plan has expired: make a new one".into()));
        }
        if planned.plan.digest.as_str() != digest {
            return Err(Denied::Stale("this is not the plan that was shown: look again".into()));
        }
        plans.remove(id).ok_or_else(|| Denied::Nothing("no such plan".into()))
    }

    /// 128 random bits, in hex.
    pub fn token(&self) -> Result<String, Denied> {
        let mut bytes = [0_u8; 16];
        self.entropy.fill(&mut bytes).map_err(|e| Denied::Ledger(e.to_string()))?;
        Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
    }
}
