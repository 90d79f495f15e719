//! The real program in a real terminal.
#![cfg(test)]

mod session;
