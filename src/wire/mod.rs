//! What crosses the socket between agent and console: version 1.
//!
//! Plain HTTP/1.1 with JSON over a Unix socket. Never a secret. The types here are the contract;
//! the served OpenAPI document is made from them. The words of the model that it carries are
//! re-exported, so that a console needs nothing else.

pub mod account;
pub mod action;
pub mod board;
pub mod days;
pub mod desk;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod incident;
pub mod page;
pub mod past;
pub mod reconcile;
pub mod recording;
pub mod replay;
pub mod report;
pub mod runs;
pub mod standing;
pub mod status;
pub mod tables;
pub mod telling;
pub mod training;

pub use crate::model::account::{
    AccountPage, CloudView, Hit, Hits, MOST_HITS, MailView, lock_word, whose,
};
pub use crate::model::action::{AimsAt, Class};
pub use crate::model::again;
pub use crate::model::audit::Entry;
pub use crate::model::calendar::{london, london_date};
pub use crate::model::cell::{
    Cause, Cell, CheckView, Handling, HandlingKind, Part, Split, StateChange,
};
pub use crate::model::check::Scope;
pub use crate::model::estate::NotWatched;
pub use crate::model::filter;
pub use crate::model::find;
pub use crate::model::health::{Health, Reason};
pub use crate::model::ids::{ActionId, CheckId, Laestab, ServiceKey};
pub use crate::model::next_step::NextStep;
pub use crate::model::observation::{Fact, Number, SourceTime, Window, Zone};
pub use crate::model::plan::{
    AccountName, Aim, Ask, Item, Kind, LeftOut, NotATarget, Operator, Outcome, Plan, Private, Role,
    Ruling, Step, StepState,
};
pub use crate::model::reconcile::{
    BrokeOff, Change, Found, Initiator, NotUnderstood, Reconciled, VendorEntry, Whose,
};
pub use crate::model::school::School;
pub use crate::model::share::{InCommon, Share};
pub use crate::model::span::Span;
pub use crate::model::statements;
pub use crate::model::text::Clean;
pub use crate::model::ticket::Ticket;
pub use crate::model::when;

/// The version of the wire and of `status --json`.
pub const VERSION: u32 = 1;
