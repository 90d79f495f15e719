//! Restoring and saving the board, and history (goals S3, S4).

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::app::bench::median;
use crate::model::cell::{Cell, Row, StateChange};
use crate::model::health::Health;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::kept::KeptCell;
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::store::{Save, Store};
use crate::store::SqliteStore;

/// Services of the estate that is measured.
const SERVICES: u32 = 7;

/// One line of JSON: milliseconds to restore every cell, to save 1 % of them changed, to write one
/// state change for each; bytes a cell on disk.
///
/// # Errors
/// When the store cannot be used.
pub async fn store(schools: u32, runs: u32, clock: Arc<dyn Clock>) -> anyhow::Result<String> {
    tokio::task::spawn_blocking(move || measure(schools, runs, &*clock)).await?
}

fn measure(schools: u32, runs: u32, clock: &dyn Clock) -> anyhow::Result<String> {
    super::in_own_folder(|folder| in_folder(folder, schools, runs, clock))
}

fn in_folder(folder: &Path, schools: u32, runs: u32, clock: &dyn Clock) -> anyhow::Result<String> {
    let file = folder.join("board.db");
    let now = clock.now();
    let cells = cells(schools, now)?;
    let count = cells.len();
    let history: Vec<(Row, StateChange)> = cells.iter().map(|c| (c.row, change(c, now))).collect();
    let few: Vec<KeptCell> =
        cells.iter().step_by(100).cloned().map(|c| in_trouble(c, now)).collect();
    let (mut restores, mut saves, mut histories) = (Vec::new(), Vec::new(), Vec::new());
    let first = SqliteStore::open(&file)?;
    let save =
        |revision, cells, history| Save { at: now, revision, cells, history, ..Save::default() };
    first.keep(save(1, cells, Vec::new()));
    first.flush()?;
    drop(first);
    let bytes = std::fs::metadata(&file)?.len();
    for run in 0..runs.max(1) {
        let begun = clock.monotonic();
        let store = SqliteStore::open(&file)?;
        let kept = store.load()?;
        restores.push((clock.monotonic() - begun).as_secs_f64() * 1e3);
        anyhow::ensure!(
            kept.cells.len() == count,
            "restored {} of {count} cells",
            kept.cells.len()
        );
        // The first write of a day also prunes history: not what is measured.
        store.keep(save(u64::from(run) + 2, Vec::new(), Vec::new()));
        store.flush()?;
        let begun = clock.monotonic();
        store.keep(save(u64::from(run) + 2, few.clone(), Vec::new()));
        store.flush()?;
        saves.push((clock.monotonic() - begun).as_secs_f64() * 1e3);
        let begun = clock.monotonic();
        store.keep(save(u64::from(run) + 2, Vec::new(), history.clone()));
        store.flush()?;
        histories.push((clock.monotonic() - begun).as_secs_f64() * 1e3);
    }
    let each = bytes as f64 / count.max(1) as f64;
    let line = serde_json::json!({
        "bench": "store", "cells": count, "runs": runs,
        "restore_ms": median(restores).round(), "save_1_percent_ms": median(saves).round(),
        "history_of_all_ms": median(histories).round(), "bytes_a_cell": (each * 10.0).round() / 10.0,
    });
    Ok(line.to_string())
}

pub(super) fn cells(schools: u32, now: Timestamp) -> anyhow::Result<Vec<KeptCell>> {
    let keys: Vec<ServiceKey> =
        (0..SERVICES).map(|k| format!("bench_{k}").parse()).collect::<Result<_, _>>()?;
    let mut out = Vec::new();
    for i in 0..schools {
        let row = Row::School((8_000_000 + i).to_string().parse::<Laestab>()?);
        for service in &keys {
            let cell = Cell {
                health: Health::Ok,
                since: Some(now),
                state_since: Some(now),
                ..Cell::default()
            };
            out.push(KeptCell { row, service: service.clone(), cell });
        }
    }
    Ok(out)
}

fn in_trouble(mut kept: KeptCell, now: Timestamp) -> KeptCell {
    kept.cell.health = Health::Critical;
    kept.cell.since = Some(now);
    kept.cell.why = Clean::new("no data from the school since Sat 03:02; limit 50h");
    kept
}

pub(super) fn change(kept: &KeptCell, now: Timestamp) -> StateChange {
    StateChange {
        at: now,
        service: kept.service.clone(),
        from: Health::Ok,
        to: Health::Critical,
        reason: None,
        follows: false,
        first: false,
        why: Clean::new("no data from the school since Sat 03:02; limit 50h"),
    }
}
