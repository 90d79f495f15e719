//! When the configuration was taken, and which newer one was refused.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::model::text::Clean;
use crate::wire::page::ReloadRefused;

/// What is known of the configuration that is in use.
pub(super) struct Reloads {
    held: Mutex<(Timestamp, Option<ReloadRefused>)>,
}

impl Reloads {
    /// Taken at the start.
    pub(super) fn new(at: Timestamp) -> Self {
        Self { held: Mutex::new((at, None)) }
    }

    /// Another one is in use from now on.
    pub(super) fn taken(&self, at: Timestamp) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = (at, None);
    }

    /// A newer one cannot be used; the old one goes on.
    pub(super) fn refused(&self, at: Timestamp, why: Clean) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.1 = Some(ReloadRefused { at, why });
    }

    /// When the one in use was taken, and what was refused since.
    pub(super) fn stand(&self) -> (Timestamp, Option<ReloadRefused>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
