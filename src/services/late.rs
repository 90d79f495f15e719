//! What the board knows, for hands that are made before there is a board.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::model::cell::Row;
use crate::model::check::Fallen;
use crate::model::ids::CheckId;
use crate::model::kept::{KnownRuns, Memory};
use crate::model::observation::{Number, Target};
use crate::ports::clock::Boxed;
use crate::ports::known::{Known, KnownCell, NotKnown};

/// Asks wait until the board is there.
#[derive(Default)]
pub struct LateKnown {
    board: watch::Sender<Option<Arc<dyn Known>>>,
}

impl LateKnown {
    /// From now on `board` answers.
    pub fn bind(&self, board: Arc<dyn Known>) {
        self.board.send_replace(Some(board));
    }

    async fn board(&self) -> Result<Arc<dyn Known>, NotKnown> {
        let mut here = self.board.subscribe();
        let board = here.wait_for(Option::is_some).await.ok().and_then(|board| board.clone());
        board.ok_or_else(|| NotKnown::Unreadable("the agent is stopping".into()))
    }
}

impl Known for LateKnown {
    fn row(&self, row: Row) -> Boxed<'_, Result<Vec<KnownCell>, NotKnown>> {
        Box::pin(async move { self.board().await?.row(row).await })
    }

    fn memory<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
    ) -> Boxed<'a, Result<Memory, NotKnown>> {
        Box::pin(async move { self.board().await?.memory(target, check).await })
    }

    fn fallen<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
        numbers: &'a [Number],
    ) -> Boxed<'a, Result<Option<Fallen>, NotKnown>> {
        Box::pin(async move { self.board().await?.fallen(target, check, numbers).await })
    }

    fn runs<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
        since: Timestamp,
    ) -> Boxed<'a, Result<KnownRuns, NotKnown>> {
        Box::pin(async move { self.board().await?.runs(target, check, since).await })
    }
}
