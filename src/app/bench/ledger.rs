//! Putting an intent on disk, beside the least that a durable write can cost (goal S2).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::app::bench::store::{cells, change};
use crate::ledger::Draft;
use crate::model::action::Class;
use crate::model::cell::{Row, StateChange};
use crate::model::plan::{Ask, Item, Kind, Operator, Plan, Ruling, Step};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::ledger::{HourLimit, Intent, Ledger, commit};
use crate::ports::store::{Save, Store};
use crate::store::{SqliteLedger, SqliteStore};

/// A page of the file that the floor overwrites.
const PAGE: usize = 4_096;
/// Pages of that file.
const PAGES: u64 = 64;

/// One line of JSON: microseconds of an intent's commit and of overwriting a page with `fdatasync`,
/// taken in turns; alone, and while a history of `schools` is written beside them.
///
/// # Errors
/// When the disk cannot be used.
pub async fn ledger(schools: u32, intents: u32, clock: Arc<dyn Clock>) -> anyhow::Result<String> {
    tokio::task::spawn_blocking(move || measure(schools, intents.max(1), &*clock)).await?
}

fn measure(schools: u32, intents: u32, clock: &dyn Clock) -> anyhow::Result<String> {
    super::in_own_folder(|folder| {
        let alone = turns(folder, "alone", intents, clock)?;
        let (beside, rows) = while_history_is_written(folder, schools, clock, || {
            turns(folder, "beside", intents, clock)
        })?;
        let line = serde_json::json!({
            "bench": "ledger", "intents": intents, "alone": told(&alone),
            "while_history_is_written": told(&beside), "history_rows": rows,
        });
        Ok(line.to_string())
    })
}

/// Microseconds of each commit and of each floor.
struct Turns {
    commits: Vec<f64>,
    floors: Vec<f64>,
}

fn told(turns: &Turns) -> serde_json::Value {
    let of = |values: &[f64], percent| super::percentile(values.to_vec(), percent).round();
    serde_json::json!({
        "commit_p50_us": of(&turns.commits, 50), "commit_p99_us": of(&turns.commits, 99),
        "floor_p50_us": of(&turns.floors, 50), "floor_p99_us": of(&turns.floors, 99),
    })
}

fn turns(folder: &Path, name: &str, count: u32, clock: &dyn Clock) -> anyhow::Result<Turns> {
    let ledger = SqliteLedger::open(&folder.join(format!("{name}.ledger.db")))?;
    let floor = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(folder.join(format!("{name}.floor")))?;
    for page in 0..PAGES {
        floor.write_all_at(&[0; PAGE], page * PAGE as u64)?;
    }
    floor.sync_all()?;
    let mut out = Turns { commits: Vec::new(), floors: Vec::new() };
    let us = |begun: Duration| (clock.monotonic() - begun).as_secs_f64() * 1e6;
    for n in 0..count {
        let begun = clock.monotonic();
        overwrite(&floor, n)?;
        out.floors.push(us(begun));
        let now = clock.now();
        let plan = plan(n, now)?;
        let item = plan.items.first().ok_or_else(|| anyhow::anyhow!("a plan without an item"))?;
        ledger.request(&plan, now, now + SignedDuration::from_mins(30), draft("confirmed", now))?;
        let intent = Intent {
            plan: &plan,
            item,
            at: now,
            lease_until: now + SignedDuration::from_mins(10),
            limit: HourLimit { person: Some(1_000_000), desk: Some(1_000_000) },
        };
        let begun = clock.monotonic();
        commit(&ledger, &intent, draft("intent", now))?;
        out.commits.push(us(begun));
    }
    Ok(out)
}

fn overwrite(file: &File, n: u32) -> std::io::Result<()> {
    let page = [n.to_le_bytes()[0]; PAGE];
    file.write_all_at(&page, u64::from(n) % PAGES * PAGE as u64)?;
    file.sync_data()
}

/// Runs `work` while another thread writes history without a pause; and how many rows it wrote.
fn while_history_is_written<T>(
    folder: &Path,
    schools: u32,
    clock: &dyn Clock,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, usize)> {
    let store = SqliteStore::open(&folder.join("board.db"))?;
    let cells = cells(schools, clock.now())?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> anyhow::Result<usize> {
            let (mut rows, mut round) = (0, 0_i64);
            while !over.load(Ordering::SeqCst) {
                let at = clock.now() + SignedDuration::from_millis(round);
                let history: Vec<(Row, StateChange)> =
                    cells.iter().map(|cell| (cell.row, change(cell, at))).collect();
                (rows, round) = (rows + history.len(), round + 1);
                store.keep(Save { at, revision: 1, history, ..Save::default() });
                store.flush()?;
            }
            Ok(rows)
        });
        let done = work();
        over.store(true, Ordering::SeqCst);
        let rows = writer.join().map_err(|_| anyhow::anyhow!("the writer of history died"))??;
        Ok((done?, rows))
    })
}

fn operator() -> Operator {
    Operator { uid: 1000, login: Some(1000), name: Clean::new("bench") }
}

fn draft(kind: &'static str, at: Timestamp) -> Draft {
    let about = Clean::new("8000000");
    let by = Some(operator());
    Draft { at, kind, by, about, body: BTreeMap::new(), private: BTreeMap::new() }
}

fn plan(n: u32, now: Timestamp) -> anyhow::Result<Plan> {
    let aim: crate::model::plan::Aim = (8_000_000 + n).to_string().parse()?;
    let step = Step {
        id: Clean::new("ask"),
        system: Clean::new("Bench"),
        says: Clean::new("ask for fresh data"),
        class: Class::Trigger,
        undoable: false,
        patience_s: 60,
        with: BTreeMap::new(),
    };
    let item = Item {
        key: Clean::new(&format!("key-{n}")),
        aim: aim.clone(),
        also: Vec::new(),
        kind: Kind::School,
        lease: Clean::new(&format!("bench:{n}")),
        now: Vec::new(),
        steps: vec![step],
        sends: Vec::new(),
        protective: false,
        will_not: Vec::new(),
        beware: Vec::new(),
        undo: None,
        second_person: None,
    };
    Ok(Plan {
        id: Clean::new(&format!("plan-{n}")),
        ask: Ask {
            action: "groupcall.resync".parse()?,
            targets: vec![aim],
            reason: Clean::new("measured"),
            ticket: None,
            choices: BTreeMap::new(),
            continues: None,
        },
        by: operator(),
        items: vec![item],
        left_out: Vec::new(),
        ruling: Ruling {
            policy: Clean::new("bench"),
            rule: Clean::new("bench"),
            second: None,
            says: Vec::new(),
        },
        made_at: now,
        expires_at: now + SignedDuration::from_mins(5),
        digest: Clean::new("bench"),
    })
}
