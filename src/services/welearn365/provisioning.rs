//! Accounts that the directory sync could not bring to Microsoft 365, school by school.
//!
//! Cost: all accounts are read once a day, 999 a page, one request a page, one page at a time (one
//! of Microsoft's resource units each, of 8,000 in ten seconds). In between a delta query tells what
//! changed, one request a time as long as little does: an operator's look or a refresh costs one
//! request instead of a hundred. Its token is taken before the whole read begins, so that nothing
//! falls between the two; it is kept in memory only, and a restart reads all accounts again.
//!
//! The whole read, not the delta, is what the verdict stands on: Microsoft does not promise that an
//! error alone makes an account a changed one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::model::calendar::london;
use crate::model::health::Reason;
use crate::model::ids::{CheckId, Laestab};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::ports::clock::Clock;
use crate::services::answer::{Seen, Trouble, answered};
use crate::services::welearn365::dn::Ous;
use crate::services::welearn365::error::{Said, believed};
use crate::services::welearn365::graph::{Graph, Turn, Walk};
use crate::services::welearn365::picture::{Account, FIELDS, Picture, Tally};
use crate::services::welearn365::words::{thousands, with};
use crate::transport::{Reply, Request};

/// The right for accounts.
const RIGHT: &str = "User.Read.All";
/// Rows of a page; Graph's largest.
const PAGE: &str = "999";
/// More pages than any tenant has accounts for.
const MOST_PAGES: usize = 20_000;
/// More pages of changes than are worth reading: a whole read is cheaper.
const MOST_CHANGES: usize = 200;
/// Pages until a delta query that begins now gives its link.
const MOST_EMPTY: usize = 4;
/// How long one poll reads on; the agent gives a poll five minutes.
const READ_FOR: Duration = Duration::from_secs(200);
/// After a whole read that failed, the next begins so much later.
const REST: SignedDuration = SignedDuration::from_mins(30);
/// The same when an operator asks meanwhile: a whole read is a hundred requests.
const SHORTEST_REST: SignedDuration = SignedDuration::from_mins(5);
/// Codes by which Graph says that its changes can no longer be told, beside status 410.
const RESYNC: [&str; 4] =
    ["syncStateNotFound", "resyncRequired", "resyncApplyDifferences", "resyncUploadDifferences"];
/// Properties at fault that a sentence names.
const NAMED: usize = 3;

/// `[services.welearn365.provisioning]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProvisioningSettings {
    /// How often all accounts are read; in between only what changed is asked for.
    pub whole_read: Span,
    /// Accounts of one school in error that are a warning.
    pub warning: u32,
    /// Accounts of one school in error that are critical.
    pub critical: u32,
}

impl Default for ProvisioningSettings {
    fn default() -> Self {
        Self { whole_read: Span::from_hours(24), warning: 1, critical: 25 }
    }
}

impl ProvisioningSettings {
    /// The key and the reason, where a value makes no sense.
    pub(super) fn refused(&self) -> Option<(&'static str, &'static str)> {
        if self.warning == 0 || self.critical < self.warning {
            return Some((
                "provisioning.critical",
                "must not be below warning, and warning is at least 1",
            ));
        }
        (self.whole_read < Span::from_hours(1)).then_some((
            "provisioning.whole_read",
            "reading all accounts more often than once an hour helps nobody: write 1h or more",
        ))
    }
}

/// The accounts of the schools that have an OU.
pub(super) struct Provisioning {
    ous: Ous,
    settings: ProvisioningSettings,
    clock: Arc<dyn Clock>,
    /// An operator has asked since a whole read was begun last.
    asked_again: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// A whole read under way; left when a poll's time is up, and taken up by the next.
    reading: Option<Reading>,
    /// The last whole read and the changes since.
    known: Option<Known>,
    /// When a whole read last failed, and how.
    failed: Option<(Timestamp, Trouble)>,
    /// What was last logged of accounts under no school's OU.
    told: u64,
}

struct Reading {
    walk: Walk,
    picture: Picture,
    /// How many accounts Microsoft counts.
    expected: u64,
    rows: u64,
    /// Where the changes since the read began are told.
    changes: Option<String>,
    began: Timestamp,
    last: Option<Reply>,
}

struct Known {
    picture: Picture,
    /// When the whole read began.
    read_at: Timestamp,
    /// The last answer, and when it came: of the whole read, or of the changes since.
    reply: Reply,
    changes: Option<String>,
}

/// What came of asking for changes.
enum Changes {
    Applied,
    /// No link, or one that is too old: all accounts must be read.
    Lost,
}

impl Provisioning {
    pub(super) fn new(ous: Ous, settings: ProvisioningSettings, clock: Arc<dyn Clock>) -> Self {
        Self { ous, settings, clock, asked_again: AtomicBool::new(false), state: Mutex::default() }
    }

    /// The schools that it answers for.
    pub(super) fn schools(&self) -> impl Iterator<Item = Laestab> + '_ {
        self.ous.schools()
    }

    /// An operator asks: what rests is read again with the next poll.
    pub(super) fn asked_again(&self) {
        self.asked_again.store(true, Ordering::Relaxed);
    }

    /// One observation for each of `targets`.
    pub(super) async fn poll(
        &self,
        graph: &Graph,
        check: &CheckId,
        targets: &[Target],
    ) -> Vec<Observation> {
        // A poll never overlaps itself; one that was given up lets the next go on here.
        let mut state = self.state.lock().await;
        let brought = self.bring(graph, &mut state).await;
        let now = self.clock.now();
        match (brought, &state.known) {
            (Err(trouble), _) => {
                targets.iter().map(|target| trouble.observe(check, *target, now)).collect()
            }
            (Ok(()), Some(known)) => {
                let out = self.observe(known, check, targets);
                self.tell(&mut state);
                out
            }
            (Ok(()), None) => {
                let (rows, of) = state.reading.as_ref().map_or((0, 0), |r| (r.rows, r.expected));
                let trouble = Trouble::new(
                    Reason::NeverSeen,
                    format!("all accounts are being read: {rows} of {of} so far"),
                );
                targets.iter().map(|target| trouble.observe(check, *target, now)).collect()
            }
        }
    }

    /// Brings what is known up to date, as far as the time of one poll allows.
    async fn bring(&self, graph: &Graph, state: &mut State) -> Result<(), Trouble> {
        let now = self.clock.now();
        let due = state.known.as_ref().is_none_or(|k| self.is_old(k, now));
        if !due && state.reading.is_none() {
            let known = state.known.as_mut();
            match self.changes(graph, known).await {
                Ok(Changes::Applied) => return Ok(()),
                Ok(Changes::Lost) => {}
                Err(trouble) => {
                    if trouble.reason != Reason::Malformed {
                        return Err(trouble);
                    }
                    // What cannot be read may have left half of its changes behind: all is read anew,
                    // at once unless that was done only just now.
                    let known = state.known.take();
                    if known.is_some_and(|known| is_within(REST, known.read_at, now)) {
                        return Err(self.failed(state, trouble));
                    }
                    tracing::warn!(
                        "changes of accounts cannot be read, so all are read: {}",
                        trouble.why
                    );
                }
            }
            if state.known.as_ref().is_some_and(|k| k.changes.is_none()) {
                // There is no delta query here: the whole read stands until the next one.
                return Ok(());
            }
        }
        self.read_all(graph, state).await
    }

    /// Whether the whole read is due again; a clock that was set back does not put it off.
    fn is_old(&self, known: &Known, now: Timestamp) -> bool {
        let age = now.duration_since(known.read_at);
        age.is_negative() || age.unsigned_abs() >= self.settings.whole_read.duration()
    }

    async fn read_all(&self, graph: &Graph, state: &mut State) -> Result<(), Trouble> {
        let now = self.clock.now();
        let asked = self.asked_again.load(Ordering::Relaxed);
        let rest = if asked { SHORTEST_REST } else { REST };
        if state.reading.is_none()
            && let Some((at, trouble)) = &state.failed
            && is_within(rest, *at, now)
        {
            return Err(trouble.clone());
        }
        if state.reading.is_none() {
            self.asked_again.store(false, Ordering::Relaxed);
            // This costs as little as any other question: what fails here is asked at the next poll.
            state.reading = Some(self.begin(graph).await?);
        }
        let until = self.clock.monotonic() + READ_FOR;
        match self.read_on(graph, &mut state.reading, until).await {
            Ok(None) => Ok(()),
            Ok(Some(known)) => {
                (state.reading, state.failed, state.known) = (None, None, Some(known));
                Ok(())
            }
            Err(trouble) => {
                // After no answer the same page is asked for again; whatever else goes wrong, the
                // list begins anew.
                if !matches!(trouble.reason, Reason::NoAnswer | Reason::Throttled) {
                    state.reading = None;
                    return Err(self.failed(state, trouble));
                }
                Err(trouble)
            }
        }
    }

    /// Keeps that the accounts could not be read, and says when they are read again.
    fn failed(&self, state: &mut State, mut trouble: Trouble) -> Trouble {
        let now = self.clock.now();
        let again = now.checked_add(REST).unwrap_or(now).to_zoned_datetime(london());
        let again = again.strftime("%H:%M");
        trouble.why.push_str(&format!("; all are read again from {again} on, or when asked to"));
        state.failed = Some((now, trouble.clone()));
        trouble
    }

    /// Reads pages until the list ends, or `until`; then `None`.
    async fn read_on(
        &self,
        graph: &Graph,
        reading: &mut Option<Reading>,
        until: Duration,
    ) -> Result<Option<Known>, Trouble> {
        let Some(now) = reading.as_mut() else { return Ok(None) };
        while now.walk.goes_on() {
            if self.clock.monotonic() >= until {
                return Ok(None);
            }
            let Some((page, reply)) = now.walk.next::<Account>(graph).await? else { break };
            // From here to the end of the page nothing waits: a poll that is given up leaves either
            // the whole page behind or nothing of it.
            if now.walk.pages() == 1 {
                now.expected = counted(&page.count)?;
            }
            for row in page.value {
                now.picture.take(row, &self.ous)?;
                now.rows += 1;
            }
            now.last = Some(reply);
        }
        match reading.take() {
            Some(done) => done.finish().map(Some),
            None => Ok(None),
        }
    }

    /// The link to later changes first, then the list.
    async fn begin(&self, graph: &Graph) -> Result<Reading, Trouble> {
        let began = self.clock.now();
        let latest =
            Request::get("users/delta").query("$select", FIELDS).query("$deltatoken", "latest");
        let mut walk = Walk::new(latest, RIGHT, MOST_EMPTY);
        let mut changes = None;
        loop {
            match walk.turn::<Account>(graph).await? {
                Turn::Page(page, _) => changes = page.delta,
                Turn::End => break,
                // Without it the accounts are read all the same.
                Turn::Refused(refused) => {
                    tracing::info!(
                        status = refused.status,
                        request_id = refused.request_id,
                        "Microsoft gives no delta query of accounts; all are read each time"
                    );
                    break;
                }
            }
        }
        if let Some(link) = &changes {
            graph.owns(link)?;
        }
        // `$count` needs the header on each page, and proves that the list is whole.
        let all = Request::get("users")
            .query("$select", FIELDS)
            .query("$top", PAGE)
            .query("$count", "true");
        Ok(Reading {
            walk: Walk::new(all, RIGHT, MOST_PAGES).eventual(),
            picture: Picture::default(),
            expected: 0,
            rows: 0,
            changes,
            began,
            last: None,
        })
    }

    /// Asks what changed since the last answer.
    async fn changes(&self, graph: &Graph, known: Option<&mut Known>) -> Result<Changes, Trouble> {
        let Some(known) = known else { return Ok(Changes::Lost) };
        let Some(link) = known.changes.clone() else { return Ok(Changes::Lost) };
        let mut walk = Walk::along(link, RIGHT, MOST_CHANGES);
        let mut later = None;
        loop {
            match walk.turn::<Account>(graph).await? {
                Turn::End => break,
                Turn::Page(page, reply) => {
                    for row in page.value {
                        known.picture.change(row, &self.ous)?;
                    }
                    (later, known.reply) = (page.delta, reply);
                }
                Turn::Refused(reply) => {
                    let lost = Said::of(&reply).is_some_and(|s| s.is_any(&RESYNC));
                    if reply.status == 410 || lost {
                        return Ok(Changes::Lost);
                    }
                    if matches!(reply.status, 400 | 404) {
                        // Whatever it does not like, it is the question: all will be read again
                        // when they are due, and until then what was read stands.
                        tracing::info!(
                            status = reply.status,
                            request_id = reply.request_id,
                            "Microsoft tells no changes of accounts any more"
                        );
                        known.changes = None;
                        return Ok(Changes::Lost);
                    }
                    believed(reply, RIGHT)?;
                    return Err(Trouble::malformed("Microsoft's changes cannot be read"));
                }
            }
        }
        let Some(link) = later else {
            return Err(Trouble::malformed("Microsoft's changes end without a link to later ones"));
        };
        graph.owns(&link)?;
        known.changes = Some(link);
        Ok(Changes::Applied)
    }

    fn observe(&self, known: &Known, check: &CheckId, targets: &[Target]) -> Vec<Observation> {
        let tallies = known.picture.tallies();
        let outside = tallies.get(&None).map_or(0, |t| t.held);
        let none = Tally::default();
        targets
            .iter()
            .map(|target| {
                let tally = match target {
                    Target::School(school) => tallies.get(&Some(*school)).unwrap_or(&none),
                    Target::Estate => &none,
                };
                let bare = Observation::new(
                    check.clone(),
                    *target,
                    known.reply.received_at,
                    Verdict::Unknown(Reason::NeverSeen),
                    "not judged",
                );
                let seen = self.judge(tally, bare);
                let seen = answered(seen, &known.reply)
                    .fact("all accounts read", known.read_at.to_string());
                match outside {
                    0 => seen,
                    n => seen.fact("in error under no school's OU", n.to_string()),
                }
            })
            .collect()
    }

    fn judge(&self, tally: &Tally, bare: Observation) -> Observation {
        let Tally { accounts, held, kinds, since } = tally;
        let count = |n: u64| thousands(i64::try_from(n).unwrap_or(i64::MAX));
        if *accounts == 0 && *held == 0 {
            return with(
                bare,
                Verdict::Unknown(Reason::NeverSeen),
                "Microsoft 365 has no account under this school's OU: check the column \
                 welearn365.ou",
            );
        }
        let verdict = match *held {
            n if n >= u64::from(self.settings.critical) => Verdict::Critical,
            n if n >= u64::from(self.settings.warning) => Verdict::Warning,
            _ => Verdict::Ok,
        };
        let words = match held {
            0 => format!("no provisioning error among {} accounts", count(*accounts)),
            n => format!(
                "{} of {} accounts cannot be synced ({}): mend them in Active Directory",
                count(*n),
                count((*accounts).max(*n)),
                named(kinds)
            ),
        };
        let by_now = since.filter(|at| *at <= bare.observed_at);
        let seen = with(bare, verdict, &words).since(by_now.filter(|_| verdict != Verdict::Ok));
        #[expect(clippy::cast_precision_loss, reason = "counts of accounts are far below 2^52")]
        let (accounts, held) = (*accounts as f64, *held as f64);
        seen.number("accounts", accounts).number("accounts_in_error", held)
    }

    /// Writes to the log how many accounts in error no school is told of, when that changes.
    fn tell(&self, state: &mut State) {
        let Some(known) = &state.known else { return };
        let held = known.picture.tallies().get(&None).map_or(0, |t| t.held);
        if held != state.told {
            state.told = held;
            tracing::warn!(
                in_error = held,
                outside = known.picture.outside,
                cloud_only = known.picture.cloud_only,
                "accounts with provisioning errors are under no school's OU"
            );
        }
    }
}

impl Reading {
    fn finish(self) -> Result<Known, Trouble> {
        // Accounts may go while the list is read: of very many a few.
        let least = self.expected - self.expected / 200;
        if self.rows < least {
            return Err(Trouble::malformed(format!(
                "Microsoft's list of accounts is incomplete: {} of {}",
                self.rows, self.expected
            )));
        }
        let reply = self.last.ok_or_else(|| Trouble::malformed("Microsoft's list has no page"))?;
        Ok(Known { picture: self.picture, read_at: self.began, reply, changes: self.changes })
    }
}

/// Whether `at` is at most `span` ago. A clock that was set back does not make it so.
fn is_within(span: SignedDuration, at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.duration_since(at) < span
}

/// How many accounts there are. Without the header, Graph leaves the number out in silence.
fn counted(count: &Seen<u64>) -> Result<u64, Trouble> {
    count.value().copied().ok_or_else(|| {
        Trouble::malformed(
            "Microsoft did not count its accounts, so that nobody can tell whether the list is \
             whole",
        )
    })
}

/// The commonest properties at fault.
fn named(kinds: &std::collections::BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<(&String, &u64)> = kinds.iter().collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let mut words: Vec<String> =
        sorted.iter().take(NAMED).map(|(kind, n)| format!("{kind} {n}")).collect();
    if sorted.len() > NAMED {
        words.push("and others".to_owned());
    }
    words.join(", ")
}
