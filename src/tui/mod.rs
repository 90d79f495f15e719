//! The console. Sees the world only through the wire.
//!
//! [`run()`] owns the terminal and the loop; [`console::Console`] is everything else, as a value that
//! tests and pictures drive without a terminal.

pub mod console;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod keymap;
pub mod picture;
pub mod plain;
mod run;
mod say;
pub mod screens;
pub mod state;
pub mod term;
pub mod theme;
mod times;
pub mod widgets;
pub mod wish;

pub use picture::{Form, picture};
pub use run::{Ended, Exit, Options, TuiError, run};
