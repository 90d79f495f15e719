//! Random bytes for salts, keys and passwords.

/// The operating system's random source could not be read; nothing that needs it may go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system's random source cannot be read: {0}")]
pub struct NoChance(pub String);

/// Bytes that nobody can guess.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// When the system has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance>;
}
