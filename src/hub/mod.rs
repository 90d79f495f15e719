//! The one task that owns the World.
