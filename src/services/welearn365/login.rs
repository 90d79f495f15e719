//! Microsoft's token endpoint: client credentials by secret or by certificate, and what its error
//! numbers ask the desk to do.
//!
//! Token errors are not Graph errors: `error_codes` holds the numbers (reference of AADSTS codes).
//! Invariant: the text of an error is never shown; it may quote what was sent.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::services::answer::{Seen, Trouble, credential, is_web_page, json};
use crate::services::token::{Grant, renew_after};
use crate::services::welearn365::assertion;
use crate::transport::{Endpoint, Reply, Request};

/// How our app shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// By a client secret: the credential is the secret's value.
    #[default]
    Secret,
    /// By a certificate: the credential is a PEM text of the RSA private key and the certificate.
    Certificate,
}

/// A difference of clocks that makes Microsoft refuse an assertion, or a token.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(2);
/// A token is renewed so long before it ends.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// A longer life is not believed.
const LONGEST_LIFE_S: i64 = 86_400;

/// The way to a token.
pub(super) struct Login {
    pub(super) endpoint: Endpoint,
    pub(super) tenant: String,
    pub(super) client: String,
    pub(super) credential: CredentialName,
    pub(super) by: Authentication,
    pub(super) secrets: Arc<dyn Secrets>,
}

#[derive(Deserialize)]
struct Good {
    token_type: String,
    expires_in: i64,
    access_token: SecretString,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Bad {
    error: Seen<String>,
    error_codes: Seen<Vec<u64>>,
    error_description: Seen<String>,
    trace_id: Seen<String>,
    correlation_id: Seen<String>,
    timestamp: Seen<String>,
}

impl Login {
    /// Asks for a token. The credential is looked up each time, so that a new one is noticed.
    pub(super) async fn grant(&self, clock: &dyn Clock) -> Result<Grant, Trouble> {
        let secret = credential(&self.secrets, &self.credential).await?;
        let mut form = vec![
            ("client_id", SecretString::from(self.client.clone())),
            ("scope", SecretString::from("https://graph.microsoft.com/.default")),
            ("grant_type", SecretString::from("client_credentials")),
        ];
        let path = format!("{}/oauth2/v2.0/token", self.tenant);
        match self.by {
            Authentication::Secret => form.push(("client_secret", self.plain(secret)?)),
            Authentication::Certificate => {
                let base = self.endpoint.url().as_str().trim_end_matches('/');
                let audience = format!("{base}/{path}");
                let name = &self.credential;
                let signed = assertion::sign(&secret, name, &self.client, &audience, clock.now())?;
                form.push(("client_assertion_type", SecretString::from(assertion::TYPE)));
                form.push(("client_assertion", signed));
            }
        }
        // A token may be asked for twice: nothing changes by it.
        let request = Request::post(&path).form(form).repeatable();
        self.read(&self.endpoint.send(request).await?)
    }

    /// The secret, without the line end that an editor leaves; refuses what is no secret.
    fn plain(&self, secret: SecretString) -> Result<SecretString, Trouble> {
        let text = secret.expose_secret().trim();
        if text.contains("-----BEGIN") {
            return Err(Trouble::new(
                Reason::Unauthorised,
                format!(
                    "the credential `{}` holds a certificate or a key: set \
                     services.welearn365.authentication = \"certificate\"",
                    self.credential
                ),
            ));
        }
        Ok(SecretString::from(text.to_owned()))
    }

    /// The token of the answer, renewed five minutes before it ends.
    fn read(&self, reply: &Reply) -> Result<Grant, Trouble> {
        let bad: Bad = reply.json().unwrap_or_default();
        let says_error = !matches!(bad.error, Seen::Missing | Seen::Null);
        match reply.status {
            400..=499 if is_web_page(reply) => {
                return Err(facts(
                    Trouble::malformed(format!(
                        "{} answered {} with a web page (a proxy, or a filter's block page): see \
                         that this host reaches Microsoft directly",
                        reply.origin, reply.status
                    )),
                    reply,
                    &bad,
                ));
            }
            400..=403 => return Err(self.refused(reply, &bad)),
            200..=299 if says_error => {
                let refused = self.refused(reply, &bad);
                let why = format!("an error inside a good answer: {}", refused.why);
                return Err(Trouble { reason: Reason::Malformed, why, ..refused });
            }
            _ => {}
        }
        let reply = reply.clone().success()?;
        let good: Good = json(&reply)?;
        if good.access_token.expose_secret().trim().is_empty()
            || !good.token_type.eq_ignore_ascii_case("bearer")
            || good.expires_in <= 0
        {
            return Err(Trouble::malformed(format!("{} gave no usable token", reply.origin)));
        }
        let life = SignedDuration::from_secs(good.expires_in.min(LONGEST_LIFE_S));
        Ok(Grant {
            secret: good.access_token,
            renew_at: reply.received_at + renew_after(life, EARLY),
            ends_at: reply.received_at + life,
        })
    }

    fn refused(&self, reply: &Reply, bad: &Bad) -> Trouble {
        let code = number(bad);
        let (reason, why) = match code.and_then(|code| self.remedy(code, reply)) {
            Some(known) => known,
            None => (
                Reason::Unauthorised,
                format!(
                    "Microsoft refused our app's sign-in ({}): check tenant_id, client_id and the \
                     credential `{}`",
                    word(bad),
                    self.credential
                ),
            ),
        };
        let trouble = facts(Trouble::new(reason, why), reply, bad);
        match code {
            Some(code) => trouble.fact("vendor code", format!("AADSTS{code}")),
            None => trouble,
        }
    }

    /// What a number means for the desk.
    fn remedy(&self, code: u64, reply: &Reply) -> Option<(Reason, String)> {
        let name = &self.credential;
        let sign_in = |why: String| Some((Reason::Unauthorised, why));
        match code {
            7_000_222 => sign_in(format!(
                "the client secret `{name}` of our app has expired: an administrator of the tenant \
                 must make a new one; store it with `caretaker secret set {name}`"
            )),
            7_000_215 => sign_in(format!(
                "the client secret `{name}` is wrong: store the secret's value, not its id"
            )),
            700_016 => sign_in(
                "Microsoft knows no such app in this tenant: check client_id and tenant_id".into(),
            ),
            90_002 | 900_023 => sign_in("Microsoft knows no such tenant: check tenant_id".into()),
            700_027 => sign_in(format!(
                "Microsoft refused the signature of our certificate `{name}`: it is not, or no \
                 longer, registered for our app; an administrator of the tenant must upload it"
            )),
            700_024 => sign_in(match clocks_differ(reply) {
                Some(by) => format!(
                    "Microsoft refused our signed request for its time: this host's clock is {by}; \
                     set it right"
                ),
                None => "Microsoft refused our signed request for its time: check this host's \
                         clock"
                    .into(),
            }),
            700_021 | 700_023 => sign_in(
                "Microsoft refused our signed request as made for another app or address: check \
                 client_id, tenant_id and services.welearn365.login"
                    .into(),
            ),
            7_000_112 => sign_in(
                "our app is switched off in the tenant: an administrator must \
                                  enable it"
                    .into(),
            ),
            7_000_218 => sign_in(format!(
                "Microsoft asks for another kind of sign-in: check authentication and the \
                 credential `{name}`"
            )),
            7_000_229 | 500_011 | 650_052 => sign_in(
                "our app is not set up in this tenant: an administrator must grant it consent"
                    .into(),
            ),
            53_003 | 530_032 => sign_in(
                "a conditional access policy of the tenant blocks our app: an administrator must \
                 exempt it or allow this host's address"
                    .into(),
            ),
            90_055 | 50_196 => Some((
                Reason::Throttled,
                "Microsoft's sign-in asks us to wait; nothing is wrong with the credential".into(),
            )),
            90_033 | 90_012 | 90_006 | 90_024 | 90_020 => Some((
                Reason::NoAnswer,
                "Microsoft's sign-in is out of order for the moment; nothing is wrong with the \
                 credential"
                    .into(),
            )),
            _ => None,
        }
    }
}

/// The number of the error: the list's first, or, where the list is missing, the one that the text
/// begins with.
fn number(bad: &Bad) -> Option<u64> {
    if let Some(first) = bad.error_codes.value().and_then(|codes| codes.first()) {
        return Some(*first);
    }
    let rest = bad.error_description.value()?.trim_start().strip_prefix("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(12).collect();
    digits.parse().ok()
}

/// The error's word, if it is one (RFC 6749, 5.2).
fn word(bad: &Bad) -> &str {
    match bad.error.value() {
        Some(word)
            if word.len() <= 40 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') =>
        {
            word
        }
        _ => "no reason given",
    }
}

fn facts(trouble: Trouble, reply: &Reply, bad: &Bad) -> Trouble {
    let mut trouble = trouble.answered(reply);
    for (name, value) in [
        ("vendor request id", &bad.trace_id),
        ("correlation id", &bad.correlation_id),
        ("vendor date", &bad.timestamp),
    ] {
        // Microsoft's are ids and times; anything longer is something else.
        if let Some(value) = value.value().filter(|v| v.len() <= 60) {
            trouble = trouble.fact(name, value.clone());
        }
    }
    trouble
}

/// How far our clock is from the answer's `Date`, in words, if that is far.
fn clocks_differ(reply: &Reply) -> Option<String> {
    let theirs = httpdate::parse_http_date(reply.header("date")?).ok()?;
    let theirs = Timestamp::try_from(theirs).ok()?;
    let ahead = reply.received_at.duration_since(theirs);
    let minutes = ahead.abs().as_mins().max(1);
    (ahead.abs() >= CLOCKS_DIFFER).then(|| {
        let way = if ahead.is_positive() { "fast" } else { "slow" };
        format!("{minutes} min {way} by Microsoft's")
    })
}
