//! What the board knows, for hands that are made before there is a board.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::cell::Row;
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
}
