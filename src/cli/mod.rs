//! Arguments, and what is printed: the only room besides `main` that writes to standard output.
//!
//! Sees the world through the same wire as the console.

mod account;
mod act;
pub mod args;
pub mod bench_args;
mod connector;
mod csv;
pub mod doctor;
mod exit;
mod expiring;
pub mod guard_args;
mod handle;
mod handover;
mod incident;
pub mod incident_args;
mod incident_report;
mod markdown;
mod out;
mod past;
mod pick;
mod reconcile;
pub mod replay_args;
mod report;
pub mod report_args;
mod runs;
mod statements;
mod table;
pub mod teach;
mod training;
mod watch;
mod when;

pub use account::{found_text, page_text};
pub use act::{
    actions_text, aims, entry_line, entry_text, left_text, outcome_code, plan_text, rows_text,
};
pub use connector::{Tried, called, connector_line, counted, noted, tried, trying};
pub use csv::status_csv;
pub use exit::{Code, status_code};
pub use expiring::{endings, expiring_json, expiring_text};
pub use handle::{HandleError, book_text, handle, handled_text};
pub use handover::{handover_markdown, handover_text};
pub use incident::{
    cell_named, done_text, incident_code, incident_text, incidents_text, written_text,
};
pub use incident_report::report;
pub use out::{columns, complain, say, say_raw, wrap};
pub use past::{diff_code, diff_text, past, past_text, two_moments};
pub use pick::{PickError, pick, pick_filtered, pick_service};
pub use reconcile::reconciled_text;
pub use report::{report_csv, report_html, report_json, report_markdown, report_text};
pub use runs::runs_text;
pub use statements::{statements_json, statements_markdown, statements_text};
pub use table::status_text;
pub use training::{brief_text, debrief_text};
pub use watch::{Lines, Shown, Turned};
