//! The terminal: its modes, what is typed, and what is written to it. Knows nothing of the board.

mod alternate;
mod between;
mod calls;
mod ground;
mod guard;
mod input;
mod pace;
pub mod paste;
mod screen;

pub use alternate::has_alternate;
pub use between::Between;
pub use calls::{call, has_title, title};
pub use ground::suits_ground;
pub use guard::{Guard, hung_up};
pub use input::{Input, Inputs};
pub use pace::Pace;
pub use screen::{Drawn, Screen};
