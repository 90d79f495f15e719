//! Small pieces that several screens draw with.

mod cell;
mod field;
mod frame;
mod text;

pub use cell::{Look, look, state_word};
pub use field::{Edit, Field};
pub use frame::{Place, hints, line_one};
pub use text::{Line, Pen, cut, rule, width, wrap};
