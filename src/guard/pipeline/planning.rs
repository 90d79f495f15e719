//! Making a plan: the policy is asked, every target is read, and all of it gets one digest.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::guard::pipeline::audit;
use crate::guard::pipeline::continuing::goes_on_with;
use crate::guard::pipeline::desk::{Denied, Guard, PLAN_LASTS, Who};
use crate::guard::plan::{digest, same};
use crate::guard::policy::{Asked, Judged, Policy};
use crate::model::action::ActionSpec;
use crate::model::ids::{ActionId, Laestab};
use crate::model::plan::{Ask, Item, Kind, LeftOut, MAX_TARGETS, Plan, Private, Role};
use crate::model::text::Clean;
use crate::ports::act::Refused;
use crate::ports::ledger::HourLimit;

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
                // Whoever typed a login knows it; the audit must not, for it is never erased from there.
                let why = ask.targets.iter().fold(denied.to_string(), |why, aim| {
                    why.replace(&aim.to_string(), &aim.masked().to_string())
                });
                let body = [("action", ask.action.as_str()), ("why", why.as_str())];
                let about = ask.targets.first().map(|aim| aim.masked().to_string());
                self.record_denial(who, &about.unwrap_or_default(), &body).await?;
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
                return Err(Denied::Asked(format!("{} is named twice", aim.masked())));
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
                self.unmasking(who, aim, &ask.reason).await?;
            }
        }
        let begun = self.continued(ask).await?;
        let now = self.inner.clock.now();
        let mut read = self.read_all(who, ask, show, now, &policy).await?;
        if read.items.is_empty() {
            let why: Vec<String> =
                read.left_out.iter().map(|l| format!("{}: {}", l.aim, l.why)).collect();
            return Err(Denied::Policy(why.join("; ")));
        }
        for (item, begun) in read.items.iter_mut().zip(&begun) {
            item.beware.insert(0, goes_on_with(begun));
        }
        let mut judged = self.judged(&policy, &who.roles, &ask.action, &read.items, now)?;
        if read.second {
            judged.ruling.second = Some(judged.ruling.second.unwrap_or(Role::Approver));
        }
        let mut plan = Plan {
            id: Clean::new(&self.inner.token()?),
            // By what they turned out to be: a login is a person's, and would stay in the ledger.
            ask: Ask {
                targets: read
                    .items
                    .iter()
                    .flat_map(|i| i.aims().cloned())
                    .chain(read.left_out.iter().map(|l| l.aim.clone()))
                    .collect(),
                ..ask.clone()
            },
            by: who.operator.clone(),
            items: read.items,
            left_out: read.left_out,
            ruling: judged.ruling,
            made_at: now,
            expires_at: now.checked_add(PLAN_LASTS).unwrap_or(now),
            digest: Clean::new(""),
        };
        if plan.shows_once() && plan.ruling.second.is_some() {
            // It would begin when nobody is there to see it: a password that nobody knows.
            return Err(Denied::Policy(
                "what this makes is shown once, to whoever confirms it, and so cannot wait for a second \
                 person: the policy has to leave it to one, or forbid it"
                    .into(),
            ));
        }
        plan.digest = digest(&plan);
        let draft = audit::about_plan(now, "plan", &who.operator, &plan, &*self.inner.entropy)
            .map_err(|e| Denied::Ledger(e.to_string()))?;
        self.inner.blocking(move |ledger| ledger.append(draft)).await?;
        let planned = Planned { plan, private: read.private };
        self.inner.keep(planned.clone(), judged.limit);
        Ok(planned)
    }

    /// A request that waits, as its second person has to see it: every target is read again, and
    /// what may be shown is masked; why an account was locked is shown to whoever decides on opening it.
    /// Whoever asked may look as well.
    ///
    /// # Errors
    /// When it waits no more, is not theirs to see, or a target is no longer as the plan says.
    pub async fn review(&self, who: &Who, id: &str) -> Result<Planned, Denied> {
        let now = self.inner.clock.now();
        let owned = id.to_owned();
        let request = self.inner.blocking(move |ledger| ledger.find(&owned)).await?;
        let plan = request.plan;
        let decides = plan.by.person() != who.operator.person();
        if decides && !who.has(Role::Approver) {
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
            let mut shown = fresh.private;
            if decides && let Some(undone) = act.undoes(&plan.ask.action) {
                shown.notes.extend(self.why_before(who, undone, item, &plan).await?);
            }
            private.push(shown);
        }
        Ok(Planned { plan, private })
    }

    /// Why what the plan undoes was done, for whoever decides on the plan. That it is shown is recorded
    /// before it is read.
    async fn why_before(
        &self,
        who: &Who,
        undone: &str,
        item: &Item,
        plan: &Plan,
    ) -> Result<Option<Clean>, Denied> {
        if !self.before(undone, item, false).await?.was_done {
            return Ok(None);
        }
        let why = Clean::new(&format!("to decide on plan {}", plan.id));
        self.unmask(who, &item.aim, &why).await?;
        Ok(self.before(undone, item, true).await?.reason)
    }

    async fn read_all(
        &self,
        who: &Who,
        ask: &Ask,
        show: bool,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<ReadAll, Denied> {
        let act = self.inner.act(&ask.action)?;
        choices_fit(&act.actions(), ask)?;
        let mut read = ReadAll::default();
        for aim in &ask.targets {
            if read.items.iter().any(|item| item.also.contains(aim)) {
                continue;
            }
            let refused = match act.prepare(ask, aim, &who.operator, show, now).await {
                Ok(prepared) => {
                    let protected = policy.protects(&prepared.item.aim, prepared.groups.as_deref());
                    let mut item = prepared.item;
                    if let Some(why) = protected {
                        Refused::Protected(why)
                    } else if read.items.iter().any(|other| other.lease == item.lease) {
                        Refused::NotOne("it is the same as another target of this plan".into())
                    } else {
                        item.key = Clean::new(&self.inner.token()?);
                        let mut private = prepared.private;
                        if let Some(undone) = act.undoes(&ask.action) {
                            let before = self.before(undone, &item, show).await?;
                            item.beware.insert(0, before.told);
                            private.notes.extend(before.reason);
                        }
                        read.second |= item.needs_second();
                        read.items.push(item);
                        read.private.push(private);
                        continue;
                    }
                }
                Err(refused) => refused,
            };
            if let Refused::Choice(why) = refused {
                return Err(Denied::Asked(why));
            }
            let (aim, why) = (aim.masked(), Clean::new(&refused.to_string()));
            read.left_out.push(LeftOut { aim, why });
        }
        Ok(read)
    }
}

/// That the choices are those of the action, and none is missing.
fn choices_fit(specs: &[ActionSpec], ask: &Ask) -> Result<(), Denied> {
    let Some(spec) = specs.iter().find(|spec| spec.id == ask.action.as_str()) else {
        return Ok(());
    };
    let given = |name: &str| ask.choices.get(name).is_some_and(|value| !value.is_empty());
    if let Some(odd) = ask.choices.keys().find(|name| spec.choices.iter().all(|c| c.name != *name))
    {
        let names: Vec<&str> = spec.choices.iter().map(|choice| choice.name).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(Denied::Asked(format!(
            "{odd} is no choice of {}; there are: {names}",
            spec.id
        )));
    }
    match spec.choices.iter().find(|choice| !choice.optional && !given(choice.name)) {
        Some(missing) => {
            Err(Denied::Asked(format!("{} is missing: {}", missing.name, missing.help)))
        }
        None => Ok(()),
    }
}

/// Each target of some items, as the policy judges it.
fn aimed_at(items: &[Item]) -> Vec<(Option<Laestab>, Kind)> {
    items.iter().flat_map(|item| item.aims().map(|aim| (aim.school(), item.kind))).collect()
}

impl Guard {
    /// What the policy says of these items at this moment, to whoever has these roles.
    fn judged(
        &self,
        policy: &Policy,
        roles: &BTreeSet<Role>,
        action: &ActionId,
        items: &[Item],
        at: Timestamp,
    ) -> Result<Judged, Denied> {
        let asked = Asked {
            action: action.clone(),
            targets: aimed_at(items),
            roles: roles.clone(),
            at,
            emergency: self.inner.emergency().is_some(),
        };
        policy.judge(&asked).map_err(Denied::Policy)
    }

    /// Judges a plan once more, when it is confirmed: by the roles that the account has now, the hour and
    /// what is frozen.
    pub(super) fn still_allowed(
        &self,
        who: &Who,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let judged =
            self.judged(&self.policy()?, &who.roles, &plan.ask.action, &plan.items, now)?;
        if judged.ruling.second.is_some() && plan.ruling.second.is_none() {
            return Err(Denied::Stale("it needs a second person now: plan it again".into()));
        }
        Ok(())
    }

    /// Judges a request once more, when it is approved: the hour, what is frozen, an emergency that is over;
    /// and the roles that whoever asked has now, where they are known. What may begin in an hour.
    pub(super) fn approvable(
        &self,
        plan: &Plan,
        asker: Option<&BTreeSet<Role>>,
        now: Timestamp,
    ) -> Result<HourLimit, Denied> {
        let policy = self.policy()?;
        let judge = |roles| self.judged(&policy, roles, &plan.ask.action, &plan.items, now);
        // With every role only the moment can be wrong.
        let every = BTreeSet::from([Role::Viewer, Role::Operator, Role::Approver, Role::Lead]);
        let judged = judge(&every)?;
        if asker.is_some_and(|roles| judge(roles).is_err()) {
            let why = "whoever asked for it has none of the roles any more that its rule asks for";
            return Err(Denied::Policy(why.to_owned()));
        }
        Ok(judged.limit)
    }
}

#[derive(Default)]
struct ReadAll {
    items: Vec<Item>,
    private: Vec<Private>,
    left_out: Vec<LeftOut>,
    second: bool,
}
