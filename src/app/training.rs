//! `caretaker training`: brief, hints and debrief of the training that a demo runs.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::TrainingArgs;
use crate::cli::{self, Code};
use crate::link::Link;

/// Prints the brief, or the debrief so far.
///
/// # Errors
/// When no agent answers, or no training runs there.
pub async fn run(socket: &Path, args: TrainingArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let page = if args.hint { link.hint().await } else { link.training().await };
    let page = page.map_err(Failed::asked)?;
    if args.json {
        cli::say(&serde_json::to_string(&page).map_err(Failed::software)?);
    } else if args.debrief {
        cli::say_raw(&cli::debrief_text(&page));
    } else {
        cli::say_raw(&cli::brief_text(&page));
    }
    Ok(Code::Done as u8)
}
