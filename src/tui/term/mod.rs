//! The terminal: its modes, what is typed, and what is written to it. Knows nothing of the board.

mod alternate;
mod clipboard;
mod guard;
mod input;
pub mod paste;
mod screen;

pub use alternate::has_alternate;
pub use clipboard::Between;
pub use guard::{Guard, hung_up};
pub use input::{Input, Inputs};
pub use screen::{Drawn, Screen};
