//! An account of either API: a protected machine, its runs, and what else is known of it.
//!
//! The table of states and "never ran" are as the vendor's help pages (articles 1193 and 1607) and
//! public client code have them; what they leave open is read as the worse.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::observation::SourceTime;
use crate::services::answer::{Seen, Trouble, time};
use crate::services::redstor::said::Said;

/// How a run ended, by the number. 0 is the worst, and 3 is worse than 2: not an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Failed,
    Completed,
    Warnings,
    Errors,
}

impl Outcome {
    fn of_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Failed),
            1 => Some(Self::Completed),
            2 => Some(Self::Warnings),
            3 => Some(Self::Errors),
            _ => None,
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Warnings => "completed with warnings",
            Self::Errors => "completed with errors",
        }
    }

    /// Whether what it wrote can be restored without doubt.
    pub(super) fn is_good(self) -> bool {
        matches!(self, Self::Completed | Self::Warnings)
    }
}

/// One run of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) at: SourceTime,
    pub(super) outcome: Result<Outcome, Trouble>,
}

/// The runs of one kind of data of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct History {
    /// Redstor's number of the kind, where it tells one.
    pub(super) service: Option<i64>,
    /// Newest first; empty if none is known. An error when it cannot be told.
    pub(super) runs: Result<Vec<Run>, Trouble>,
}

/// How much may be stored, in megabytes of the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Quota {
    pub(super) limit_mb: Option<f64>,
    pub(super) hard_mb: Option<f64>,
    /// More than nothing: too much is stored.
    pub(super) over_mb: f64,
}

/// One protected machine, whichever API told of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Account {
    pub(super) name: Option<String>,
    pub(super) guid: Option<String>,
    /// Its group and its name, `\` between them, where there are groups.
    pub(super) path: Option<String>,
    pub(super) created: Option<Timestamp>,
    /// Switched off by the school or by us, in words.
    pub(super) disabled: Option<&'static str>,
    /// Why it cannot be told whether it is switched off: then it is at best unknown.
    pub(super) doubt: Option<&'static str>,
    pub(super) server_offline: bool,
    pub(super) quota: Quota,
    /// How much its backups hold, in millions of bytes, where the API tells.
    pub(super) stored_mb: Option<f64>,
    /// When its agent last signed in, and the agent's version.
    pub(super) agent_seen: Option<SourceTime>,
    pub(super) agent_version: Option<String>,
    /// One for each kind of data that it holds; none if it never ran.
    pub(super) histories: Vec<History>,
    /// Whether older runs than the last one are shown.
    pub(super) has_history: bool,
    /// Whether it has ever run, where somebody asked.
    pub(super) ran_before: Option<bool>,
    /// What went wrong in its last run, in counts.
    pub(super) errors: Option<String>,
    /// How its last restore stands.
    pub(super) restore: Option<String>,
    /// The company that it belongs to, in RedAPI.
    pub(super) company: Option<String>,
    /// Its name may be a person's: a mailbox, a drive.
    pub(super) may_name_a_person: bool,
}

/// Every account that the sign-in may see.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Listing {
    pub(super) accounts: Vec<Account>,
    /// Rows of which not even the name could be read.
    pub(super) unreadable: usize,
    /// What is shown beside the accounts and never judged.
    pub(super) beside: Vec<(&'static str, String)>,
    /// The last request that told of their backups and what came, as evidence.
    pub(super) asked: Vec<(&'static str, String)>,
}

/// The outcome by number, if the message does not contradict it. Only a few texts are published:
/// one that nobody knows is believed of trouble, never of success.
pub(super) fn outcome(
    code: Seen<i64>,
    message: Seen<String>,
    names: (&str, &str),
) -> Result<Outcome, Trouble> {
    let code = code.need(names.0)?;
    let said = message.value().map_or("no text", String::as_str);
    let by_code = Outcome::of_code(code).ok_or_else(|| {
        Trouble::malformed(format!(
            "unknown backup state {code} ({said}): look at it in Redstor's own console"
        ))
    })?;
    let message = match message {
        Seen::Value(message) => message,
        // A failed run counts, whether or not it says why.
        _ if by_code != Outcome::Completed => return Ok(by_code),
        other => other.need(names.1)?,
    };
    let state = format!("state {code} means {}", by_code.words());
    match Said::of(&message).agrees_with(by_code) {
        Some(true) => Ok(by_code),
        Some(false) => Err(Trouble::malformed(format!("{state}, but its text says \"{message}\""))),
        None => Err(Trouble::malformed(format!(
            "{state}, but its text \"{message}\" is not one we know"
        ))),
    }
}

/// A time of the vendor's.
pub(super) fn moment(text: &str, name: &str) -> Result<SourceTime, Trouble> {
    // The page leaves the zone open; UTC is what all examples with a zone amount to.
    time(text, &TimeZone::UTC)
        .ok_or_else(|| Trouble::malformed(format!("{name} is not a time: \"{text}\"")))
}
