//! Proofs of the declared pieces, and what the services' own tests stand on.
