//! Who is behind an account.

use crate::model::text::Clean;

/// Knows accounts by name.
pub trait People: Send + Sync + std::fmt::Debug {
    /// The name of the account `uid`; `None` if the host knows none. Blocking: the host's name
    /// service may ask a directory.
    fn account(&self, uid: u32) -> Option<Clean>;
}
