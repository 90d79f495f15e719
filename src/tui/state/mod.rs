//! What the console knows: the rows of the board, the line to the agent, the pages it has read.
//!
//! One plain value: to clone, to compare, to play again. Changed by the wire and by time only.

mod acts;
mod alarms;
mod days;
mod groups;
mod line;
mod looked;
mod pages;
mod rows;

pub use crate::wire::standing::{Class, Standing, worst_column};
pub use acts::{Acts, row_of, service_of};
pub use alarms::{AlarmRule, Alarms};
pub use days::DaysHeld;
pub use groups::{Group, Places, grouped};
pub use line::{BeatLine, LineState};
pub use looked::Looked;
pub use pages::{Held, Pages};
pub use rows::Rows;
