//! The vendor's audit against ours, in plain text: the loudest first.

use crate::wire::reconcile::Reconciliation;
use crate::wire::{Clean, Found, Health, Reconciled, Whose};

/// What was found, section by section.
#[must_use]
pub fn reconciled_text(page: &Reconciliation) -> String {
    let of = &page.reconciled;
    let newest = match of.newest {
        Some(at) => format!("the newest of {at}; later ones may come hours late"),
        None => "none with a time: this tells nothing".to_owned(),
    };
    let mut out = format!(
        "{}: {} entries of Microsoft's audit since {}, {newest}\n",
        page.health.word().to_uppercase(),
        of.read,
        page.since
    );
    if let Some(broke) = &of.broke_off {
        out.push_str(&format!("NOT WHOLE ({}): {}\n", broke.reason.word(), broke.why));
    }
    section(&mut out, of, Whose::OurAppAlone, of.our_app_alone);
    section(&mut out, of, Whose::Elsewhere, of.elsewhere);
    if of.unclear > 0 {
        out.push_str(&format!("\nNOT UNDERSTOOD: {}\n", of.unclear));
        for one in &of.not_understood {
            let id = one.id.as_ref().map_or("without an id", Clean::as_str);
            let at = one.at.map(|at| format!("{at}  ")).unwrap_or_default();
            out.push_str(&format!("  {at}{}  entry {id}\n", one.why));
        }
    }
    section(&mut out, of, Whose::ThroughUs, of.through_us);
    if !of.others.is_empty() {
        out.push_str("\nOF OTHER KINDS, NOT COMPARED\n");
        for (activity, count) in &of.others {
            out.push_str(&format!("  {count:>6}  {activity}\n"));
        }
    }
    if page.health == Health::Critical {
        out.push_str(
            "\nSomebody else has the credentials of our app: revoke them at Microsoft now, then \
             look at what they did (administrator's guide).\n",
        );
    }
    out
}

fn section(out: &mut String, of: &Reconciled, whose: Whose, count: u64) {
    if count == 0 {
        return;
    }
    let title = match whose {
        Whose::OurAppAlone => "BY OUR APP, BUT NOT BY CARETAKER",
        Whose::Elsewhere => "NOT THROUGH CARETAKER",
        Whose::ThroughUs => "THROUGH CARETAKER",
    };
    out.push_str(&format!("\n{title}: {count}\n"));
    let mut told: u64 = 0;
    for found in of.found.iter().filter(|found| found.whose == whose) {
        out.push_str(&line(found));
        told = told.saturating_add(1);
    }
    if told < count {
        out.push_str(&format!(
            "  and {} more: ask for a shorter time\n",
            count.saturating_sub(told)
        ));
    }
}

fn line(found: &Found) -> String {
    let entry = &found.entry;
    let target = entry.target.as_ref().map_or("no account", Clean::as_str);
    let key = found.key.as_ref().map(|key| format!("  action {key}")).unwrap_or_default();
    format!(
        "  {}  {:<16} {target}  by {}  {} ({})  entry {}{key}\n",
        entry.at,
        entry.change.word(),
        entry.by,
        entry.activity,
        entry.result,
        entry.id
    )
}
