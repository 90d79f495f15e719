//! Writing to the terminal, nowhere else.

use std::io::Write;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// One line to standard output. A closed pipe is not an error worth more than silence.
pub fn say(line: &str) {
    say_raw(&format!("{line}\n"));
}

/// Text as it is to standard output.
pub fn say_raw(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// One line to standard error.
pub fn complain(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "caretaker: {line}"));
}

/// Columns of a text that is not written to a terminal; longer lines are not read well.
const COLUMNS: usize = 80;
/// Fewer columns cannot be read.
pub(super) const LEAST_COLUMNS: usize = 40;

/// Columns of a text on a terminal of this size, columns and rows; none if there is no terminal.
#[must_use]
pub fn columns(size: Option<(u16, u16)>) -> usize {
    size.map_or(COLUMNS, |(columns, _)| usize::from(columns).clamp(LEAST_COLUMNS, COLUMNS))
}

/// Writes `text` after `mark`, later lines below it at `indent`; a word that is wider than a line is
/// broken.
pub fn wrap(out: &mut String, text: &str, mark: &str, indent: usize, columns: usize) {
    let mut line = mark.to_owned();
    let mut bare = true;
    for word in text.split_whitespace() {
        let space = usize::from(!bare);
        if !bare && line.width() + space + word.width() > columns {
            end(out, &mut line, indent);
            bare = true;
        }
        if !bare {
            line.push(' ');
        }
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > columns {
                end(out, &mut line, indent);
            }
            line.push(c);
        }
        bare = false;
    }
    end(out, &mut line, 0);
}

fn end(out: &mut String, line: &mut String, indent: usize) {
    out.push_str(line.trim_end());
    out.push('\n');
    *line = " ".repeat(indent);
}
