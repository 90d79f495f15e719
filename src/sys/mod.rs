//! The operating system: clock, paths, signals, peer credentials.
