//! The Markdown of an incident, for the review.
//!
//! What came from outside is escaped: no text of a vendor or of a note becomes a link, a heading or a
//! cell of a table.

use std::collections::BTreeMap;

use crate::cli::incident::{cell_text, had_text, line_text, many, moment, reach_text, state_text};
use crate::wire::incident::{IncidentPage, TimeLine, TimeLineKind};

/// Text as it stands in Markdown. A backslash before ASCII punctuation makes it plain text
/// (CommonMark 0.31, 2.4); a colon and a dot are escaped where an address would become a link.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let link = rest.starts_with("://") || (c == '.' && ends_in_www(&out));
        if link || matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '@' | '#')
        {
            out.push('\\');
        }
        out.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

fn ends_in_www(text: &str) -> bool {
    text.len() >= 3 && text.get(text.len() - 3..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

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
        "Written {} by caretaker. Times are those of London. No reason of an action and no pupil's name \
         is in here.\n\n## Summary\n\n",
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
    out.push_str("\n## Time line\n\n| when | what it is | who | what |\n| --- | --- | --- | --- |\n");
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
    out
}

fn lasted(from: jiff::Timestamp, until: jiff::Timestamp) -> String {
    let seconds = u64::try_from(until.duration_since(from).as_secs()).unwrap_or(0);
    crate::wire::Span::from_secs(seconds / 60 * 60).short()
}

fn impact(out: &mut String, page: &IncidentPage) {
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
        out.push_str("Nobody took it in hand, noted anything or did anything about it from here.\n");
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

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(plain("a|b [x](http://e.example) <b> *c*"), "a\\|b \\[x\\](http\\://e.example) \\<b\\> \\*c\\*");
        assert_eq!(plain("see www.e.example"), "see www\\.e.example");
        assert_eq!(plain("no data since Sat 03:02; limit 50 h."), "no data since Sat 03:02; limit 50 h.");
    }
}
