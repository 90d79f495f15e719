//! Writing to the terminal, nowhere else.

use std::io::Write;

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
