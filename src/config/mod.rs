//! Settings, defaults, schools, and messages that name file, line, field and remedy. Never a password.
