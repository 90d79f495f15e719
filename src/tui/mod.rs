//! The console. Sees the world only through the wire.

pub mod theme;
