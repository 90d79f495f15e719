//! The board for whoever plans an action: read from the hub and the store, never written.

use std::sync::Arc;

use jiff::Timestamp;

use crate::hub::{Hub, HubGone};
use crate::model::cell::Row;
use crate::model::check::Fallen;
use crate::model::ids::CheckId;
use crate::model::kept::{KnownRuns, Memory};
use crate::model::observation::{Number, Target};
use crate::ports::clock::Boxed;
use crate::ports::known::{Known, KnownCell, NotKnown};
use crate::ports::store::Store;

/// Answers from the hub and the store.
pub(super) struct BoardKnown {
    pub hub: Hub,
    pub store: Arc<dyn Store>,
}

impl From<HubGone> for NotKnown {
    fn from(gone: HubGone) -> Self {
        Self::Unreadable(gone.to_string())
    }
}

impl Known for BoardKnown {
    fn row(&self, row: Row) -> Boxed<'_, Result<Vec<KnownCell>, NotKnown>> {
        Box::pin(async move {
            let page = self.hub.ask(move |held| held.page(row)).await?;
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

    fn memory<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
    ) -> Boxed<'a, Result<Memory, NotKnown>> {
        Box::pin(async move {
            let id = check.clone();
            let memory = self.hub.ask(move |held| held.world().memory(target, &id)).await?;
            memory.ok_or_else(|| NotKnown::Nothing(format!("there is no check {check}")))
        })
    }

    fn fallen<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
        numbers: &'a [Number],
    ) -> Boxed<'a, Result<Option<Fallen>, NotKnown>> {
        let (id, numbers) = (check.clone(), numbers.to_vec());
        Box::pin(async move {
            Ok(self.hub.ask(move |held| held.world().fallen(target, &id, &numbers)).await?)
        })
    }

    fn runs<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
        since: Timestamp,
    ) -> Boxed<'a, Result<KnownRuns, NotKnown>> {
        let (store, check) = (Arc::clone(&self.store), check.clone());
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || store.runs(target, &check, since)).await;
            let unreadable = |why: String| NotKnown::Unreadable(why);
            read.map_err(|e| unreadable(e.to_string()))?.map_err(|e| unreadable(e.to_string()))
        })
    }
}
