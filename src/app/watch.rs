//! `caretaker watch`: one plain line for each change of health, until stopped.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use crate::app::failed::Failed;
use crate::cli::args::WatchArgs;
use crate::cli::{self, Code, Lines, Turned};
use crate::link::{Link, LinkEvent};
use crate::wire::board::{Board, Change, Row};
use crate::wire::{Health, ServiceKey};

/// Sentences that are fetched for one batch of changes; more changes are told without theirs, so
/// that an outage of everything is not followed by thousands of questions.
const SENTENCES: usize = 50;

/// Prints changes until the agent says that it ends for good, or the process is stopped.
///
/// # Errors
/// When no agent answers at the start, or the service does not exist.
pub async fn run(socket: &Path, args: WatchArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let first = link.board().await.map_err(Failed::no_agent)?;
    let service = args.service.as_deref().map(|word| cli::pick_service(&first, word));
    let service =
        service.transpose().map_err(|e| Failed { code: Code::Usage, text: e.to_string() })?;
    let shown = cli::Shown::new(&first, args.filter.as_deref());
    let mut shown = shown.map_err(|e| Failed::usage(format!("the filter: {e}")))?;
    let mut events = link.follow();
    let mut lines = Lines::default();
    let mut settled = false;
    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Board(board) => {
                let at = london(board.as_of);
                totals(&at, &board, &mut settled);
                let turned = lines.board(&board);
                tell(&link, &at, shown.board(&board, turned), service.as_ref()).await;
            }
            LinkEvent::Change(Change::Cells {
                as_of,
                cells,
                schools_summary,
                settled: now,
                ..
            }) => {
                let at = london(as_of);
                let turned = shown.changes(&cells, lines.changes(&cells), as_of);
                tell(&link, &at, turned, service.as_ref()).await;
                if now && !settled {
                    settled = true;
                    cli::say(&format!(
                        "{} (every check has been tried)",
                        Lines::totals(&at, &schools_summary)
                    ));
                }
            }
            LinkEvent::Change(Change::Bye { why }) => cli::say(&format!("the agent ends: {why}")),
            LinkEvent::Change(Change::Beat { .. } | Change::Reset { .. }) => {}
            LinkEvent::Lost(error) => cli::say(&format!("connection lost, trying again: {error}")),
        }
    }
    Ok(Code::Done as u8)
}

/// Prints each change of health from now on, while it is wanted. What was so at the start is not told.
pub(super) async fn news(link: Link, wanted: Arc<AtomicBool>) {
    let mut events = link.follow();
    let mut lines = Lines::default();
    let mut begun = false;
    while let Some(event) = events.recv().await {
        let (at, turned) = match event {
            LinkEvent::Board(board) => {
                let turned = lines.board(&board);
                (board.as_of, if std::mem::replace(&mut begun, true) { turned } else { Vec::new() })
            }
            LinkEvent::Change(Change::Cells { as_of, cells, .. }) => (as_of, lines.changes(&cells)),
            LinkEvent::Change(Change::Bye { why }) => {
                cli::say(&format!("The agent ends: {why}"));
                continue;
            }
            LinkEvent::Lost(error) => {
                cli::say(&format!("Connection lost, trying again: {error}"));
                continue;
            }
            LinkEvent::Change(Change::Beat { .. } | Change::Reset { .. }) => continue,
        };
        if wanted.load(Ordering::SeqCst) {
            tell(&link, &london(at), turned, None).await;
        }
    }
}

fn totals(at: &str, board: &Board, settled: &mut bool) {
    *settled = board.settled;
    let note = match (board.settled, board.restored_from) {
        (true, _) => String::new(),
        (false, Some(then)) => format!(" (last known board, of {})", london(then)),
        (false, None) => " (not every check has been tried yet)".to_owned(),
    };
    cli::say(&format!("{}{note}", Lines::totals(at, &board.schools_summary)));
}

async fn tell(link: &Link, at: &str, turned: Vec<Turned>, service: Option<&ServiceKey>) {
    let asked = turned.into_iter().filter(|t| service.is_none_or(|s| *s == t.service));
    for (n, turned) in asked.enumerate() {
        let ask = n < SENTENCES && turned.now != Health::Ok;
        let why = if ask { sentence(link, &turned).await } else { String::new() };
        cli::say(&Lines::line(at, &turned, &why));
    }
}

async fn sentence(link: &Link, turned: &Turned) -> String {
    let school = match turned.row {
        Row::Estate => None,
        Row::School(laestab) => Some(laestab),
    };
    let page = link.page(school).await;
    page.ok()
        .and_then(|p| p.services.into_iter().find(|s| s.service == turned.service))
        .map(|s| s.cell.why.to_string())
        .unwrap_or_default()
}

/// `Tue 24 Nov 09:14`, London time.
fn london(at: Timestamp) -> String {
    at.to_zoned_datetime(crate::model::calendar::london()).strftime("%a %-d %b %H:%M").to_string()
}
