//! SQLite behind the store port. Never decides.
