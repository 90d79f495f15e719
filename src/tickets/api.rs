//! Tickets by the interface of a ticket system: one call that raises, one that searches for our key.
//!
//! Invariant: what is raised is sent once for each call; only an answer that holds a number counts as
//! taken, and only a list without our key as not there.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::model::text::Clean;
use crate::ports::act::{Answer, Seen};
use crate::ports::secrets::Secrets;
use crate::ports::tickets::Letter;
use crate::tickets::form::{Form, Given, Path, Text};
use crate::tickets::office::Means;
use crate::tickets::settings::{ApiCreate, ApiMethod, ApiSearch, ApiSettings, SignIn, Wrong};
use crate::transport::{Endpoint, Reply, Request};

/// The longest number of a ticket, in characters.
const LONGEST_NUMBER: usize = 64;
/// Bytes of one answer.
const MOST_BYTES: usize = 1024 * 1024;

/// The way by a ticket system's interface.
pub(super) struct Api {
    endpoint: Endpoint,
    secrets: Arc<dyn Secrets>,
    settings: ApiSettings,
    create: (Path, Form),
    search: (Path, Vec<(String, Text)>),
}

impl Api {
    pub(super) fn new(settings: &ApiSettings, means: &Means<'_>) -> Result<Self, Wrong> {
        let wrong = |key, why: &str| Wrong { key, why: why.into() };
        let mut settings = settings.clone();
        let at = &mut settings.endpoint;
        at.ca_file = at.ca_file.take().map(|path| means.folder.join(path));
        let endpoint = means.transport.endpoint(at);
        let endpoint = endpoint.map_err(|e| wrong("api.endpoint", &e.to_string()))?;
        if let Some(SignIn::Basic { user, .. }) = &settings.auth
            && (user.is_empty() || user.contains(':'))
        {
            return Err(wrong("api.auth.basic.user", "a user name without a colon"));
        }
        let (create, search) = (&settings.create, &settings.search);
        let body = Form::new("api.create.body", &create.body)?;
        if !body.names_key() {
            let why = "put {key} into it: by the key a ticket is found again, and never sent twice";
            return Err(wrong("api.create.body", why));
        }
        let raises = (Path::new("api.create.path", &create.path)?, body);
        let looks = Path::new("api.search.path", &search.path)?;
        let query = search
            .query
            .iter()
            .map(|(name, value)| Ok((name.clone(), Text::new("api.search.query", value)?)));
        let query = query.collect::<Result<Vec<_>, Wrong>>()?;
        if !looks.names_key() && !query.iter().any(|(_, text)| text.names_key()) {
            return Err(wrong("api.search.query", "put {key} into it, or into the path"));
        }
        let pointers = [
            ("api.create.number", &create.number),
            ("api.search.rows", &search.rows),
            ("api.search.key", &search.key),
            ("api.search.number", &search.number),
        ];
        for (key, pointer) in pointers {
            if !(pointer.is_empty() || pointer.starts_with('/')) {
                let why = "write a JSON pointer (RFC 6901): /result/number, or \"\" for the whole";
                return Err(wrong(key, why));
            }
        }
        if search.none_status.iter().any(|s| !matches!(s, 200..=299 | 404 | 410)) {
            let why = "only 2xx, 404 and 410 can say that there is none";
            return Err(wrong("api.search.none_status", why));
        }
        let (create, search) = (raises, (looks, query));
        Ok(Self { endpoint, secrets: Arc::clone(means.secrets), create, search, settings })
    }

    pub(super) fn goes(&self) -> Clean {
        Clean::new(&format!("by the interface of {}", self.endpoint.origin()))
    }

    /// With our headers and our sign-in.
    async fn signed(&self, request: Request) -> Result<Request, String> {
        let mut request = request.body_limit(MOST_BYTES);
        for (name, value) in &self.settings.headers {
            request = request.header(name.clone(), value.clone());
        }
        let Some(auth) = &self.settings.auth else { return Ok(request) };
        let (secrets, name) = (Arc::clone(&self.secrets), auth.credential().clone());
        let found = tokio::task::spawn_blocking(move || secrets.find(&name)).await;
        let secret = found.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?.value;
        let secret = secret.expose_secret();
        let (header, value): (String, SecretString) = match auth {
            SignIn::Bearer(_) => ("authorization".into(), format!("Bearer {secret}").into()),
            SignIn::Basic { user, .. } => {
                let pair = SecretString::from(format!("{user}:{secret}"));
                let pair = STANDARD.encode(pair.expose_secret());
                ("authorization".into(), format!("Basic {pair}").into())
            }
            SignIn::Header { name, prefix, .. } => {
                (name.clone(), format!("{prefix}{secret}").into())
            }
        };
        Ok(request.header(header, value))
    }

    pub(super) async fn raise(&self, key: &Clean, letter: &Letter) -> Answer {
        let given = Given { key, letter };
        let request = match self.settings.create.method {
            ApiMethod::Post => Request::post(""),
            ApiMethod::Put => Request::put(""),
        };
        let (path, form) = &self.create;
        let request = path.append_to(request, &given).json(form.filled(&given));
        let request = match self.signed(request).await {
            Ok(request) => request,
            Err(why) => return Answer::NotSent { says: Clean::new(&why) },
        };
        match self.endpoint.send(request).await {
            Ok(reply) => answered(&reply, &self.settings.create),
            Err(failure) => {
                let says = Clean::new(&failure.to_string());
                match failure.is_unsent() {
                    true => Answer::NotSent { says },
                    false => Answer::NoAnswer { says },
                }
            }
        }
    }

    /// Whether the ticket with this key is there. It may have been taken as late as at the end of its
    /// call, and be listed as much later as the search lags: until then it is not known not to be there.
    pub(super) async fn look(&self, key: &Clean, sent_at: Timestamp, now: Timestamp) -> Seen {
        let lag = self.settings.search.lag;
        let settles = SignedDuration::try_from(self.endpoint.deadline() + lag.duration());
        let settled = settles.is_ok_and(|settles| now.duration_since(sent_at) >= settles);
        match self.search(key).await {
            Seen::NotThere(says) if !settled => Seen::NotYet(Clean::new(&format!(
                "{says}, which is believed only {lag} after its call has ended"
            ))),
            seen => seen,
        }
    }

    async fn search(&self, key: &Clean) -> Seen {
        let letter = Letter::default();
        let given = Given { key, letter: &letter };
        let (path, query) = &self.search;
        let request = path.append_to(Request::get(""), &given);
        let request = query
            .iter()
            .fold(request, |request, (name, text)| request.query(name, text.filled(&given)));
        let reply = match self.signed(request).await {
            Ok(request) => self.endpoint.send(request).await.map_err(|e| e.to_string()),
            Err(why) => Err(why),
        };
        match reply.and_then(|reply| found(&reply, &self.settings.search, key)) {
            Ok(seen) => seen,
            Err(why) => Seen::CannotTell(Clean::new(&format!("it cannot be searched for: {why}"))),
        }
    }
}

/// What an answer to raising says. One that neither holds a number nor refuses says nothing: the
/// ticket may be there.
pub(super) fn answered(reply: &Reply, create: &ApiCreate) -> Answer {
    let says =
        |what: &str| Clean::new(&format!("{} answered {}{what}", reply.origin, reply.status));
    match reply.status {
        200..=299 => match numbered(reply, &create.number) {
            Ok(number) => Answer::Took {
                says: Clean::new(&format!("ticket {number}")),
                reference: Some(number),
                secret: None,
            },
            Err(why) => Answer::NoAnswer { says: says(&format!(", but {why}")) },
        },
        // Too late, there already, too early, too many: none of these says that it has none.
        408 | 409 | 425 | 429 => Answer::NoAnswer { says: says("") },
        400..=499 => Answer::Refused { says: says(": it did not take the ticket") },
        _ => Answer::NoAnswer { says: says("") },
    }
}

/// What an answer to the search says.
pub(super) fn found(reply: &Reply, search: &ApiSearch, key: &Clean) -> Result<Seen, String> {
    let origin = &reply.origin;
    let none = || Ok(Seen::NotThere(Clean::new(&format!("{origin} has no ticket with our key"))));
    if search.none_status.contains(&reply.status) {
        return none();
    }
    if !(200..=299).contains(&reply.status) {
        return Err(format!("{origin} answered {}", reply.status));
    }
    let answer: Value = reply.json().map_err(|e| e.to_string())?;
    let rows = match answer.pointer(&search.rows) {
        Some(Value::Array(rows)) => rows.as_slice(),
        Some(row @ Value::Object(_)) => std::slice::from_ref(row),
        _ => return Err(format!("{origin} answered without a list at `{}`", search.rows)),
    };
    if rows.is_empty() {
        return none();
    }
    let is_ours = |row: &&Value| {
        let text = row.pointer(&search.key).and_then(Value::as_str);
        text.is_some_and(|text| text.contains(key.as_str()))
    };
    let ours: Vec<&Value> = rows.iter().filter(is_ours).collect();
    let numbers: Vec<Clean> =
        ours.iter().filter_map(|row| number(row.pointer(&search.number)?)).collect();
    match (ours.len(), numbers.as_slice()) {
        (0, _) => Err(format!(
            "{origin} answered with {} tickets, none of which holds our key at `{}`",
            rows.len(),
            search.key
        )),
        (_, []) => Ok(Seen::There(Clean::new(&format!("{origin} has it, without a number")))),
        (_, [one]) => Ok(Seen::Found {
            says: Clean::new(&format!("{origin} has it as ticket {one}")),
            reference: one.clone(),
        }),
        (_, [first, ..]) => {
            let all = numbers.iter().map(Clean::as_str).collect::<Vec<_>>().join(", ");
            let says =
                format!("{origin} has it more than once, as tickets {all}: close all but one");
            Ok(Seen::Found { says: Clean::new(&says), reference: first.clone() })
        }
    }
}

/// The number of a ticket: a text or a whole number that can be shown.
fn number(value: &Value) -> Option<Clean> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        _ => return None,
    };
    let number = Clean::new(text.trim());
    let length = number.as_str().chars().count();
    (1..=LONGEST_NUMBER).contains(&length).then_some(number)
}

/// The number in an answer to raising.
fn numbered(reply: &Reply, pointer: &str) -> Result<Clean, String> {
    let answer: Value = reply.json().map_err(|e| e.to_string())?;
    let found = answer.pointer(pointer).and_then(number);
    found.ok_or_else(|| format!("its answer has no ticket number at `{pointer}`"))
}
