//! A report as one page that needs nothing else: no script, nothing fetched, light and dark. Whatever
//! came from outside stands in it as text.

use crate::cli::report::charts::{Chart, KEY, charts};
use crate::wire::report::Report;
use crate::wire::statements::WHOSE;
use crate::wire::tables::{Table, head, statements, tables};

const STYLE: &str = include_str!("page.css");
/// Nothing but the style that stands in the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
///
/// # Errors
/// In words, when a chart cannot be drawn.
pub fn report_html(report: &Report) -> Result<String, String> {
    let mut lines = head(report).into_iter();
    let title = escaped(&lines.next().unwrap_or_default());
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
    );
    out.extend(lines.map(|line| format!("<p>{}</p>\n", escaped(&line))));
    out.push_str("</header>\n<main>\n");
    let drawn = charts(report)?;
    if !drawn.is_empty() {
        out.push_str("<section>\n<h2>At a glance</h2>\n");
        out.extend(drawn.iter().map(figure));
        out.push_str("</section>\n");
    }
    for table in tables(report) {
        let heading = escaped(&table.heading);
        let rows = rows(&table, "");
        out.push_str(&format!("<section>\n<h2>{heading}</h2>\n{rows}</section>\n"));
    }
    out.push_str("<section class=\"notes\">\n<h2>How it is counted</h2>\n<ul>\n");
    out.extend(report.notes.iter().map(|note| format!("<li>{}</li>\n", escaped(note.as_str()))));
    out.push_str("</ul>\n</section>\n<section>\n<h2>Statements about personal data</h2>\n");
    out.push_str(&format!("<p>{}</p>\n", escaped(WHOSE)));
    for table in statements(report) {
        let caption = format!("<caption>{}</caption>\n", escaped(&table.heading));
        out.push_str(&rows(&table, &caption));
    }
    out.push_str("</section>\n</main>\n</body>\n</html>\n");
    Ok(out)
}

/// Text as it stands in an element or in an attribute between double quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A chart with its words; what it shows stands in the tables as well.
fn figure(chart: &Chart) -> String {
    let title = escaped(chart.title);
    let svg = chart.svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1);
    let key = if chart.has_key { key() } else { String::new() };
    format!("<figure>\n<figcaption>{title}</figcaption>\n{svg}{key}</figure>\n")
}

fn key() -> String {
    let mut out = String::from("<ul class=\"key\">\n");
    for (word, (r, g, b)) in KEY {
        out.push_str(&format!(
            "<li><svg class=\"swatch\" viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect width=\"1\" height=\"1\" \
             fill=\"rgb({r},{g},{b})\"/></svg> {word}</li>\n"
        ));
    }
    out + "</ul>\n"
}

/// A table; its caption where no heading of the page says what it is.
fn rows(table: &Table, caption: &str) -> String {
    let heading = escaped(&table.heading);
    if table.rows.is_empty() {
        return format!("<p>{heading}: {}</p>\n", escaped(table.none));
    }
    let class = if table.has_figures { " class=\"figures\"" } else { "" };
    let mut out = format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{heading}\" tabindex=\"0\">\n\
         <table{class} aria-label=\"{heading}\">\n{caption}<thead><tr>"
    );
    out.extend(table.columns.iter().map(|c| format!("<th scope=\"col\">{}</th>", escaped(c))));
    out.push_str("</tr></thead>\n<tbody>\n");
    for cells in &table.rows {
        let cell = |(n, text): (usize, &String)| match n {
            0 => format!("<th scope=\"row\">{}</th>", escaped(text)),
            _ => format!("<td>{}</td>", escaped(text)),
        };
        let cells: String = cells.iter().enumerate().map(cell).collect();
        out.push_str(&format!("<tr>{cells}</tr>\n"));
    }
    out + "</tbody>\n</table>\n</div>\n"
}
