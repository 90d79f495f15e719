//! A vendor's status page as a check of its own.

use jiff::Timestamp;

use super::reading::Judged;
use crate::model::health::Reason;
use crate::model::observation::{Verdict, Window};
use crate::services::declared::statuspage::{Says, Standing, StatusPage};

/// Asks the page: one request.
pub(super) async fn ask(page: &StatusPage, now: Timestamp) -> (Judged, Vec<Window>) {
    let says = page.ask(now).await;
    let mut judged = Judged::unknown(Reason::NoAnswer, says.line.as_str());
    judged.verdict = verdict(&says);
    (judged, says.windows)
}

/// As a check of its own, a page that cannot be read is unknown: no information is not "up".
fn verdict(says: &Says) -> Verdict {
    match says.standing {
        Standing::NoInformation => Verdict::Unknown(says.reason),
        Standing::Ok => Verdict::Ok,
        Standing::Maintenance | Standing::Degraded => Verdict::Warning,
        Standing::Unclear => Verdict::Unknown(Reason::Malformed),
        Standing::Outage => Verdict::Critical,
    }
}
