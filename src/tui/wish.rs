//! What the console wants of the guard and of the past, and what came of it.

use jiff::Timestamp;

use crate::link::{Link, LinkError};
use crate::tui::screens::report::Asked;
use crate::wire::account::{AskAccount, FindAccounts};
use crate::wire::action::{Arm, Armed, AuditEntry, Confirmed, EmergencyView, PlanPage, Told};
use crate::wire::board::Board;
use crate::wire::desk::StruckOut;
use crate::wire::incident::{IncidentDone, IncidentOrder, IncidentPage, Incidents};
use crate::wire::past::{Diff, Handover};
use crate::wire::replay::{Replay, ReplayOrder};
use crate::wire::report::Report;
use crate::wire::training::TrainingPage;
use crate::wire::{AccountPage, Ask, Clean, Entry, Hits, Span};

/// A filter of the audit, as the route takes it.
pub type AuditQuery = Vec<(&'static str, String)>;

/// Something that is asked of the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A plan; nothing is sent.
    Plan {
        /// What is asked for.
        ask: Box<Ask>,
        /// Whether names are to be shown whole.
        show: bool,
    },
    /// A plan that waits, to be read.
    Review(Clean),
    /// The plan is confirmed.
    Confirm {
        /// Its id.
        plan: Clean,
        /// Its digest.
        digest: Clean,
    },
    /// The plan is approved.
    Approve {
        /// Its id.
        plan: Clean,
        /// Its digest.
        digest: Clean,
        /// What its items ask the second person to type.
        typed: Clean,
    },
    /// One's own request is taken back.
    TakeBack(Clean),
    /// A person saw what became of a step.
    Tell {
        /// The action's key.
        key: Clean,
        /// What they saw.
        told: Told,
    },
    /// A person closes an action as it is.
    Close {
        /// The action's key.
        key: Clean,
        /// Why.
        why: Clean,
    },
    /// An emergency is declared.
    Emergency(Clean),
    /// One's own actions open for a while, or close.
    Arm(Arm),
    /// Accounts of a school by a part of a name; names stay masked.
    FindAccounts(Box<FindAccounts>),
    /// How one account stands.
    Account(Box<AskAccount>),
    /// Incidents: the open ones, and those that ended within a day.
    Incidents,
    /// Which schools are part of which open incident.
    Places,
    /// One incident.
    Incident(u64),
    /// Something is done about an incident.
    OrderIncident {
        /// Its number.
        id: u64,
        /// What.
        order: Box<IncidentOrder>,
    },
    /// The text of an entry of the desk's book goes.
    Strike(u64),
    /// Entries of the audit.
    Audit(AuditQuery),
    /// The training that runs.
    Training {
        /// With one more hint.
        hint: bool,
    },
    /// One entry.
    Entry(u64),
    /// The board at a past moment.
    Then(Timestamp),
    /// Something of a recording that is played.
    Replay(ReplayOrder),
    /// Two moments compared, or what is handed over.
    Report(Asked),
    /// What has changed since somebody last looked, at this moment.
    News(Timestamp),
    /// One entry with its personal details.
    Reveal {
        /// Its number.
        number: u64,
        /// Why.
        why: Clean,
    },
}

/// Why a plan was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unconfirmed {
    /// The agent refused: nothing was sent.
    Refused(String),
    /// No answer came: whether it began is not known.
    Lost(String),
}

/// What came of a wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A plan, or why there is none.
    Planned {
        /// What was asked for.
        ask: Box<Ask>,
        /// The plan.
        answer: Result<Box<PlanPage>, String>,
    },
    /// A plan that waits.
    Reviewed {
        /// Its id.
        plan: Clean,
        /// The plan.
        answer: Result<Box<PlanPage>, String>,
    },
    /// What confirming or approving led to.
    Confirmed {
        /// The plan's id.
        plan: Clean,
        /// What came of it.
        answer: Result<Confirmed, Unconfirmed>,
    },
    /// Something small was done, or not: in words.
    Said(Result<String, String>),
    /// An emergency, or why not.
    Emergency(Result<EmergencyView, String>),
    /// Armed until, or why not.
    Armed(Result<Armed, String>),
    /// Accounts that a search found.
    Found {
        /// What was asked for.
        asked: Box<FindAccounts>,
        /// What was found.
        answer: Result<Hits, String>,
    },
    /// How one account stands.
    Account {
        /// What was asked for.
        asked: Box<AskAccount>,
        /// Its page.
        answer: Result<Box<AccountPage>, String>,
    },
    /// Who struck out which entry of the desk's book.
    Struck(Result<StruckOut, String>),
    /// Incidents, or why there are none.
    Incidents(Result<Box<Incidents>, String>),
    /// The open ones with their schools.
    Places(Result<Box<Incidents>, String>),
    /// One incident.
    Incident {
        /// Its number.
        id: u64,
        /// The incident.
        answer: Result<Box<IncidentPage>, String>,
    },
    /// What came of an order about an incident.
    Ordered {
        /// The incident that was meant.
        id: u64,
        /// What was done.
        answer: Result<Box<IncidentDone>, String>,
    },
    /// Entries of the audit.
    Audit {
        /// What was asked for.
        query: AuditQuery,
        /// Newest first.
        answer: Result<Vec<Entry>, String>,
    },
    /// The training that runs, or why none is told.
    Training(Result<Box<TrainingPage>, String>),
    /// The board at a past moment.
    Then {
        /// The moment.
        at: Timestamp,
        /// The board.
        answer: Result<Box<Board>, String>,
    },
    /// How a recording that is played stands now.
    Replay(Result<Replay, String>),
    /// Two moments compared.
    Diff {
        /// What was asked for.
        asked: Asked,
        /// What differs.
        answer: Result<Box<Diff>, String>,
    },
    /// What has changed since somebody last looked.
    News {
        /// When they did.
        from: Timestamp,
        /// What has.
        answer: Result<Box<Diff>, String>,
    },
    /// What is handed over.
    Handover {
        /// What was asked for.
        asked: Asked,
        /// All of it.
        answer: Result<Box<Handover>, String>,
    },
    /// How services stood.
    Figures {
        /// What was asked for.
        asked: Asked,
        /// The report.
        answer: Result<Box<Report>, String>,
    },
    /// One entry.
    Entry {
        /// Its number.
        number: u64,
        /// The entry.
        answer: Result<Box<AuditEntry>, String>,
    },
}

fn boxed<T>(answer: Result<T, LinkError>) -> Result<Box<T>, String> {
    answer.map(Box::new).map_err(words)
}

fn words(error: LinkError) -> String {
    match error {
        LinkError::Refused { message, .. } => message,
        other => other.to_string(),
    }
}

fn unconfirmed(error: LinkError) -> Unconfirmed {
    match error {
        LinkError::Refused { message, .. } => Unconfirmed::Refused(message),
        other => Unconfirmed::Lost(other.to_string()),
    }
}

async fn compared(
    link: &Link,
    from: Timestamp,
    until: Option<Timestamp>,
) -> Result<Box<Diff>, String> {
    boxed(link.diff(from, until).await)
}

/// Asks the agent.
pub async fn carry_out(link: &Link, wish: Wish) -> Heard {
    match wish {
        Wish::Plan { ask, show } => {
            let answer = boxed(link.plan((*ask).clone(), show).await);
            Heard::Planned { ask, answer }
        }
        Wish::Review(plan) => {
            let answer = boxed(link.planned(plan.as_str()).await);
            Heard::Reviewed { plan, answer }
        }
        Wish::Confirm { plan, digest } => {
            let answer = link.confirm(plan.as_str(), &digest).await.map_err(unconfirmed);
            Heard::Confirmed { plan, answer }
        }
        Wish::Approve { plan, digest, typed } => {
            let answer = link.approve(plan.as_str(), &digest, &typed).await.map_err(unconfirmed);
            Heard::Confirmed { plan, answer }
        }
        Wish::TakeBack(plan) => {
            said(link.cancel(plan.as_str()).await, "taken back; nothing was sent")
        }
        Wish::Tell { key, told } => said(link.told(key.as_str(), &told).await, "recorded"),
        Wish::Close { key, why } => {
            said(link.close(key.as_str(), &why).await, "closed as it is, and recorded")
        }
        Wish::Emergency(why) => Heard::Emergency(link.emergency(&why).await.map_err(words)),
        Wish::Arm(arm) => Heard::Armed(link.arm(&arm).await.map_err(words)),
        Wish::FindAccounts(asked) => {
            let answer = link.find_accounts(&asked).await.map(|page| page.found).map_err(words);
            Heard::Found { asked, answer }
        }
        Wish::Account(asked) => {
            let answer = link.account(&asked).await.map(|shown| Box::new(shown.page));
            Heard::Account { asked, answer: answer.map_err(words) }
        }
        Wish::Incidents => Heard::Incidents(boxed(link.incidents(Some(Span::from_days(1))).await)),
        Wish::Places => Heard::Places(boxed(link.incident_places().await)),
        Wish::Incident(id) => Heard::Incident { id, answer: boxed(link.incident(id).await) },
        Wish::OrderIncident { id, order } => {
            let answer = boxed(link.order_incident(id, &order).await);
            Heard::Ordered { id, answer }
        }
        Wish::Strike(id) => Heard::Struck(link.strike(id).await.map_err(words)),
        Wish::Audit(query) => {
            let answer = link.audit(&query).await.map(|page| page.entries).map_err(words);
            Heard::Audit { query, answer }
        }
        Wish::Training { hint } => {
            let answer = if hint { link.hint().await } else { link.training().await };
            Heard::Training(answer.map(Box::new).map_err(words))
        }
        Wish::Report(asked @ Asked::Diff(from, until)) => {
            Heard::Diff { asked, answer: compared(link, from, Some(until)).await }
        }
        Wish::Report(asked @ Asked::Figures(from, until)) => {
            let answer = boxed(link.report((from, until), &[], &[]).await);
            Heard::Figures { asked, answer }
        }
        Wish::Report(asked @ Asked::Handover(since)) => {
            let answer = boxed(link.handover(since).await);
            Heard::Handover { asked, answer }
        }
        Wish::News(from) => Heard::News { from, answer: compared(link, from, None).await },
        Wish::Then(at) => {
            let answer = boxed(link.board_at(at).await);
            Heard::Then { at, answer }
        }
        Wish::Replay(order) => Heard::Replay(link.replay(order).await.map_err(words)),
        Wish::Entry(number) => {
            let answer = boxed(link.audit_entry(number).await);
            Heard::Entry { number, answer }
        }
        Wish::Reveal { number, why } => {
            let answer = boxed(link.reveal(number, &why).await);
            Heard::Entry { number, answer }
        }
    }
}

fn said(answer: Result<(), LinkError>, words_of: &str) -> Heard {
    Heard::Said(answer.map(|()| words_of.to_owned()).map_err(words))
}
