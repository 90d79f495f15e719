//! Running what was committed: one item after another, one step after another, each recorded
//! before it is sent and after it was answered.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};

use crate::guard::machine::{Event, Fresh, Look, Next, Run, Said, ends};
use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::{Denied, Who};
use crate::guard::pipeline::inner::Inner;
use crate::guard::plan::same;
use crate::ledger::Draft;
use crate::model::plan::{Ask, Item, Operator, Outcome, Plan, StepState};
use crate::model::text::Clean;
use crate::ports::act::{Act, Answer, Prepared, Seen};
use crate::ports::ledger::{
    Committed, Held, HourLimit, Intent, LedgerError, Settled, commit, recover,
};

/// How long after the ledger failed an item is taken up again.
const AGAIN: Duration = Duration::from_secs(30);
/// How often an answer is tried to be put on disk, a second apart, before it is given up: what
/// became of the step is read then.
const LEDGER_TRIES: u32 = 20;

/// Starts a confirmed plan. The receiver gets the password of the one step that makes one.
pub(super) fn start(
    inner: &Arc<Inner>,
    plan: Plan,
    limit: HourLimit,
) -> Option<oneshot::Receiver<SecretString>> {
    let shows = plan.shows_once();
    let (send, receive) = oneshot::channel();
    let mut secret = Some(send);
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        let mut over: Option<LedgerError> = None;
        for (n, item) in plan.items.iter().enumerate() {
            let begun = match over.clone() {
                Some(error) => Err(error),
                None => begin(&inner, &plan, n, &limit, &mut secret).await,
            };
            let Err(error) = begun else { continue };
            left(&inner, &plan, item, &error.to_string()).await;
            if !matches!(error, LedgerError::Leased { .. }) {
                over = Some(error);
            }
        }
        inner.tell();
    });
    shows.then_some(receive)
}

/// Records that an item was not begun. Where the ledger does not take it, the next start does.
async fn left(inner: &Arc<Inner>, plan: &Plan, item: &Item, why: &str) {
    tracing::warn!("{} of {} was not begun: {why}", plan.ask.action, item.aim);
    let body = [("action", plan.ask.action.as_str()), ("why", why)];
    let at = inner.clock.now();
    let draft = audit::about_item(at, "not_begun", plan.id.as_str(), item, &body);
    let draft = Draft { by: Some(plan.by.clone()), ..draft };
    let (id, key, why) = (plan.id.clone(), item.key.clone(), Clean::new(why));
    let kept = inner
        .blocking(move |ledger| ledger.leave(id.as_str(), key.as_str(), at, &why, draft))
        .await;
    if let Err(error) = kept {
        tracing::error!("and that cannot be recorded: {error}");
    }
}

/// Records what the last process confirmed and did not begin: it must be planned again.
pub(super) async fn leave_unbegun(inner: &Arc<Inner>) -> Result<(), Denied> {
    for (plan, key) in inner.blocking(|ledger| ledger.unbegun()).await? {
        for item in plan.items.iter().filter(|item| item.key == key) {
            left(inner, &plan, item, "the agent ended before it was begun: nothing was sent").await;
        }
    }
    Ok(())
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
    let mut body = vec![("action", plan.ask.action.as_str())];
    body.extend(plan.ask.continues.iter().map(|key| ("continues", key.as_str())));
    let draft = audit::about_item(at, "intent", plan.id.as_str(), &item, &body);
    let draft = Draft { by: Some(plan.by.clone()), ..draft };
    let written = tokio::task::spawn_blocking(move || {
        let Some(item) = kept.items.get(n) else {
            return Err(LedgerError::Nothing(kept.id.to_string()));
        };
        let intent = Intent { plan: &kept, item, at, lease_until: ends(at), limit };
        commit(&*ledger, &intent, draft)
    })
    .await
    .unwrap_or_else(|e| Err(LedgerError::Unusable(e.to_string())));
    if let Err(error @ LedgerError::Unusable(_)) = &written {
        inner.ails(&error.to_string());
    }
    let committed = written?;
    inner.tell();
    let open = Open { plan: plan.id.clone(), ask: plan.ask.clone(), by: plan.by.clone(), item };
    let run = Run::new(open.item.steps.len(), ends(at));
    let mut runner = Runner::new(inner, committed, open, run);
    match runner.go(secret).await {
        Flow::Over => runner.end().await,
        flow => drop(tokio::spawn(runner.stay(flow))),
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
        let open = Open { plan: held.plan, ask: request.plan.ask, by: held.by, item: held.item };
        let mut runner =
            Runner::new(&inner, committed, open, Run::recorded(held.steps, ends(held.at)));
        runner.reference = held.reference;
        let flow = if runner.apply(Event::Restarted).await {
            runner.go(&mut None).await
        } else {
            Flow::Stuck
        };
        runner.stay(flow).await;
    });
}

/// What a person says of an open action, on its way to whoever runs it.
pub(super) struct Word {
    who: Who,
    event: Event,
    why: Clean,
    heard: oneshot::Sender<Result<(), Denied>>,
}

/// A person's word about an open action: heard by its runner, or put into the ledger where none
/// runs.
pub(super) async fn tell(
    inner: &Arc<Inner>,
    who: &Who,
    key: &str,
    event: Event,
    why: &Clean,
) -> Result<(), Denied> {
    if let Some(runner) = inner.runner(key) {
        let (heard, answer) = oneshot::channel();
        let word = Word { who: who.clone(), event: event.clone(), why: why.clone(), heard };
        if runner.send(word).await.is_ok()
            && let Ok(answer) = answer.await
        {
            return answer;
        }
    }
    let open = inner.blocking(|ledger| ledger.open()).await?;
    let held = open
        .into_iter()
        .find(|h| h.item.key.as_str() == key)
        .ok_or_else(|| Denied::Nothing("no such open action".into()))?;
    let run = Run::recorded(held.steps, ends(held.at));
    heard(inner, (&held.plan, &held.item), run, (who, event, why)).await.map(drop)
}

/// Puts a person's word on disk; the run after it, and whether it is over.
async fn heard(
    inner: &Arc<Inner>,
    (plan, item): (&Clean, &Item),
    mut run: Run,
    (who, event, why): (&Who, Event, &Clean),
) -> Result<(Run, bool), Denied> {
    let now = inner.clock.now();
    run.apply(item, &event, now).map_err(|e| Denied::Asked(e.to_string()))?;
    let outcome = run.outcome(item);
    let given_up = matches!(event, Event::GivenUp);
    let is_over = matches!(run.next(item, now), Next::End(_)) && !run.needs_a_look(item, now);
    let closed = given_up || is_over;
    let body = [("outcome", word(outcome)), ("told", "by a person")];
    let draft = audit::about_item(now, "outcome", plan.as_str(), item, &body);
    let draft = Draft { by: Some(who.operator.clone()), ..draft };
    let draft = inner.private(draft, "why", why)?;
    let (steps, key) = (run.steps.clone(), item.key.clone());
    inner
        .blocking(move |ledger| {
            for (n, step) in steps.iter().enumerate() {
                ledger.record(key.as_str(), n, step, None)?;
            }
            let settled = Settled { outcome, closed, reference: None, at: now };
            ledger.settle(key.as_str(), &settled, draft)
        })
        .await?;
    inner.tell();
    Ok((run, closed))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Nothing more is done by itself.
    Over,
    /// It has to wait for something to show.
    Waits,
    /// The ledger did not take something, or its service is not configured: what the ledger has is
    /// taken up again later.
    Stuck,
}

/// What a runner runs.
struct Open {
    plan: Clean,
    ask: Ask,
    by: Operator,
    item: Item,
}

/// One item that runs. What is told of it meanwhile comes through `words`.
struct Runner {
    inner: Arc<Inner>,
    committed: Committed,
    open: Open,
    run: Run,
    settled: Option<(Outcome, bool)>,
    reference: Option<Clean>,
    words: mpsc::Receiver<Word>,
}

impl Runner {
    fn new(inner: &Arc<Inner>, committed: Committed, open: Open, run: Run) -> Self {
        let words = inner.runs(open.item.key.as_str());
        Self {
            inner: Arc::clone(inner),
            committed,
            open,
            run,
            settled: None,
            reference: None,
            words,
        }
    }

    /// The hands, as configured now.
    fn act(&self) -> Option<Arc<dyn Act>> {
        self.inner.act(&self.open.ask.action).ok()
    }

    /// Does what comes next until it is over or has to wait.
    async fn go(&mut self, secret: &mut Secret) -> Flow {
        loop {
            let now = self.inner.clock.now();
            let goes_on = match self.run.next(&self.open.item, now) {
                Next::Reread => {
                    let fresh = self.reread(now).await;
                    self.apply(Event::Reread(fresh)).await
                }
                Next::Expire => self.apply(Event::Expired).await,
                Next::Send(i) => self.send(i, secret).await,
                Next::Look(i) => self.look(i).await,
                Next::Wait(_, outcome) => {
                    self.settle(outcome, false).await;
                    return Flow::Waits;
                }
                Next::End(outcome) => {
                    let closed = !self.run.needs_a_look(&self.open.item, now);
                    return if self.settle(outcome, closed).await {
                        Flow::Over
                    } else {
                        Flow::Stuck
                    };
                }
            };
            if !goes_on {
                return Flow::Stuck;
            }
        }
    }

    /// Waits and goes on, until it is over.
    async fn stay(mut self, mut flow: Flow) {
        while flow != Flow::Over {
            let now = self.inner.clock.now();
            let wait = match self.run.next(&self.open.item, now) {
                _ if flow == Flow::Stuck => AGAIN,
                Next::Wait(at, _) => Duration::try_from(at.duration_since(now)).unwrap_or_default(),
                _ => Duration::ZERO,
            };
            let rest = self.inner.clock.sleep(wait);
            let told = tokio::select! {
                told = self.words.recv() => told,
                () = rest => None,
            };
            flow = match (told, flow) {
                (Some(word), _) => self.hear(word).await,
                (None, Flow::Stuck) if !self.catch_up().await => Flow::Stuck,
                (None, _) => self.go(&mut None).await,
            };
        }
        self.end().await;
    }

    /// Nobody listens from now on; what was said until then is still heard.
    async fn end(mut self) {
        self.inner.ended(self.open.item.key.as_str());
        while let Ok(word) = self.words.try_recv() {
            self.hear(word).await;
        }
    }

    async fn hear(&mut self, word: Word) -> Flow {
        let Word { who, event, why, heard: answer } = word;
        let run = self.run.clone();
        let about = (&self.open.plan, &self.open.item);
        let (told, flow) = match heard(&self.inner, about, run, (&who, event, &why)).await {
            Ok((run, closed)) => {
                self.run = run;
                (Ok(()), if closed { Flow::Over } else { Flow::Waits })
            }
            Err(denied @ Denied::Ledger(_)) => (Err(denied), Flow::Stuck),
            Err(denied) => (Err(denied), Flow::Waits),
        };
        // Whoever asked may have gone.
        drop(answer.send(told));
        flow
    }

    /// Takes up again what the ledger has; `false` while it cannot be read or written.
    async fn catch_up(&mut self) -> bool {
        let key = self.open.item.key.clone();
        let Ok(open) = self.inner.blocking(|ledger| ledger.open()).await else { return false };
        match open.into_iter().find(|h| h.item.key == key) {
            Some(held) => {
                self.run = Run::recorded(held.steps, ends(held.at));
                self.apply(Event::Restarted).await
            }
            None => {
                self.run.given_up = true;
                true
            }
        }
    }

    async fn reread(&self, now: Timestamp) -> Fresh {
        let Some(act) = self.act() else { return Fresh::Changed };
        let Open { ask, by, item, .. } = &self.open;
        match act.prepare(ask, &item.aim, by, false, now).await {
            Ok(fresh) if same(item, &fresh.item) && self.is_open(&fresh) => Fresh::Same,
            Ok(fresh) => {
                let now = fresh.item.now;
                tracing::warn!(
                    "{}: it was {:?} and is {now:?}: nothing is sent",
                    item.aim,
                    item.now
                );
                Fresh::Changed
            }
            Err(refused) => {
                tracing::warn!("{}: it cannot be read again: {refused}: nothing is sent", item.aim);
                Fresh::Changed
            }
        }
    }

    /// Whether the policy of now still leaves the target open.
    fn is_open(&self, fresh: &Prepared) -> bool {
        let protected = self
            .inner
            .policy()
            .map(|policy| policy.protects(&fresh.item.aim, fresh.groups.as_deref()));
        matches!(protected, Ok(None))
    }

    async fn send(&mut self, i: usize, secret: &mut Secret) -> bool {
        let Some(act) = self.act() else {
            tracing::error!("{}: its service is no longer configured", self.open.ask.action);
            return false;
        };
        if !self.apply(Event::Sending(i)).await {
            return false;
        }
        let now = self.inner.clock.now();
        let (said, says) = match act.step(&self.committed, &self.open.item, i, now).await {
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
        let Some(act) = self.act() else { return false };
        let now = self.inner.clock.now();
        let sent_at = self.run.steps.get(i).and_then(|s| s.sent_at).unwrap_or(now);
        let (look, says) = match act.look(&self.open.item, i, sent_at, now).await {
            Seen::There(says) => (Look::There, says),
            Seen::Found { says, reference } => {
                self.reference = Some(reference);
                (Look::There, says)
            }
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
        if let Err(error) = self.run.apply(&self.open.item, &event, now) {
            tracing::error!("{} of {}: {error}", self.open.ask.action, self.open.item.aim);
            return false;
        }
        for (n, (old, new)) in before.steps.iter().zip(&self.run.steps).enumerate() {
            if old == new {
                continue;
            }
            let step = self.open.item.steps.get(n);
            let draft = (old.state != new.state).then(|| {
                audit::about_item(
                    now,
                    "step",
                    self.open.plan.as_str(),
                    &self.open.item,
                    &[
                        ("step", step.map_or("", |s| s.id.as_str())),
                        ("state", state_word(new.state)),
                        ("says", new.says.as_str()),
                    ],
                )
            });
            let mut tries = 0;
            loop {
                let (key, new, draft) = (self.open.item.key.clone(), new.clone(), draft.clone());
                let done = self
                    .inner
                    .blocking(move |ledger| ledger.record(key.as_str(), n, &new, draft))
                    .await;
                let Err(error) = done else { break };
                tries += 1;
                tracing::error!("{} of {}: {error}", self.open.ask.action, self.open.item.aim);
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

    /// `false` when the ledger did not take it.
    async fn settle(&mut self, outcome: Outcome, closed: bool) -> bool {
        if self.run.given_up || self.settled == Some((outcome, closed)) {
            return true;
        }
        let now = self.inner.clock.now();
        let draft = audit::about_item(
            now,
            "outcome",
            self.open.plan.as_str(),
            &self.open.item,
            &[("outcome", word(outcome)), ("closed", if closed { "yes" } else { "no" })],
        );
        let reference = self.reference.clone();
        let settled = Settled { outcome, closed, reference, at: now };
        let key = self.open.item.key.clone();
        let done = self.inner.blocking(move |l| l.settle(key.as_str(), &settled, draft)).await;
        match &done {
            Ok(()) => self.settled = Some((outcome, closed)),
            Err(error) => tracing::error!("an outcome cannot be recorded: {error}"),
        }
        self.inner.tell();
        done.is_ok()
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
