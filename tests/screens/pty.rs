//! The console in a real pseudo-terminal: end, panic, signal, hang-up, suspend. This test program
//! starts itself again as the console.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use caretaker::link::Link;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::tui::theme::Depth;
use caretaker::tui::{Options, run};
use jiff::Timestamp;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Says to this program what kind of console it is to be.
const ROLE: &str = "CARETAKER_TEST_CONSOLE";
/// Nothing here takes longer unless it is broken.
const LIMIT: Duration = Duration::from_secs(20);

struct TestClock {
    start: Instant,
    calls: AtomicUsize,
    breaks: bool,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        crate::fixture::at(crate::fixture::NOW)
    }
    fn monotonic(&self) -> Duration {
        let calls = self.calls.fetch_add(1, Ordering::SeqCst);
        assert!(!self.breaks || calls < 12, "the clock broke");
        self.start.elapsed()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

#[expect(clippy::disallowed_methods, reason = "the console of this test runs on real time")]
fn real_now() -> Instant {
    Instant::now()
}

/// Not a test of its own: the console, when this program is started again by the tests below.
#[test]
fn console() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let exit = runtime.block_on(async {
        let (tell, ended) = tokio::sync::mpsc::channel(1);
        let kind = tokio::signal::unix::SignalKind::terminate();
        let mut terminated = tokio::signal::unix::signal(kind).unwrap();
        tokio::spawn(async move {
            terminated.recv().await;
            tell.send(()).await.unwrap();
        });
        let clock =
            TestClock { start: real_now(), calls: AtomicUsize::new(0), breaks: role == "breaks" };
        let options = Options {
            settings: caretaker::config::ConsoleSettings::default(),
            depth: Depth::C16,
            keys: BTreeMap::new(),
            theme_folder: None,
            clock: Arc::new(clock),
            slow: false,
            notices: None,
            has_alternate: true,
            has_title: true,
            between: caretaker::tui::term::Between::Nothing,
            ended: Some(ended),
            looked: None,
        };
        let socket = std::env::temp_dir().join("caretaker-no-agent-here.sock");
        run(Link::new(&socket).unwrap(), options).await.map(|ended| ended.exit)
    });
    writeln!(std::io::stdout(), "\r\nended: {exit:?}").unwrap();
    runtime.shutdown_background();
}

fn parser() -> vt100::Parser {
    vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0)
}

/// A console in a terminal of 80 by 24.
struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    screen: Arc<Mutex<vt100::Parser>>,
    woken: Receiver<()>,
    ended: Receiver<()>,
    pid: Pid,
}

impl Terminal {
    /// Runs `before; console; after` in a shell, or the console alone in its place.
    fn start(role: &str, before: &str, after: &str) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 })
            .unwrap();
        let program = std::env::current_exe().unwrap();
        let exec = if after.is_empty() { "exec " } else { "" };
        let script = format!(
            "{before} {exec}'{}' --exact pty::console --nocapture --test-threads=1; {after}",
            program.display()
        );
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", &script]);
        command.env(ROLE, role);
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let pid = Pid::from_raw(i32::try_from(child.process_id().unwrap()).unwrap()).unwrap();
        let screen = Arc::new(Mutex::new(parser()));
        let (wake, woken) = channel();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shared = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                shared.lock().unwrap().process(&bytes[..n]);
                if wake.send(()).is_err() {
                    return;
                }
            }
        });
        let (tell, ended) = channel();
        std::thread::spawn(move || {
            child.wait().unwrap();
            tell.send(()).unwrap_or_default();
        });
        let keys = Some(pair.master.take_writer().unwrap());
        Self { master: Some(pair.master), keys, screen, woken, ended, pid }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as wanted.
    fn until(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let deadline = real_now() + LIMIT;
        while !wanted(self.screen.lock().unwrap().screen()) {
            let left = deadline.saturating_duration_since(real_now());
            match self.woken.recv_timeout(left) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected)
                    if wanted(self.screen.lock().unwrap().screen()) => {}
                Err(_) => panic!("{what}:\n{}", self.text()),
            }
        }
    }

    fn until_drawn(&self) {
        self.until("the console draws", |s| {
            s.alternate_screen() && s.hide_cursor() && s.contents().contains("WAITING")
        });
    }

    /// Waits until the process is stopped: a CONT that comes before is lost.
    fn until_stopped(&self) {
        let deadline = real_now() + LIMIT;
        let stat = format!("/proc/{}/stat", self.pid.as_raw_nonzero());
        let stopped = || std::fs::read_to_string(&stat).unwrap().contains(") T ");
        while !stopped() {
            assert!(real_now() < deadline, "it never stopped:\n{}", self.text());
            std::thread::yield_now();
        }
    }

    fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    fn until_ended(&self) {
        self.ended.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("it goes on:\n{}", self.text()));
    }

    fn is_restored(screen: &vt100::Screen) -> bool {
        !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
    }
}

#[test]
fn ending_restores_every_mode() {
    let mut terminal = Terminal::start("plain", "", "stty -a; echo all done");
    terminal.until_drawn();
    terminal.press("q");
    terminal.until("the shell goes on", |s| s.contents().contains("all done"));
    terminal.until("restored", Terminal::is_restored);
    let text = terminal.text();
    assert!(text.contains(" echo ") && text.contains(" icanon "), "raw mode is left: {text}");
    assert!(text.contains("ended: Ok(Quit)"), "{text}");
    terminal.until_ended();
}

#[test]
fn a_panic_restores_first_and_then_reports() {
    let terminal = Terminal::start("breaks", "", "stty -a; echo all done");
    terminal.until("the shell goes on", |s| s.contents().contains("all done"));
    terminal.until("restored", Terminal::is_restored);
    let text = terminal.text();
    assert!(text.contains("the clock broke"), "the report can be read: {text}");
    assert!(text.contains(" echo ") && text.contains(" icanon "), "raw mode is left: {text}");
    terminal.until_ended();
}

#[test]
fn a_signal_ends_it_restored() {
    let terminal = Terminal::start("plain", "", "");
    terminal.until_drawn();
    kill_process(terminal.pid, Signal::TERM).unwrap();
    terminal.until_ended();
    terminal.until("restored", Terminal::is_restored);
    terminal.until("it says why", |s| s.contents().contains("ended: Ok(Signal)"));
}

#[test]
fn a_hang_up_ends_it_even_when_nobody_forwards_the_signal() {
    let mut terminal = Terminal::start("plain", "trap '' HUP;", "");
    terminal.until_drawn();
    // The reading thread holds the line too. It ends when it has something to tell and nobody
    // listens, so another size makes the console draw.
    drop(std::mem::replace(&mut terminal.woken, channel().1));
    let wider = PtySize { rows: 24, cols: 90, pixel_width: 0, pixel_height: 0 };
    terminal.master.take().unwrap().resize(wider).unwrap();
    terminal.keys = None;
    terminal.until_ended();
}

#[test]
fn suspending_restores_and_coming_back_draws_everything_again() {
    let mut terminal = Terminal::start("plain", "", "");
    terminal.until_drawn();
    terminal.press("\u{1a}");
    terminal.until("restored before it stops", Terminal::is_restored);
    terminal.until_stopped();
    kill_process(terminal.pid, Signal::CONT).unwrap();
    terminal.until_drawn();
    terminal.press("?");
    terminal.until("it answers again", |s| s.contents().contains("keys in the board"));
    terminal.press("\u{1b}");
    // Together with the next key it would be one chord.
    terminal.until("the help is left", |s| !s.contents().contains("keys in the board"));
    terminal.press("q");
    terminal.until_ended();
}
