//! `caretaker handle`: asks the agent, prints what came of it.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::{HandleArgs, StrikeArgs};
use crate::cli::{self, Code};
use crate::link::Link;
use crate::wire::Laestab;
use crate::wire::board::Board;

/// Takes cells in hand, or gives them back. The exit code.
///
/// # Errors
/// When no agent answers, it refuses, or the words mean no cell.
pub async fn run(socket: &Path, args: HandleArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let board = link.board().await.map_err(Failed::no_agent)?;
    let asked =
        cli::handle(&board, &args, board.as_of).map_err(|e| Failed::usage(e.to_string()))?;
    let handled = link.handle(&asked).await.map_err(Failed::asked)?;
    if args.json {
        let text = serde_json::to_string(&handled).map_err(Failed::software)?;
        cli::say(&text);
    } else {
        cli::say_raw(&cli::handled_text(&board, &handled));
    }
    Ok(if handled.done == 0 { Code::Rejected } else { Code::Done } as u8)
}

/// Lists what was written about a school, or strikes one of it out. The exit code.
///
/// # Errors
/// When no agent answers, it refuses, or the words mean no school or no entry of it.
pub async fn strike(socket: &Path, args: StrikeArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let board = link.board().await.map_err(Failed::no_agent)?;
    let school = one_row(&board, &args.school)?;
    let page = link.page(school).await.map_err(Failed::asked)?;
    let Some(id) = args.id else {
        if args.json {
            cli::say(&serde_json::to_string(&page.desk).map_err(Failed::software)?);
        } else {
            cli::say_raw(&cli::book_text(&page));
        }
        return Ok(Code::Done as u8);
    };
    if page.desk.iter().all(|line| line.id != id) {
        let text = format!("{id} is no entry about this school: the command without it lists them");
        return Err(Failed::usage(text));
    }
    struck_out(&link, id, args.json).await
}

/// Strikes out a text by its number, and says so.
pub(super) async fn struck_out(link: &Link, id: u64, json: bool) -> Result<u8, Failed> {
    let struck = link.strike(id).await.map_err(Failed::asked)?;
    if json {
        cli::say(&serde_json::to_string(&struck).map_err(Failed::software)?);
    } else {
        cli::say(&format!("struck out by {}: the text of {id} is gone", struck.by));
    }
    Ok(Code::Done as u8)
}

/// The one row that a word means: `None` is the estate.
fn one_row(board: &Board, word: &str) -> Result<Option<Laestab>, Failed> {
    if word == "estate" {
        return Ok(None);
    }
    let found = cli::pick(board, &[word.to_owned()]).map_err(|e| Failed::usage(e.to_string()))?;
    match found.as_slice() {
        [school] => Ok(Some(*school)),
        many => Err(Failed::usage(format!("{word:?} means {} schools: name one", many.len()))),
    }
}
