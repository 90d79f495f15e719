//! `caretaker diff`: asks the agent about past moments, and prints.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::DiffArgs;
use crate::cli::{self, Code};
use crate::link::{Link, LinkError};

fn usage(text: String) -> Failed {
    Failed { code: Code::Usage, text }
}

fn refused(error: LinkError) -> Failed {
    match error {
        LinkError::Refused { .. } => usage(error.to_string()),
        LinkError::NoAgent { .. } | LinkError::Version { .. } => Failed::no_agent(error),
    }
}

/// Compares two moments. The exit code.
///
/// # Errors
/// When no agent answers, or a moment means none that is kept.
pub async fn diff(socket: &Path, args: DiffArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let now = link.board().await.map_err(Failed::no_agent)?.as_of;
    let from = cli::past(&args.from, now).map_err(usage)?;
    let until = args.to.as_deref().map(|text| cli::past(text, now).map_err(usage)).transpose()?;
    let diff = link.diff(from, until.unwrap_or(now)).await.map_err(refused)?;
    if args.json {
        cli::say(&serde_json::to_string(&diff).map_err(Failed::software)?);
    } else {
        cli::say_raw(&cli::diff_text(&diff));
    }
    Ok(cli::diff_code(&diff))
}
