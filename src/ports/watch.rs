//! How the agent asks a vendor: `Watch`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::ids::{CheckId, CredentialName, Laestab};
use crate::model::observation::{Observation, Target};
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::clock::Boxed;

/// One unit of polling: a bulk call that answers for many, or a call for one school.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Unique within its service; what `poll` is given back. `site/9379001`.
    pub id: Arc<str>,
    /// The checks that it answers.
    pub checks: Vec<CheckId>,
    /// Whom it answers for. The scheduler turns a target that got no answer into unknown, and
    /// drops an answer for a target that is not here.
    pub targets: Arc<[Target]>,
    /// How often; the scheduler adds jitter.
    pub interval: Span,
}

/// A credential that a service uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialUse {
    /// Its name.
    pub name: CredentialName,
    /// The one school that it is for; none if it is for all.
    pub school: Option<Laestab>,
}

/// What a credential may do at the vendor's, against what this program does with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The credential.
    pub credential: CredentialName,
    /// Rights that the vendor says it has and that are needed.
    pub used: Vec<String>,
    /// Rights that it has and that nothing here needs: to be taken away.
    pub beyond: Vec<String>,
    /// Rights that are needed and that it has not.
    pub missing: Vec<String>,
    /// Rights that it may do without and has not, each with what is not possible then.
    pub optional: Vec<String>,
    /// Why nothing can be told of it, in a sentence; the lists are empty then.
    pub untold: Option<String>,
}

/// A server that is reached over TLS and speaks no HTTP, as it was just found: a domain controller, a
/// mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Scheme, host and port.
    pub name: String,
    /// From the first byte until TLS stood; none if it never did.
    pub took: Option<Duration>,
    /// When its certificate ends, and who vouches for it, as it says itself.
    pub certificate: Option<(Timestamp, Clean)>,
    /// Where we did not get on, and why with the remedy; none if it let us in.
    pub stuck: Option<(Stuck, String)>,
}

/// How far we came with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// It did not answer, or not in its protocol.
    Network,
    /// TLS with it does not stand.
    Tls,
    /// It did not let us in, or we have nothing to show.
    SignIn,
}

/// A place where somebody else leaves files for us: what stands there is believed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// The one file, where only one counts.
    pub file: Option<PathBuf>,
}

/// One service as the agent sees it.
///
/// Invariant: `poll` never panics and never reports ok for what it could not read; it must return
/// when its requests' deadlines have passed.
pub trait Watch: Send + Sync {
    /// The service, its checks and what it depends on.
    fn describe(&self) -> ServiceSpec;
    /// What has no source in this configuration.
    fn not_watched(&self) -> Vec<NotWatched>;
    /// What the polls so far have met and nothing of this configuration watches, such as a host
    /// that maps to no school; a bounded list, and the newest state of it. Must not wait.
    fn found(&self) -> Vec<NotWatched> {
        Vec::new()
    }
    /// The credentials that it uses beside those that its settings name: one for each school.
    fn credentials(&self) -> Vec<CredentialUse> {
        Vec::new()
    }
    /// What its credentials may do, where the vendor tells; asks the vendor a few times. For
    /// `caretaker doctor`.
    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async { Vec::new() })
    }
    /// The servers behind it that speak no HTTP, each looked at and signed in to once. For
    /// `caretaker doctor`.
    fn doors(&self) -> Boxed<'_, Vec<Door>> {
        Box::pin(async { Vec::new() })
    }
    /// Where files are left for it. For `caretaker doctor`.
    fn places(&self) -> Vec<Place> {
        Vec::new()
    }
    /// An operator asks again now, about one school or about all: what rests because it was refused or
    /// could not be read may be asked by the next poll, within the vendor's limits. Must not wait.
    fn asked_again(&self, _school: Option<Laestab>) {}
    /// Jobs, by their id, whose last answers what was learned since has made old, such as a school's
    /// other checks once its secret works again. Each is told once. Must not wait.
    fn outdated(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
    /// What is to be polled. Constant for the life of this object.
    fn jobs(&self) -> Vec<Job>;
    /// Asks the vendor. `now` is the agent's clock at the start.
    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>>;
}
