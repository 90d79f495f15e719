//! Proofs of the connectors.
