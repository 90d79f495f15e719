//! Credentials by name: from systemd, from a keyring, or from a file that the config names.
//!
//! Never logs a value, and no error or `Debug` holds one. Every call blocks (a keyring asks a
//! daemon): keep it off the runtime's threads.

mod file;
mod keyring;
mod stores;

pub use stores::{Deleted, Inventory, SecretStores, Stored, StoringError};

#[cfg(test)]
mod tests;
