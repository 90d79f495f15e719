//! `caretaker runs`.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::RunsArgs;
use crate::cli::{self, Code};
use crate::link::Link;

/// Lists the runs from which a restore can be asked.
///
/// # Errors
/// When no agent answers, or there is no such school.
pub async fn run(socket: &Path, args: RunsArgs) -> Result<u8, Failed> {
    let school = args.laestab.parse().map_err(|e| Failed::usage(format!("{e}")))?;
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let runs = link.runs(school).await.map_err(Failed::asked)?;
    if args.json {
        cli::say(&serde_json::to_string(&runs).map_err(Failed::software)?);
    } else {
        cli::say_raw(&cli::runs_text(&runs));
    }
    Ok(Code::Done as u8)
}
