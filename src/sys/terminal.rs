//! The terminal that a program was started from, if any.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use rustix::termios::{tcgetattr, tcgetwinsize};

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
