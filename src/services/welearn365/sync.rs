//! When the directory last reached Microsoft 365.
//!
//! Fields that the verdict reads: `value` (exactly one row), `onPremisesSyncEnabled`,
//! `onPremisesLastSyncDateTime`. The age is judged by the check's rule; the stamp tells that a cycle
//! ran, not that every account went through, which is what `provisioning` asks.

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict, Zone};
use crate::services::answer::{ListRow, Seen, Trouble};
use crate::services::welearn365::words::with;

/// Of the organisation only this is asked for.
pub(super) const FIELDS: &str = "id,onPremisesSyncEnabled,onPremisesLastSyncDateTime";

/// The tenant, of which there is one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Organization {
    on_premises_sync_enabled: Seen<bool>,
    on_premises_last_sync_date_time: Seen<String>,
}

/// How the tenant's directory sync stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether it is on; `None` where there never was one.
    pub(super) enabled: Option<bool>,
    /// When it ran last.
    pub(super) last: Option<Timestamp>,
}

impl Standing {
    /// What the one row says.
    pub(super) fn of(rows: Vec<ListRow<Organization>>) -> Result<Self, Trouble> {
        let count = rows.len();
        let mut rows = rows.into_iter();
        let (Some(ListRow::Read(own)), None) = (rows.next(), rows.next()) else {
            return Err(Trouble::malformed(format!(
                "Microsoft lists {count} organisations where there is exactly one, or one that \
                 cannot be read"
            )));
        };
        let enabled = own.on_premises_sync_enabled.nullable("onPremisesSyncEnabled")?;
        let last = own.on_premises_last_sync_date_time.nullable("onPremisesLastSyncDateTime")?;
        let last = match last {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                Trouble::malformed("onPremisesLastSyncDateTime is not a time with a zone")
            })?),
        };
        Ok(Self { enabled, last })
    }
}

/// What the organisation says of its directory sync.
pub(super) fn directory_sync(
    rows: Vec<ListRow<Organization>>,
    bare: Observation,
) -> Result<Observation, Trouble> {
    let Standing { enabled, last } = Standing::of(rows)?;
    let never = Verdict::Unknown(Reason::NeverSeen);
    Ok(match (enabled, last) {
        (Some(true), Some(at)) => {
            with(bare, Verdict::Ok, "directory sync is on").source(at, Zone::Given).good(Some(at))
        }
        (Some(true), None) => {
            with(bare, never, "directory sync is on but has never run: look at the sync server")
        }
        (Some(false), last) => {
            let last = last.filter(|at| *at <= bare.observed_at);
            with(
                bare.good(last).since(last),
                Verdict::Critical,
                "directory sync is switched off: changes in Active Directory do not reach \
                 WeLearn365",
            )
        }
        (None, _) => with(
            bare,
            never,
            "this tenant was never synced with a directory: is tenant_id the right one?",
        ),
    })
}
