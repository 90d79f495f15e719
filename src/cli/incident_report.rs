//! The Markdown of an incident, for the review.
//!
//! What came from outside is escaped: no text of a vendor or of a note becomes a link, a heading or a
//! cell of a table.

use std::collections::BTreeMap;

use crate::cli::incident::{cell_text, had_text, line_text, many, reach_text, state_text};
use crate::cli::markdown::plain;
use crate::cli::when::moment;
use crate::wire::incident::{IncidentMember, IncidentPage, TimeLine, TimeLineKind};

/// What a line of the time line is.
fn kind(line: &TimeLine) -> &'static str {
    match line.kind {
        TimeLineKind::Incident => "incident",
        TimeLineKind::State => "board",
        TimeLineKind::Vendor => "vendor",
        TimeLineKind::Desk => "desk",
        TimeLineKind::Action => "action",
        TimeLineKind::Ticket => "ticket",
    }
}

/// The whole report. Times are London's.
#[must_use]
pub fn report(page: &IncidentPage) -> String {
    let line = &page.incident;
    let mut out = format!("# Incident {}: {}\n\n", line.id, plain(line.title.as_str()));
    out.push_str(&format!(
        "Written {} by caretaker. Times are those of London. Reasons of actions are left out, since they \
         may hold a name; the audit has them.\n\n## Summary\n\n",
        moment(page.as_of)
    ));
    out.push_str(&format!("- What: {}\n", plain(line.why.as_str())));
    out.push_str(&format!("- Root: {}", plain(&cell_text(&line.first))));
    if line.roots > 1 {
        out.push_str(&format!(", the first of {} roots", line.roots));
    }
    out.push('\n');
    out.push_str(&format!("- In trouble since: {}\n", moment(line.since)));
    out.push_str(&format!("- Certain since: {}\n", moment(line.opened_at)));
    out.push_str(&format!("- Now: {}\n", plain(&state_text(line))));
    match line.state.ended_at() {
        Some(ended) => out.push_str(&format!("- Lasted: {}\n", lasted(line.since, ended))),
        None => {
            out.push_str(&format!("- Lasts for: {}\n", lasted(line.since, page.as_of)));
            out.push_str(&format!("- Who has it: {}\n", plain(&had_text(&line.had))));
        }
    }
    out.push_str(&format!(
        "\n## Impact\n\n- Reach: {}\n- Cells (a school and a service): {}, of which {} in trouble now\n\n",
        reach_text(line),
        line.cells,
        line.in_trouble
    ));
    impact(&mut out, page);
    out.push_str(
        "\n## Time line\n\n| when | what it is | who | what |\n| --- | --- | --- | --- |\n",
    );
    for line in &page.time_line {
        let who = line.who.as_ref().map_or(String::new(), |who| plain(who.as_str()));
        let row = format!(
            "| {} | {} | {who} | {} |\n",
            moment(line.at),
            kind(line),
            plain(line.what.as_str())
        );
        out.push_str(&row);
    }
    who_did_what(&mut out, page);
    out.push_str("\n## What is not known\n\n");
    let mut not_known: Vec<String> =
        page.not_known.iter().map(|text| format!("- {}\n", plain(text.as_str()))).collect();
    not_known.push("- Why it happened: caretaker tells what was seen, not the cause\n".to_owned());
    not_known.push("- What was said on the telephone and not noted\n".to_owned());
    not_known.iter().for_each(|text| out.push_str(text));
    out.push_str("\n## Cells\n\n");
    cells(&mut out, page);
    out
}

fn lasted(from: jiff::Timestamp, until: jiff::Timestamp) -> String {
    let seconds = u64::try_from(until.duration_since(from).as_secs()).unwrap_or(0);
    crate::wire::Span::from_secs(seconds / 60 * 60).short()
}

/// What of each service: roots apart from what followed.
fn impact(out: &mut String, page: &IncidentPage) {
    type Part<'a> = (bool, &'a str);
    let mut parts: BTreeMap<Part<'_>, Vec<&IncidentMember>> = BTreeMap::new();
    for m in &page.members {
        parts.entry((!m.is_root, m.service.as_str())).or_default().push(m);
    }
    out.push_str("| service | part | where | in trouble from | until |\n");
    out.push_str("| --- | --- | --- | --- | --- |\n");
    for ((follows, service), all) in parts {
        let place = match all.as_slice() {
            [one] => plain(one.place.as_str()),
            many => format!("{} schools", many.len()),
        };
        let from = all.iter().map(|m| m.from).min().map(moment).unwrap_or_default();
        let bad = all.iter().filter(|m| m.until.is_none() && m.moved.is_none()).count();
        let until = match bad {
            0 => all.iter().filter_map(|m| m.until).max().map(moment).unwrap_or_default(),
            n if n == all.len() => "still in trouble".to_owned(),
            n => format!("{n} still in trouble"),
        };
        let part = if follows { "follows" } else { "root" };
        out.push_str(&format!("| {} | {part} | {place} | {from} | {until} |\n", plain(service)));
    }
    if page.members_left_out > 0 {
        let more = many(u64::from(page.members_left_out), "cell");
        out.push_str(&format!("\n{more} more are not counted here: too many to list.\n"));
    }
}

fn cells(out: &mut String, page: &IncidentPage) {
    out.push_str("| cell | where | service | part | from | until |\n");
    out.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for m in &page.members {
        let until = match (m.moved, m.until) {
            (Some(id), _) => format!("went to incident {id}"),
            (None, Some(at)) => moment(at),
            (None, None) => "still in trouble".to_owned(),
        };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {until} |\n",
            plain(&cell_text(&m.cell)),
            plain(m.place.as_str()),
            plain(m.service.as_str()),
            if m.is_root { "root" } else { "follows" },
            moment(m.from)
        ));
    }
    if page.members_left_out > 0 {
        let more = many(u64::from(page.members_left_out), "cell");
        out.push_str(&format!("\nAnd {more} more, not listed.\n"));
    }
}

fn who_did_what(out: &mut String, page: &IncidentPage) {
    let mut by: BTreeMap<&str, Vec<&TimeLine>> = BTreeMap::new();
    for line in &page.time_line {
        if let Some(who) = &line.who {
            by.entry(who.as_str()).or_default().push(line);
        }
    }
    out.push_str("\n## Who did what\n\n");
    if by.is_empty() {
        out.push_str(
            "Nobody took it in hand, noted anything or did anything about it from here.\n",
        );
    }
    for (who, lines) in by {
        out.push_str(&format!("- {}\n", plain(who)));
        for line in lines {
            let what = TimeLine { who: None, ..line.clone() };
            out.push_str(&format!("  - {}: {}\n", moment(line.at), plain(&line_text(&what))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::cli::{done_text, incident_code, incident_text, incidents_text};
    use crate::wire::Clean;
    use crate::wire::Health;
    use crate::wire::board::Row;
    use crate::wire::desk::CellName;
    use crate::wire::incident::{
        Had, IncidentDo, IncidentDone, IncidentLine, IncidentState, Incidents,
    };

    fn at(text: &str) -> jiff::Timestamp {
        text.parse().unwrap()
    }

    fn page() -> IncidentPage {
        let first = CellName {
            row: Row::School("9991001".parse().unwrap()),
            service: "groupcall".parse().unwrap(),
        };
        let line = IncidentLine {
            id: 12,
            title: Clean::new("Groupcall at Alder Primary"),
            why: Clean::new("no data since Sat 03:02 | <b>limit</b> 50 h"),
            state: IncidentState::Open,
            health: Health::Critical,
            since: at("2026-11-21T03:02:00Z"),
            opened_at: at("2026-11-22T05:02:00Z"),
            quiet_since: None,
            first: first.clone(),
            roots: 1,
            in_trouble: 1,
            cells: 1,
            schools: 1,
            pupils: 214,
            had: Had { nobody: 1, ..Had::default() },
        };
        let member = IncidentMember {
            cell: first.clone(),
            place: Clean::new("Alder Primary"),
            service: Clean::new("Groupcall"),
            is_root: true,
            from: at("2026-11-22T05:02:00Z"),
            until: None,
            health: Health::Critical,
            reason: None,
            spells: 1,
            handling: None,
            moved: None,
        };
        let told = TimeLine {
            at: at("2026-11-23T14:20:00Z"),
            kind: TimeLineKind::Desk,
            who: Some(Clean::new("tomr")),
            what: Clean::new("the server was moved"),
            about: vec![first],
            cells: 1,
            number: None,
        };
        IncidentPage {
            version: 1,
            as_of: at("2026-11-24T09:14:00Z"),
            incident: line,
            members: vec![member],
            members_left_out: 0,
            time_line: vec![told],
            not_known: vec![Clean::new("the agent was started anew meanwhile")],
        }
    }

    #[test]
    fn the_report_has_its_parts_and_no_text_of_a_vendor_is_markdown() {
        let text = report(&page());
        for part in [
            "# Incident 12: Groupcall at Alder Primary",
            "## Summary",
            "- What: no data since Sat 03:02 \\| \\<b\\>limit\\</b\\> 50 h",
            "- Lasts for: 3d",
            "- Who has it: nobody has it",
            "## Impact",
            "- Reach: 1 school, 214 pupils",
            "| 9991001/groupcall | Alder Primary | Groupcall | root | Sun 22 Nov 2026 05:02 | still in trouble |",
            "| Groupcall | root | Alder Primary | Sun 22 Nov 2026 05:02 | still in trouble |",
            "## Time line",
            "| Mon 23 Nov 2026 14:20 | desk | tomr | the server was moved |",
            "## Who did what",
            "- tomr\n  - Mon 23 Nov 2026 14:20: the server was moved",
            "## What is not known",
            "- the agent was started anew meanwhile",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
        let mut over = page();
        over.incident.state = IncidentState::Over { at: at("2026-11-24T03:02:00Z") };
        over.time_line.clear();
        let text = report(&over);
        assert!(text.contains("- Lasted: 3d") && text.contains("Nobody took it in hand"), "{text}");
    }

    #[test]
    fn the_texts_say_who_has_it_and_the_code_is_that_of_the_worst_open_one() {
        let (page, line) = (page(), page().incident);
        let text = incident_text(&page);
        for part in [
            "incident 12: Groupcall",
            "nobody has it",
            "root    9991001/groupcall",
            "tomr: the server",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let over = IncidentState::Over { at: at("2026-11-24T03:02:00Z") };
        let ended = IncidentLine { state: over, ..line.clone() };
        assert_eq!(incident_code([&line, &ended].into_iter()), 2);
        assert_eq!(incident_code(std::iter::once(&ended)), 0);
        let all = Incidents {
            version: 1,
            revision: 1,
            as_of: page.as_of,
            settled: false,
            incidents: vec![line, ended],
            more_ended: false,
            places: Vec::new(),
        };
        let text = incidents_text(&all);
        assert!(
            text.starts_with("1 incident open, what nobody has first; 1 ended   (not every"),
            "{text}"
        );
        let none = Incidents { incidents: Vec::new(), settled: true, ..all };
        assert_eq!(incidents_text(&none), "no incident is open\n");
        let done =
            IncidentDone { id: 12, by: "asha".into(), kind: IncidentDo::Merge, handled: None };
        assert_eq!(done_text(14, &done), "incident 14 is part of incident 12 now by asha\n");
    }
}
