//! The client of an agent, own or shared: the only way from console to world.

use crate::wire::Laestab;
use crate::wire::board::{Board, Change};
use crate::wire::page::{CheckPage, Page, Refresh, Refreshed};
use crate::wire::status::Status;

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
    /// A whole board: at the start, after a reset, after a connection was lost for too long.
    Board(Box<Board>),
    /// A change after it.
    Change(Change),
    /// The connection is lost; it is tried again.
    Lost(LinkError),
}

/// A connection to an agent. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Link {
    socket: std::path::PathBuf,
}

impl Link {
    /// A link to the agent that listens at `socket`; nothing is sent yet.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn new(socket: &std::path::Path) -> Result<Self, LinkError> {
        Ok(Self { socket: socket.to_owned() })
    }

    /// The socket's path.
    #[must_use]
    pub fn socket(&self) -> &std::path::Path {
        &self.socket
    }

    /// The board now.
    ///
    /// # Errors
    /// See [`LinkError`].
    #[expect(clippy::unused_async, reason = "the client comes with the agent")]
    pub async fn board(&self) -> Result<Board, LinkError> {
        Err(self.none())
    }

    /// The page of a school, or of the estate (`None`).
    ///
    /// # Errors
    /// See [`LinkError`].
    #[expect(clippy::unused_async, reason = "the client comes with the agent")]
    pub async fn page(&self, _school: Option<Laestab>) -> Result<Page, LinkError> {
        Err(self.none())
    }

    /// One check with its evidence.
    ///
    /// # Errors
    /// See [`LinkError`].
    #[expect(clippy::unused_async, reason = "the client comes with the agent")]
    pub async fn check(
        &self,
        _school: Option<Laestab>,
        _check: &str,
    ) -> Result<CheckPage, LinkError> {
        Err(self.none())
    }

    /// The contract document, for all schools or those named.
    ///
    /// # Errors
    /// See [`LinkError`].
    #[expect(clippy::unused_async, reason = "the client comes with the agent")]
    pub async fn status(&self, _schools: &[Laestab]) -> Result<Status, LinkError> {
        Err(self.none())
    }

    /// Asks again now.
    ///
    /// # Errors
    /// See [`LinkError`].
    #[expect(clippy::unused_async, reason = "the client comes with the agent")]
    pub async fn refresh(&self, _what: &Refresh) -> Result<Refreshed, LinkError> {
        Err(self.none())
    }

    /// Board and changes, for ever: into a bounded channel. Ends when the receiver is dropped.
    #[must_use]
    pub fn follow(&self) -> tokio::sync::mpsc::Receiver<LinkEvent> {
        tokio::sync::mpsc::channel(64).1
    }

    fn none(&self) -> LinkError {
        LinkError::NoAgent {
            socket: self.socket.display().to_string(),
            why: "not built yet".into(),
        }
    }
}
