//! Reports: how services stood through a period, and how long trouble took. Text, Markdown and the page
//! show the same tables; CSV and JSON hold the same in seconds.

mod charts;
mod csv;
mod html;
mod markdown;

pub use csv::report_csv;
pub use html::report_html;
pub use markdown::report_markdown;

use crate::wire::report::Report;
use crate::wire::tables::report_lines;

/// For people at a terminal.
#[must_use]
pub fn report_text(report: &Report) -> String {
    report_lines(report).into_iter().map(|line| line + "\n").collect()
}

/// For programs: the agent's answer.
///
/// # Errors
/// Never for this type; passed on from the encoder.
pub fn report_json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string(report).map(|text| text + "\n")
}
