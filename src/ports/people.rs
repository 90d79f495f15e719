//! Who is behind a process: account, login, groups.

use crate::model::plan::Operator;

/// A person and the groups of their account at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub operator: Operator,
    /// Names of the groups that the account is in now, by the host's account database.
    pub groups: Vec<String>,
}

/// Why it cannot be told who somebody is: then they may not act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be told who is asking: {0}")]
pub struct Nobody(pub String);

/// Looks people up. Blocking: the name service may ask a directory.
pub trait People: Send + Sync + std::fmt::Debug {
    /// The person behind user `uid` and, where it still lives, process `pid`.
    ///
    /// # Errors
    /// When the host does not know the account.
    fn person(&self, uid: u32, pid: Option<i32>) -> Result<Person, Nobody>;
}
