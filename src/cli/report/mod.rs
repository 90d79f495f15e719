//! Reports: how services stood through a period, and how long trouble took. Text, Markdown and the page
//! show the same tables; CSV and JSON hold the same in seconds.

mod charts;
mod csv;
mod html;
mod markdown;
mod tables;

pub use csv::report_csv;
pub use html::report_html;
pub use markdown::report_markdown;

use crate::cli::report::tables::{Table, head, tables};
use crate::wire::report::Report;

/// For people at a terminal.
#[must_use]
pub fn report_text(report: &Report) -> String {
    let mut out: String = head(report).into_iter().map(|line| format!("{line}\n")).collect();
    for table in tables(report) {
        out.push_str(&format!("\n{}\n", table.heading));
        out.push_str(&aligned(&table));
    }
    out.push_str("\nHow it is counted\n");
    out.extend(report.notes.iter().map(|note| format!("  {note}\n")));
    out
}

/// For programs: the agent's answer.
///
/// # Errors
/// Never for this type; passed on from the encoder.
pub fn report_json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string(report).map(|text| text + "\n")
}

/// Characters of a name that a line has room for.
const LONGEST: usize = 40;

/// A name that fits into a line.
fn short(name: &str, longest: usize) -> String {
    let mut out: String = name.chars().take(longest).collect();
    if name.chars().count() > longest {
        out.push('…');
    }
    out
}

/// Columns as wide as their widest cell: the first to the left, figures to the right.
fn aligned(table: &Table) -> String {
    if table.rows.is_empty() {
        return format!("  {}\n", table.none);
    }
    let wide = |text: &str| unicode_width::UnicodeWidthStr::width(text);
    let fitting = |line: &Vec<String>| -> Vec<String> {
        line.iter().map(|cell| short(cell, LONGEST)).collect()
    };
    let all: Vec<Vec<String>> =
        std::iter::once(&table.columns).chain(&table.rows).map(fitting).collect();
    let width = |n: usize| all.iter().filter_map(|l| l.get(n)).map(|t| wide(t)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let mut out = String::new();
    for line in &all {
        let mut text = String::from(" ");
        for (n, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width.saturating_sub(wide(cell)));
            let is_name = n == 0;
            let (before, after) = if is_name { ("", gap.as_str()) } else { (gap.as_str(), "") };
            text.push_str(&format!(" {before}{cell}{after} "));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}
