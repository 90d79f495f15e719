//! A report as Markdown. What came from outside is escaped.

use crate::cli::markdown::plain;
use crate::wire::report::Report;
use crate::wire::statements::WHOSE;
use crate::wire::tables::{Table, head, statements, tables};

/// For a document: the tables, how it is counted, and what is stated about personal data.
#[must_use]
pub fn report_markdown(report: &Report) -> String {
    let mut lines = head(report).into_iter();
    let mut out = format!("# {}\n\n", plain(&lines.next().unwrap_or_default()));
    out.extend(lines.map(|line| format!("- {}\n", plain(&line))));
    for table in tables(report) {
        out.push_str(&format!("\n## {}\n\n{}", plain(&table.heading), rows(&table)));
    }
    out.push_str("\n## How it is counted\n\n");
    out.extend(report.notes.iter().map(|note| format!("- {}\n", plain(note.as_str()))));
    out.push_str(&format!("\n## Statements about personal data\n\n{}\n", plain(WHOSE)));
    for table in statements(report) {
        out.push_str(&format!("\n### {}\n\n{}", plain(&table.heading), rows(&table)));
    }
    out
}

fn rows(table: &Table) -> String {
    if table.rows.is_empty() {
        return format!("{}\n", table.none);
    }
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let align = |n: usize| if n == 0 || !table.has_figures { "---" } else { "---:" };
    let aligns: Vec<&str> = (0..table.columns.len()).map(align).collect();
    let mut out = line(&table.columns);
    out.push_str(&format!("| {} |\n", aligns.join(" | ")));
    out.extend(table.rows.iter().map(|cells| line(cells)));
    out
}
