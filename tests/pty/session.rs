//! A program in a pseudo-terminal, read like a person reads it: wait until the screen shows
//! something, press a key, look again. Never sleeps for luck.
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long any single wait may take before the test fails. Long, because machines are busy.
pub const LIMIT: Duration = Duration::from_secs(60);

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// When the last byte came.
    last: Instant,
    closed: bool,
}

/// A running program and its screen.
pub struct Session {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

fn cells(n: u16) -> NonZero<u16> {
    NonZero::new(n).unwrap()
}

/// The rows of a screen as they stand; `contents` would join what it takes for a wrapped line.
pub fn text(screen: &vt100::Screen) -> String {
    screen.rows(0, screen.size().1.get()).collect::<Vec<_>>().join("\n")
}

impl Session {
    /// Starts `program` with `args` at `columns` by `rows`. The environment is clean but for PATH,
    /// a home folder of its own and `extra`.
    pub fn start(
        program: &str,
        args: &[&str],
        (columns, rows): (u16, u16),
        home: &std::path::Path,
        extra: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        command.env("PATH", std::env::var("PATH").unwrap_or_default());
        command.env("HOME", home);
        command.env("XDG_RUNTIME_DIR", home);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in extra {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = vt100::Parser::new(cells(rows), cells(columns), 0);
        let seen = Arc::new((
            Mutex::new(Seen { parser, raw: Vec::new(), last: Instant::now(), closed: false }),
            Condvar::new(),
        ));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let fill = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 16_384];
            loop {
                let n = reader.read(&mut buffer).unwrap_or(0);
                let Ok(mut seen) = fill.0.lock() else { return };
                if n == 0 {
                    seen.closed = true;
                } else {
                    seen.parser.process(&buffer[..n]);
                    seen.raw.extend_from_slice(&buffer[..n]);
                    seen.last = Instant::now();
                }
                fill.1.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        Self { child, master: pair.master, writer, seen }
    }

    /// Presses keys, given as the bytes that a terminal sends.
    pub fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits until the screen's text satisfies `shows`; fails with the screen when it never does.
    pub fn wait(&self, what: &str, shows: impl Fn(&str) -> bool) -> String {
        self.wait_screen(what, |screen| shows(&text(screen)))
    }

    /// Waits until the screen satisfies `shows`.
    pub fn wait_screen(&self, what: &str, shows: impl Fn(&vt100::Screen) -> bool) -> String {
        let end = Instant::now() + LIMIT;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            if shows(seen.parser.screen()) {
                return text(seen.parser.screen());
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !seen.closed,
                "never saw {what}; closed: {}; the screen:\n{}",
                seen.closed,
                text(seen.parser.screen())
            );
            seen = self.seen.1.wait_timeout(seen, left.min(Duration::from_millis(500))).unwrap().0;
        }
    }

    /// Waits until what was written satisfies `shows`.
    pub fn wait_raw(&self, what: &str, shows: impl Fn(&[u8]) -> bool) {
        let end = Instant::now() + LIMIT;
        let mut seen = self.seen.0.lock().unwrap();
        while !shows(&seen.raw) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.closed, "never wrote {what}");
            seen = self.seen.1.wait_timeout(seen, left.min(Duration::from_millis(500))).unwrap().0;
        }
    }

    /// The screen's text now.
    pub fn screen(&self) -> String {
        text(self.seen.0.lock().unwrap().parser.screen())
    }

    /// Every byte that the program wrote.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().raw.clone()
    }

    /// Waits until something was written after `since` and then nothing for `silence`; the moment of
    /// the last byte. `None` if nothing was written at all within [`LIMIT`].
    pub fn settled(&self, since: Instant, silence: Duration) -> Option<Instant> {
        let end = Instant::now() + LIMIT;
        let mut seen = self.seen.0.lock().unwrap();
        while Instant::now() < end {
            let quiet = seen.last.elapsed();
            if seen.last > since && quiet >= silence {
                return Some(seen.last);
            }
            let left = if seen.last > since { silence - quiet } else { silence };
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
        None
    }

    /// Waits until nothing has been written for `silence` from now on.
    pub fn rests(&self, silence: Duration) {
        let from = Instant::now();
        let mut seen = self.seen.0.lock().unwrap();
        while let Some(left) = silence.checked_sub(seen.last.max(from).elapsed()) {
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Another size, as when the window is dragged.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.seen.0.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).unwrap();
    }

    /// The terminal's hang-up, as sshd tells it to the session when a connection drops.
    pub fn hang_up(&self) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    /// Ends it without a chance to put anything in order.
    pub fn kill(&self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    /// Waits for the end; the exit code.
    pub fn end(&mut self) -> u32 {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.read_to_the_end(end);
                return status.exit_code();
            }
            assert!(Instant::now() < end, "did not end; the screen:\n{}", self.screen());
            let seen = self.seen.0.lock().unwrap();
            drop(self.seen.1.wait_timeout(seen, Duration::from_millis(20)).unwrap());
        }
    }

    /// What it wrote last may still be on its way.
    fn read_to_the_end(&self, end: Instant) {
        let seen = self.seen.0.lock().unwrap();
        let left = end.saturating_duration_since(Instant::now());
        drop(self.seen.1.wait_timeout_while(seen, left, |seen| !seen.closed).unwrap());
    }

    /// Whether the terminal is as a shell expects it: main screen, cursor, no modes left on.
    pub fn assert_restored(&self) {
        let seen = self.seen.0.lock().unwrap();
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(!screen.application_cursor() && !screen.application_keypad());
    }

    /// Whether line editing and echo are on again.
    pub fn assert_cooked(&self) {
        let termios = self.master.get_termios().unwrap();
        let text = format!("{:?}", termios.local_flags);
        assert!(text.contains("ICANON") && text.contains("ECHO"), "the terminal is raw: {text}");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
