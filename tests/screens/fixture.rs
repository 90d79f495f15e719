//! An invented estate as it would come over the wire, and a console that is driven by it.

use std::collections::BTreeMap;
use std::time::Duration;

use caretaker::link::{LinkError, LinkEvent};
use caretaker::tui::console::{Console, Effect};
use caretaker::tui::keymap::{Chord, Keymap};
use caretaker::tui::picture;
use caretaker::tui::screens::board::has_foot;
use caretaker::tui::term::Input;
use caretaker::tui::theme::{Depth, Folder, describe};
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::board::{
    AgentInfo, Board, CellChange, Change, Column, CompactCell, Row, SchoolRow, Split, Summary,
};
use caretaker::wire::days::{DAYS, LastDays, RowDays};
use caretaker::wire::desk::CellName;
use caretaker::wire::incident::{Had, IncidentLine, IncidentState, Incidents};
use caretaker::wire::page::{Page, ServiceView};
use caretaker::wire::past::Past;
use caretaker::wire::runs::Stretch;
use caretaker::wire::{
    Cause, Cell, CheckView, Clean, Fact, Handling, HandlingKind, Health, Laestab, NextStep,
    NotWatched, Reason, School, Scope, ServiceKey, SourceTime, StateChange, Ticket, Window, Zone,
};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// The agent's clock: a Tuesday morning of a school day.
pub const NOW: &str = "2026-11-24T09:14:20Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn ago(seconds: i64) -> i64 {
    at(NOW).as_second() - seconds
}

pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

pub fn key(text: &str) -> ServiceKey {
    text.parse().unwrap()
}

pub fn laestab(n: u32) -> Laestab {
    Laestab::from_parts(999, u16::try_from(n).unwrap()).unwrap()
}

pub const SERVICES: [(&str, &str, &str); 7] = [
    ("welearn365", "WeLearn365", "WL"),
    ("groupcall", "Groupcall", "GC"),
    ("redstor", "Redstor", "RS"),
    ("future_digital", "Future Digital", "FD"),
    ("smoothwall", "Smoothwall", "SW"),
    ("just2easy", "Just2Easy", "J2"),
    ("purple_mash", "Purple Mash", "PM"),
];

pub fn columns() -> Vec<Column> {
    SERVICES
        .iter()
        .map(|(k, label, code)| Column {
            key: key(k),
            label: Clean::new(label),
            code: Clean::new(code),
            watched: true,
        })
        .collect()
}

pub fn ok() -> CompactCell {
    CompactCell { health: Health::Ok, since: Some(ago(40 * DAY)), ..CompactCell::default() }
}

pub fn bad(health: Health, seconds: i64) -> CompactCell {
    CompactCell {
        health,
        since: Some(ago(seconds)),
        reason: (health == Health::Unknown).then_some(Reason::NoAnswer),
        ..CompactCell::default()
    }
}

pub fn held(health: Health, seconds: i64, kind: HandlingKind, by: &str) -> CompactCell {
    let until = Some(at("2026-11-24T16:30:00Z"));
    let handling = Handling { kind, by: Clean::new(by), until };
    CompactCell { handling: Some(Box::new(handling)), ..bad(health, seconds) }
}

pub fn follows(service: &str, scope: Scope) -> CompactCell {
    CompactCell {
        follows_from: Some(Box::new(Cause { service: key(service), scope })),
        ..bad(Health::Warning, 3 * DAY)
    }
}

const FIRST: [&str; 25] = [
    "Alder",
    "Birchfield",
    "Cedar",
    "Damson",
    "Elm Park",
    "Fernhill",
    "Gorse",
    "Hazel",
    "Ivy Bank",
    "Juniper",
    "Kestrel",
    "Larch",
    "Maple",
    "Nightingale",
    "Oakridge",
    "Poplar",
    "Quince",
    "Rowan",
    "Sycamore",
    "Thornfield",
    "Umber",
    "Violet",
    "Willow",
    "Yarrow",
    "Zinnia",
];
const LAST: [&str; 10] = [
    "Primary",
    "Infants",
    "Juniors",
    "High School",
    "Academy",
    "C of E Primary",
    "Nursery",
    "Lane",
    "Hill Primary",
    "Meadow School",
];
const TOWNS: [&str; 5] = ["Northwick", "Easterby", "Southam Vale", "Westbourne", "Midford"];

/// `n` schools that are well; the 7th of every ten takes no Purple Mash.
pub fn calm(n: u32) -> Board {
    let schools = (0..n)
        .map(|i| {
            let mut cells = vec![ok(); SERVICES.len()];
            if i % 10 == 6 {
                cells[6] = CompactCell::default();
            }
            let at = usize::try_from(i).unwrap();
            let (first, last) = (FIRST[at % 25], LAST[(at / 25) % 10]);
            let more = if i >= 250 { format!(" {}", i / 250) } else { String::new() };
            SchoolRow {
                laestab: Laestab::from_parts(
                    u16::try_from(999 - i / 9_000).unwrap(),
                    u16::try_from(1_000 + i % 9_000).unwrap(),
                )
                .unwrap(),
                name: Clean::new(&format!("{first} {last}{more}")),
                phase: Clean::new(if i % 10 == 3 { "Secondary" } else { "Primary" }),
                town: Clean::new(TOWNS[at % 5]),
                postcode: Clean::new("ZZ9 9ZZ"),
                trust: Clean::default(),
                urn: Some(800_000 + i),
                telephone: Clean::new(&format!("01632 96{i:04}")),
                website: Clean::new(&format!("https://www.{}.example", first.to_lowercase())),
                pupils: Some(90 + (i * 37) % 900),
                set_up: true,
                cells,
            }
        })
        .collect();
    let mut board = Board {
        version: 1,
        revision: 10,
        as_of: at(NOW),
        agent: AgentInfo {
            version: "0.1.0".into(),
            demo: false,
            started_at: at("2026-11-20T06:00:00Z"),
            embedded: false,
            training: false,
        },
        settled: true,
        restored_from: None,
        summary: Summary::default(),
        schools_summary: Summary::default(),
        split: Split::default(),
        columns: columns(),
        estate: vec![ok(); SERVICES.len()],
        schools,
        not_watched: Vec::new(),
        first_of: None,
        past: None,
        replay: None,
    };
    count(&mut board);
    board
}

/// Totals as an agent would send them.
pub fn count(board: &mut Board) {
    (board.summary, board.schools_summary) = (Summary::default(), Summary::default());
    board.split = Split::default();
    for row in &board.schools {
        row.cells.iter().for_each(|c| *board.summary.of_mut(c.health) += 1);
        let worst = row.cells.iter().map(|c| c.health).max().unwrap_or_default();
        *board.schools_summary.of_mut(worst) += 1;
        *part(&row.cells, &mut board.split) += 1;
    }
}

/// The counter that a school belongs to: the most urgent of its cells decides.
fn part<'a>(cells: &[CompactCell], split: &'a mut Split) -> &'a mut u32 {
    let own = |h: Health| {
        move |c: &CompactCell| c.health == h && c.follows_from.is_none() && c.handling.is_none()
    };
    let any = |f: &dyn Fn(&CompactCell) -> bool| cells.iter().any(f);
    let asked = |c: &CompactCell| c.reason != Some(Reason::NeverSeen) || c.since.is_some();
    if any(&own(Health::Critical)) {
        &mut split.critical
    } else if any(&|c| own(Health::Unknown)(c) && asked(c)) {
        &mut split.unknown
    } else if any(&own(Health::Warning)) {
        &mut split.warning
    } else if any(&own(Health::Unknown)) {
        &mut split.unasked
    } else if any(&|c| c.health.is_trouble() && c.follows_from.is_none()) {
        &mut split.somebody
    } else if any(&|c| c.health.is_trouble()) {
        &mut split.follows
    } else if any(&|c| c.health == Health::Ok) {
        &mut split.ok
    } else {
        &mut split.not_subscribed
    }
}

/// A believable morning among `n` schools: every letter of the board is there.
pub fn morning(n: u32) -> Board {
    let mut board = calm(n);
    let estate = Scope::Estate;
    board.estate[5] = held(Health::Warning, 40 * 60, HandlingKind::Claimed, "tomr");
    for row in &mut board.schools {
        row.cells[5] = ok();
    }
    let put: Vec<(usize, usize, CompactCell)> = vec![
        (0, 1, bad(Health::Critical, 3 * DAY + 6 * HOUR)),
        (0, 0, follows("groupcall", Scope::School)),
        (0, 6, follows("groupcall", Scope::School)),
        (0, 5, follows("just2easy", estate)),
        (12, 4, bad(Health::Critical, 12 * 60)),
        (3, 2, bad(Health::Critical, 9 * DAY)),
        (7, 3, bad(Health::Unknown, 2 * DAY)),
        (15, 1, bad(Health::Warning, 27 * HOUR)),
        (21, 4, CompactCell { flapping: true, ..bad(Health::Warning, 43 * 60) }),
        (4, 2, held(Health::Critical, 2 * DAY, HandlingKind::Acknowledged, "asha")),
        (9, 1, held(Health::Warning, 30 * HOUR, HandlingKind::Claimed, "tomr")),
        (
            17,
            4,
            CompactCell {
                flapping: true,
                ..held(Health::Warning, 2 * HOUR, HandlingKind::Claimed, "asha")
            },
        ),
        (18, 3, held(Health::Unknown, HOUR, HandlingKind::Downtime, "asha")),
        (2, 5, follows("just2easy", estate)),
        (5, 5, follows("just2easy", estate)),
        (8, 3, CompactCell { quiet: true, ..ok() }),
    ];
    for (row, column, cell) in put {
        board.schools[row].cells[column] = cell;
    }
    board.schools[23].cells = vec![CompactCell::default(); SERVICES.len()];
    board.schools[23].set_up = false;
    count(&mut board);
    board
}

/// Every third school in some trouble.
pub fn storm(n: u32) -> Board {
    let mut board = calm(n);
    for (i, row) in board.schools.iter_mut().enumerate() {
        let i64th = i64::try_from(i).unwrap();
        match i % 3 {
            0 => {
                row.cells[i % 5] = bad(Health::Critical, i64th % 90 * HOUR);
                row.cells[6] = follows("welearn365", Scope::School);
            }
            1 => row.cells[(i / 3) % 7] = bad(Health::Warning, i64th % 50 * HOUR),
            _ => {}
        }
    }
    count(&mut board);
    board
}

fn cell(compact: &CompactCell, why: &str) -> Cell {
    Cell {
        health: compact.health,
        reason: compact.reason,
        why: Clean::new(why),
        since: compact.since.map(|s| Timestamp::from_second(s).unwrap()),
        state_since: compact.since.map(|s| Timestamp::from_second(s + 26 * HOUR).unwrap()),
        soft: compact.soft,
        flapping: compact.flapping,
        quiet: compact.quiet,
        handling: compact.handling.as_deref().cloned(),
        follows_from: compact.follows_from.as_deref().cloned(),
    }
}

fn check(service: &str, name: &str, label: &str, cell: &Cell) -> CheckView {
    CheckView {
        check: format!("{service}.{name}").parse().unwrap(),
        label: Clean::new(label),
        scope: Scope::School,
        health: if cell.follows_from.is_some() { Health::Ok } else { cell.health },
        reason: cell.reason,
        why: cell.why.clone(),
        rule: Clean::new("older than 50h is critical"),
        green_when: Clean::new(match cell.health {
            Health::Ok => "",
            _ => "data younger than 26h",
        }),
        soft: cell.soft,
        tries: (1, 3),
        since: cell.since,
        observed_at: Some(at("2026-11-24T09:13:58Z")),
        source_at: Some(SourceTime { at: at("2026-11-21T03:02:00Z"), zone: Zone::Assumed }),
        good_at: Some(at("2026-11-21T03:02:00Z")),
        fresh_until: Some(at("2026-11-24T09:58:58Z")),
        numbers: Vec::new(),
        evidence: vec![
            Fact { name: Clean::new("http status"), value: Clean::new("200") },
            Fact { name: Clean::new("request id"), value: Clean::new("q-5512-aa") },
        ],
        windows: Vec::new(),
    }
}

fn history() -> Vec<StateChange> {
    let change = |when: &str, service: &str, from, to, why: &str| StateChange {
        at: at(when),
        service: key(service),
        from,
        to,
        reason: None,
        follows: false,
        first: false,
        why: Clean::new(why),
    };
    vec![
        change(
            "2026-11-23T05:03:00Z",
            "groupcall",
            Health::Warning,
            Health::Critical,
            "the limit of 50h passed",
        ),
        change(
            "2026-11-22T05:02:00Z",
            "groupcall",
            Health::Ok,
            Health::Warning,
            "the limit of 26h passed",
        ),
        change(
            "2026-11-14T10:30:00Z",
            "redstor",
            Health::Warning,
            Health::Ok,
            "the run ended well",
        ),
    ]
}

/// The last days of a cell, as an agent would tell them: as it stands since it does, well before.
fn fourteen_days(cell: &Cell) -> String {
    let since = cell.state_since.or(cell.since).unwrap_or(at(NOW));
    let bad = usize::try_from((at(NOW).as_second() - since.as_second()) / DAY).unwrap_or(0) + 1;
    let letter = match (cell.health, &cell.follows_from) {
        (Health::NotSubscribed, _) => return "-".repeat(DAYS),
        (Health::Ok, _) => '.',
        (_, Some(_)) => '^',
        (Health::Warning, _) => 'W',
        (Health::Unknown, _) => 'U',
        (Health::Critical, _) => 'C',
    };
    let bad = bad.min(DAYS);
    ".".repeat(DAYS - bad) + &letter.to_string().repeat(bad)
}

/// The worst letter of each day of a row.
fn row_days(cells: &[CompactCell]) -> String {
    let rank = |letter: &char| "-.^WUC".find(*letter);
    let cells: Vec<String> = cells.iter().map(|c| fourteen_days(&cell(c, ""))).collect();
    let day = |n| cells.iter().filter_map(|c| c.chars().nth(n)).max_by_key(rank).unwrap_or(' ');
    (0..DAYS).map(day).collect()
}

fn services(cells: &[CompactCell]) -> Vec<ServiceView> {
    SERVICES
        .iter()
        .zip(cells)
        .map(|((k, label, code), compact)| {
            let why = match (compact.health, &compact.follows_from) {
                (Health::NotSubscribed, _) => "",
                (Health::Ok, _) => "answers as it should",
                (_, Some(_)) => "follows from trouble elsewhere",
                (Health::Critical, None) => {
                    "no data from the school since Sat 03:02; limit 50h; 3 nights missed"
                }
                (_, None) => "27 hours since the last good run; limit 26h",
            };
            let cell = cell(compact, why);
            let is_bad = cell.health.is_trouble() && cell.follows_from.is_none();
            let checks = match cell.health {
                Health::NotSubscribed => Vec::new(),
                _ => vec![check(k, "main", "main check", &cell)],
            };
            ServiceView {
                service: key(k),
                label: Clean::new(label),
                code: Clean::new(code),
                checks,
                elsewhere: u32::from(cell.health.is_trouble()),
                in_common: Vec::new(),
                takers: 248,
                affects: if is_bad && *k == "groupcall" {
                    vec![key("welearn365"), key("purple_mash")]
                } else {
                    Vec::new()
                },
                planned: None,
                windows: if *k == "just2easy" {
                    vec![Window {
                        from: at("2026-11-28T22:00:00Z"),
                        until: Some(at("2026-11-29T02:00:00Z")),
                        title: Clean::new("New servers for the J2E suite"),
                    }]
                } else {
                    Vec::new()
                },
                days: fourteen_days(&cell),
                tickets: Vec::new(),
                next_steps: Vec::new(),
                cell,
            }
        })
        .collect()
}

/// The page of a row of `board`, with sentences and history.
pub fn page(board: &Board, row: Option<usize>) -> Page {
    let school = row.map(|n| &board.schools[n]);
    let cells = school.map_or(&board.estate, |s| &s.cells);
    Page {
        version: 1,
        revision: board.revision,
        as_of: board.as_of,
        school: school.map(|s| School {
            laestab: s.laestab,
            urn: Some(999_001),
            name: s.name.clone(),
            phase: s.phase.clone(),
            town: s.town.clone(),
            postcode: s.postcode.clone(),
            district: Clean::new("North"),
            trust: Clean::default(),
            pupils: s.pupils,
            telephone: Clean::new("01632 960 001"),
            website: Clean::default(),
            opened: None,
            closing: false,
        }),
        contact: Clean::new("school office"),
        note: Clean::new("ring before noon"),
        school_day: true,
        services: services(cells),
        history: history(),
        desk: Vec::new(),
        incidents: Vec::new(),
        not_watched: vec![NotWatched {
            what: Clean::new("groupcall.cme"),
            why: Clean::new("no drop file is configured"),
        }],
        past: None,
        replay: board.replay.is_some(),
    }
}

/// A page of a past moment: without what is not kept.
fn then(mut page: Page, when: Timestamp) -> Page {
    for view in &mut page.services {
        view.checks.clear();
        view.windows.clear();
        view.affects.clear();
        (view.elsewhere, view.takers) = (0, 0);
    }
    page.history.retain(|change| change.at <= when);
    page.as_of = when;
    page.past = Some(Past {
        at: when,
        asked_at: at(NOW),
        held: Stretch { from: at("2026-11-01T00:00:00Z"), until: at(NOW) },
        nobody_looked: None,
        not_recorded: 0,
        earlier: None,
        later: None,
        not_kept: Vec::new(),
    });
    page
}

/// The same with tickets that stand and steps that the desk has written down.
pub fn ticketed(board: &Board, row: Option<usize>) -> Page {
    let mut page = page(board, row);
    let ticket = |number: &str, action: &str| Ticket {
        number: Clean::new(number),
        key: Clean::new("0123456789abcdef"),
        action: action.parse().unwrap(),
        by: Clean::new("asha"),
        at: at("2026-11-24T09:02:00Z"),
    };
    for view in &mut page.services {
        match view.service.as_str() {
            "groupcall" if view.cell.health.is_trouble() => {
                view.tickets = vec![ticket("10482", "desk.raise_ticket")];
                view.next_steps = vec![NextStep {
                    text: Clean::new(
                        "Ring the school: is the SIMS server on, and does Xporter run?",
                    ),
                    link: Clean::new("https://wiki.example.org/xporter"),
                }];
            }
            "redstor" => view.tickets = vec![ticket("10483", "redstor.restore_request")],
            _ => {}
        }
    }
    page
}

/// A cell by the number of its school; 0 is the estate.
pub fn incident_cell(n: u32, service: &str) -> CellName {
    let row = if n == 0 { Row::Estate } else { Row::School(laestab(n)) };
    CellName { row, service: key(service) }
}

/// An open incident.
pub fn incident_line(
    id: u64,
    title: &str,
    health: Health,
    since: &str,
    (schools, pupils): (u32, u64),
) -> IncidentLine {
    IncidentLine {
        id,
        title: Clean::new(title),
        why: Clean::new("no data from the school since Sat 03:02; limit 50 h; 3 nights missed"),
        state: IncidentState::Open,
        health,
        since: at(since),
        opened_at: at(since),
        quiet_since: None,
        first: incident_cell(1000, "groupcall"),
        roots: 1,
        in_trouble: schools * 3,
        cells: schools * 3,
        schools,
        pupils,
        had: Had { nobody: 1, ..Had::default() },
    }
}

fn tomr() -> Had {
    let until = Some(at("2026-11-24T16:30:00Z"));
    let handling = Handling { kind: HandlingKind::Claimed, by: "tomr".into(), until };
    Had { nobody: 0, somebody: 1, handling: Some(handling), by: vec!["tomr".into()] }
}

/// Three that are open, and two that ended today.
pub fn incidents() -> Incidents {
    let one = incident_line(
        12,
        "Groupcall at Alder Primary",
        Health::Critical,
        "2026-11-21T03:02:00Z",
        (1, 214),
    );
    let mut two = incident_line(
        14,
        "WeLearn365, whole estate",
        Health::Warning,
        "2026-11-24T08:34:00Z",
        (48, 9210),
    );
    two.had = tomr();
    two.why = Clean::new("Exchange Online: service degradation (incident EX502273, mail is late)");
    let mut quiet =
        incident_line(13, "Smoothwall at 3 schools", Health::Ok, "2026-11-24T07:00:00Z", (3, 801));
    (quiet.quiet_since, quiet.in_trouble) = (Some(at("2026-11-24T09:05:00Z")), 0);
    quiet.had = Had::default();
    let mut over = incident_line(
        9,
        "Redstor Backup at 12 schools",
        Health::Warning,
        "2026-11-23T22:00:00Z",
        (12, 3010),
    );
    over.state = IncidentState::Over { at: at("2026-11-24T01:40:00Z") };
    over.had = Had::default();
    let mut merged = incident_line(
        8,
        "Just2Easy at 4 schools",
        Health::Warning,
        "2026-11-24T08:30:00Z",
        (4, 990),
    );
    merged.state = IncidentState::Merged { at: at("2026-11-24T08:36:00Z"), into: 14 };
    let incidents = vec![one, two, quiet, over, merged];
    Incidents {
        version: 1,
        revision: 9,
        as_of: at(NOW),
        settled: true,
        incidents,
        more_ended: false,
        places: Vec::new(),
    }
}

/// A console that is driven by hand.
pub struct Desk {
    pub console: Console,
    pub board: Board,
    pub mono: Duration,
    pub size: (u16, u16),
    /// The number of the guard's news that the agent tells.
    pub news: u64,
    /// Keys that were pressed, letters of a text among them.
    pub pressed: usize,
    /// How the agent makes a page.
    pub page_of: fn(&Board, Option<usize>) -> Page,
}

/// Columns and rows that every screen is drawn at.
pub const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 40), (200, 50)];

impl Desk {
    pub fn empty(size: (u16, u16), theme: &str, depth: Depth) -> Self {
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        let folder = Folder::new(None, depth);
        let console = Console::new(keymap, folder, theme, size, at(NOW)).unwrap();
        let mono = Duration::from_secs(1_000);
        Self { console, board: calm(0), mono, size, news: 0, pressed: 0, page_of: page }
    }

    pub fn new(board: Board, size: (u16, u16)) -> Self {
        Self::with(board, size, "dark", Depth::Full)
    }

    pub fn with(board: Board, size: (u16, u16), theme: &str, depth: Depth) -> Self {
        let mut desk = Self::empty(size, theme, depth);
        desk.board = board.clone();
        desk.console.wire(LinkEvent::Board(Box::new(board)), desk.mono);
        desk.answer();
        if has_foot(size) {
            desk.console.tick(desk.mono);
            desk.console.heard(Heard::Places(Ok(Box::new(incidents()))), desk.mono);
        }
        desk
    }

    /// What the console wants done. That a tall board reads incidents by itself is left out.
    pub fn effects(&mut self) -> Vec<Effect> {
        let mut effects = self.console.take_effects();
        effects.retain(|effect| *effect != Effect::Guard(Wish::Places));
        effects
    }

    /// Answers what the console wants to know of the last days.
    pub fn answer_days(&mut self) {
        let asked = self.console.wanted_days();
        let cells = |row: &Row| match row {
            Row::Estate => &self.board.estate,
            Row::School(l) => &self.board.schools.iter().find(|s| s.laestab == *l).unwrap().cells,
        };
        let rows =
            asked.iter().map(|row| RowDays { row: *row, days: row_days(cells(row)) }).collect();
        self.console.last_days(&asked, Ok(LastDays { version: 1, as_of: self.agent_now(), rows }));
    }

    /// Answers every page that the console wants, and the last days of the rows on the screen.
    pub fn answer(&mut self) {
        self.answer_days();
        for _ in 0..4 {
            let Some(row) = self.console.wanted() else { return };
            let n = match row {
                Row::Estate => None,
                Row::School(l) => self.board.schools.iter().position(|s| s.laestab == l),
            };
            let page = (self.page_of)(&self.board, n);
            match self.console.past_moment() {
                Some(at) => self.console.page_of(row, Some(at), Ok(then(page, at))),
                None => self.console.page(row, Ok(page)),
            }
        }
    }

    /// Presses keys, written as in the config, and answers pages.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split(' ').filter(|k| !k.is_empty()) {
            let chord: Chord = key.parse().unwrap();
            self.pressed += 1;
            self.console.input(Input::Key(chord), self.mono);
            self.answer();
        }
        self
    }

    /// Types a text, character by character.
    pub fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.pressed += 1;
            self.console.input(Input::Key(Chord::char(c)), self.mono);
        }
        self.answer();
        self
    }

    /// Time passes.
    pub fn wait(&mut self, seconds: u64) -> &mut Self {
        self.mono += Duration::from_secs(seconds);
        self.console.tick(self.mono);
        self.answer();
        self
    }

    /// A cell changes on the wire, with the totals that follow.
    pub fn change(&mut self, school: usize, column: usize, cell: CompactCell) -> &mut Self {
        self.board.schools[school].cells[column] = cell.clone();
        let mut counted = self.board.clone();
        count(&mut counted);
        self.board = counted;
        let change = Change::Cells {
            revision: self.board.revision + 1,
            as_of: self.agent_now(),
            cells: vec![CellChange {
                row: Row::School(self.board.schools[school].laestab),
                column: u16::try_from(column).unwrap(),
                cell,
            }],
            summary: self.board.summary,
            schools_summary: self.board.schools_summary,
            split: self.board.split,
            settled: true,
        };
        self.console.wire(LinkEvent::Change(change), self.mono);
        self
    }

    fn agent_now(&self) -> Timestamp {
        let passed = i64::try_from(self.mono.as_secs()).unwrap() - 1_000;
        Timestamp::from_second(at(NOW).as_second() + passed).unwrap()
    }

    pub fn beat(&mut self) -> &mut Self {
        let beat = Change::Beat {
            revision: self.board.revision,
            as_of: self.agent_now(),
            settled: true,
            acts: self.news,
        };
        self.console.wire(LinkEvent::Change(beat), self.mono);
        self
    }

    /// A frame was written.
    pub fn shown(&mut self) -> &mut Self {
        self.console.shown(self.mono);
        self
    }

    pub fn lose(&mut self) -> &mut Self {
        let why = LinkError::NoAgent { socket: "/run/x.sock".into(), why: "refused".into() };
        self.console.wire(LinkEvent::Lost(why), self.mono);
        self
    }

    pub fn frame(&self) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal
            .draw(|f| {
                self.console.draw(f.buffer_mut());
            })
            .unwrap();
        terminal.backend().buffer().clone()
    }

    pub fn text(&self) -> String {
        picture::text(&self.frame())
    }

    pub fn line(&self, y: usize) -> String {
        self.text().lines().nth(y).unwrap_or_default().to_owned()
    }

    /// The line that holds `what`.
    pub fn line_with(&self, what: &str) -> String {
        let text = self.text();
        text.lines()
            .find(|l| l.contains(what))
            .unwrap_or_else(|| panic!("{what}\n{text}"))
            .to_owned()
    }

    /// The name at the cursor.
    pub fn name_at_cursor(&self) -> String {
        let line = self.line_with(">  ");
        line.chars().skip(3).take(22).collect::<String>().trim().to_owned()
    }

    /// The styles of a line: each run of one style with its letters.
    pub fn styles(&self, y: u16) -> String {
        let frame = self.frame();
        let mut out: Vec<(String, String)> = Vec::new();
        for x in 0..self.size.0 {
            let cell = frame.cell((x, y)).unwrap();
            let look = describe(cell.fg, cell.bg, cell.modifier);
            match out.last_mut() {
                Some((before, text)) if *before == look => text.push_str(cell.symbol()),
                _ => out.push((look, cell.symbol().to_owned())),
            }
        }
        out.retain(|(_, text)| !text.trim().is_empty());
        out.iter().map(|(look, text)| format!("{:?} {look}\n", text.trim_end())).collect()
    }
}
