//! The operating system's random source.

use crate::ports::chance::{Entropy, NoChance};

/// `getrandom(2)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        getrandom::fill(bytes).map_err(|error| NoChance(error.to_string()))
    }
}
