//! Running what was committed: one item after another, one step after another, each recorded
//! before it is sent and after it was answered.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::oneshot;

use crate::guard::machine::{Event, Fresh, Look, Next, Run, Said, ends};
use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::{Denied, Inner, Who};
use crate::guard::plan::same;
use crate::model::action::Class;
use crate::model::plan::{Ask, Item, NotBegun, Operator, Outcome, Plan, StepState};
use crate::model::text::Clean;
use crate::ports::act::{Act, Answer, Seen};
use crate::ports::ledger::{
    Committed, Held, HourLimit, Intent, LedgerError, Settled, commit, recover,
};

/// A wait between two looks is slept through in pieces, so that a person's word is heard.
const PIECE: Duration = Duration::from_secs(30);
/// How long the ledger is given to come back before a running item is left to the next start.
const LEDGER_TRIES: u32 = 20;

/// Starts a confirmed plan. The receiver gets the password of the one step that makes one.
pub(super) fn start(
    inner: &Arc<Inner>,
    plan: Plan,
    limit: HourLimit,
) -> Option<oneshot::Receiver<SecretString>> {
    let shows = plan.items.iter().flat_map(|i| &i.steps).any(|s| s.class == Class::Destructive);
    let (send, receive) = oneshot::channel();
    let mut secret = Some(send);
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        for n in 0..plan.items.len() {
            if let Err(error) = begin(&inner, &plan, n, &limit, &mut secret).await {
                let others_too = !matches!(error, LedgerError::Leased { .. });
                refused(&inner, &plan, n, others_too, &error).await;
                if others_too {
                    break;
                }
            }
        }
        inner.tell();
    });
    shows.then_some(receive)
}

/// Records that item `n` was not begun, and where the same holds for them those after it.
async fn refused(inner: &Arc<Inner>, plan: &Plan, n: usize, others_too: bool, error: &LedgerError) {
    let (at, why) = (inner.clock.now(), error.to_string());
    let left = if others_too { usize::MAX } else { 1 };
    for item in plan.items.iter().skip(n).take(left) {
        let about = item.aim.to_string();
        tracing::warn!("{} of {about} was not begun: {error}", plan.ask.action);
        inner.gave_up(NotBegun {
            plan: plan.id.clone(),
            aim: item.aim.clone(),
            at,
            why: Clean::new(&why),
        });
        let body = [
            ("action", plan.ask.action.as_str()),
            ("plan", plan.id.as_str()),
            ("why", why.as_str()),
        ];
        let draft = audit::entry(at, "denied", Some(&plan.by), &about, &body);
        if let Err(error) = inner.blocking(move |ledger| ledger.append(draft)).await {
            tracing::error!("and that cannot be recorded: {error}");
        }
    }
}

type Secret = Option<oneshot::Sender<SecretString>>;

/// Commits one item and runs it until it has to wait.
async fn begin(
    inner: &Arc<Inner>,
    plan: &Plan,
    n: usize,
    limit: &HourLimit,
    secret: &mut Secret,
) -> Result<(), LedgerError> {
    let Some(item) = plan.items.get(n).cloned() else { return Ok(()) };
    let at = inner.clock.now();
    let (ledger, kept, limit) = (Arc::clone(&inner.ledger), plan.clone(), limit.clone());
    let draft = audit::about_item(
        at,
        "intent",
        plan.id.as_str(),
        &item,
        &[("action", plan.ask.action.as_str())],
    );
    let draft = crate::ledger::Draft { by: Some(plan.by.clone()), ..draft };
    let committed = tokio::task::spawn_blocking(move || {
        let Some(item) = kept.items.get(n) else {
            return Err(LedgerError::Nothing(kept.id.to_string()));
        };
        let intent = Intent { plan: &kept, item, at, lease_until: ends(at), limit };
        commit(&*ledger, &intent, draft)
    })
    .await
    .map_err(|e| LedgerError::Unusable(e.to_string()))??;
    inner.tell();
    let mut runner = Runner {
        inner: Arc::clone(inner),
        act: inner.act(&plan.ask.action).ok(),
        committed,
        ask: plan.ask.clone(),
        by: plan.by.clone(),
        plan: plan.id.clone(),
        run: Run::new(item.steps.len(), ends(at)),
        item,
        settled: None,
        reference: None,
    };
    if runner.go(secret).await == Flow::Waits {
        tokio::spawn(async move { runner.stay().await });
    }
    Ok(())
}

/// Goes on with an intent that was found open at the start.
pub(super) fn resume(inner: &Arc<Inner>, held: Held) {
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        let plan = held.plan.to_string();
        let found = inner.blocking(move |ledger| ledger.find(&plan)).await;
        let key = held.item.key.clone();
        let committed = inner.blocking(move |ledger| recover(ledger, &key)).await;
        let (request, committed) = match (found, committed) {
            (Ok(request), Ok(committed)) => (request, committed),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!("an open action cannot be taken up: {error}");
                return;
            }
        };
        let mut runner = Runner {
            act: inner.act(&held.action).ok(),
            committed,
            ask: request.plan.ask,
            by: held.by,
            plan: held.plan,
            run: Run::recorded(held.steps, ends(held.at)),
            item: held.item,
            settled: None,
            reference: held.reference,
            inner,
        };
        if runner.apply(Event::Restarted).await && runner.go(&mut None).await == Flow::Waits {
            runner.stay().await;
        }
    });
}

/// A person's word about an open action.
pub(super) async fn tell(
    inner: &Arc<Inner>,
    who: &Who,
    key: &str,
    event: Event,
    why: &Clean,
) -> Result<(), Denied> {
    let open = inner.blocking(|ledger| ledger.open()).await?;
    let held = open
        .into_iter()
        .find(|h| h.item.key.as_str() == key)
        .ok_or_else(|| Denied::Nothing("no such open action".into()))?;
    let now = inner.clock.now();
    let mut run = Run::recorded(held.steps, ends(held.at));
    run.apply(&held.item, &event, now).map_err(|e| Denied::Asked(e.to_string()))?;
    let outcome = run.outcome(&held.item);
    let closed =
        matches!(event, Event::GivenUp) || matches!(run.next(&held.item, now), Next::End(_));
    let draft = audit::about_item(
        now,
        "outcome",
        held.plan.as_str(),
        &held.item,
        &[("outcome", word(outcome)), ("told", "by a person")],
    );
    let draft = crate::ledger::Draft { by: Some(who.operator.clone()), ..draft };
    let draft = inner.private(draft, "why", why)?;
    let (steps, key) = (run.steps, key.to_owned());
    inner
        .blocking(move |ledger| {
            for (n, step) in steps.iter().enumerate() {
                ledger.record(&key, n, step, None)?;
            }
            let settled = Settled { outcome, closed, next_look: None, reference: None, at: now };
            ledger.settle(&key, &settled, draft)
        })
        .await?;
    inner.tell();
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// It is over, or left to the next start.
    Over,
    /// It has to wait for something to show.
    Waits,
}

/// One item that runs.
struct Runner {
    inner: Arc<Inner>,
    act: Option<Arc<dyn Act>>,
    committed: Committed,
    ask: Ask,
    by: Operator,
    plan: Clean,
    item: Item,
    run: Run,
    settled: Option<(Outcome, bool)>,
    reference: Option<Clean>,
}

impl Runner {
    /// Does what comes next until it is over or has to wait.
    async fn go(&mut self, secret: &mut Secret) -> Flow {
        loop {
            let now = self.inner.clock.now();
            match self.run.next(&self.item, now) {
                Next::Reread => {
                    let fresh = self.reread(now).await;
                    if !self.apply(Event::Reread(fresh)).await {
                        return Flow::Over;
                    }
                }
                Next::Expire => {
                    if !self.apply(Event::Expired).await {
                        return Flow::Over;
                    }
                }
                Next::Send(i) => {
                    if !self.send(i, secret).await {
                        return Flow::Over;
                    }
                }
                Next::Look(i) => {
                    if !self.look(i).await {
                        return Flow::Over;
                    }
                }
                Next::Wait(at, outcome) => {
                    self.settle(outcome, false, Some(at)).await;
                    return Flow::Waits;
                }
                Next::End(outcome) => {
                    let closed = !self.run.needs_a_look(&self.item, now);
                    self.settle(outcome, closed, None).await;
                    return Flow::Over;
                }
            }
        }
    }

    /// Waits and goes on, until it is over. What a person said meanwhile is read from the ledger.
    async fn stay(&mut self) {
        loop {
            let now = self.inner.clock.now();
            let wait = match self.run.next(&self.item, now) {
                Next::Wait(at, _) => at.duration_since(now),
                _ => jiff::SignedDuration::ZERO,
            };
            let wait = Duration::try_from(wait).unwrap_or_default();
            self.inner.clock.sleep(wait.min(PIECE).max(Duration::from_millis(50))).await;
            if !self.catch_up().await {
                return;
            }
            if self.go(&mut None).await == Flow::Over {
                return;
            }
        }
    }

    /// Reads its own record again; `false` when it was closed.
    async fn catch_up(&mut self) -> bool {
        let key = self.item.key.clone();
        match self.inner.blocking(|ledger| ledger.open()).await {
            Ok(open) => match open.into_iter().find(|h| h.item.key == key) {
                Some(held) => {
                    self.run = Run::recorded(held.steps, ends(held.at));
                    true
                }
                None => false,
            },
            // The ledger may come back; until then nothing new is sent.
            Err(error) => {
                tracing::warn!("the ledger cannot be read: {error}");
                true
            }
        }
    }

    async fn reread(&self, now: Timestamp) -> Fresh {
        let Some(act) = &self.act else { return Fresh::Changed };
        match act.prepare(&self.ask, &self.item.aim, &self.by, false, now).await {
            Ok(fresh) if same(&self.item, &fresh.item) => Fresh::Same,
            _ => Fresh::Changed,
        }
    }

    async fn send(&mut self, i: usize, secret: &mut Secret) -> bool {
        let Some(act) = self.act.clone() else {
            tracing::error!("{}: its service is no longer configured", self.ask.action);
            return false;
        };
        if !self.apply(Event::Sending(i)).await {
            return false;
        }
        let now = self.inner.clock.now();
        let (said, says) = match act.step(&self.committed, &self.item, i, now).await {
            Answer::Took { says, reference, secret: shown } => {
                self.reference = reference.or(self.reference.take());
                if let (Some(shown), Some(send)) = (shown, secret.take()) {
                    // Nobody waits any more: it is gone, and the step says how to go on.
                    drop(send.send(shown));
                }
                (Said::Took, says)
            }
            Answer::Refused { says } => (Said::Refused, says),
            Answer::Changed { says } => (Said::Changed, says),
            Answer::NoAnswer { says } => (Said::NoAnswer, says),
            Answer::NotSent { says } => (Said::NotSent, says),
        };
        self.apply(Event::Answered(i, said, says)).await
    }

    async fn look(&mut self, i: usize) -> bool {
        let Some(act) = self.act.clone() else { return false };
        let now = self.inner.clock.now();
        let sent_at = self.run.steps.get(i).and_then(|s| s.sent_at).unwrap_or(now);
        let (look, says) = match act.look(&self.item, i, sent_at, now).await {
            Seen::There(says) => (Look::There, says),
            Seen::NotThere(says) => (Look::NotThere, says),
            Seen::NotYet(says) => (Look::NotYet, says),
            Seen::CannotTell(says) => (Look::CannotTell, says),
        };
        self.apply(Event::Looked(i, look, says)).await
    }

    /// Takes an event and puts it on disk before anything else is done. `false`: it did not, and
    /// nothing more may be sent; the next start takes it up from what the disk has.
    async fn apply(&mut self, event: Event) -> bool {
        let now = self.inner.clock.now();
        let before = self.run.clone();
        if let Err(error) = self.run.apply(&self.item, &event, now) {
            tracing::error!("{} of {}: {error}", self.ask.action, self.item.aim);
            return false;
        }
        for (n, (old, new)) in before.steps.iter().zip(&self.run.steps).enumerate() {
            if old == new {
                continue;
            }
            let step = self.item.steps.get(n);
            let draft = (old.state != new.state).then(|| {
                audit::about_item(
                    now,
                    "step",
                    self.plan.as_str(),
                    &self.item,
                    &[
                        ("step", step.map_or("", |s| s.id.as_str())),
                        ("state", state_word(new.state)),
                        ("says", new.says.as_str()),
                    ],
                )
            });
            let mut tries = 0;
            loop {
                let (key, new, draft) = (self.item.key.clone(), new.clone(), draft.clone());
                let done = self
                    .inner
                    .blocking(move |ledger| ledger.record(key.as_str(), n, &new, draft))
                    .await;
                let Err(error) = done else { break };
                tries += 1;
                tracing::error!("{} of {}: {error}", self.ask.action, self.item.aim);
                // Before a send: give up at once. After one: the answer is worth some patience.
                if matches!(event, Event::Sending(_)) || tries >= LEDGER_TRIES {
                    return false;
                }
                self.inner.clock.sleep(Duration::from_secs(1)).await;
            }
        }
        self.inner.tell();
        true
    }

    async fn settle(&mut self, outcome: Outcome, closed: bool, next_look: Option<Timestamp>) {
        if self.settled == Some((outcome, closed)) {
            return;
        }
        let now = self.inner.clock.now();
        let draft = audit::about_item(
            now,
            "outcome",
            self.plan.as_str(),
            &self.item,
            &[("outcome", word(outcome)), ("closed", if closed { "yes" } else { "no" })],
        );
        let reference = self.reference.clone();
        let settled = Settled { outcome, closed, next_look, reference, at: now };
        let key = self.item.key.clone();
        match self.inner.blocking(move |l| l.settle(key.as_str(), &settled, draft)).await {
            Ok(()) => self.settled = Some((outcome, closed)),
            Err(error) => tracing::error!("an outcome cannot be recorded: {error}"),
        }
        self.inner.tell();
    }
}

/// An outcome's word in the audit.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Accepted => "accepted",
        Outcome::Rejected => "rejected",
        Outcome::PartlyDone => "partly_done",
        Outcome::Unknown => "unknown",
        Outcome::ChangedSincePlan => "changed_since_plan",
    }
}

fn state_word(state: StepState) -> &'static str {
    match state {
        StepState::Waiting => "waiting",
        StepState::Sent => "sent",
        StepState::Took => "took",
        StepState::Seen => "seen",
        StepState::Refused => "refused",
        StepState::Unknown => "unknown",
        StepState::Skipped => "skipped",
    }
}
