//! Incidents in plain text.

use crate::cli::when::moment;
use crate::wire::Health;
use crate::wire::board::Row;
use crate::wire::desk::CellName;
use crate::wire::incident::{
    Had, IncidentDo, IncidentDone, IncidentLine, IncidentMember, IncidentPage, IncidentState,
    Incidents, TimeLine,
};

/// Cells that are listed of one incident.
const LISTED: usize = 20;

/// So many of a thing: `1 school`, `12 schools`.
pub(super) fn many(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// `9991001/groupcall`, `estate/groupcall`.
pub(super) fn cell_text(cell: &CellName) -> String {
    match cell.row {
        Row::Estate => format!("estate/{}", cell.service),
        Row::School(laestab) => format!("{laestab}/{}", cell.service),
    }
}

/// A cell as it is typed: `9991001/groupcall`, `estate/groupcall`.
///
/// # Errors
/// When it is none, with how one is written.
pub fn cell_named(text: &str) -> Result<CellName, String> {
    let wrong = || format!("{text:?} is no cell: write LAESTAB/SERVICE, such as 9371234/groupcall");
    let (row, service) = text.split_once('/').ok_or_else(wrong)?;
    let row = match row {
        "estate" => Row::Estate,
        school => Row::School(school.parse().map_err(|_| wrong())?),
    };
    Ok(CellName { row, service: service.parse().map_err(|_| wrong())? })
}

/// The exit code of the worst of what is open: 0 ok, 1 warning, 2 critical, 3 unknown.
#[must_use]
pub fn incident_code<'a>(lines: impl Iterator<Item = &'a IncidentLine>) -> u8 {
    let open = lines.filter(|line| line.state.ended_at().is_none());
    open.map(|line| line.health).max().unwrap_or(Health::Ok).exit_code()
}

/// Who has it, in words.
pub(super) fn had_text(had: &Had) -> String {
    let by: Vec<&str> = had.by.iter().map(crate::wire::Clean::as_str).collect();
    let by = by.join(", ");
    let until = had.handling.as_ref().and_then(|h| h.until);
    let until = until.map(|at| format!(" until {}", moment(at))).unwrap_or_default();
    match (had.nobody, had.somebody) {
        (0, 0) => "nothing of it is in trouble".to_owned(),
        (_, 0) => "nobody has it".to_owned(),
        (0, _) => format!("{by} has it{until}"),
        (free, held) => {
            format!("{by} has {held} of {} roots{until}; nobody has {free}", free + held)
        }
    }
}

/// How it stands, in words.
pub(super) fn state_text(line: &IncidentLine) -> String {
    match (&line.state, line.quiet_since) {
        (IncidentState::Open, None) => line.health.word().to_owned(),
        (IncidentState::Open, Some(at)) => {
            format!("well since {}; over after a quarter of an hour", moment(at))
        }
        (IncidentState::Over { at }, _) => format!("over since {}", moment(*at)),
        (IncidentState::Resolved { at, by, in_trouble: 0 }, _) => {
            format!("resolved by {by}, {}", moment(*at))
        }
        (IncidentState::Resolved { at, by, in_trouble }, _) => format!(
            "resolved by hand by {by}, {}, with {} still in trouble",
            moment(*at),
            many(u64::from(*in_trouble), "cell")
        ),
        (IncidentState::Merged { at, into }, _) => {
            format!("part of incident {into} since {}", moment(*at))
        }
    }
}

/// Its reach, in words.
pub(super) fn reach_text(line: &IncidentLine) -> String {
    let pupils = match line.pupils {
        0 => String::new(),
        n => format!(", {n} pupils"),
    };
    format!("{}{pupils}", many(u64::from(line.schools), "school"))
}

/// All of them, two lines each.
#[must_use]
pub fn incidents_text(all: &Incidents) -> String {
    let open = all.incidents.iter().filter(|line| line.state.ended_at().is_none());
    let (open, ended) = (open.clone().count(), all.incidents.len() - open.count());
    let mut out = match open {
        0 => "no incident is open".to_owned(),
        n => format!("{} open, what nobody has first", many(n as u64, "incident")),
    };
    if ended > 0 {
        out.push_str(&format!("; {ended} ended"));
    }
    if all.more_ended {
        out.push_str("; more ended than are listed: name a shorter time");
    }
    if !all.settled {
        out.push_str("   (not every check has been tried yet)");
    }
    out.push('\n');
    for line in &all.incidents {
        out.push_str(&format!(
            "{:>5}  {}   {}\n       since {}   {}   {}\n       {}\n",
            line.id,
            line.title,
            state_text(line),
            moment(line.since),
            reach_text(line),
            if line.state.ended_at().is_none() { had_text(&line.had) } else { String::new() },
            line.why
        ));
    }
    out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn member_text(member: &IncidentMember) -> String {
    let what = if member.is_root { "root" } else { "follows" };
    let stands = match (member.moved, member.until) {
        (Some(id), _) => format!("went to incident {id}"),
        (None, Some(at)) => format!("well since {}", moment(at)),
        (None, None) => member.health.word().to_owned(),
    };
    let had = member.handling.as_ref().map(|h| format!("   {} {}", h.by, h.kind.word()));
    let spells = match member.spells {
        0 | 1 => String::new(),
        n => format!("   {n} times"),
    };
    format!(
        "  {what:<8}{:<28}{}, {}   {stands}{spells}{}\n",
        cell_text(&member.cell),
        member.place,
        member.service,
        had.unwrap_or_default()
    )
}

pub(super) fn line_text(line: &TimeLine) -> String {
    let who = line.who.as_ref().map(|who| format!("{who}: ")).unwrap_or_default();
    format!("{who}{}", line.what)
}

/// One incident with everything that is known of it.
#[must_use]
pub fn incident_text(page: &IncidentPage) -> String {
    let line = &page.incident;
    let mut out = format!(
        "incident {}: {}\n{}\n  stands   {}\n  since    {}\n  certain  {}\n  reach    {}; {} of {} in trouble\n",
        line.id,
        line.title,
        line.why,
        state_text(line),
        moment(line.since),
        moment(line.opened_at),
        reach_text(line),
        line.in_trouble,
        many(u64::from(line.cells), "cell")
    );
    if line.state.ended_at().is_none() {
        out.push_str(&format!("  has it   {}\n", had_text(&line.had)));
    }
    out.push_str("cells\n");
    page.members.iter().take(LISTED).for_each(|member| out.push_str(&member_text(member)));
    let unlisted =
        page.members.len().saturating_sub(LISTED) as u64 + u64::from(page.members_left_out);
    if unlisted > 0 {
        out.push_str(&format!("  and {unlisted} more; `incident export` lists up to 500\n"));
    }
    out.push_str("time line\n");
    for line in &page.time_line {
        out.push_str(&format!("  {}   {}\n", moment(line.at), line_text(line)));
    }
    if !page.not_known.is_empty() {
        out.push_str("not known\n");
        page.not_known.iter().for_each(|text| out.push_str(&format!("  {text}\n")));
    }
    out
}

/// What operators wrote about an incident, with the numbers by which it can be struck out.
#[must_use]
pub fn written_text(written: &[&TimeLine]) -> String {
    let lines = written.iter().map(|line| {
        let number = line.number.map(|number| number.to_string()).unwrap_or_default();
        format!("{number}  {}  {}\n", moment(line.at), line_text(line))
    });
    let lines: String = lines.collect();
    if lines.is_empty() { "nothing was written about it\n".to_owned() } else { lines }
}

/// What was done about an incident.
#[must_use]
pub fn done_text(asked: u64, done: &IncidentDone) -> String {
    let what = match done.kind {
        IncidentDo::Merge => format!("incident {asked} is part of incident {} now", done.id),
        IncidentDo::Split => format!("parted from incident {asked}: incident {} now", done.id),
        IncidentDo::Resolve => format!("incident {asked} is resolved"),
        IncidentDo::Note => format!("noted at incident {asked}"),
        IncidentDo::Claim => format!("incident {asked} is claimed"),
        IncidentDo::GiveBack => format!("incident {asked} is given back"),
    };
    let Some(handled) = &done.handled else { return format!("{what} by {}\n", done.by) };
    if handled.done == 0 && done.kind != IncidentDo::Note {
        let why = handled.left_out_cells.first().map(|left| left.why.to_string());
        return format!("nothing was done: {}\n", why.unwrap_or_default());
    }
    let until = handled.until.map(|at| format!(" until {}", moment(at))).unwrap_or_default();
    let over = match handled.taken_over {
        0 => String::new(),
        n => format!("; {n} of them somebody else had before"),
    };
    format!("{what} by {}: {}{until}{over}\n", done.by, many(u64::from(handled.done), "cell"))
}
