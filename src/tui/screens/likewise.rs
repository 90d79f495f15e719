//! "Is it only us?" and "is it as last time?", in words.

use jiff::Timestamp;

use crate::tui::times;
use crate::wire::desk::DeskKind;
use crate::wire::page::{Page, ServiceView};
use crate::wire::{InCommon, StateChange};

/// How many schools have the same, what that means, and what they have in common; nothing where the
/// service is in no trouble.
pub(in crate::tui) fn only_us(service: &ServiceView) -> Vec<(&'static str, String)> {
    // Of a past moment that is not known.
    if !service.cell.health.is_trouble() || service.takers == 0 {
        return Vec::new();
    }
    let shared = service.in_common.iter().map(|known| ("in common", in_common(known)));
    std::iter::once(("elsewhere", elsewhere(service))).chain(shared).collect()
}

fn elsewhere(service: &ServiceView) -> String {
    let (same, takers) = (service.elsewhere, service.takers);
    let meaning = if same <= 1 {
        format!("this school, not {} as a whole", service.label)
    } else if same >= takers.div_ceil(2) {
        format!("likely {} as a whole", service.label)
    } else {
        "not this school alone".to_owned()
    };
    format!("{} of {takers} schools; {meaning}", same.max(1))
}

fn in_common(known: &InCommon) -> String {
    let what = known.what.as_str().replace(['.', '_'], " ");
    let InCommon { value, share, .. } = known;
    format!("{what} {value}: {} of the {} that have it are ill", share.sick, share.all)
}

/// The last trouble of this service here that is over: when, for how long, why, and what was noted in it.
pub(super) fn last_time(page: &Page, service: &ServiceView, now: Timestamp) -> Option<String> {
    let of = page.history.iter().filter(|change| change.service == service.service);
    let mut changes: Vec<&StateChange> = of.collect();
    changes.sort_by_key(|change| change.at);
    let (mut begun, mut over) = (None, None);
    for change in changes {
        match (change.to.is_trouble(), begun) {
            (true, None) => begun = Some(change),
            (false, Some(first)) => (begun, over) = (None, Some((first, change.at))),
            (true, Some(_)) | (false, None) => {}
        }
    }
    let (first, end): (&StateChange, Timestamp) = over?;
    let lasted = times::age(first.at, end);
    let note = page.desk.iter().find(|entry| {
        entry.kind == DeskKind::Note
            && entry.services.contains(&service.service)
            && (first.at..=end).contains(&entry.at)
    });
    let note = note.map(|entry| format!("; {} noted: {}", entry.by, entry.why));
    let when = times::moment(first.at, now);
    Some(format!("{when}, for {lasted}: {}{}", first.why, note.unwrap_or_default()))
}
