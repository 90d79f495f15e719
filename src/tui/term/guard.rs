//! One guard owns every mode of the terminal. Its `Drop` and the panic hook both restore.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::terminal::{
    Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use tokio::signal::unix::{SignalKind, signal};

/// Whether the modes are set; who swaps it to false restores, so that it happens once.
static SET: AtomicBool = AtomicBool::new(false);
/// Whether the window's title is ours, and the one before lies on the terminal's stack (xterm).
static TITLED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// The thread that runs the console: only its panic ends it.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// The modes of the terminal: raw, alternate screen, bracketed paste, news of the focus, cursor
/// hidden. The mouse is left alone, so that text can be selected.
///
/// Invariant: no mode is set outside this guard, and dropping it restores all of them.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Sets the modes, and a panic hook that restores them before the report is printed. A panic
    /// of another thread, which the console outlives, goes to the log instead of over the screen.
    /// With `titled` the title of the window is put away, to be brought back.
    ///
    /// # Errors
    /// When the terminal refuses; what was set by then is restored.
    pub fn enter(titled: bool) -> io::Result<Self> {
        TITLED.store(titled, Ordering::SeqCst);
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if SET.load(Ordering::SeqCst) && !is_owner() {
                    tracing::error!(%info, "a task panicked");
                    return;
                }
                restore().unwrap_or_default();
                before(info);
            }));
        });
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        set()?;
        Ok(Self(()))
    }

    /// Restores the terminal, stops this process as Ctrl-Z would, and sets the modes again when it
    /// goes on. Raw mode gives no SIGTSTP, and one that is sent to an orphan is dropped; STOP is not.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub async fn suspend(&self) -> io::Result<()> {
        use rustix::process::{Signal, getpid, kill_process};
        // The stop may reach another thread first, and this one would run on for a moment: only
        // the signal to go on tells that the stop is over.
        let mut goes_on = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        restore()?;
        kill_process(getpid(), Signal::STOP)?;
        goes_on.recv().await;
        set()
    }

    /// Restores now, and tells whether it went well; the drop then does nothing.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn leave(self) -> io::Result<()> {
        restore()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore().unwrap_or_default();
    }
}

fn is_owner() -> bool {
    let owner = OWNER.lock().unwrap_or_else(PoisonError::into_inner);
    *owner == Some(thread::current().id())
}

fn set() -> io::Result<()> {
    SET.store(true, Ordering::SeqCst);
    let modes = || {
        enable_raw_mode()?;
        if TITLED.load(Ordering::SeqCst) {
            io::stdout().write_all(b"\x1b[22;2t")?;
        }
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, Hide)
    };
    modes().inspect_err(|_| restore().unwrap_or_default())
}

/// Undoes every mode, once. Each is tried even if one before it fails.
fn restore() -> io::Result<()> {
    if !SET.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let mut out = io::stdout();
    if TITLED.load(Ordering::SeqCst) {
        // What goes wrong here goes wrong below as well.
        out.write_all(b"\x1b[23;2t").unwrap_or_default();
    }
    // The alternate screen is left empty: some terminals can show it again.
    let written = queue!(
        out,
        EndSynchronizedUpdate,
        DisableFocusChange,
        DisableBracketedPaste,
        Clear(ClearType::All),
        MoveTo(0, 0),
        Show,
        LeaveAlternateScreen
    )
    .and_then(|()| out.flush());
    disable_raw_mode().and(written)
}

/// Whether the terminal has hung up (the SSH line is gone). The event source does not tell.
#[must_use]
pub fn hung_up() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    poll(&mut fds, Some(&now)).is_ok() && fds.iter().any(|f| f.revents().intersects(gone))
}
