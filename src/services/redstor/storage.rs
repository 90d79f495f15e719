//! The shapes of the Storage Platform API (vendor's help article 1193, public client code).

use serde::Deserialize;

use crate::services::answer::{ListRow, Seen, Trouble};
use crate::services::redstor::account::{Account, History, Quota, Run, moment, outcome};

/// Bytes in a megabyte as `stored_mb` counts them.
const BYTES_A_MB: f64 = 1_000_000.0;

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
    backup_group: Seen<String>,
    guid: Seen<String>,
    created_on: Seen<String>,
    active: Seen<bool>,
    backup_enabled: Seen<bool>,
    group_disabled: Seen<bool>,
    storage_server_online: Seen<bool>,
    limit: Seen<f64>,
    hard_limit: Seen<f64>,
    over_limit: Seen<f64>,
    client_version: Seen<String>,
    last_login_time: Seen<String>,
    protected_size: Seen<f64>,
    last_backup_date: Seen<String>,
    last_backup_status: Seen<i64>,
    last_backup_message: Seen<String>,
}

impl StorageRow {
    /// What it says; a field that cannot be read makes its runs unknown, not the row.
    pub(super) fn account(self) -> Account {
        let name = self.account_name.value().cloned();
        let group = self.backup_group.value().map(|g| g.trim_end_matches('\\'));
        let time_in = |field: &Seen<String>| field.value().and_then(|t| moment(t, "a time").ok());
        let mut account = Account {
            path: group.zip(name.as_ref()).map(|(group, name)| format!("{group}\\{name}")),
            name,
            guid: self.guid.value().cloned(),
            created: time_in(&self.created_on).map(|t| t.at),
            agent_seen: time_in(&self.last_login_time),
            agent_version: self.client_version.value().cloned(),
            ..Account::default()
        };
        let runs = self.read_into(&mut account);
        account.histories = vec![History { service: None, runs }];
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
        let over_mb = self.over_limit.need("OverLimit")?;
        if over_mb < 0.0 {
            return Err(Trouble::malformed(format!("OverLimit is {over_mb}")));
        }
        let (limit_mb, hard_mb) = (self.limit.value().copied(), self.hard_limit.value().copied());
        account.quota = Quota { limit_mb, hard_mb, over_mb };
        account.stored_mb = match self.protected_size {
            // Not told: then only its trend is not known.
            Seen::Missing | Seen::Null => None,
            other => Some(other.need("ProtectedSize")?).map(|bytes| bytes / BYTES_A_MB),
        };
        if let Some(size) = account.stored_mb.filter(|size| *size < 0.0) {
            return Err(Trouble::malformed(format!("ProtectedSize is {size} MB")));
        }
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
