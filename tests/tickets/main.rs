//! Work that is handed to people outside: from the command line to where a ticket ends up, and through
//! the guard with every fault on the way.
#![cfg(test)]

mod desk;
mod folder;
