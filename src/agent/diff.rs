//! `GET /v1/diff`: two moments compared. What differs is the rule of [`crate::model::past`].

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use jiff::Timestamp;

use crate::agent::past::{Moment, moment_of, read};
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk, pairs, unknown_parameter};
use crate::agent::stream::PIECE;
use crate::model::cell::{Cell, Row};
use crate::model::ids::ServiceKey;
use crate::model::past::{Compared, Course, Sort, compare, is_not_recorded};
use crate::wire::VERSION;
use crate::wire::past::{Diff, Differs, Named, Stood, Worst};

/// Cells in one answer.
const MOST: usize = 2_000;

pub(super) async fn diff(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Answer {
    let (mut from, mut until) = (None, None);
    for (key, value) in pairs(query.as_deref()) {
        match key.as_str() {
            "from" => from = Some(moment_of(&value)?),
            "to" => until = Some(moment_of(&value)?),
            other => return Err(unknown_parameter(other, "from, to")),
        }
    }
    let from = from.ok_or_else(|| {
        Refusal::bad_request("`from` is missing: the first moment, as 2026-11-23T22:00:00Z")
    })?;
    let until = until.unwrap_or_else(|| desk.clock.now());
    if from >= until {
        return Err(Refusal::bad_request("`from` does not lie before `to`; exchange the two"));
    }
    let place = desk.whole_place()?;
    let (before, after) = (Moment::of(&desk, from).await?, Moment::of(&desk, until).await?);
    let diff = compared(&desk, &before, &after).await?;
    drop(place);
    Ok(json(StatusCode::OK, &diff))
}

/// Compares all cells at two moments, the worst first.
pub(super) async fn compared(
    desk: &Desk,
    before: &Moment,
    after: &Moment,
) -> Result<Diff, Refusal> {
    let span = (before.at, after.at);
    let mut found = Found::default();
    for piece in after.all_rows().chunks(PIECE) {
        let rows = piece.to_vec();
        let was = before.rows(desk, rows.clone()).await?;
        let is = after.rows(desk, rows.clone()).await?;
        let courses = courses(desk, rows.clone(), span).await?;
        for (row, (was, is)) in rows.into_iter().zip(was.into_iter().zip(is)) {
            for ((service, label), (was, is)) in after.columns.iter().zip(was.iter().zip(&is)) {
                let course = courses.get(&(row, service.clone()));
                let name = || Named {
                    row,
                    name: after.name(row),
                    service: service.clone(),
                    label: label.clone(),
                };
                found.take(was, is, course, name, after.pupils(row));
            }
        }
    }
    let (cells, more) = found.worst_first();
    Ok(Diff {
        version: VERSION,
        as_of: after.now,
        from: before.at,
        until: after.at,
        cells,
        more,
        followed: found.followed,
        not_recorded: found.not_recorded,
        nobody_looked: after.unattended(before.at, after.at),
    })
}

/// What happened to each cell of `rows` between two moments.
async fn courses(
    desk: &Desk,
    rows: Vec<Row>,
    span: (Timestamp, Timestamp),
) -> Result<HashMap<(Row, ServiceKey), Course>, Refusal> {
    read(desk, move |store| {
        let mut courses: HashMap<(Row, ServiceKey), Course> = HashMap::new();
        store.between(&rows, span, &mut |row, change| {
            courses.entry((row, change.service.clone())).or_default().take(&change);
        })?;
        Ok(courses)
    })
    .await
}

/// Cells that differ: never more than twice as many as are told.
#[derive(Default)]
struct Found {
    cells: Vec<(u32, Differs)>,
    dropped: u32,
    followed: u32,
    not_recorded: u32,
}

impl Found {
    fn take(
        &mut self,
        was: &Cell,
        is: &Cell,
        course: Option<&Course>,
        name: impl FnOnce() -> Named,
        pupils: u32,
    ) {
        let none = Course::default();
        let told = compare(was, is, course.unwrap_or(&none));
        let Some(Compared { sort, worst, ran_out }) = told else {
            self.not_recorded += u32::from(is_not_recorded(was) || is_not_recorded(is));
            let follows = |cell: &Cell| cell.follows_from.is_some();
            self.followed += u32::from(was.health != is.health && (follows(was) || follows(is)));
            return;
        };
        let worst = worst.map(|(health, at, why)| Worst { health, at, why });
        let (before, after) = (stood(was), stood(is));
        let differs = Differs { sort, cell: name(), before, after, worst, ran_out };
        self.cells.push((pupils, differs));
        if self.cells.len() >= 2 * MOST {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        self.cells.sort_by_key(|(pupils, d)| {
            let health = match d.sort {
                Sort::Worse | Sort::Stands | Sort::RanOut => d.after.health,
                Sort::Better => d.before.health,
                Sort::Meanwhile => d.worst.as_ref().map_or(d.after.health, |w| w.health),
            };
            let held = d.after.handling.is_some();
            (d.sort, Reverse(health), held, Reverse(*pupils), d.cell.row, d.cell.service.clone())
        });
        let beyond = self.cells.len().saturating_sub(MOST);
        self.dropped += u32::try_from(beyond).unwrap_or(u32::MAX);
        self.cells.truncate(MOST);
    }

    fn worst_first(&mut self) -> (Vec<Differs>, u32) {
        self.shorten();
        (std::mem::take(&mut self.cells).into_iter().map(|(_, d)| d).collect(), self.dropped)
    }
}

/// How a cell stood, as it is told.
pub(super) fn stood(cell: &Cell) -> Stood {
    Stood {
        health: cell.health,
        reason: cell.reason,
        why: cell.why.clone(),
        since: cell.since,
        handling: cell.handling.clone(),
        follows_from: cell.follows_from.clone(),
    }
}
