//! `caretaker report`: asks the agent, and prints or writes what it tells.

use std::path::Path;

use jiff::SignedDuration;

use crate::app::failed::Failed;
use crate::cli::report_args::{ReportArgs, ReportFormat};
use crate::cli::{self, Code};
use crate::link::Link;

/// The period, where only its end is named, or nothing.
const USUAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Prints a report, or writes it into a file. The exit code.
///
/// # Errors
/// When no agent answers, a word names nothing, or the file cannot be written.
pub async fn run(socket: &Path, args: ReportArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let board = link.board().await.map_err(Failed::no_agent)?;
    let now = board.as_of;
    let period = match (&args.from, &args.until) {
        (Some(from), until) => {
            cli::two_moments(from, until.as_deref(), now).map_err(Failed::usage)?
        }
        (None, Some(until)) => {
            let until = cli::past(until, now).map_err(Failed::usage)?;
            (until - USUAL, until)
        }
        (None, None) => (now - USUAL, now),
    };
    let schools = cli::pick_filtered(&board, &args.school, args.filter.as_deref(), now)
        .map_err(|e| Failed::usage(e.to_string()))?;
    let services = args.service.iter().map(|word| cli::pick_service(&board, word));
    let services =
        services.collect::<Result<Vec<_>, _>>().map_err(|e| Failed::usage(e.to_string()))?;
    let report = link.report(period, &schools, &services).await.map_err(Failed::asked)?;
    let text = match args.format {
        ReportFormat::Text => cli::report_text(&report),
        ReportFormat::Csv => cli::report_csv(&report).map_err(Failed::software)?,
        ReportFormat::Json => cli::report_json(&report).map_err(Failed::software)?,
        ReportFormat::Markdown => cli::report_markdown(&report),
        ReportFormat::Html => cli::report_html(&report).map_err(Failed::software)?,
    };
    match &args.out {
        None => cli::say_raw(&text),
        Some(file) => std::fs::write(file, text).map_err(|error| {
            Failed::usage(format!("{}: {error}; name a file that you may write", file.display()))
        })?,
    }
    Ok(Code::Done as u8)
}
