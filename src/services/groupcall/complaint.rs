//! How Groupcall says no: in the fields of a body, whatever the status.
//!
//! By the vendor's pages and public recordings of its traffic a failure may come as HTTP 200 with a
//! filled `ExceptionMessage`; real 4xx and 5xx are accepted as well. `ExceptionType` and `Message`
//! are often null even then, so all texts are read together.

use serde::Deserialize;

use crate::model::health::Reason;
use crate::services::answer::{Seen, Trouble, json};
use crate::transport::Reply;

/// Letters of a vendor's text that are shown.
const SHOWN: usize = 160;

/// The parts of an answer that say that it is none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Fields {
    message: Seen<String>,
    exception_type: Seen<String>,
    exception_message: Seen<String>,
    inner_exception: Seen<String>,
    authorisation_paused: Seen<bool>,
}

/// What is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The school has paused what it shares with us.
    Paused,
    /// The school has yet to approve us.
    Pending,
    /// The secret is not, or no longer, accepted.
    Secret,
    /// The token is not, or no longer, accepted: a new one may be.
    Token,
    /// The token is good, but the school does not share this part.
    Scope,
    /// We are to wait.
    Throttled,
    /// Anything else.
    Failed,
}

/// One refusal or failure.
#[derive(Debug, Clone)]
pub(super) struct Complaint {
    pub(super) kind: Kind,
    pub(super) trouble: Trouble,
}

/// What an answer complains of, whatever its status; `None` for a 2xx without any.
pub(super) fn complaint(reply: &Reply) -> Option<Complaint> {
    let inside = json::<Fields>(reply);
    let said = inside.as_ref().ok().and_then(Fields::said);
    let found = match (said, reply.clone().success()) {
        (Some(said), _) => of_words(&said, reply),
        (None, Err(failure)) => {
            let kind = if matches!(reply.status, 401 | 403) { Kind::Token } else { Kind::Failed };
            Complaint { kind, trouble: failure.into() }
        }
        (None, Ok(_)) => Complaint { kind: Kind::Failed, trouble: inside.err()? },
    };
    let Complaint { kind, trouble } = found;
    Some(Complaint { kind, trouble: trouble.answered(reply) })
}

/// The texts of a complaint.
struct Said {
    paused_flag: bool,
    /// The most telling of them, shortened.
    short: String,
    /// All of them in lower case.
    all: String,
}

impl Fields {
    /// What it says, if it says anything.
    fn said(&self) -> Option<Said> {
        let texts =
            [&self.exception_message, &self.message, &self.exception_type, &self.inner_exception];
        let said: Vec<&str> = texts
            .iter()
            .filter_map(|t| t.value())
            .map(|t| t.trim())
            .filter(|t| !t.is_empty())
            .collect();
        let paused_flag = self.authorisation_paused.value() == Some(&true);
        let odd = texts.iter().any(|t| matches!(t, Seen::Wrong))
            || self.authorisation_paused == Seen::Wrong;
        if said.is_empty() && !paused_flag && !odd {
            return None;
        }
        let first = said.first().map_or("no text", |t| *t);
        Some(Said {
            paused_flag,
            short: first.chars().take(SHOWN).collect(),
            all: said.join(" ").to_lowercase(),
        })
    }
}

fn kind_of(said: &Said, status: u16) -> Kind {
    let says = |words: &[&str]| words.iter().any(|w| said.all.contains(w));
    let of_a_right = || says(&["authoris", "authoriz", "school", "estab", "feed", "approv"]);
    if said.paused_flag || (says(&["paused"]) && of_a_right()) {
        Kind::Paused
    } else if says(&["pending", "awaiting", "not yet"]) && of_a_right() {
        Kind::Pending
    } else if says(&["too many requests", "rate limit", "throttl"]) {
        Kind::Throttled
    } else if says(&["scope", "permission"]) {
        Kind::Scope
    } else if says(&["relying party", "secret", "password", "revoked", "withdrawn"]) {
        Kind::Secret
    } else if says(&["token", "authoris", "authoriz", "denied", "forbidden"])
        || matches!(status, 401 | 403)
    {
        Kind::Token
    } else {
        Kind::Failed
    }
}

fn of_words(said: &Said, reply: &Reply) -> Complaint {
    let kind = kind_of(said, reply.status);
    let (short, status, origin) = (&said.short, reply.status, &reply.origin);
    let trouble = match kind {
        Kind::Paused => Trouble::new(
            Reason::Paused,
            "authorisation is paused until the school has chosen whose data it shares; \
             ask the school to finish in Groupcall's portal",
        ),
        Kind::Pending => Trouble::new(
            Reason::Paused,
            "authorisation waits for the school's approval; ask the school to approve us in \
             Groupcall's portal",
        ),
        Kind::Secret | Kind::Token => {
            Trouble::new(Reason::Unauthorised, format!("Groupcall refused: {short}"))
        }
        Kind::Scope => Trouble::new(
            Reason::Unauthorised,
            format!(
                "the school's authorisation does not cover this part of its data ({short}); ask \
                 the school to grant it again"
            ),
        ),
        Kind::Throttled => {
            Trouble::new(Reason::Throttled, format!("Groupcall asks us to wait: {short}"))
        }
        Kind::Failed if status >= 500 => Trouble::new(
            Reason::NoAnswer,
            format!("{origin} answered {status}, its own failure: {short}"),
        ),
        Kind::Failed if status == 404 => Trouble::malformed(format!(
            "{origin} knows no such call, or not this school (404): {short}"
        )),
        Kind::Failed => {
            Trouble::malformed(format!("{origin} answered {status} with an error inside: {short}"))
        }
    };
    Complaint { kind, trouble }
}
