//! Logging set-up and redaction. Never prints.
