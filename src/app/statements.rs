//! `caretaker statements`.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::StatementsArgs;
use crate::cli::{self, Code};
use crate::link::Link;
use crate::model::statements::stated;

/// Prints what is stated about each service that the agent's board has, under its displayed name.
///
/// # Errors
/// When no agent answers, or there is no such service.
pub async fn run(socket: &Path, args: StatementsArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let board = link.board().await.map_err(Failed::no_agent)?;
    let service = args.service.as_deref().map(|word| cli::pick_service(&board, word)).transpose();
    let service = service.map_err(|e| Failed { code: Code::Usage, text: e.to_string() })?;
    let columns = board.columns.into_iter().map(|column| (column.key, column.label));
    let all = stated(columns.filter(|(key, _)| service.as_ref().is_none_or(|s| s == key)));
    if args.json {
        cli::say(&cli::statements_json(&all).map_err(Failed::software)?);
    } else if args.markdown {
        cli::say_raw(&cli::statements_markdown(&all));
    } else {
        cli::say_raw(&cli::statements_text(&all));
    }
    Ok(Code::Done as u8)
}
