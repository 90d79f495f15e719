//! Logging set-up and redaction. Never prints.
//!
//! Invariant: nothing goes to standard output or standard error; a log line is one line of ASCII
//! JSON, whatever was put into it.

mod file;
mod panics;
mod redacted;
mod rolling;

pub use file::{Guard, Level, Logging, TelemetryError, start};
pub use panics::log_panics;
pub use redacted::Redacted;
