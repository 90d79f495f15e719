//! `GET /v1/days`, and the days on a page: read for the rows that somebody looks at, never for all.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use jiff::Timestamp;

use crate::agent::past::{read, stretches};
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk, no_school, pairs, school_or_estate, unknown_parameter};
use crate::model::cell::{Cell, Row, StateChange};
use crate::model::ids::ServiceKey;
use crate::model::past::Around;
use crate::model::past::days::{Days, begins, letters, of_cell, row};
use crate::wire::VERSION;
use crate::wire::days::{LastDays, MOST_ROWS, RowDays};
use crate::wire::page::Page;

pub(super) async fn days(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Answer {
    let mut rows: Vec<Row> = Vec::new();
    for (key, value) in pairs(query.as_deref()) {
        match key.as_str() {
            "rows" => {
                for word in value.split(',').filter(|word| !word.is_empty()) {
                    rows.push(school_or_estate(word)?.map_or(Row::Estate, Row::School));
                }
            }
            other => return Err(unknown_parameter(other, "rows")),
        }
    }
    if rows.is_empty() || rows.len() > MOST_ROWS {
        return Err(Refusal::bad_request(
            "`rows` names 1 to 200 rows with commas between: a LAESTAB each, or `estate`",
        ));
    }
    let estate = desk.hub.estate();
    let missing = rows.iter().find_map(|row| match row {
        Row::School(laestab) if !estate.schools.contains_key(laestab) => Some(laestab),
        _ => None,
    });
    if let Some(missing) = missing {
        return Err(no_school(&missing.to_string()));
    }
    let now = desk.clock.now();
    let asked = rows.clone();
    let cells = desk.hub.ask(move |held| held.cells(&asked)).await?;
    if !Arc::ptr_eq(&estate, &desk.hub.estate()) {
        return Err(Refusal::busy("the configuration changed meanwhile; ask again"));
    }
    let keys: Vec<ServiceKey> = estate.services.iter().map(|s| s.key.clone()).collect();
    let cells = rows.into_iter().zip(cells).collect();
    let rows = of_rows(&desk, keys, cells, now).await?.into_iter();
    let rows = rows.map(|(name, days)| RowDays { row: name, days: letters(&row(&days)) });
    Ok(json(StatusCode::OK, &LastDays { version: VERSION, as_of: now, rows: rows.collect() }))
}

/// Puts the days of a page's services. What the store cannot tell stays empty.
pub(super) async fn put(desk: &Desk, row: Row, page: &mut Page, at: Timestamp) {
    let keys = page.services.iter().map(|view| view.service.clone()).collect();
    let cells = page.services.iter().map(|view| view.cell.clone()).collect();
    // Why it cannot be read is in the log.
    let Ok(found) = of_rows(desk, keys, vec![(row, cells)], at).await else { return };
    for (view, days) in page.services.iter_mut().zip(found.into_iter().flat_map(|(_, days)| days)) {
        view.days = letters(&days);
    }
}

/// The days of each cell of `rows`, which stand so at `at`, in the order of `keys`.
async fn of_rows(
    desk: &Desk,
    keys: Vec<ServiceKey>,
    rows: Vec<(Row, Vec<Cell>)>,
    at: Timestamp,
) -> Result<Vec<(Row, Vec<Days>)>, Refusal> {
    let attended = stretches(desk, at).await?;
    read(desk, move |store| {
        let names: Vec<Row> = rows.iter().map(|(row, _)| *row).collect();
        let start = begins(at);
        let mut around: HashMap<(Row, ServiceKey), Around> = HashMap::new();
        for (name, found) in store.around(&names, start)? {
            around.insert((name.row, name.service), found);
        }
        let mut changes: HashMap<(Row, ServiceKey), Vec<StateChange>> = HashMap::new();
        store.between(&names, (start, at), &mut |row, change| {
            changes.entry((row, change.service.clone())).or_default().push(change);
        })?;
        let of = |(row, cells): (Row, Vec<Cell>)| {
            let days = keys.iter().zip(&cells).map(|(key, cell)| {
                let place = (row, key.clone());
                let around = around.get(&place).cloned().unwrap_or_default();
                let changes = changes.get(&place).map_or(&[][..], Vec::as_slice);
                of_cell(cell, &around, changes, &attended, at)
            });
            (row, days.collect())
        };
        Ok(rows.into_iter().map(of).collect())
    })
    .await
}
