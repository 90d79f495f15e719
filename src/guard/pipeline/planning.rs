//! Making a plan: the policy is asked, every target is read, and all of it gets one digest.

use jiff::Timestamp;

use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::{Denied, Guard, PLAN_LASTS, Who};
use crate::guard::plan::{digest, same};
use crate::guard::policy::Asked;
use crate::model::plan::{Ask, Item, LeftOut, MAX_TARGETS, Plan, Private, Role};
use crate::model::text::Clean;
use crate::ports::act::Refused;

/// A plan with what may be shown to whoever asked, item by item.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// One for each item, in order. Never stored.
    pub private: Vec<Private>,
}

impl Guard {
    /// Makes a plan. Nothing is sent. `show` asks for whole names, which is recorded first.
    ///
    /// # Errors
    /// Why it is denied; the denial is recorded.
    pub async fn plan(&self, who: &Who, ask: Ask, show: bool) -> Result<Planned, Denied> {
        match self.try_plan(who, &ask, show).await {
            Ok(planned) => Ok(planned),
            Err(denied) => {
                let why = denied.to_string();
                let body = [("action", ask.action.as_str()), ("why", why.as_str())];
                let now = self.inner.clock.now();
                let about = ask.targets.first().map(ToString::to_string).unwrap_or_default();
                let draft = audit::entry(now, "denied", Some(&who.operator), &about, &body);
                self.inner.blocking(move |ledger| ledger.append(draft)).await?;
                Err(denied)
            }
        }
    }

    async fn try_plan(&self, who: &Who, ask: &Ask, show: bool) -> Result<Planned, Denied> {
        if ask.targets.is_empty() || ask.targets.len() > MAX_TARGETS {
            return Err(Denied::Asked(format!("name 1 to {MAX_TARGETS} targets")));
        }
        if ask.reason.is_empty() {
            return Err(Denied::Asked("say why: the reason stands in the audit".into()));
        }
        for (n, aim) in ask.targets.iter().enumerate() {
            if ask.targets.iter().take(n).any(|before| before == aim) {
                return Err(Denied::Asked(format!("{aim} is named twice")));
            }
        }
        let policy = self.policy()?;
        self.inner.is_armed(who)?;
        if policy.settings().require_login_uid && who.operator.login.is_none() {
            return Err(Denied::Policy(
                "the policy asks for a login uid, and this session has none".into(),
            ));
        }
        if show {
            for aim in &ask.targets {
                self.unmask(who, &aim.to_string(), &ask.reason).await?;
            }
        }
        let now = self.inner.clock.now();
        let read = self.read_all(who, ask, show, now).await?;
        if read.items.is_empty() {
            let why: Vec<String> =
                read.left_out.iter().map(|l| format!("{}: {}", l.aim, l.why)).collect();
            return Err(Denied::Policy(why.join("; ")));
        }
        let asked = Asked {
            action: ask.action.clone(),
            targets: read.items.iter().map(|i| (i.aim.school(), i.kind)).collect(),
            roles: who.roles.clone(),
            at: now,
            emergency: self.inner.emergency().is_some(),
        };
        let mut judged = policy.judge(&asked).map_err(Denied::Policy)?;
        if read.second {
            judged.ruling.second = Some(judged.ruling.second.unwrap_or(Role::Approver));
        }
        let mut plan = Plan {
            id: Clean::new(&self.inner.token()?),
            ask: ask.clone(),
            by: who.operator.clone(),
            items: read.items,
            left_out: read.left_out,
            ruling: judged.ruling,
            made_at: now,
            expires_at: now.checked_add(PLAN_LASTS).unwrap_or(now),
            digest: Clean::new(""),
        };
        plan.digest = digest(&plan);
        let draft = audit::about_plan(now, "plan", &who.operator, &plan, &*self.inner.entropy)
            .map_err(|e| Denied::Ledger(e.to_string()))?;
        self.inner.blocking(move |ledger| ledger.append(draft)).await?;
        let planned = Planned { plan, private: read.private };
        self.inner.keep(planned.clone(), judged.limit);
        Ok(planned)
    }

    /// A request that waits, as its second person has to see it: every target is read again, and
    /// what may be shown is masked. Whoever asked may look as well.
    ///
    /// # Errors
    /// When it waits no more, is not theirs to see, or a target is no longer as the plan says.
    pub async fn review(&self, who: &Who, id: &str) -> Result<Planned, Denied> {
        let now = self.inner.clock.now();
        let owned = id.to_owned();
        let request = self.inner.blocking(move |ledger| ledger.find(&owned)).await?;
        let plan = request.plan;
        if plan.by.person() != who.operator.person() && !who.has(Role::Approver) {
            return Err(Denied::Policy("your account may not see other people's plans".into()));
        }
        let waits = plan.ruling.second.is_some()
            && request.approved_by.is_none()
            && request.cancelled_by.is_none()
            && request.approve_until >= now;
        if !waits {
            return Err(Denied::Stale(
                "it waits no more: it was approved or taken back, or has expired".into(),
            ));
        }
        let act = self.inner.act(&plan.ask.action)?;
        let mut private = Vec::new();
        for item in &plan.items {
            let fresh = act.prepare(&plan.ask, &item.aim, &plan.by, false, now).await;
            let fresh = fresh.map_err(|refused| {
                Denied::Stale(format!("{} cannot be done any more: {refused}", item.aim))
            })?;
            if !same(item, &fresh.item) {
                return Err(Denied::Stale(format!(
                    "{} has changed since the plan was made: it has to be planned again",
                    item.aim
                )));
            }
            private.push(fresh.private);
        }
        Ok(Planned { plan, private })
    }

    async fn read_all(
        &self,
        who: &Who,
        ask: &Ask,
        show: bool,
        now: Timestamp,
    ) -> Result<ReadAll, Denied> {
        let act = self.inner.act(&ask.action)?;
        let mut read = ReadAll::default();
        for aim in &ask.targets {
            let refused = match act.prepare(ask, aim, &who.operator, show, now).await {
                Ok(prepared) => {
                    let mut item = prepared.item;
                    if read.items.iter().any(|other| other.lease == item.lease) {
                        Refused::NotOne("it is the same as another target of this plan".into())
                    } else {
                        item.key = Clean::new(&self.inner.token()?);
                        read.second |= item.needs_second();
                        read.items.push(item);
                        read.private.push(prepared.private);
                        continue;
                    }
                }
                Err(refused) => refused,
            };
            if let Refused::Choice(why) = refused {
                return Err(Denied::Asked(why));
            }
            read.left_out.push(LeftOut { aim: aim.clone(), why: Clean::new(&refused.to_string()) });
        }
        Ok(read)
    }
}

#[derive(Default)]
struct ReadAll {
    items: Vec<Item>,
    private: Vec<Private>,
    left_out: Vec<LeftOut>,
    second: bool,
}

impl crate::guard::pipeline::desk::Inner {
    /// 128 random bits, in hex.
    pub fn token(&self) -> Result<String, Denied> {
        let mut bytes = [0_u8; 16];
        self.entropy.fill(&mut bytes).map_err(|e| Denied::Ledger(e.to_string()))?;
        Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
    }
}
