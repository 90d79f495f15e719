//! Changes through the rules of the board (goal S1).

use std::sync::Arc;

use crate::app::bench::{invented, median};
use crate::engine::{Board, Event, Place, World, step};
use crate::model::cell::Cell;
use crate::model::estate::Estate;
use crate::model::health::Health;
use crate::model::ids::CheckId;
use crate::model::observation::{Observation, Target, Verdict};
use crate::ports::clock::Clock;

/// One line of JSON: milliseconds for one observation of every cell, and for the order after it.
///
/// # Errors
/// When the estate cannot be invented.
pub fn world(schools: u32, runs: u32, clock: &dyn Clock) -> anyhow::Result<String> {
    let estate = Arc::new(invented::estate(schools, 7)?);
    let start = clock.now();
    let mut board = World::new(estate.clone(), start, 0);
    let mut steps = Vec::new();
    let mut orders = Vec::new();
    for run in 0..=runs.max(1) {
        let at = start + std::time::Duration::from_secs(u64::from(run));
        // Every cell changes in every run, so that nothing is saved by standing still.
        let verdict = if run % 2 == 0 { Verdict::Ok } else { Verdict::Critical };
        let checks: Vec<CheckId> =
            estate.services.iter().flat_map(|s| s.checks.iter().map(|c| c.id.clone())).collect();
        let events: Vec<Event> = estate
            .schools
            .keys()
            .flat_map(|school| {
                checks.iter().map(move |check| {
                    let target = Target::School(*school);
                    Event::Observed(Observation::new(check.clone(), target, at, verdict, "bench"))
                })
            })
            .collect();
        let begun = clock.monotonic();
        for event in events {
            std::hint::black_box(step(&mut board, at, event));
        }
        let stepped = clock.monotonic();
        std::hint::black_box(board.order());
        let ordered = clock.monotonic();
        if run > 0 {
            steps.push((stepped - begun).as_secs_f64() * 1e3);
            orders.push((ordered - stepped).as_secs_f64() * 1e3);
        }
    }
    let bare = bare(&estate, runs, clock);
    let line = serde_json::json!({
        "bench": "world", "cells": u64::from(schools) * 7, "runs": runs, "bare_ms": round(bare),
        "rules_ms": round(median(steps)), "order_ms": round(median(orders)),
    });
    Ok(line.to_string())
}

/// Milliseconds to put every cell with counters, and to sort: what no rule can be faster than.
fn bare(estate: &Estate, runs: u32, clock: &dyn Clock) -> f64 {
    let places = estate.schools.values().zip(0_u32..).map(|(school, rank)| Place {
        laestab: school.laestab,
        pupils: school.pupils.unwrap_or_default(),
        rank,
    });
    let mut board = Board::new(places.collect(), 7);
    let mut spent = Vec::new();
    for run in 0..=runs.max(1) {
        let health = if run % 2 == 0 { Health::Ok } else { Health::Critical };
        let cell = Cell { health, since: Some(clock.now()), ..Cell::default() };
        let begun = clock.monotonic();
        for row in 0..board.schools() {
            for column in 0..7 {
                board.put(row, column, cell.clone());
            }
        }
        std::hint::black_box(board.order());
        spent.push((clock.monotonic() - begun).as_secs_f64() * 1e3);
    }
    median(spent)
}

fn round(ms: f64) -> f64 {
    (ms * 100.0).round() / 100.0
}
