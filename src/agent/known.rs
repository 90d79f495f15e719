//! The board for whoever plans an action: read from the hub, never written.

use crate::hub::Hub;
use crate::model::cell::Row;
use crate::ports::clock::Boxed;
use crate::ports::known::{Known, KnownCell, NotKnown};

/// Answers from the hub.
pub(super) struct BoardKnown {
    pub hub: Hub,
}

impl Known for BoardKnown {
    fn row(&self, row: Row) -> Boxed<'_, Result<Vec<KnownCell>, NotKnown>> {
        Box::pin(async move {
            let page = self.hub.ask(move |held| held.page(row)).await;
            let page = page.map_err(|gone| NotKnown::Unreadable(gone.to_string()))?;
            let page = page.ok_or_else(|| NotKnown::Nothing("there is no such school".into()))?;
            let cells = page.services.into_iter().map(|view| KnownCell {
                service: view.service,
                label: view.label,
                cell: view.cell,
                checks: view.checks,
            });
            Ok(cells.collect())
        })
    }
}
