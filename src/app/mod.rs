//! Puts everything together. No rules of its own.
