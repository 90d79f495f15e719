//! The terminal that a program was started from, if any.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal};
use std::os::fd::AsFd;

use rustix::termios::{QueueSelector, tcflush, tcgetattr, tcgetwinsize};

/// Standard input, if it is a terminal. What it is now is asked each time.
#[derive(Debug)]
pub struct Terminal {
    held: Option<File>,
}

impl Terminal {
    /// The one of standard input.
    #[must_use]
    pub fn of_input() -> Self {
        let input = std::io::stdin();
        let copy = || input.as_fd().try_clone_to_owned().ok().map(File::from);
        Self { held: input.is_terminal().then(copy).flatten() }
    }

    /// Whether there was a terminal and it is gone, as when a connection drops.
    #[must_use]
    pub fn has_gone(&self) -> bool {
        self.held.as_ref().is_some_and(|terminal| tcgetattr(terminal).is_err())
    }

    /// Throws away what was typed and not read yet, and reads the line that is typed next, past what anybody
    /// else has read ahead; `asks` puts the question between the two. Blocks. None without a terminal, and at
    /// the end of its input.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub fn answer(&self, asks: impl FnOnce()) -> std::io::Result<Option<String>> {
        let Some(terminal) = &self.held else { return Ok(None) };
        tcflush(terminal, QueueSelector::IFlush)?;
        asks();
        let mut line = Vec::new();
        let read = BufReader::new(terminal).read_until(b'\n', &mut line)?;
        Ok((read > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
    }

    /// Columns and rows, if there is a terminal that knows them.
    #[must_use]
    pub fn size(&self) -> Option<(u16, u16)> {
        let size = tcgetwinsize(self.held.as_ref()?).ok()?;
        (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_before_the_question_is_no_answer() {
        use std::io::{Read, Write};
        let pair =
            portable_pty::native_pty_system().openpty(portable_pty::PtySize::default()).unwrap();
        let name = pair.master.tty_name().unwrap();
        let file = File::options().read(true).write(true).open(name).unwrap();
        let terminal = Terminal { held: Some(file) };
        let (mut keys, mut echo) =
            (pair.master.take_writer().unwrap(), pair.master.try_clone_reader().unwrap());
        keys.write_all(b"ahead\nhalf").unwrap();
        // It has arrived once it is echoed.
        let mut seen = String::new();
        while !seen.ends_with("half") {
            let mut byte = [0];
            echo.read_exact(&mut byte).unwrap();
            seen.push(char::from(byte[0]));
        }
        let answer = terminal.answer(|| keys.write_all(b"words\n").unwrap()).unwrap();
        assert_eq!(answer.as_deref(), Some("words\n"));
        assert_eq!(Terminal { held: None }.answer(|| panic!("asked")).unwrap(), None);
    }

    #[test]
    fn knows_its_size_and_when_it_is_gone() {
        let size = portable_pty::PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = portable_pty::native_pty_system().openpty(size).unwrap();
        let name = pair.master.tty_name().unwrap();
        let file = File::options().read(true).write(true).open(name).unwrap();
        let terminal = Terminal { held: Some(file) };
        assert_eq!((terminal.has_gone(), terminal.size()), (false, Some((80, 24))));
        drop(pair);
        assert!(terminal.has_gone());
        let none = Terminal { held: None };
        assert_eq!((none.has_gone(), none.size()), (false, None));
    }
}
