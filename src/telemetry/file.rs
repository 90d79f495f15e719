//! The log: JSON lines in a file of limited size, written by a thread of its own.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use super::rolling::Rolling;

/// Lines that may wait for the disk; more are dropped and counted, so that a slow disk cannot hold
/// up the program.
const WAITING_LINES: usize = 8_192;

/// Bytes of one file, and how many are kept behind the current one: 80 MiB in all.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;
const KEPT: u32 = 4;

/// How much is logged of what this program does. Libraries are held at warnings whatever it says:
/// at finer levels some of them write headers and bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// Nothing.
    Off,
    /// What failed for good.
    Error,
    /// What somebody should look at.
    Warn,
    /// Starts, stops, loads, actions.
    #[default]
    Info,
    /// Each call.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// The level of `CARETAKER_LOG` if that is set, else `otherwise`.
    ///
    /// # Errors
    /// When the variable holds no level.
    pub fn from_env(otherwise: Self) -> Result<Self, TelemetryError> {
        match std::env::var("CARETAKER_LOG") {
            Ok(word) if !word.is_empty() => word.parse(),
            Ok(_) | Err(_) => Ok(otherwise),
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Off => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

impl FromStr for Level {
    type Err = TelemetryError;
    fn from_str(word: &str) -> Result<Self, TelemetryError> {
        Ok(match word.trim().to_ascii_lowercase().as_str() {
            "off" => Self::Off,
            "error" => Self::Error,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return Err(TelemetryError::Level),
        })
    }
}

/// Where and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// A private folder that exists.
    pub folder: PathBuf,
    /// Name of the file, without `.jsonl`: `agent`, `console`.
    pub name: String,
    /// How much.
    pub level: Level,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Not a level.
    #[error("a log level is one of off, error, warn, info, debug, trace (CARETAKER_LOG)")]
    Level,
    /// The file cannot be made.
    #[error("cannot log to {folder}: {why}")]
    File {
        /// The folder.
        folder: String,
        /// Why.
        why: String,
    },
    /// Started before.
    #[error("the log was started before in this process")]
    Twice,
}

/// Keeps the log going; dropping it writes out what waits.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub struct Guard {
    dropped: ErrorCounter,
    unwritten: Arc<AtomicUsize>,
    _worker: WorkerGuard,
}

impl Guard {
    /// Lines that were lost because the disk was too slow or refused them. To be shown with the
    /// agent's health.
    #[must_use]
    pub fn lost_lines(&self) -> usize {
        self.dropped.dropped_lines().saturating_add(self.unwritten.load(Ordering::Relaxed))
    }
}

/// Starts the log of this process.
///
/// # Errors
/// When the file cannot be made, or the log was started before.
pub fn start(logging: &Logging) -> Result<Guard, TelemetryError> {
    let (subscriber, guard) = open(logging)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)?;
    Ok(guard)
}

fn open(
    logging: &Logging,
) -> Result<(impl Subscriber + Send + Sync + use<>, Guard), TelemetryError> {
    let unwritten = Arc::new(AtomicUsize::new(0));
    let file = Rolling::open(&logging.folder, &logging.name, FILE_LIMIT, KEPT, unwritten.clone())
        .map_err(|e| TelemetryError::File {
        folder: logging.folder.display().to_string(),
        why: e.to_string(),
    })?;
    let (lines, worker) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(file);
    let dropped = lines.error_counter();
    Ok((subscriber(lines, logging.level), Guard { dropped, unwritten, _worker: worker }))
}

fn subscriber<W>(lines: W, level: Level) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = level.filter();
    let filter =
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("caretaker", level);
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_ansi(false)
        // Its own complaints would go to standard error.
        .log_internal_errors(false)
        .with_writer(Ascii(lines));
    Registry::default().with(layer.with_filter(filter))
}

/// Writes every character beyond ASCII as a JSON escape. The formatter leaves C1 controls, bidi and
/// zero-width characters as they are; a line read in a terminal must not be able to use them.
struct Ascii<W>(W);

struct AsciiWriter<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Ascii<W> {
    type Writer = AsciiWriter<W::Writer>;
    fn make_writer(&'w self) -> Self::Writer {
        AsciiWriter(self.0.make_writer())
    }
}

impl<W: io::Write> io::Write for AsciiWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let plain = |b: &u8| *b == b'\n' || (b' '..=b'~').contains(b);
        if line.iter().all(plain) {
            self.0.write_all(line)?;
        } else {
            self.0.write_all(escaped(&String::from_utf8_lossy(line)).as_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Outside of strings, JSON is ASCII; so all others stand within strings, where an escape means
/// the same.
fn escaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len() * 2);
    for c in line.chars() {
        if c == '\n' || (' '..='~').contains(&c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                write!(out, "\\u{unit:04x}").ok();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use secrecy::SecretString;

    use super::*;
    use crate::telemetry::Redacted;

    const CANARY: &str = "canary-7f3a91";

    fn logged(logging: &Logging, events: impl FnOnce()) -> Vec<serde_json::Value> {
        let (subscriber, guard) = open(logging).unwrap();
        tracing::subscriber::with_default(subscriber, events);
        assert_eq!(guard.lost_lines(), 0);
        drop(guard);
        let mut lines = Vec::new();
        for file in std::fs::read_dir(&logging.folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{text}");
            lines.extend(text.lines().map(|l| serde_json::from_str(l).unwrap()));
        }
        lines
    }

    fn logging(folder: &tempfile::TempDir, level: Level) -> Logging {
        Logging { folder: folder.path().to_owned(), name: "test".to_owned(), level }
    }

    #[test]
    fn lines_are_json_and_hold_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let secret = SecretString::from(CANARY);
        let lines = logged(&logging(&folder, Level::Debug), || {
            tracing::info!(school = 9_990_001, secret = ?secret, name = %Redacted(CANARY), "read");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["school"], 9_990_001);
        assert_eq!(lines[0]["message"], "read");
        assert_eq!(lines[0]["name"], "[redacted]");
        assert!(!serde_json::to_string(&lines).unwrap().contains(CANARY));
    }

    #[test]
    fn control_and_bidi_characters_cannot_reach_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let hostile = "a\u{1b}[31m\u{9b}31m\u{202e}\u{7f}\r\n{\"level\":\"forged\"}é\u{1f600}";
        let lines = logged(&logging(&folder, Level::Info), || {
            tracing::warn!(text = hostile, "said");
        });
        assert_eq!(lines.len(), 1, "one event is one line");
        assert_eq!(lines[0]["text"], hostile, "and nothing is lost");
    }

    #[test]
    fn libraries_stay_at_warnings_whatever_the_level() {
        let folder = tempfile::tempdir().unwrap();
        let lines = logged(&logging(&folder, Level::Trace), || {
            tracing::trace!(target: "h2::codec", header = CANARY, "frame");
            tracing::info!(target: "reqwest", header = CANARY, "sent");
            tracing::warn!(target: "h2", "reset");
            tracing::trace!("ours");
        });
        let said: Vec<_> = lines.iter().map(|l| l["message"].as_str().unwrap()).collect();
        assert_eq!(said, ["reset", "ours"]);
    }

    #[test]
    fn off_is_off_and_a_level_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let lines = logged(&logging(&folder, Level::Off), || {
            tracing::error!("nobody hears");
            tracing::error!(target: "rustls", "nobody hears");
        });
        assert!(lines.is_empty());
        for (word, level) in [("off", Level::Off), (" Debug ", Level::Debug)] {
            assert_eq!(word.parse::<Level>().unwrap(), level);
        }
        for word in ["", "verbose", "h2=trace", "debug,h2=trace"] {
            let said = word.parse::<Level>().unwrap_err().to_string();
            assert!(said.contains("CARETAKER_LOG"), "{said}");
        }
    }

    /// A disk that never answers.
    #[derive(Clone, Default)]
    struct Stuck(Arc<Mutex<()>>);

    impl io::Write for Stuck {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            drop(self.0.lock());
            Ok(buf.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_disk_loses_lines_and_counts_them_but_holds_nobody_up() {
        let disk = Stuck::default();
        let held = disk.0.lock().unwrap();
        let (lines, worker) =
            NonBlockingBuilder::default().lossy(true).buffered_lines_limit(4).finish(disk.clone());
        let counter = lines.error_counter();
        tracing::subscriber::with_default(subscriber(lines, Level::Info), || {
            for n in 0..20 {
                tracing::info!(n, "line");
            }
        });
        assert!(counter.dropped_lines() >= 15, "{}", counter.dropped_lines());
        drop(held);
        drop(worker);
    }

    #[test]
    fn a_panic_is_logged_without_what_it_was_about() {
        #[derive(Clone, Default)]
        struct Memory(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Memory {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(buf)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let memory = Memory::default();
        let to = memory.clone();
        let before = std::panic::take_hook();
        crate::telemetry::log_panics();
        let subscriber = subscriber(move || to.clone(), Level::Info);
        let panicked = tracing::subscriber::with_default(subscriber, || {
            std::panic::catch_unwind(|| panic!("cannot read {CANARY}"))
        });
        std::panic::set_hook(before);
        assert!(panicked.is_err());
        let text = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("telemetry/file.rs"), "{text}");
        assert!(text.contains("withheld") && !text.contains(CANARY), "{text}");
    }
}
