//! The shapes of both APIs, and the accounts that both become.
//!
//! Names of fields, the table of states and "never ran" are as the vendor's help pages (articles
//! 1193 and 1607) and public client code have them; what they leave open is read as the worse.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::model::observation::SourceTime;
use crate::services::answer::{ListRow, Seen, Trouble, time};
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

/// One protected machine, whichever API told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: Option<String>,
    pub(super) guid: Option<String>,
    pub(super) created: Option<Timestamp>,
    /// Switched off by the school or by us, in words.
    pub(super) disabled: Option<&'static str>,
    pub(super) server_offline: bool,
    pub(super) over_limit: bool,
    /// Newest first; empty if none is known. An error when it cannot be told.
    pub(super) runs: Result<Vec<Run>, Trouble>,
    /// Whether older runs than the last one are shown.
    pub(super) has_history: bool,
}

/// Every account that the sign-in may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) accounts: Vec<Account>,
    /// Rows of which not even the name could be read.
    pub(super) unreadable: usize,
}

/// The outcome by number, if the message does not contradict it. Only a few texts are published:
/// one that nobody knows is believed of trouble, never of success.
fn outcome(
    code: Seen<i64>,
    message: Seen<String>,
    names: (&str, &str),
) -> Result<Outcome, Trouble> {
    let code = code.need(names.0)?;
    let said = message.value().map_or("no text", String::as_str);
    let by_code = Outcome::of_code(code)
        .ok_or_else(|| Trouble::malformed(format!("unknown backup state {code} ({said})")))?;
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

fn moment(text: &str, name: &str) -> Result<SourceTime, Trouble> {
    // The page leaves the zone open; UTC is what all examples with a zone amount to.
    time(text, &TimeZone::UTC)
        .ok_or_else(|| Trouble::malformed(format!("{name} is not a time: \"{text}\"")))
}

/// A page of `GET /api/odata/Accounts`: an OData wrapper or a bare list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum StoragePage {
    Wrapped {
        value: Vec<ListRow<StorageRow>>,
        #[serde(rename = "@odata.nextLink", default)]
        next: Option<String>,
    },
    Bare(Vec<ListRow<StorageRow>>),
}

impl StoragePage {
    /// Its rows, and whether it says that more follow.
    pub(super) fn rows(self) -> (Vec<ListRow<StorageRow>>, bool) {
        match self {
            Self::Wrapped { value, next } => (value, next.is_some()),
            Self::Bare(value) => (value, false),
        }
    }
}

/// An account of the Storage Platform. The group's certificate and the rest are never read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct StorageRow {
    account_name: Seen<String>,
    guid: Seen<String>,
    created_on: Seen<String>,
    active: Seen<bool>,
    backup_enabled: Seen<bool>,
    group_disabled: Seen<bool>,
    storage_server_online: Seen<bool>,
    over_limit: Seen<f64>,
    last_backup_date: Seen<String>,
    last_backup_status: Seen<i64>,
    last_backup_message: Seen<String>,
}

impl StorageRow {
    /// What it says; a field that cannot be read makes its runs unknown, not the row.
    pub(super) fn account(self) -> Account {
        let mut account = Account {
            name: self.account_name.value().cloned(),
            guid: self.guid.value().cloned(),
            created: self
                .created_on
                .value()
                .and_then(|t| moment(t, "CreatedOn").ok())
                .map(|t| t.at),
            disabled: None,
            server_offline: false,
            over_limit: false,
            runs: Ok(Vec::new()),
            has_history: false,
        };
        account.runs = self.read_into(&mut account);
        account
    }

    fn read_into(self, account: &mut Account) -> Result<Vec<Run>, Trouble> {
        self.account_name.need("AccountName")?;
        self.guid.need("Guid")?;
        let active = self.active.need("Active")?;
        let enabled = self.backup_enabled.need("BackupEnabled")?;
        let group_disabled = self.group_disabled.need("GroupDisabled")?;
        account.disabled = match (active, enabled, group_disabled) {
            (true, true, false) => None,
            (false, ..) => Some("the account is not active"),
            (_, false, _) => Some("its backup is switched off"),
            (.., true) => Some("its group is disabled"),
        };
        account.server_offline = !self.storage_server_online.need("StorageServerOnline")?;
        let over = self.over_limit.need("OverLimit")?;
        if over < 0.0 {
            return Err(Trouble::malformed(format!("OverLimit is {over}")));
        }
        account.over_limit = over > 0.0;
        let date = self.last_backup_date.nullable("LastBackupDate")?;
        let code = self.last_backup_status.nullable("LastBackupStatus")?;
        let message = self.last_backup_message;
        match (date, code) {
            (None, None) if message == Seen::Null => Ok(Vec::new()),
            (Some(date), Some(code)) => {
                let at = moment(&date, "LastBackupDate")?;
                let names = ("LastBackupStatus", "LastBackupMessage");
                let outcome = outcome(Seen::Value(code), message, names);
                Ok(vec![Run { at, outcome }])
            }
            _ => Err(Trouble::malformed(
                "LastBackupDate, LastBackupStatus and LastBackupMessage are only partly there",
            )),
        }
    }
}

/// A page of any RedAPI list.
#[derive(Debug, Deserialize)]
pub(super) struct RedapiPage<T> {
    pub(super) results: Vec<ListRow<T>>,
    #[serde(rename = "nextPageToken", default)]
    next: Option<String>,
}

impl<T> RedapiPage<T> {
    /// The token of the next page: absent, null and empty all mean the end.
    pub(super) fn next(&self) -> Option<String> {
        self.next.clone().filter(|t| !t.is_empty())
    }
}

/// A row of `GET /storage/accounts`. `createOn` is the vendor's spelling.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AccountRow {
    account_id: Seen<String>,
    account_name: Seen<String>,
    create_on: Seen<String>,
}

/// A row of `GET /backups/status/accounts`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StatusRow {
    account_id: Seen<String>,
    status_history: Seen<Vec<ListRow<RunRow>>>,
}

/// One run in it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunRow {
    timestamp: Seen<String>,
    status: Seen<i64>,
    message: Seen<String>,
}

/// The accounts of RedAPI, each with its runs.
pub(super) fn joined(
    accounts: Vec<ListRow<AccountRow>>,
    states: Vec<ListRow<StatusRow>>,
) -> Listing {
    let mut unreadable = 0;
    let mut runs: Vec<(String, Result<Vec<Run>, Trouble>)> = Vec::new();
    let mut nameless = 0_usize;
    for state in states {
        match state {
            ListRow::Read(StatusRow { account_id: Seen::Value(id), status_history }) => {
                runs.push((id.to_lowercase(), history(status_history)));
            }
            ListRow::Read(_) | ListRow::Unreadable(_) => nameless += 1,
        }
    }
    let mut out = Vec::new();
    for row in accounts {
        let ListRow::Read(row) = row else {
            unreadable += 1;
            continue;
        };
        let id = row.account_id.value().map(|id| id.to_lowercase());
        let mut own = runs.iter().filter(|(of, _)| Some(of) == id.as_ref());
        let found = match (own.next(), own.next()) {
            _ if id.is_none() => Err(Trouble::malformed("the account has no accountId")),
            (Some(_), Some(_)) => Err(Trouble::malformed("its runs are listed twice")),
            (Some((_, runs)), None) => runs.clone(),
            (None, _) if nameless > 0 => Err(Trouble::malformed(format!(
                "{nameless} rows of runs name no account, and none is its own"
            ))),
            (None, _) => Ok(Vec::new()),
        };
        out.push(Account {
            name: row.account_name.value().cloned(),
            guid: row.account_id.value().cloned(),
            created: row.create_on.value().and_then(|t| moment(t, "createOn").ok()).map(|t| t.at),
            disabled: None,
            server_offline: false,
            over_limit: false,
            runs: row.account_name.need("accountName").and(found),
            has_history: true,
        });
    }
    Listing { accounts: out, unreadable }
}

/// Seven days of runs, newest first; their order in the answer is not promised.
fn history(rows: Seen<Vec<ListRow<RunRow>>>) -> Result<Vec<Run>, Trouble> {
    let mut runs = Vec::new();
    for row in rows.need("statusHistory")? {
        let ListRow::Read(row) = row else {
            return Err(Trouble::malformed("a run in statusHistory cannot be read"));
        };
        let at = moment(&row.timestamp.need("timestamp")?, "timestamp")?;
        runs.push(Run { at, outcome: outcome(row.status, row.message, ("status", "message")) });
    }
    runs.sort_by_key(|r| std::cmp::Reverse(r.at.at));
    Ok(runs)
}
