//! The console. Sees the world only through the wire.

pub mod keymap;
pub mod state;
pub mod term;
pub mod theme;
pub mod times;
