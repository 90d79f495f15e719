//! The shapes of RedAPI v2 (vendor's help article 1607, public client code).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::services::answer::{ListRow, Seen, Trouble};
use crate::services::redstor::account::{Account, History, Listing, Run, moment, outcome};

/// Kinds of data whose accounts are people's mailboxes, drives and teams: OneDrive, SharePoint,
/// Exchange, Teams.
const OF_PEOPLE: [i64; 4] = [91, 92, 94, 107];

/// A page of any RedAPI list.
#[derive(Debug, Deserialize)]
pub(super) struct RedapiPage<T> {
    pub(super) results: Vec<ListRow<T>>,
    #[serde(rename = "nextPageToken", default)]
    next: Option<String>,
    #[serde(rename = "totalCount", default)]
    total: Seen<i64>,
}

impl<T> RedapiPage<T> {
    /// The token of the next page: absent, null and empty all mean the end.
    pub(super) fn next(&self) -> Option<String> {
        self.next.clone().filter(|t| !t.is_empty())
    }

    /// How many rows the whole list has, where a first page tells it; elsewhere it is -1.
    pub(super) fn total(&self) -> Result<Option<usize>, Trouble> {
        match &self.total {
            Seen::Missing | Seen::Null => Ok(None),
            Seen::Wrong => Err(Trouble::malformed("totalCount has another type")),
            Seen::Value(total) => Ok(usize::try_from(*total).ok()),
        }
    }
}

/// A row of `GET /storage/accounts`. `createOn` is the vendor's spelling.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AccountRow {
    account_id: Seen<String>,
    account_name: Seen<String>,
    service_id: Seen<i64>,
    create_on: Seen<String>,
}

/// A row of `GET /backups/status/accounts`: one for each kind of data of an account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StatusRow {
    account_id: Seen<String>,
    company_id: Seen<String>,
    /// By the vendor's name a product, in fact a service: the kind of data.
    product_id: Seen<i64>,
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

/// A row of `GET /companies/{id}/customers`, and the answer of `GET /companies/{id}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CompanyRow {
    pub(super) company_id: Seen<String>,
    pub(super) is_enabled: Seen<bool>,
}

/// A row of `GET /backups/status/accounts/errors`. Its message and further text are not read: they
/// may name files and people.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorRow {
    category: Seen<String>,
    #[serde(rename = "type")]
    kind: Seen<String>,
    count: Seen<u32>,
}

/// A row of `GET /restores/status/accounts`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RestoreRow {
    account_id: Seen<String>,
    status: Seen<i64>,
    timestamp: Seen<String>,
}

/// A row of `GET /backups/status`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ProductRow {
    product_name: Seen<String>,
    succeeded: Seen<u32>,
    completed_with_warnings: Seen<u32>,
    completed_with_errors: Seen<u32>,
    failed: Seen<u32>,
    missed: Seen<u32>,
}

/// The runs of the accounts by id, each kind of data apart, and the company where one is told.
#[derive(Default)]
struct States {
    by_account: BTreeMap<String, (Vec<History>, Option<String>)>,
    /// Rows that name no account.
    nameless: usize,
}

impl States {
    fn of(rows: Vec<ListRow<StatusRow>>) -> Self {
        let mut states = Self::default();
        for row in rows {
            let ListRow::Read(row) = row else {
                states.nameless += 1;
                continue;
            };
            let Seen::Value(id) = row.account_id else {
                states.nameless += 1;
                continue;
            };
            let entry = states.by_account.entry(id.to_lowercase()).or_default();
            let service = row.product_id.value().copied();
            let mut runs = history(row.status_history);
            match row.company_id {
                Seen::Value(company) => entry.1 = Some(company.to_lowercase()),
                Seen::Missing | Seen::Null => {}
                Seen::Wrong => runs = Err(Trouble::malformed("companyId has another type")),
            }
            entry.0.push(History { service, runs });
        }
        states
    }

    /// The histories of `id`; each kind once.
    fn of_account(&self, id: &str) -> Result<Vec<History>, Trouble> {
        let Some((histories, _)) = self.by_account.get(id) else {
            return match self.nameless {
                0 => Ok(Vec::new()),
                n => Err(Trouble::malformed(format!(
                    "{n} rows of runs name no account, and none is its own"
                ))),
            };
        };
        let kinds: BTreeSet<Option<i64>> = histories.iter().map(|h| h.service).collect();
        if kinds.len() != histories.len() {
            return Err(Trouble::malformed("its runs are listed twice"));
        }
        Ok(histories.clone())
    }
}

/// The accounts of RedAPI, each with its runs.
pub(super) fn joined(
    accounts: Vec<ListRow<AccountRow>>,
    states: Vec<ListRow<StatusRow>>,
) -> Listing {
    let states = States::of(states);
    let mut listing = Listing::default();
    for row in accounts {
        let ListRow::Read(row) = row else {
            listing.unreadable += 1;
            continue;
        };
        let id = row.account_id.value().map(|id| id.to_lowercase());
        let found = match &id {
            None => Err(Trouble::malformed("the account has no accountId")),
            Some(id) => states.of_account(id),
        };
        let name = row.account_name.value().cloned();
        let histories = row
            .account_name
            .need("accountName")
            .and(found)
            .unwrap_or_else(|trouble| vec![History { service: None, runs: Err(trouble) }]);
        let service = row.service_id.value();
        listing.accounts.push(Account {
            may_name_a_person: service.is_some_and(|s| OF_PEOPLE.contains(s))
                || name.as_ref().is_some_and(|n| n.contains('@')),
            name,
            guid: row.account_id.value().cloned(),
            created: row.create_on.value().and_then(|t| moment(t, "createOn").ok()).map(|t| t.at),
            company: id.and_then(|id| states.by_account.get(&id)?.1.clone()),
            histories,
            has_history: true,
            ..Account::default()
        });
    }
    listing
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

/// What went wrong, counted by kind: `12 x Error of FileAccess`. Only single words are shown.
pub(super) fn errors_in_words(rows: Vec<ListRow<ErrorRow>>) -> String {
    let word = |seen: &Seen<String>, other: &str| match seen.value() {
        Some(w) if !w.is_empty() && w.len() <= 40 && w.chars().all(char::is_alphanumeric) => {
            w.clone()
        }
        _ => other.to_owned(),
    };
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        let (kind, count) = match &row {
            ListRow::Read(row) => (
                format!(
                    "{} of {}",
                    word(&row.kind, "trouble"),
                    word(&row.category, "another kind")
                ),
                row.count.value().copied().unwrap_or(1),
            ),
            ListRow::Unreadable(_) => ("unknown entry".to_owned(), 1),
        };
        *kinds.entry(kind).or_default() += u64::from(count);
    }
    if kinds.is_empty() {
        return "none listed".to_owned();
    }
    kinds.iter().take(6).map(|(k, n)| format!("{n} x {k}")).collect::<Vec<_>>().join(", ")
}

/// The last restore of each account by id, in words. What a state's number means is not published.
pub(super) fn restores_in_words(rows: Vec<ListRow<RestoreRow>>) -> BTreeMap<String, String> {
    let read = rows.into_iter().filter_map(|row| match row {
        ListRow::Read(row) => Some(row),
        ListRow::Unreadable(_) => None,
    });
    read.filter_map(|row| {
        let id = row.account_id.value()?.to_lowercase();
        let words = match (row.status, row.timestamp.value().and_then(|t| moment(t, "").ok())) {
            (Seen::Null, _) => "none".to_owned(),
            (Seen::Value(state), Some(at)) => {
                format!("state {state} (its meaning is not published), {}", at.at)
            }
            (Seen::Value(state), None) => {
                format!("state {state} (its meaning is not published), time unknown")
            }
            (Seen::Missing | Seen::Wrong, _) => "cannot be read".to_owned(),
        };
        Some((id, words))
    })
    .collect()
}

/// Redstor's own count of last runs by product, in words.
pub(super) fn counts_in_words(rows: Vec<ListRow<ProductRow>>) -> String {
    let said: Vec<String> = rows
        .into_iter()
        .take(10)
        .map(|row| match row {
            ListRow::Unreadable(_) => "an unknown entry".to_owned(),
            ListRow::Read(row) => {
                let count = |n: &Seen<u32>| n.value().map_or("?".to_owned(), u32::to_string);
                format!(
                    "{}: {} completed, {} with warnings, {} with errors, {} failed, {} missed",
                    row.product_name.value().map_or("a product", String::as_str),
                    count(&row.succeeded),
                    count(&row.completed_with_warnings),
                    count(&row.completed_with_errors),
                    count(&row.failed),
                    count(&row.missed)
                )
            }
        })
        .collect();
    if said.is_empty() { "empty".to_owned() } else { said.join("; ") }
}
