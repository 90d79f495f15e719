//! `GET /v1/runs/{laestab}`: what a restore can be asked from.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::SignedDuration;

use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk, no_school, school_of};
use crate::model::check::Scope;
use crate::model::observation::Target;
use crate::model::text::Clean;
use crate::wire::VERSION;
use crate::wire::runs::{CheckRuns, Runs, Stretch};

pub(super) async fn runs(State(desk): State<Arc<Desk>>, Path(school): Path<String>) -> Answer {
    let laestab = school_of(&school)?;
    let (estate, now) = (desk.hub.estate(), desk.clock.now());
    if !estate.schools.contains_key(&laestab) {
        return Err(no_school(&school));
    }
    let services = estate.services.iter().filter(|service| estate.takes(laestab, &service.key));
    let wanted = services.flat_map(|service| service.checks.iter()).filter_map(|check| {
        let keeps =
            check.keeps.filter(|_| check.scope == Scope::School && check.covers.holds(laestab))?;
        Some((check.id.clone(), Clean::new(&check.label), keeps))
    });
    let wanted: Vec<_> = wanted.collect();
    let store = Arc::clone(&desk.store);
    let read = tokio::task::spawn_blocking(move || {
        wanted
            .into_iter()
            .map(|(check, label, keeps)| {
                let span = SignedDuration::from_secs(keeps.as_secs_i64());
                let since = now.checked_sub(span).unwrap_or(now);
                let known = store.runs(Target::School(laestab), &check, since)?;
                let keeps_days = u32::try_from(keeps.as_secs() / 86_400).unwrap_or(u32::MAX);
                let watched =
                    known.watched.into_iter().map(|(from, until)| Stretch { from, until });
                Ok(CheckRuns {
                    check,
                    label,
                    keeps_days,
                    runs: known.runs,
                    watched: watched.collect(),
                })
            })
            .collect::<Result<Vec<_>, crate::ports::store::StoreError>>()
    });
    let checks = read
        .await
        .map_err(|e| Refusal::busy(&e.to_string()))?
        .map_err(|e| Refusal::busy(&e.to_string()))?;
    Ok(json(StatusCode::OK, &Runs { version: VERSION, as_of: now, laestab, checks }))
}
