//! The console line by line, for screen readers.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;

use crate::app::console;
use crate::app::failed::Failed;
use crate::app::watch;
use crate::app::world::Outside;
use crate::cli::{self, Code};
use crate::config::{GroupBy, ViewSettings};
use crate::link::{Link, LinkError};
use crate::tui::plain::{Asked, HELP, Listing, Plain, page, why};
use crate::tui::state::{Places, Rows};
use crate::wire::board::Row;
use crate::wire::page::Page;

/// Reads lines and answers them until the end is asked for, the input ends, or `ended` tells.
///
/// # Errors
/// When no agent answers at the start.
pub(super) async fn run(
    outside: &Outside,
    socket: PathBuf,
    (mut ended, mut notices): (Receiver<()>, Option<Receiver<String>>),
    looked: Option<&Path>,
    views: Vec<ViewSettings>,
) -> Result<u8, Failed> {
    let link = Link::new(&socket).map_err(Failed::no_agent)?;
    let plain = Plain::looked_before(looked.and_then(console::looked)).with_views(views);
    let mut desk = Desk { link, socket, plain };
    cli::say("caretaker, line by line. Type help to hear what can be typed.");
    let first = desk.rows().await.map_err(Failed::no_agent)?;
    cli::say(&Plain::totals(&first));
    desk.look(outside).await;
    // Without a filter there is nothing to misunderstand.
    let list = Listing::default();
    let told = desk.plain.list(&first, &list, None, of(&first, outside.clock.now()));
    cli::say(&told.unwrap_or_else(|why| why));
    let tells = Arc::new(AtomicBool::new(true));
    let news = tokio::spawn(watch::news(desk.link.clone(), Arc::clone(&tells)));
    let mut reading = None;
    loop {
        // A line that is being waited for is waited for further, whatever comes in between.
        let waits = reading.get_or_insert_with(|| tokio::task::spawn_blocking(line));
        let typed = tokio::select! {
            biased;
            _ = ended.recv() => break,
            notice = next(&mut notices) => {
                cli::say(&notice);
                continue;
            }
            typed = waits => typed.map_err(Failed::software)?,
        };
        reading = None;
        let Some(typed) = typed else { break };
        desk.look(outside).await;
        match desk.plain.read(&typed) {
            Ok(Asked::End) => break,
            Ok(Asked::Changes(on)) => {
                tells.store(on, Ordering::SeqCst);
                cli::say(if on { "Changes are told." } else { "Changes are not told." });
            }
            Ok(asked) => desk.answer(outside, asked).await,
            Err(why) => cli::say(&why),
        }
    }
    news.abort();
    if let Some((file, at)) = looked.zip(desk.plain.looked_last()) {
        console::keep_looked(file, at);
    }
    Ok(Code::Done as u8)
}

/// The clock of a board: that of a recording is its own.
fn of(rows: &Rows, now: Timestamp) -> Timestamp {
    rows.replay.as_ref().map_or(now, |replay| replay.at)
}

/// A line of the input; none at its end.
fn line() -> Option<String> {
    let mut text = String::new();
    match std::io::stdin().lock().read_line(&mut text) {
        Ok(1..) => Some(text),
        Ok(0) | Err(_) => None,
    }
}

/// What is told next; never, where nothing can come.
async fn next(from: &mut Option<Receiver<String>>) -> String {
    if let Some(receiver) = from
        && let Some(told) = receiver.recv().await
    {
        return told;
    }
    *from = None;
    std::future::pending().await
}

struct Desk {
    link: Link,
    socket: PathBuf,
    plain: Plain,
}

impl Desk {
    async fn rows(&self) -> Result<Rows, LinkError> {
        Ok(Rows::new(self.link.board().await?))
    }

    /// Somebody types: whoever was away is told what is new.
    async fn look(&mut self, outside: &Outside) {
        let now = outside.clock.now();
        let Some(from) = self.plain.looks(now) else { return };
        match self.link.diff(from, None).await {
            Ok(diff) => {
                if let Some(told) = self.plain.news(from, &diff, now) {
                    cli::say(&told);
                }
            }
            Err(why) => cli::say(&format!("What is new since you last looked is not known: {why}")),
        }
    }

    async fn answer(&mut self, outside: &Outside, asked: Asked) {
        if let Asked::Run(words) = asked {
            return self.run(outside, words).await;
        }
        match self.told(outside, asked).await {
            Ok(text) if text.is_empty() => {}
            Ok(text) | Err(text) => cli::say(&text),
        }
    }

    /// What is answered, or what is said instead.
    async fn told(&mut self, outside: &Outside, asked: Asked) -> Result<String, String> {
        let now = outside.clock.now();
        // A recording has a time of its own.
        let page = |it: &Page| page(it, if it.replay { it.as_of } else { now });
        let words = |e: LinkError| e.to_string();
        let row = match asked {
            Asked::List(listing) => {
                let rows = self.rows().await.map_err(words)?;
                let places = match listing.by {
                    GroupBy::Incident => Some(self.link.incident_places().await.map_err(words)?),
                    _ => None,
                };
                let places = places.as_ref().map(Places::new);
                return self.plain.list(&rows, &listing, places.as_ref(), of(&rows, now));
            }
            Asked::More => {
                let rows = self.rows().await.map_err(words)?;
                return Ok(self.plain.more(&rows, of(&rows, now)));
            }
            Asked::Help => return Ok(format!("{HELP}{}", cli::args::commands().join("\n"))),
            Asked::Why(said) => {
                let page = self.page().await?;
                let services: Vec<&str> = page.services.iter().map(|s| s.label.as_str()).collect();
                let none = || format!("no service is {said:?}: {}", services.join(", "));
                let now = if page.replay { page.as_of } else { now };
                return why(&page, &said, now).ok_or_else(none);
            }
            Asked::School(said) => {
                let rows = self.rows().await.map_err(words)?;
                Some(self.plain.school(&said, &rows, of(&rows, now))?)
            }
            Asked::Entry(n) => self.plain.entry(n),
            Asked::Next => Some(self.plain.following().ok_or("That was the last entry.")?),
            Asked::Again => self.plain.open(),
            Asked::Nothing | Asked::Changes(_) | Asked::Run(_) | Asked::End => {
                return Ok(String::new());
            }
        };
        row.ok_or("no page is open; type list, then a number")?;
        Ok(page(&self.page().await?))
    }

    /// The open page, read anew.
    async fn page(&self) -> Result<Page, String> {
        let row = self.plain.open().ok_or("no page is open; type list, then a number")?;
        let school = match row {
            Row::Estate => None,
            Row::School(laestab) => Some(laestab),
        };
        self.link.page(school).await.map_err(|e| e.to_string())
    }

    /// Runs a command of the command line on the same agent, and says how it ended if not well.
    async fn run(&self, outside: &Outside, words: Vec<String>) {
        let command = match cli::args::within(&self.socket, outside.config.as_deref(), &words) {
            Ok(command) => command,
            Err(told) => return cli::say(told.trim_end()),
        };
        match Box::pin(super::dispatch(command)).await {
            Ok(0) => {}
            Ok(code) => cli::say(&format!("Exit code {code}.")),
            Err(failed) => cli::say(&format!("{} Exit code {}.", failed.text, failed.code as u8)),
        }
    }
}
