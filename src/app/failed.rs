//! Why the program ends without having done what was asked.

use crate::cli::Code;
use crate::link::LinkError;

/// An exit code and the sentence that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failed {
    /// The exit code.
    pub code: Code,
    /// What failed, and the remedy.
    pub text: String,
}

impl Failed {
    /// No agent, or one that cannot be understood.
    #[must_use]
    pub fn no_agent(error: LinkError) -> Self {
        let hint = match error {
            LinkError::NoAgent { .. } => {
                "; start one with `caretaker agent`, or name its socket with --agent"
            }
            LinkError::Refused { .. } | LinkError::Version { .. } => "",
        };
        let code = match &error {
            LinkError::Refused { code, .. } if code == "forbidden" => Code::Denied,
            LinkError::NoAgent { .. } | LinkError::Refused { .. } | LinkError::Version { .. } => {
                Code::NoAgent
            }
        };
        Self { code, text: format!("{error}{hint}") }
    }

    /// What was asked makes no sense.
    #[must_use]
    pub fn usage(text: impl Into<String>) -> Self {
        Self { code: Code::Usage, text: text.into() }
    }

    /// What an agent refuses to tell was asked wrongly; else as [`Self::no_agent`].
    #[must_use]
    pub fn asked(error: LinkError) -> Self {
        match error {
            LinkError::Refused { .. } => Self::usage(error.to_string()),
            LinkError::NoAgent { .. } | LinkError::Version { .. } => Self::no_agent(error),
        }
    }

    /// A configuration that cannot be used.
    #[must_use]
    pub fn config(error: impl std::fmt::Display) -> Self {
        Self { code: Code::Config, text: error.to_string() }
    }

    /// The program itself.
    #[must_use]
    pub fn software(error: impl std::fmt::Display) -> Self {
        Self { code: Code::Software, text: error.to_string() }
    }
}
