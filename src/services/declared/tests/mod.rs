//! Proofs of the declared pieces, and what the services' own tests stand on.

pub mod damage;
pub mod dropping;
pub mod stage;
pub mod vendor;

mod dropped;
mod probe;
mod statuspage;
