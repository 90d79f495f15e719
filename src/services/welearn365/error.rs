//! Graph's own errors, in any status: read by status and code. Of messages one sentence is known, where
//! the code alone says nothing; none is ever shown.
//!
//! `innerError` and `innererror` both occur, nest, and may be missing (errors page of Graph); the
//! more precise code stands further in.

use serde::Deserialize;

use crate::model::health::Reason;
use crate::services::answer::{Seen, Trouble, is_web_page};
use crate::transport::Reply;

/// In the message about an object whose master is the directory, as Microsoft writes it since years:
/// "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects
/// currently undergoing migration." Read 2026-11.
const MASTERED: &str = "on-premises mastered directory sync objects";
/// Deeper than any error of Graph's nests.
const MOST_DEPTH: usize = 8;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorAnswer {
    error: Seen<GraphError>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct GraphError {
    code: Seen<String>,
    message: Seen<String>,
    date: Seen<String>,
    #[serde(rename = "request-id")]
    request_id: Seen<String>,
    #[serde(rename = "innerError")]
    upper: Seen<Box<GraphError>>,
    #[serde(rename = "innererror")]
    lower: Seen<Box<GraphError>>,
}

impl GraphError {
    fn inner(&self) -> Option<&Self> {
        self.upper.value().or(self.lower.value()).map(AsRef::as_ref)
    }
}

/// What Graph says went wrong.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The codes, the outermost first.
    codes: Vec<String>,
    /// Microsoft's id of the request and its time of it, as its support asks for them.
    request_id: Option<String>,
    date: Option<String>,
    is_mastered_elsewhere: bool,
}

impl Said {
    /// What the body of `reply` says; `None` if it does not hold Graph's error.
    pub(super) fn of(reply: &Reply) -> Option<Self> {
        let error = match reply.json::<ErrorAnswer>().ok()?.error {
            Seen::Value(error) => error,
            Seen::Missing | Seen::Null => return None,
            // Something stands where an error stands.
            Seen::Wrong => return Some(Self::default()),
        };
        let mut said = Self::default();
        let mut next = Some(&error);
        for _ in 0..MOST_DEPTH {
            let Some(error) = next else { break };
            said.codes.extend(error.code.value().cloned());
            let message = error.message.value().map(|text| text.to_lowercase());
            said.is_mastered_elsewhere |= message.is_some_and(|text| text.contains(MASTERED));
            said.request_id = said.request_id.or_else(|| error.request_id.value().cloned());
            said.date = said.date.or_else(|| error.date.value().cloned());
            next = error.inner();
        }
        Some(said)
    }

    /// Whether one of its codes is one of these, in any case.
    pub(super) fn is_any(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|c| codes.iter().any(|k| k.eq_ignore_ascii_case(c)))
    }

    /// Whether it says that the directory, and not Microsoft 365, is the object's master.
    pub(super) fn is_mastered_elsewhere(&self) -> bool {
        self.is_mastered_elsewhere
    }

    /// Whether Graph itself speaks, and not a proxy before it.
    pub(super) fn has_code(&self) -> bool {
        !self.codes.is_empty()
    }

    /// Its codes, for a sentence.
    pub(super) fn codes(&self) -> String {
        match self.codes.as_slice() {
            [] => "no code".to_owned(),
            codes => codes.join(", "),
        }
    }
}

/// `trouble` with what Microsoft's support would ask for.
pub(super) fn with_facts(trouble: Trouble, reply: &Reply, said: Option<&Said>) -> Trouble {
    let mut trouble = trouble.answered(reply);
    let theirs = said.and_then(|s| s.request_id.clone());
    if let Some(id) = theirs.or_else(|| reply.header("request-id").map(str::to_owned)) {
        trouble = trouble.fact("vendor request id", id);
    }
    let date = said.and_then(|s| s.date.clone());
    if let Some(date) = date.or_else(|| reply.header("date").map(str::to_owned)) {
        trouble = trouble.fact("vendor date", date);
    }
    match said {
        Some(said) => trouble.fact("vendor code", said.codes()),
        None => trouble,
    }
}

/// The answer if it is a success, else what it tells. `right` is the permission that the call needs.
pub(super) fn believed(reply: Reply, right: &str) -> Result<Reply, Trouble> {
    let said = Said::of(&reply);
    let codes = said.as_ref().map(Said::codes);
    let origin = &reply.origin;
    let trouble = match (reply.status, &codes) {
        (200..=299, None) => return Ok(reply),
        (200..=299, Some(codes)) => Trouble::malformed(format!(
            "Microsoft answered {} with an error inside ({codes})",
            reply.status
        )),
        (status @ 400..=499, _) if is_web_page(&reply) => Trouble::malformed(format!(
            "{origin} answered {status} with a web page (a proxy, or a filter's block page): see \
             that this host reaches Microsoft directly"
        )),
        (403, _) => Trouble::new(
            Reason::Unauthorised,
            format!(
                "Microsoft refused: our app lacks {right} as an application permission with an \
                 administrator's consent"
            ),
        ),
        (400, Some(codes)) => Trouble::malformed(format!(
            "Microsoft did not accept our question ({codes}): the fault is caretaker's, tell its \
             makers the request id"
        )),
        (404, _) => Trouble::malformed(format!(
            "Microsoft knows no such address: is services.welearn365.graph right? ({})",
            codes.as_deref().unwrap_or("no code")
        )),
        (status @ 500.., _) if is_web_page(&reply) => Trouble::new(
            Reason::NoAnswer,
            format!("{origin} answered {status} with a web page: a proxy, or an outage"),
        ),
        _ => match reply.clone().success() {
            Ok(reply) => return Ok(reply),
            Err(failure) => failure.into(),
        },
    };
    Err(with_facts(trouble, &reply, said.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply::played(status, &[("date", "Tue, 09 Feb 2027 11:20:00 GMT")], body)
    }

    #[test]
    fn codes_are_found_wherever_they_nest() {
        for inner in ["innerError", "innererror"] {
            let body = format!(
                r#"{{"error":{{"code":"outer","{inner}":{{"request-id":"r1","{inner}":
                   {{"code":"syncStateNotFound","date":"2027-02-09T11:20:00"}}}}}}}}"#
            );
            let said = Said::of(&reply(400, &body)).unwrap();
            assert!(said.is_any(&["SYNCSTATENOTFOUND"]) && said.is_any(&["outer"]), "{said:?}");
            assert!(!said.is_any(&["else"]));
            assert_eq!(said.request_id.as_deref(), Some("r1"));
            assert_eq!(said.date.as_deref(), Some("2027-02-09T11:20:00"));
        }
        let deep = r#"{"innerError":"#.repeat(40);
        let body = format!(r#"{{"error":{deep}null{}}}"#, "}".repeat(40));
        assert!(!Said::of(&reply(400, &body)).unwrap().has_code());
    }

    #[test]
    fn a_body_that_is_no_error_is_none() {
        for body in ["", "<html>", "{}", r#"{"error":null}"#, "7", "null"] {
            assert!(Said::of(&reply(500, body)).is_none(), "{body}");
        }
        for body in [r#"{"error":"no"}"#, r#"{"error":7}"#, r#"{"error":{}}"#] {
            assert!(!Said::of(&reply(500, body)).unwrap().has_code(), "{body}");
        }
    }

    #[test]
    fn each_status_has_its_reason_and_never_its_message() {
        let graph = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"canary"}}}}"#);
        for (status, body, reason, part) in [
            (403, graph("Authorization_RequestDenied"), Reason::Unauthorised, "lacks A.Read.All"),
            (403, String::new(), Reason::Unauthorised, "lacks A.Read.All"),
            (403, "<html>blocked".into(), Reason::Malformed, "block page"),
            (400, graph("Request_UnsupportedQuery"), Reason::Malformed, "Request_UnsupportedQuery"),
            (404, graph("Request_ResourceNotFound"), Reason::Malformed, "graph right?"),
            (401, String::new(), Reason::Unauthorised, "refused"),
            (429, String::new(), Reason::Throttled, "wait"),
            (500, graph("generalException"), Reason::NoAnswer, "500"),
            (502, "<html>502 Bad Gateway".into(), Reason::NoAnswer, "502 with a web page"),
            (409, graph("x"), Reason::Malformed, "409"),
            (200, graph("x"), Reason::Malformed, "error inside (x)"),
            (200, r#"{"error":"x"}"#.into(), Reason::Malformed, "no code"),
        ] {
            let trouble = believed(reply(status, &body), "A.Read.All").unwrap_err();
            assert_eq!(trouble.reason, reason, "{status} {body}: {trouble:?}");
            assert!(trouble.why.contains(part), "{status} {body}: {}", trouble.why);
            assert!(!format!("{trouble:?}").contains("canary"), "{trouble:?}");
            assert!(
                trouble.facts.contains(&("vendor date", "Tue, 09 Feb 2027 11:20:00 GMT".into()))
            );
        }
        assert!(believed(reply(200, "{}"), "A").is_ok());
    }
}
