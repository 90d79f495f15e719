//! What XVault and CME drop: when they last loaded each school. The form is ours.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{F, Xod};
use crate::simulators::chance::below;
use crate::simulators::times::{last_daily, moved, utc};

/// What XVault or CME (`feed`) drop. XVault loads nightly after Xporter, CME takes its extract on
/// Sunday nights.
pub(in crate::simulators) fn dropped(xod: &Xod, feed: &str) -> Value {
    let (stage, now) = (&xod.stage, xod.stage.now());
    let mut rows = Vec::new();
    for (school, _) in stage.invented.takers("groupcall") {
        let l = school.laestab;
        let minute = i8::try_from(below(stage.seed, feed, l, 50)).unwrap_or(0);
        let xvault = feed == "xvault";
        let has = |of_xvault, fault| xvault == of_xvault && xod.has(l, fault);
        let at = match () {
            () if has(true, F::XvaultOld) => moved(now, -3 * 86_400),
            () if has(false, F::CmeOld) => moved(now, -16 * 86_400),
            () if xvault => last_daily(now, 4, minute, 11),
            () => last_sunday(now, minute),
        };
        if has(true, F::XvaultMissing) || has(false, F::CmeMissing) {
            continue;
        }
        let row = match has(true, F::XvaultWithoutTime) {
            true => json!({"laestab": l.to_string(), "at": null}),
            false => json!({"laestab": l.to_string(), "at": utc(at)}),
        };
        if has(true, F::XvaultTwice) {
            rows.push(row.clone());
        }
        rows.push(row);
    }
    Value::Array(rows)
}

/// The latest Sunday 22:`minute` in London.
fn last_sunday(now: Timestamp, minute: i8) -> Timestamp {
    let mut at = last_daily(now, 22, minute, 40);
    for _ in 0..7 {
        if crate::model::calendar::london_date(at).weekday() == jiff::civil::Weekday::Sunday {
            break;
        }
        at = last_daily(moved(at, -1), 22, minute, 40);
    }
    at
}
