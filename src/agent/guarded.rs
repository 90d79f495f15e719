//! The routes of actions: each asks the guard, and nothing here decides.
//!
//! Who asks is the kernel's word on the peer; their roles are looked up for each request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::de::DeserializeOwned;

use crate::agent::peers::PeerId;
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{body_of, pairs};
use crate::guard::machine::{Run, ends};
use crate::guard::policy::Roles;
use crate::guard::{Countersign, Denied, Guard, Planned, Started, Who, cannot_continue};
use crate::model::plan::{Plan, Role};
use crate::model::text::Clean;
use crate::ports::accounts::Accounts;
use crate::ports::clock::Clock;
use crate::ports::ledger::{AuditQuery, Held, LeftItem};
use crate::ports::people::People;
use crate::ports::vendor_audit::VendorAudits;
use crate::wire::VERSION;
use crate::wire::action::{
    ActionRow, Actions, Approval, Arm, Armed, Audit, AuditEntry, Choice, Confirmed, Digest,
    EmergencyView, Erase, LeftRow, Me, OnceSecret, PlanPage, PlanRequest, Possible, StepView, Told,
    Waiting, Why,
};

/// Closed actions on the page.
const RECENT: usize = 100;
/// Entries of the audit in one answer.
const ENTRIES: usize = 1_000;
/// Instead of a reason, for whoever may not read it.
const WITHHELD: &str = "told to those who act, approve or audit";
/// How long a confirming connection waits for its password.
const SECRET: Duration = Duration::from_secs(25);

pub(super) struct Counter {
    pub people: Arc<dyn People>,
    pub guard: Result<Guard, Clean>,
    pub clock: Arc<dyn Clock>,
    /// Where accounts are looked up; another one after the configuration was read anew.
    pub accounts: RwLock<Option<Arc<dyn Accounts>>>,
    /// The vendor's audit that ours is held against; likewise.
    pub audits: RwLock<Option<Arc<dyn VendorAudits>>>,
}

type Answer = Result<Response, Refusal>;
type At = State<Arc<Counter>>;
type Peer = Extension<PeerId>;
pub(super) type Body = Result<Bytes, BytesRejection>;

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let text = denied.to_string();
        match denied {
            Denied::Policy(_) | Denied::NoPolicy(_) => Self::forbidden(&text),
            Denied::Nothing(_) => Self::not_found(&text),
            Denied::Asked(_) => Self::bad_request(&text),
            Denied::Stale(_) => Self::conflict(&text),
            Denied::Ledger(_) => Self::busy(&text),
        }
    }
}

/// The routes.
pub(super) fn router(counter: Arc<Counter>) -> Router {
    Router::new()
        .route("/v1/actions", get(actions))
        .route("/v1/actions/{key}/told", post(told))
        .route("/v1/actions/{key}/close", post(close))
        .route("/v1/plans", post(plan))
        .route("/v1/plans/{plan}", get(planned))
        .route("/v1/plans/{plan}/confirm", post(confirm))
        .route("/v1/plans/{plan}/approve", post(approve))
        .route("/v1/plans/{plan}/cancel", post(cancel))
        .route("/v1/emergency", post(emergency))
        .route("/v1/arm", post(arm))
        .route("/v1/audit", get(audit))
        .route("/v1/audit/{number}", get(entry))
        .route("/v1/audit/{number}/reveal", post(reveal))
        .route("/v1/audit/{number}/erase", post(erase))
        .with_state(counter)
}

impl Counter {
    pub(super) fn guard(&self) -> Result<&Guard, Refusal> {
        self.guard.as_ref().map_err(|why| Refusal::forbidden(why.as_str()))
    }

    /// The person behind the connection, and their roles now.
    pub(super) async fn who(&self, peer: PeerId) -> Result<Who, Refusal> {
        let people = Arc::clone(&self.people);
        let person = tokio::task::spawn_blocking(move || people.person(peer.uid, peer.pid))
            .await
            .map_err(|e| Refusal::forbidden(&e.to_string()))?
            .map_err(|e| Refusal::forbidden(&e.to_string()))?;
        let policy = self.guard.as_ref().ok().and_then(|g| g.policy().ok());
        let roles = policy.map(|p| roles_of(&p.settings().roles, &person.groups));
        Ok(Who { operator: person.operator, roles: roles.unwrap_or_default() })
    }
}

/// The roles that the policy gives to these groups.
fn roles_of(roles: &Roles, groups: &[String]) -> BTreeSet<Role> {
    let table = [
        (&roles.viewer, Role::Viewer),
        (&roles.operator, Role::Operator),
        (&roles.approver, Role::Approver),
        (&roles.lead, Role::Lead),
        (&roles.auditor, Role::Auditor),
    ];
    let held = table.into_iter().filter(|(names, _)| names.iter().any(|n| groups.contains(n)));
    held.map(|(_, role)| role).collect()
}

pub(super) fn read<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    body_of(body)?.ok_or_else(|| Refusal::bad_request("the body is empty"))
}

async fn actions(State(at): At, Extension(peer): Peer) -> Answer {
    let who = at.who(peer).await?;
    let now = at.clock.now();
    let me = Me {
        operator: who.operator.clone(),
        roles: who.roles.iter().copied().collect(),
        arms: false,
        armed_until: None,
    };
    let mut page = Actions {
        version: VERSION,
        as_of: now,
        me,
        trouble: None,
        emergency: None,
        possible: Vec::new(),
        waiting: Vec::new(),
        open: Vec::new(),
        recent: Vec::new(),
        left: Vec::new(),
    };
    let guard = match &at.guard {
        Ok(guard) => guard,
        Err(why) => {
            page.trouble = Some(why.clone());
            return Ok(json(StatusCode::OK, &page));
        }
    };
    page.trouble = guard.trouble().await;
    page.emergency =
        guard.emergency().map(|(by, why, until)| EmergencyView { by: by.name, why, until });
    (page.me.arms, page.me.armed_until) = (guard.asks_for_arming(), guard.armed_until(&who));
    page.possible = possible(guard, &who);
    let waiting = guard.waiting().await?;
    page.waiting = waiting
        .into_iter()
        .map(|r| Waiting { plan: told_to(&who, r.plan), until: r.approve_until })
        .collect();
    let recent = guard.recent(RECENT).await?;
    page.left = guard.left(RECENT).await?.into_iter().filter_map(left).collect();
    page.open = guard.open().await?.into_iter().map(|held| row(held, now)).collect();
    page.recent = recent.into_iter().filter(|h| h.closed).map(|held| row(held, now)).collect();
    Ok(json(StatusCode::OK, &page))
}

/// A plan that waits, as `who` may see it: its reason may hold a name, so it is for those who act, decide
/// or audit.
fn told_to(who: &Who, mut plan: Plan) -> Plan {
    if reads(who).is_err() {
        plan.ask.reason = Clean::new(WITHHELD);
    }
    plan
}

fn left(item: LeftItem) -> Option<LeftRow> {
    let LeftItem { plan, key, at, why } = item;
    let aim = plan.items.iter().find(|item| item.key == key)?.aim.clone();
    Some(LeftRow { key, plan: plan.id, action: plan.ask.action, aim, by: plan.by, at, why })
}

fn possible(guard: &Guard, who: &Who) -> Vec<Possible> {
    let acts = [Role::Operator, Role::Lead].iter().any(|role| who.roles.contains(role));
    let closed = match guard.policy() {
        Err(error) => Some(error.to_string()),
        Ok(_) if !acts => Some("your account has no role to act".to_owned()),
        Ok(_) if guard.asks_for_arming() && guard.armed_until(who).is_none() => {
            Some("you are not armed: :arm 15m why".to_owned())
        }
        Ok(_) => None,
    };
    let view = |spec: crate::model::action::ActionSpec| {
        let choices = spec.choices.iter().map(|choice| Choice {
            name: Clean::new(choice.name),
            help: Clean::new(choice.help),
            optional: choice.optional,
        });
        Some(Possible {
            action: spec.id.parse().ok()?,
            label: Clean::new(spec.label),
            class: spec.class,
            aims_at: spec.aims_at,
            choices: choices.collect(),
            closed: closed.as_deref().map(Clean::new),
        })
    };
    let lacking = guard
        .lacking()
        .into_iter()
        .filter_map(|(spec, why)| Some(Possible { closed: Some(Clean::new(&why)), ..view(spec)? }));
    guard.actions().into_iter().filter_map(view).chain(lacking).collect()
}

pub(super) fn row(held: Held, now: jiff::Timestamp) -> ActionRow {
    let can_continue = cannot_continue(&held).is_none();
    let beware = if held.closed { Vec::new() } else { held.left_open() };
    let run = Run::recorded(held.steps, ends(held.at));
    let needs_a_look = !held.closed && run.needs_a_look(&held.item, now);
    let next_look = run.next_look(&held.item, now).filter(|_| !held.closed);
    let steps = run.steps.iter().zip(&held.item.steps).map(|(record, step)| StepView {
        system: step.system.clone(),
        step: step.says.clone(),
        state: record.state,
        says: record.says.clone(),
        sent_at: record.sent_at,
        looked_at: record.looked_at,
        looks: record.looks,
    });
    ActionRow {
        key: held.item.key.clone(),
        plan: held.plan,
        action: held.action,
        aim: held.item.aim.clone(),
        kind: held.item.kind,
        by: held.by,
        at: held.at,
        steps: steps.collect(),
        outcome: held.outcome,
        closed: held.closed,
        needs_a_look,
        can_continue,
        beware,
        next_look,
        reference: held.reference,
    }
}

async fn plan(State(at): At, Extension(peer): Peer, body: Body) -> Answer {
    let asked: PlanRequest = read(body)?;
    let who = at.who(peer).await?;
    let guard = at.guard()?;
    let planned = guard.plan(&who, asked.ask, asked.show).await?;
    Ok(json(StatusCode::OK, &page(guard, planned, at.clock.now())))
}

fn page(guard: &Guard, planned: Planned, now: jiff::Timestamp) -> PlanPage {
    let action = planned.plan.ask.action.as_str();
    let spec = guard.actions().into_iter().find(|spec| spec.id == action);
    PlanPage {
        label: Clean::new(spec.map_or(action, |spec| spec.label)),
        plan: planned.plan.clone(),
        private: planned.private,
        as_of: now,
    }
}

async fn planned(State(at): At, Extension(peer): Peer, Path(id): Path<String>) -> Answer {
    let who = at.who(peer).await?;
    let guard = at.guard()?;
    let own = guard.planned(&id).filter(|p| p.plan.by.person() == who.operator.person());
    let planned = match own {
        Some(planned) => planned,
        None => guard.review(&who, &id).await?,
    };
    Ok(json(StatusCode::OK, &page(guard, planned, at.clock.now())))
}

async fn confirm(
    State(at): At,
    Extension(peer): Peer,
    Path(id): Path<String>,
    body: Body,
) -> Answer {
    let digest: Digest = read(body)?;
    let who = at.who(peer).await?;
    let confirmed = match at.guard()?.confirm(&who, &id, digest.digest.as_str()).await? {
        Started::Waits { until, role } => Confirmed::Waits { until, role },
        Started::Runs { secret: None } => Confirmed::Runs { once_secret: None },
        Started::Runs { secret: Some(secret) } => {
            let shown = tokio::select! {
                shown = secret => shown.ok(),
                () = at.clock.sleep(SECRET) => None,
            };
            let once_secret = shown.map(OnceSecret::new);
            Confirmed::Runs { once_secret }
        }
    };
    Ok(json(StatusCode::OK, &confirmed))
}

async fn approve(
    State(at): At,
    Extension(peer): Peer,
    Path(id): Path<String>,
    body: Body,
) -> Answer {
    let Approval { digest, typed } = read(body)?;
    let who = at.who(peer).await?;
    let guard = at.guard()?;
    let asker = match guard.asker(&id).await {
        // Whoever cannot be looked up has no role.
        Ok(by) => at.who(PeerId { uid: by.uid, pid: None }).await.map(|asker| asker.roles),
        Err(denied) => Err(denied.into()),
    };
    let asker = Some(asker.unwrap_or_default());
    let (digest, typed) = (digest.as_str(), typed.as_str());
    guard.approve(&who, &id, Countersign { digest, typed, asker }).await?;
    Ok(json(StatusCode::OK, &Confirmed::Runs { once_secret: None }))
}

async fn cancel(State(at): At, Extension(peer): Peer, Path(id): Path<String>) -> Answer {
    let who = at.who(peer).await?;
    at.guard()?.cancel(&who, &id).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({})))
}

async fn told(State(at): At, Extension(peer): Peer, Path(key): Path<String>, body: Body) -> Answer {
    let told: Told = read(body)?;
    let who = at.who(peer).await?;
    at.guard()?.told(&who, &key, told.step, told.there, &told.how).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({})))
}

async fn close(
    State(at): At,
    Extension(peer): Peer,
    Path(key): Path<String>,
    body: Body,
) -> Answer {
    let why: Why = read(body)?;
    let who = at.who(peer).await?;
    at.guard()?.give_up(&who, &key, &why.why).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({})))
}

async fn emergency(State(at): At, Extension(peer): Peer, body: Body) -> Answer {
    let why: Why = read(body)?;
    let who = at.who(peer).await?;
    let until = at.guard()?.declare_emergency(&who, &why.why).await?;
    let by = who.operator.name;
    Ok(json(StatusCode::OK, &EmergencyView { by, why: why.why, until }))
}

async fn arm(State(at): At, Extension(peer): Peer, body: Body) -> Answer {
    let arm: Arm = read(body)?;
    let who = at.who(peer).await?;
    let lasts = arm.span.map(crate::model::span::Span::duration);
    let until = at.guard()?.arm(&who, lasts, &arm.why).await?;
    Ok(json(StatusCode::OK, &Armed { until }))
}

/// That these roles may read the audit.
fn reads(who: &Who) -> Result<(), Refusal> {
    let reads = [Role::Auditor, Role::Lead, Role::Operator, Role::Approver];
    if reads.iter().any(|role| who.roles.contains(role)) {
        return Ok(());
    }
    Err(Refusal::forbidden("your account has no role to read the audit"))
}

async fn entry(State(at): At, Extension(peer): Peer, Path(number): Path<u64>) -> Answer {
    let who = at.who(peer).await?;
    reads(&who)?;
    let (entry, kept) = at.guard()?.entry(number).await?;
    let page = AuditEntry { version: VERSION, entry, kept, details: BTreeMap::new() };
    Ok(json(StatusCode::OK, &page))
}

async fn reveal(
    State(at): At,
    Extension(peer): Peer,
    Path(number): Path<u64>,
    body: Body,
) -> Answer {
    let why: Why = read(body)?;
    let who = at.who(peer).await?;
    let guard = at.guard()?;
    let details = guard.reveal(&who, number, &why.why).await?;
    let (entry, kept) = guard.entry(number).await?;
    Ok(json(StatusCode::OK, &AuditEntry { version: VERSION, entry, kept, details }))
}

async fn erase(
    State(at): At,
    Extension(peer): Peer,
    Path(number): Path<u64>,
    body: Body,
) -> Answer {
    let erase: Erase = read(body)?;
    let who = at.who(peer).await?;
    at.guard()?.erase(&who, number, &erase.field, &erase.why).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({})))
}

async fn audit(State(at): At, Extension(peer): Peer, RawQuery(query): RawQuery) -> Answer {
    let who = at.who(peer).await?;
    reads(&who)?;
    let asked = audit_query(query.as_deref())?;
    let ledger = at.guard()?.ledger();
    let entries = tokio::task::spawn_blocking(move || ledger.entries(&asked))
        .await
        .map_err(|e| Refusal::busy(&e.to_string()))?
        .map_err(|e| Refusal::busy(&e.to_string()))?;
    Ok(json(StatusCode::OK, &Audit { version: VERSION, entries }))
}

fn audit_query(query: Option<&str>) -> Result<AuditQuery, Refusal> {
    let mut asked = AuditQuery { limit: ENTRIES, ..AuditQuery::default() };
    let number = |value: &str| {
        value.parse().map_err(|_| Refusal::bad_request("`from` and `limit` are whole numbers"))
    };
    let time = |value: &str| {
        value.parse().map_err(|_| {
            Refusal::bad_request("`since` and `until` are times like 2026-03-03T09:00:00Z")
        })
    };
    for (key, value) in pairs(query) {
        match key.as_str() {
            "from" => asked.from = Some(number(&value)?),
            "limit" => {
                asked.limit = usize::try_from(number(&value)?).unwrap_or(ENTRIES).min(ENTRIES)
            }
            "since" => asked.since = Some(time(&value)?),
            "until" => asked.until = Some(time(&value)?),
            "by" => asked.by = Some(value),
            "kind" => asked.kind = Some(value),
            "about" => asked.about = Some(value),
            _ => {
                return Err(Refusal::bad_request(
                    "this route takes: from, limit, since, until, by, kind, about",
                ));
            }
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::plan::{Ask, Operator, Ruling};

    #[test]
    fn the_reason_of_a_plan_is_told_to_whoever_acts_decides_or_audits() {
        let operator = |uid| Operator { uid, login: Some(uid), name: Clean::new("asha") };
        let plan = Plan {
            id: Clean::new("plan"),
            ask: Ask {
                action: "welearn365.lock_account".parse().unwrap(),
                targets: Vec::new(),
                reason: Clean::new("mail sent in Mia's name"),
                ticket: Some(Clean::new("INC1")),
                choices: BTreeMap::new(),
                continues: None,
            },
            by: operator(1000),
            items: Vec::new(),
            left_out: Vec::new(),
            ruling: Ruling {
                policy: Clean::new("p"),
                rule: Clean::new("r"),
                second: Some(Role::Approver),
                says: Vec::new(),
            },
            made_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
            digest: Clean::new("digest"),
        };
        let seen = |roles: &[Role]| {
            let who = Who { operator: operator(1001), roles: roles.iter().copied().collect() };
            told_to(&who, plan.clone())
        };
        for role in [Role::Operator, Role::Approver, Role::Lead, Role::Auditor] {
            assert_eq!(seen(&[role]), plan, "{role:?}");
        }
        for few in [&[][..], &[Role::Viewer][..]] {
            let told = seen(few);
            assert_eq!(told.ask.reason.as_str(), WITHHELD);
            assert_eq!(Plan { ask: plan.ask.clone(), ..told }, plan, "and nothing else is hidden");
        }
    }
}
