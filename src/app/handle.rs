//! `caretaker handle`: asks the agent, prints what came of it.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::HandleArgs;
use crate::cli::{self, Code};
use crate::link::Link;

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
