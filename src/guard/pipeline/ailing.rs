//! A ledger that can no longer be written: everybody is told for as long as that lasts, and it is tried
//! again. That it could be written again stands in it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::Guard;
use crate::guard::pipeline::inner::Inner;
use crate::model::text::Clean;

/// Between two tries.
const EVERY: Duration = Duration::from_secs(15);

/// What went wrong last; none while all is well.
#[derive(Default)]
pub(super) struct Ails(Mutex<Option<Ailing>>);

struct Ailing {
    why: String,
    since: Timestamp,
    /// Whether it is tried again by itself.
    is_tried: bool,
}

impl Guard {
    /// Why nobody can act: there is no policy, or the ledger cannot be written. Tries before it says so.
    pub async fn trouble(&self) -> Option<Clean> {
        if let Err(error) = self.policy() {
            return Some(Clean::new(&error.to_string()));
        }
        if self.inner.is_well_again().await {
            return None;
        }
        self.inner.tries_again();
        self.inner.ailing(|ailing| {
            ailing.as_ref().map(|ailing| Clean::new(&format!("nobody can act: {}", ailing.why)))
        })
    }
}

impl Inner {
    fn ailing<T>(&self, look: impl FnOnce(&mut Option<Ailing>) -> T) -> T {
        look(&mut self.ails.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ledger could not be written or read, for this reason.
    pub fn ails(&self, why: &str) {
        let since = self.clock.now();
        let is_new = self.ailing(|ailing| match ailing {
            Some(ailing) => {
                why.clone_into(&mut ailing.why);
                false
            }
            None => {
                *ailing = Some(Ailing { why: why.to_owned(), since, is_tried: false });
                true
            }
        });
        if is_new {
            self.tell();
        }
    }

    /// Tries for as long as the ledger ails, if nobody does.
    fn tries_again(self: &Arc<Self>) {
        let begins = self.ailing(|ailing| {
            ailing.as_mut().is_some_and(|ailing| !std::mem::replace(&mut ailing.is_tried, true))
        });
        if !begins {
            return;
        }
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            while !inner.is_well_again().await {
                inner.clock.sleep(EVERY).await;
            }
        });
    }

    /// Whether the ledger can be written, by writing that it can be again where it could not.
    async fn is_well_again(&self) -> bool {
        let Some((since, why)) =
            self.ailing(|ailing| ailing.as_ref().map(|a| (a.since.to_string(), a.why.clone())))
        else {
            return true;
        };
        let body = [("since", since.as_str()), ("why", why.as_str())];
        let draft = audit::entry(self.clock.now(), "recording_again", None, "ledger", &body);
        if self.blocking(move |ledger| ledger.append(draft)).await.is_err() {
            return false;
        }
        self.ailing(Option::take);
        tracing::info!("the ledger can be written again");
        self.tell();
        true
    }
}
