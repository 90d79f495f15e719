//! Active Directory, for whichever service needs it: how many accounts each school has and how they
//! stand, who was locked out lately, and how the controllers agree; single accounts, and what can be
//! done to them.
//!
//! Watching needs no names. No attribute that holds one is asked for, and of an entry's own name only
//! what stands above it is looked at. A single account is read whole, aimed at by its lasting id.
//!
//! Invariant: an answer that is cut short is never a smaller count.

mod account;
mod acting;
mod census;
mod deed;
mod dn;
mod failure;
mod fence;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod group;
mod kinds;
mod lockouts;
mod members;
mod own;
mod password;
mod places;
mod replicas;
mod root;
mod search;
mod value;

pub use account::{Account, Here, NoAccount};
pub use acting::{Acting, Found, Terms};
pub use census::{Census, Counts};
pub use deed::{Deed, SYSTEM};
pub use dn::{Dn, DnError};
pub use failure::DirectoryFailure;
pub use fence::Fence;
pub use group::Group;
pub use kinds::{Kinds, Sign};
pub use lockouts::{Burst, Lockouts, burst};
pub use members::members;
pub use own::Own;
pub use places::{PlaceError, Places};
pub use replicas::{Behind, Controller, Standing};
pub use root::{Lockout, Root};
pub use search::Match;
pub use value::{Flags, Guid, NoGuid, NoSid, Sid, Ticks, generalised_time, number};

use secrecy::SecretString;

use crate::ports::clock::Boxed;
use crate::transport::ldap::{Controllers, LdapFailure, Session};

/// Something that one controller answered, and which controllers before it did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// What it answered.
    pub value: T,
    /// Scheme, host and port of the controller.
    pub by: String,
    /// Why those before it in the settings were passed over.
    pub passed_over: Vec<LdapFailure>,
}

/// A directory: its controllers, and where its schools are.
#[derive(Clone)]
pub struct Directory {
    controllers: Controllers,
    places: std::sync::Arc<Places>,
}

impl Directory {
    /// A directory.
    #[must_use]
    pub fn new(controllers: Controllers, places: Places) -> Self {
        Self { controllers, places: std::sync::Arc::new(places) }
    }

    /// Where the schools are.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Its controllers.
    #[must_use]
    pub fn controllers(&self) -> &Controllers {
        &self.controllers
    }

    /// Has `ask` answered by the first controller that answers, each tried once.
    async fn asked<T>(
        &self,
        password: &SecretString,
        ask: impl for<'a> Fn(&'a mut Session, &'a Places) -> Boxed<'a, Result<T, DirectoryFailure>>,
    ) -> Result<Answered<T>, DirectoryFailure> {
        let mut route = self.controllers.route();
        loop {
            let mut session = route.open(password).await?;
            match ask(&mut session, &self.places).await {
                Ok(value) => {
                    let by = session.controller().to_owned();
                    session.close().await;
                    return Ok(Answered { value, by, passed_over: route.passed_over().to_vec() });
                }
                Err(DirectoryFailure::Ldap(failure)) => route.failed(failure)?,
                Err(other) => return Err(other),
            }
        }
    }

    /// Counts the accounts of every school: seven searches, one request for each page of each.
    ///
    /// # Errors
    /// When no controller answers, or the answer is not whole or cannot be read.
    pub async fn census(
        &self,
        password: &SecretString,
    ) -> Result<Answered<Census>, DirectoryFailure> {
        self.asked(password, |session, places| Box::pin(census::take(session, places))).await
    }

    /// Which accounts were locked out within `back` before now, by school: four searches, one request
    /// for each page of each.
    ///
    /// # Errors
    /// As for [`Directory::census`].
    pub async fn lockouts(
        &self,
        password: &SecretString,
        back: jiff::SignedDuration,
    ) -> Result<Answered<Lockouts>, DirectoryFailure> {
        self.asked(password, |session, places| Box::pin(lockouts::since(session, places, back)))
            .await
    }
}
