//! Why a directory's answer cannot be used.

use crate::model::health::Reason;
use crate::transport::ldap::LdapFailure;

/// Why a directory's answer cannot be used. The text is for the desk; it holds no name of a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryFailure {
    /// No whole answer.
    #[error(transparent)]
    Ldap(#[from] LdapFailure),
    /// An answer that is whole, but lacks something or holds something that cannot be read.
    #[error("the answer of {controller} cannot be read: {why}")]
    Malformed {
        /// Scheme, host and port.
        controller: String,
        /// What is wrong, without the value.
        why: String,
    },
}

impl DirectoryFailure {
    pub(super) fn malformed(controller: &str, why: impl Into<String>) -> Self {
        Self::Malformed { controller: controller.to_owned(), why: why.into() }
    }

    /// The reason of the unknown that this makes of a check.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Ldap(failure) => failure.reason(),
            Self::Malformed { .. } => Reason::Malformed,
        }
    }
}
