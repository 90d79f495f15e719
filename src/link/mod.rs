//! The client of an agent, own or shared: the only way from console to world.
//!
//! Plain HTTP/1.1 over the Unix socket, a connection for each question and one that stays for the
//! changes. Everything has a time limit and a size limit.

mod account;
mod act;
mod follow;
mod http;
mod incident;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::wire::board::{Board, Change, Row};
use crate::wire::days::LastDays;
use crate::wire::desk::{Handle, Handled, StruckOut};
use crate::wire::page::{AgentHealth, CheckPage, Page, Problem, Refresh, Refreshed};
use crate::wire::past::{Diff, Handover};
use crate::wire::recording::Names;
use crate::wire::replay::{Replay, ReplayOrder};
use crate::wire::report::Report;
use crate::wire::runs::Runs;
use crate::wire::status::Status;
use crate::wire::training::TrainingPage;
use crate::wire::{Laestab, ServiceKey, VERSION};

/// Schools that one question names; for more, all are fetched and the others dropped.
const NAMED: usize = 500;

/// Why the agent could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No agent listens there, or it hangs.
    #[error("no agent answers at {socket}: {why}")]
    NoAgent {
        /// The socket's path.
        socket: String,
        /// The cause.
        why: String,
    },
    /// The agent answered with an error.
    #[error("the agent says: {message}")]
    Refused {
        /// Word for programs.
        code: String,
        /// Its sentence.
        message: String,
    },
    /// The answer cannot be read: another version.
    #[error("the agent's answer cannot be read ({why}); upgrade the older of the two")]
    Version {
        /// What differs.
        why: String,
    },
}

/// What the connection tells a console, in order. The stream reconnects by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkEvent {
    /// A whole board: at the start, after a reset, after a connection was lost for too long. Before
    /// the first one its first rows alone, if that was asked for; see [`Board::first_of`].
    Board(Box<Board>),
    /// A change after it.
    Change(Change),
    /// The connection is lost; it is tried again.
    Lost(LinkError),
}

/// What a recording is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// An incident, by its number.
    Incident(u64),
    /// From a moment to a later one.
    Period(Timestamp, Timestamp),
}

/// A connection to an agent. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Link {
    socket: Arc<Path>,
}

impl Link {
    /// A link to the agent that listens at `socket`; nothing is sent yet.
    ///
    /// # Errors
    /// When the path is longer than a socket's may be.
    pub fn new(socket: &Path) -> Result<Self, LinkError> {
        std::os::unix::net::SocketAddr::from_pathname(socket).map_err(|e| LinkError::NoAgent {
            socket: socket.display().to_string(),
            why: format!("{e}; choose a shorter path"),
        })?;
        Ok(Self { socket: Arc::from(PathBuf::from(socket)) })
    }

    /// The socket's path.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The board now.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn board(&self) -> Result<Board, LinkError> {
        let board: Board = self.get("/v1/board").await?;
        same_version(board.version)?;
        Ok(board)
    }

    /// The board with only its first `rows`, worst first; whole, where it has no more.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn first_of_board(&self, rows: usize) -> Result<Board, LinkError> {
        let board: Board = self.get(&format!("/v1/board?first={rows}")).await?;
        same_version(board.version)?;
        Ok(board)
    }

    /// The board at a past moment.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn board_at(&self, at: Timestamp) -> Result<Board, LinkError> {
        let board: Board = self.get(&format!("/v1/board?at={at}")).await?;
        same_version(board.version)?;
        Ok(board)
    }

    /// The page of a school, or of the estate (`None`), at a past moment.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn page_at(&self, school: Option<Laestab>, at: Timestamp) -> Result<Page, LinkError> {
        let page: Page = self.get(&format!("/v1/schools/{}?at={at}", row(school))).await?;
        same_version(page.version)?;
        Ok(page)
    }

    /// The page of a school, or of the estate (`None`).
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn page(&self, school: Option<Laestab>) -> Result<Page, LinkError> {
        let page: Page = self.get(&format!("/v1/schools/{}", row(school))).await?;
        same_version(page.version)?;
        Ok(page)
    }

    /// The last days of rows, at most [`crate::wire::days::MOST_ROWS`].
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn days(&self, rows: &[Row]) -> Result<LastDays, LinkError> {
        let names: Vec<String> = rows
            .iter()
            .map(|name| match name {
                Row::Estate => row(None),
                Row::School(laestab) => row(Some(*laestab)),
            })
            .collect();
        let days: LastDays = self.get(&format!("/v1/days?rows={}", names.join(","))).await?;
        same_version(days.version)?;
        Ok(days)
    }

    /// One check with its evidence.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn check(
        &self,
        school: Option<Laestab>,
        check: &str,
    ) -> Result<CheckPage, LinkError> {
        let path: String = url::form_urlencoded::byte_serialize(check.as_bytes()).collect();
        self.get(&format!("/v1/checks/{}/{path}", row(school))).await
    }

    /// What a restore at a school can be asked from.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn runs(&self, school: Laestab) -> Result<Runs, LinkError> {
        let runs: Runs = self.get(&format!("/v1/runs/{school}")).await?;
        same_version(runs.version)?;
        Ok(runs)
    }

    /// The training that runs, and what was done so far.
    ///
    /// # Errors
    /// See [`LinkError`]; `not_found` where none runs.
    pub async fn training(&self) -> Result<TrainingPage, LinkError> {
        let page: TrainingPage = self.get("/v1/training").await?;
        same_version(page.version)?;
        Ok(page)
    }

    /// The same with one more hint, if there is one.
    ///
    /// # Errors
    /// See [`LinkError`]; `not_found` where no training runs.
    pub async fn hint(&self) -> Result<TrainingPage, LinkError> {
        let page: TrainingPage = self.post("/v1/training/hint", &()).await?;
        same_version(page.version)?;
        Ok(page)
    }

    /// Two moments compared.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn diff(&self, from: Timestamp, until: Option<Timestamp>) -> Result<Diff, LinkError> {
        let until = until.map(|until| format!("&to={until}")).unwrap_or_default();
        let diff: Diff = self.get(&format!("/v1/diff?from={from}{until}")).await?;
        same_version(diff.version)?;
        Ok(diff)
    }

    /// What is handed over; since a moment, or since the agent thinks fit.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn handover(&self, since: Option<Timestamp>) -> Result<Handover, LinkError> {
        let asks = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let page: Handover = self.get(&format!("/v1/handover{asks}")).await?;
        same_version(page.version)?;
        Ok(page)
    }

    /// A recording of an incident, or of a period: a file's bytes, as the agent made them.
    ///
    /// # Errors
    /// See [`LinkError`]; `bad_request` where too much happened in that time.
    pub async fn recording(&self, what: Recorded, names: Names) -> Result<Vec<u8>, LinkError> {
        let what = match what {
            Recorded::Incident(id) => format!("incident={id}"),
            Recorded::Period(from, until) => format!("from={from}&to={until}"),
        };
        let names = match names {
            Names::Masked => "",
            Names::Schools => "&names=schools",
        };
        let path = format!("/v1/recording?{what}{names}");
        let answer = http::ask(&self.socket, "GET", &path, Vec::new()).await?;
        if answer.status == 200 { Ok(answer.body) } else { read(&answer) }
    }

    /// Asks something of a recording that is played.
    ///
    /// # Errors
    /// See [`LinkError`]; `not_found` where none is played.
    pub async fn replay(&self, order: ReplayOrder) -> Result<Replay, LinkError> {
        self.post("/v1/replay", &order).await
    }

    /// How services stood through a period; of the schools and services named, or of all.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn report(
        &self,
        (from, until): (Timestamp, Timestamp),
        schools: &[Laestab],
        services: &[ServiceKey],
    ) -> Result<Report, LinkError> {
        let mut asks = format!("from={from}&to={until}");
        if !schools.is_empty() {
            let list: Vec<String> = schools.iter().map(ToString::to_string).collect();
            asks.push_str(&format!("&schools={}", list.join(",")));
        }
        if !services.is_empty() {
            let list: Vec<&str> = services.iter().map(ServiceKey::as_str).collect();
            asks.push_str(&format!("&services={}", list.join(",")));
        }
        let report: Report = self.get(&format!("/v1/report?{asks}")).await?;
        same_version(report.version)?;
        Ok(report)
    }

    /// The contract document, for all schools or those named; now, or at a past moment.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn status(
        &self,
        schools: &[Laestab],
        at: Option<Timestamp>,
    ) -> Result<Status, LinkError> {
        let named = (1..=NAMED).contains(&schools.len());
        let list: Vec<String> = schools.iter().map(ToString::to_string).collect();
        let mut asks: Vec<String> = at.iter().map(|at| format!("at={at}")).collect();
        if named {
            asks.push(format!("schools={}", list.join(",")));
        }
        let path = format!("/v1/status?{}", asks.join("&"));
        let path = path.trim_end_matches('?');
        let mut status: Status = self.get(path).await?;
        same_version(status.version)?;
        if !named && !schools.is_empty() {
            let wanted: std::collections::HashSet<&Laestab> = schools.iter().collect();
            status.schools.retain(|school| wanted.contains(&school.laestab));
        }
        Ok(status)
    }

    /// Asks again now.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn refresh(&self, what: &Refresh) -> Result<Refreshed, LinkError> {
        self.post("/v1/refresh", what).await
    }

    /// Takes cells in hand, or gives them back.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn handle(&self, what: &Handle) -> Result<Handled, LinkError> {
        let body = serde_json::to_vec(what)
            .map_err(|e| LinkError::Version { why: format!("the question: {e}") })?;
        read(&http::ask(&self.socket, "POST", "/v1/handling", body).await?)
    }

    /// Strikes out the text of an entry of the desk's book.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn strike(&self, id: u64) -> Result<StruckOut, LinkError> {
        read(&http::ask(&self.socket, "POST", &format!("/v1/desk/{id}/strike"), Vec::new()).await?)
    }

    /// Who answers there: to choose between attaching and starting an own agent.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn health(&self) -> Result<AgentHealth, LinkError> {
        let health: AgentHealth = self.get("/v1/health").await?;
        same_version(health.wire)?;
        Ok(health)
    }

    /// Board and changes, for ever: into a bounded channel. Ends when the receiver is dropped.
    /// Must be called within a runtime.
    #[must_use]
    pub fn follow(&self) -> tokio::sync::mpsc::Receiver<LinkEvent> {
        follow::start(self.clone(), None)
    }

    /// The same, where somebody waits for it: of a large estate the first `rows` come before the
    /// whole board, once.
    #[must_use]
    pub fn follow_at_once(&self, rows: usize) -> tokio::sync::mpsc::Receiver<LinkEvent> {
        follow::start(self.clone(), Some(rows))
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &impl serde::Serialize,
    ) -> Result<T, LinkError> {
        let body = serde_json::to_vec(what)
            .map_err(|e| LinkError::Version { why: format!("the question: {e}") })?;
        read(&http::ask(&self.socket, "POST", path, body).await?)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, LinkError> {
        read(&http::ask(&self.socket, "GET", path, Vec::new()).await?)
    }
}

fn row(school: Option<Laestab>) -> String {
    school.map_or_else(|| "estate".to_owned(), |laestab| laestab.to_string())
}

fn same_version(theirs: u32) -> Result<(), LinkError> {
    if theirs == VERSION {
        return Ok(());
    }
    Err(LinkError::Version {
        why: format!("it speaks version {theirs} of the wire, this program {VERSION}"),
    })
}

/// Reads an answer as what was asked for, or as the problem that it says it is.
fn read<T: DeserializeOwned>(answer: &http::Answer) -> Result<T, LinkError> {
    if answer.status == 200 {
        return serde_json::from_slice(&answer.body)
            .map_err(|error| LinkError::Version { why: error.to_string() });
    }
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => {
            Err(LinkError::Refused { code: problem.code, message: problem.message.to_string() })
        }
        Err(_) => {
            Err(LinkError::Version { why: format!("status {} without a reason", answer.status) })
        }
    }
}
