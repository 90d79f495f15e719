//! Licences running out: the tenant's pools (`subscribedSkus`), their states and what is left.
//!
//! Fields that the verdict reads, of each pool that is judged: `skuId`, `skuPartNumber`,
//! `appliesTo`, `capabilityStatus`, `consumedUnits`, and of `prepaidUnits` `enabled`, `warning`,
//! `suspended`; `lockedOut` may be absent. Units in the state *warning* still work: their
//! subscription has ended and can be renewed.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict};
use crate::services::answer::{ListRow, Seen, Trouble};
use crate::services::welearn365::words::{rank, thousands, with};

/// Of a pool only this is asked for: no account, no service plan.
pub(super) const FIELDS: &str =
    "skuId,skuPartNumber,appliesTo,capabilityStatus,consumedUnits,prepaidUnits";
/// Pools that are told of in facts and numbers.
const SHOWN: usize = 20;

/// `[services.welearn365.licences]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LicenceSettings {
    /// Pools that are judged, by part number (`STANDARDWOFFPACK_STUDENT`) or id (a GUID). One that
    /// Microsoft does not list is not ok. Empty: every pool for users that holds `smallest` units.
    pub skus: Vec<String>,
    /// Per cent of a pool's usable units: as few or fewer left is a warning.
    pub free_warning: u8,
    /// Per cent of a pool's usable units: as few or fewer left is critical; 0: none is left.
    pub free_critical: u8,
    /// Pools that are smaller are not judged unless they are named.
    pub smallest: u32,
}

impl Default for LicenceSettings {
    fn default() -> Self {
        Self { skus: Vec::new(), free_warning: 5, free_critical: 0, smallest: 50 }
    }
}

impl LicenceSettings {
    /// The key and the reason, where a value makes no sense.
    pub(super) fn refused(&self) -> Option<(&'static str, &'static str)> {
        if self.free_warning > 100 {
            return Some(("licences.free_warning", "a share in per cent is at most 100"));
        }
        (self.free_critical > self.free_warning).then_some((
            "licences.free_critical",
            "is above free_warning, which would then never be told",
        ))
    }
}

/// A pool of licences.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sku {
    sku_id: Seen<String>,
    sku_part_number: Seen<String>,
    applies_to: Seen<String>,
    capability_status: Seen<String>,
    consumed_units: Seen<u32>,
    prepaid_units: Seen<Units>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Units {
    enabled: Seen<u32>,
    warning: Seen<u32>,
    suspended: Seen<u32>,
    locked_out: Seen<u32>,
}

/// A pool whose every field was understood.
struct Pool {
    id: String,
    name: String,
    for_users: bool,
    state: State,
    used: i64,
    usable: i64,
    dead: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Enabled,
    Warning,
    Dead(&'static str),
}

impl Pool {
    fn of(sku: Sku) -> Result<Self, Trouble> {
        let name = sku.sku_part_number.need("skuPartNumber")?;
        let here = |t: Trouble| Trouble { why: format!("{name}: {}", t.why), ..t };
        let units = sku.prepaid_units.need("prepaidUnits").map_err(here)?;
        let unit = |seen: Seen<u32>, what| seen.need(what).map(i64::from).map_err(here);
        let locked_out = match units.locked_out {
            Seen::Missing => 0,
            other => unit(other, "prepaidUnits.lockedOut")?,
        };
        let word = sku.capability_status.need("capabilityStatus").map_err(here)?;
        let state = match word.to_ascii_lowercase().as_str() {
            "enabled" => State::Enabled,
            "warning" => State::Warning,
            "suspended" => State::Dead("suspended"),
            "lockedout" => State::Dead("locked"),
            "deleted" => State::Dead("deleted"),
            _ => {
                return Err(here(Trouble::malformed(
                    "Microsoft gives it a state that we do not know",
                ))
                .fact("vendor wrote", word));
            }
        };
        let for_users = match sku.applies_to.need("appliesTo").map_err(here)?.as_str() {
            to if to.eq_ignore_ascii_case("user") => true,
            to if to.eq_ignore_ascii_case("company") => false,
            to => {
                return Err(here(Trouble::malformed("it is for neither users nor the company"))
                    .fact("vendor wrote", to));
            }
        };
        Ok(Self {
            id: sku.sku_id.need("skuId").map_err(here)?,
            for_users,
            state,
            used: unit(sku.consumed_units, "consumedUnits")?,
            usable: unit(units.enabled, "prepaidUnits.enabled")?
                + unit(units.warning, "prepaidUnits.warning")?,
            dead: unit(units.suspended, "prepaidUnits.suspended")? + locked_out,
            name,
        })
    }

    fn is(&self, wanted: &str) -> bool {
        self.name.eq_ignore_ascii_case(wanted) || self.id.eq_ignore_ascii_case(wanted)
    }

    fn free(&self) -> i64 {
        self.usable - self.used
    }

    /// Whether it is judged without being named: large enough, for users, and used or usable.
    fn matters(&self, smallest: u32) -> bool {
        let large = (self.usable + self.dead).max(self.used) >= i64::from(smallest);
        self.for_users && large && (self.used > 0 || self.state == State::Enabled)
    }

    fn judge(&self, settings: &LicenceSettings) -> (Verdict, String) {
        let Self { name, used, usable, .. } = self;
        let share = |percent: u8| self.free() * 100 <= usable * i64::from(percent);
        let count = match self.free() {
            over @ ..0 => format!(
                "{} more in use than there are ({} of {})",
                thousands(-over),
                thousands(*used),
                thousands(*usable)
            ),
            0 => format!("none left of {}", thousands(*usable)),
            free => format!("{} left of {}", thousands(free), thousands(*usable)),
        };
        let by_count = match () {
            () if share(settings.free_critical) => Verdict::Critical,
            () if share(settings.free_warning) => Verdict::Warning,
            () => Verdict::Ok,
        };
        let (verdict, words) = match self.state {
            State::Enabled => (by_count, format!("{name}: {count}")),
            State::Warning => (
                if by_count == Verdict::Critical { by_count } else { Verdict::Warning },
                format!(
                    "{name}: its subscription has ended and must be renewed within Microsoft's \
                     grace period; {count}"
                ),
            ),
            State::Dead(how) => (
                Verdict::Critical,
                format!("{name}: its subscription is {how}; {} in use", thousands(*used)),
            ),
        };
        (verdict, words)
    }
}

/// What the tenant's pools say.
pub(super) fn licences(
    rows: Vec<ListRow<Sku>>,
    settings: &LicenceSettings,
    bare: Observation,
) -> Result<Observation, Trouble> {
    let mut pools = Vec::new();
    for row in rows {
        match row {
            ListRow::Read(sku) => pools.push(Pool::of(sku)?),
            ListRow::Unreadable(_) => {
                return Err(Trouble::malformed("a row of Microsoft's licences cannot be read"));
            }
        }
    }
    let mut ids = BTreeSet::new();
    if let Some(twice) = pools.iter().find(|p| !ids.insert(p.id.to_ascii_lowercase())) {
        return Err(Trouble::malformed(format!("{} is twice in Microsoft's list", twice.name)));
    }
    let missing = settings.skus.iter().find(|s| !pools.iter().any(|p| p.is(s)));
    if let Some(missing) = missing {
        return Err(Trouble::malformed(format!(
            "{missing} is not among the tenant's licences: check services.welearn365.licences.skus"
        )));
    }
    let judged: Vec<&Pool> = pools
        .iter()
        .filter(|pool| match settings.skus.as_slice() {
            [] => pool.matters(settings.smallest),
            named => named.iter().any(|s| pool.is(s)),
        })
        .collect();
    let mut told: Vec<(Verdict, String)> = judged.iter().map(|p| p.judge(settings)).collect();
    told.sort_by_key(|(verdict, _)| std::cmp::Reverse(rank(*verdict)));
    let Some(worst) = told.first().map(|(verdict, _)| *verdict) else {
        return Ok(with(
            bare,
            Verdict::Unknown(Reason::NeverSeen),
            &format!(
                "the tenant has no pool of {} licences for users: name those that count in \
                 services.welearn365.licences.skus",
                settings.smallest
            ),
        ));
    };
    let words: Vec<&str> =
        told.iter().filter(|(v, _)| *v != Verdict::Ok).map(|(_, w)| w.as_str()).collect();
    let words = match words.as_slice() {
        [] => told.iter().map(|(_, w)| w.as_str()).collect::<Vec<_>>().join("; "),
        some => some.join("; "),
    };
    let mut seen = with(bare, worst, &words);
    for pool in judged.iter().take(SHOWN) {
        #[expect(clippy::cast_precision_loss, reason = "counts of licences are far below 2^52")]
        let free = pool.free() as f64;
        seen = seen.number(&format!("free {}", pool.name), free);
    }
    // Those that are not judged are named, so that an administrator can choose.
    for pool in pools.iter().take(SHOWN) {
        let value = format!("{} used of {}", thousands(pool.used), thousands(pool.usable));
        seen = seen.fact(&pool.name, value);
    }
    Ok(seen)
}
