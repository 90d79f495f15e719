//! In place of a store that cannot be written from the start: the board lives in memory alone, and says
//! so.

use jiff::Timestamp;

use crate::model::cell::{Row, StateChange};
use crate::model::desk::DeskEntry;
use crate::model::ids::CheckId;
use crate::model::incident::KeptIncident;
use crate::model::kept::KnownRuns;
use crate::model::observation::Target;
use crate::model::text::Clean;
use crate::ports::store::{KeptBoard, Save, Store, StoreError};

/// Keeps nothing and touches no file.
#[derive(Debug)]
pub struct Unkept(StoreError);

impl Unkept {
    /// `why` the real one cannot be used; told for as long as this stands in for it.
    #[must_use]
    pub fn new(why: StoreError) -> Self {
        Self(why)
    }
}

impl Store for Unkept {
    fn load(&self) -> Result<KeptBoard, StoreError> {
        Ok(KeptBoard::default())
    }

    fn keep(&self, _: Save) {}

    fn history(&self, _: Row, _: usize) -> Result<Vec<StateChange>, StoreError> {
        Err(self.0.clone())
    }

    fn desk(&self, _: Row, _: usize) -> Result<Vec<DeskEntry>, StoreError> {
        Ok(Vec::new())
    }

    fn strike(&self, _: u64, _: &Clean) -> Result<bool, StoreError> {
        Err(self.0.clone())
    }

    fn incidents(&self, _: Timestamp, _: usize) -> Result<Vec<KeptIncident>, StoreError> {
        Ok(Vec::new())
    }

    fn incident(&self, _: u64) -> Result<Option<KeptIncident>, StoreError> {
        Ok(None)
    }

    fn runs(&self, _: Target, _: &CheckId, _: Timestamp) -> Result<KnownRuns, StoreError> {
        Ok(KnownRuns::default())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Err(self.0.clone())
    }

    fn trouble(&self) -> Option<StoreError> {
        Some(self.0.clone())
    }

    fn lost(&self) -> u64 {
        0
    }
}
