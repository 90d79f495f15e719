//! The board as a second program sees it: the agent's news says when to look, `caretaker status --json`
//! what there is.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

/// How long anything may take. Long, because machines are busy.
const LIMIT: Duration = Duration::from_secs(120);
/// Not every word of a sentence is news: it is looked at again after this at the latest.
const AT_LATEST: Duration = Duration::from_secs(2);

/// Row (a LAESTAB, or `estate`) and service to health, reason and what it follows from:
/// `unknown paused`, `warning follows welearn365 (estate)`.
pub type Cells = BTreeMap<(String, String), String>;

/// One look at the board.
pub struct Look(pub Value);

fn text<'a>(cell: &'a Value, field: &str) -> &'a str {
    cell[field].as_str().unwrap_or_default()
}

fn state(cell: &Value) -> String {
    let mut out = text(cell, "health").to_owned();
    let soft = if cell["soft"] == true { "soft" } else { "" };
    for more in [text(cell, "reason"), soft] {
        if !more.is_empty() {
            out.push_str(&format!(" {more}"));
        }
    }
    let from = &cell["follows_from"];
    if from.is_object() {
        out.push_str(&format!(" follows {} ({})", text(from, "service"), text(from, "scope")));
    }
    out
}

impl Look {
    /// Every cell with its row and service.
    fn rows(&self) -> impl Iterator<Item = ((String, String), &Value)> {
        let estate = self.0["estate"].as_array().unwrap().iter();
        let estate = estate.map(|c| (("estate".to_owned(), text(c, "service").to_owned()), c));
        let schools = self.0["schools"].as_array().unwrap().iter().flat_map(|s| {
            let cells = s["cells"].as_object().unwrap().iter();
            cells.map(move |(service, c)| ((text(s, "laestab").to_owned(), service.clone()), c))
        });
        estate.chain(schools)
    }

    /// How every cell stands.
    pub fn cells(&self) -> Cells {
        self.rows().map(|(at, cell)| (at, state(cell))).collect()
    }

    /// The sentence of a cell.
    pub fn why(&self, row: &str, service: &str) -> String {
        let found = self.rows().find(|((r, s), _)| r == row && s == service);
        found.map(|(_, cell)| text(cell, "why").to_owned()).unwrap_or_default()
    }

    /// Since when every cell is as it is, to the second, as it is kept.
    pub fn since(&self) -> Cells {
        let second = |cell| text(cell, "since").chars().take("2027-02-02T09:10:00".len()).collect();
        self.rows().map(|(at, cell)| (at, second(cell))).collect()
    }

    /// The checks that were not asked after `then`. The dates of credentials are no question to
    /// anybody, and are looked at once in a while.
    fn not_asked_since(&self, then: Timestamp) -> Vec<String> {
        let checks = self.rows().flat_map(|(at, cell)| {
            cell["checks"].as_array().unwrap().iter().map(move |check| (at.clone(), check))
        });
        checks
            .filter(|(_, check)| !text(check, "check").ends_with(".credentials"))
            .filter(|(_, check)| {
                let observed = text(check, "observed_at").parse::<Timestamp>();
                observed.is_ok_and(|at| at <= then)
            })
            .map(|(at, check)| format!("{at:?} {check}"))
            .collect()
    }

    fn as_of(&self) -> Timestamp {
        text(&self.0, "as_of").parse().unwrap()
    }
}

/// A client of the agent.
pub struct Board<'a> {
    ask: Box<dyn Fn() -> Value + 'a>,
    news: Receiver<()>,
}

impl<'a> Board<'a> {
    /// Of the agent behind `socket`, which `ask` asks for its status.
    pub fn new(socket: &Path, ask: impl Fn() -> Value + 'a) -> Self {
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.write_all(b"GET /v1/changes HTTP/1.1\r\nHost: estate\r\n\r\n").unwrap();
        let (tell, news) = sync_channel(1);
        std::thread::spawn(move || listen(stream, &tell));
        Self { ask: Box::new(ask), news }
    }

    /// The board now.
    pub fn look(&self) -> Look {
        Look((self.ask)())
    }

    /// Waits for a board that fits.
    ///
    /// # Panics
    /// When none comes, with `tell` of the last.
    #[expect(clippy::disallowed_methods, reason = "a test outside the program has the real clock")]
    pub fn until(
        &self,
        what: &str,
        fits: impl Fn(&Look) -> bool,
        tell: impl Fn(&Look) -> String,
    ) -> Look {
        let began = Instant::now();
        loop {
            let look = self.look();
            if fits(&look) {
                return look;
            }
            assert!(began.elapsed() < LIMIT, "{what}: never so, but {}", tell(&look));
            // News, or its end, or the time to look again: the board itself is what counts.
            self.news.recv_timeout(AT_LATEST).ok();
        }
    }

    /// Waits until everything was asked once more.
    pub fn another_round(&self, what: &str) -> Look {
        let then = self.look().as_of();
        let late = |look: &Look| look.not_asked_since(then).join("\n");
        let fits = |look: &Look| look.not_asked_since(then).is_empty();
        self.until(&format!("{what}, all asked once more"), fits, late)
    }
}

/// Tells that there is news; what it is does not matter.
fn listen(stream: UnixStream, tell: &SyncSender<()>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let gone = line.starts_with("data:")
            && matches!(tell.try_send(()), Err(TrySendError::Disconnected(())));
        if gone {
            return;
        }
    }
}
