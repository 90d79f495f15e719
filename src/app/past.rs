//! `caretaker diff` and `caretaker handover`: asks the agent about past moments, and prints.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::{DiffArgs, HandoverArgs};
use crate::cli::{self, Code};
use crate::link::Link;

/// Compares two moments. The exit code.
///
/// # Errors
/// When no agent answers, or a moment means none that is kept.
pub async fn diff(socket: &Path, args: DiffArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let now = link.board().await.map_err(Failed::no_agent)?.as_of;
    let (from, until) =
        cli::two_moments(&args.from, args.to.as_deref(), now).map_err(Failed::usage)?;
    let diff = link.diff(from, Some(until)).await.map_err(Failed::asked)?;
    if args.json {
        cli::say(&serde_json::to_string(&diff).map_err(Failed::software)?);
    } else {
        cli::say_raw(&cli::diff_text(&diff));
    }
    Ok(cli::diff_code(&diff))
}

/// Prints what is handed over. The exit code.
///
/// # Errors
/// When no agent answers, or the moment means none that is kept.
pub async fn handover(socket: &Path, args: HandoverArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let since = match &args.since {
        Some(text) => {
            let now = link.board().await.map_err(Failed::no_agent)?.as_of;
            Some(cli::past(text, now).map_err(Failed::usage)?)
        }
        None => None,
    };
    let page = link.handover(since).await.map_err(Failed::asked)?;
    if args.json {
        cli::say(&serde_json::to_string(&page).map_err(Failed::software)?);
    } else if args.markdown {
        cli::say_raw(&cli::handover_markdown(&page));
    } else {
        cli::say_raw(&cli::handover_text(&page));
    }
    Ok(Code::Done as u8)
}
