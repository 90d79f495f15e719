//! What a mail server is shown: a password, or an access token that an app's secret brings.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;

use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::services::answer::{Seen, Trouble, credential, successful};
use crate::services::token::{Grant, TokenCell, renew_after};
use crate::services::{Context, ServiceError};
use crate::transport::{Endpoint, ImapOauth, ImapSettings, Reply, Request};

/// A token is renewed so long before it ends.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// A longer life is not believed.
const LONGEST_LIFE_S: i64 = 86_400;

/// The way to what a mail server is shown.
pub(super) struct Access {
    credential: CredentialName,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    oauth: Option<Oauth>,
}

struct Oauth {
    endpoint: Endpoint,
    settings: ImapOauth,
    cell: TokenCell,
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
}

impl Access {
    pub(super) fn new(
        ctx: &Context,
        service: &'static str,
        imap: &ImapSettings,
    ) -> Result<Self, ServiceError> {
        let oauth = match &imap.oauth {
            None => None,
            Some(settings) => Some(Oauth {
                endpoint: ctx.endpoint(service, Some(&settings.token), "")?,
                settings: settings.clone(),
                cell: TokenCell::default(),
            }),
        };
        Ok(Self {
            credential: imap.credential.clone(),
            secrets: ctx.secrets.clone(),
            clock: ctx.clock.clone(),
            oauth,
        })
    }

    /// Password or token, and what tells it from the next. `refused`: the one that was just
    /// refused, if another can be had.
    pub(super) async fn show(&self, refused: Option<u64>) -> Result<(SecretString, u64), Trouble> {
        let Some(oauth) = &self.oauth else {
            return Ok((credential(&self.secrets, &self.credential).await?, 0));
        };
        oauth.cell.hold(&*self.clock, refused, || self.grant(oauth)).await
    }

    /// The credential behind it.
    pub(super) fn credential(&self) -> &CredentialName {
        &self.credential
    }

    /// Whether there may be another after one was refused.
    pub(super) fn can_renew(&self) -> bool {
        self.oauth.is_some()
    }

    async fn grant(&self, oauth: &Oauth) -> Result<Grant, Trouble> {
        let secret = credential(&self.secrets, &self.credential).await?;
        let form = vec![
            ("client_id", SecretString::from(oauth.settings.client_id.clone())),
            ("scope", SecretString::from(oauth.settings.scope.clone())),
            ("grant_type", SecretString::from("client_credentials")),
            ("client_secret", secret),
        ];
        // A token may be asked for twice: nothing changes by it.
        let reply = oauth.endpoint.send(Request::post("").form(form).repeatable()).await?;
        self.read(reply)
    }

    fn read(&self, reply: Reply) -> Result<Grant, Trouble> {
        if matches!(reply.status, 400 | 401 | 403) {
            let bad: Bad = reply.json().unwrap_or_default();
            // A word of RFC 6749; a longer text may quote what was sent.
            let is_word =
                |w: &&String| w.len() < 40 && w.chars().all(|c| matches!(c, 'a'..='z' | '_'));
            let word = bad.error.value().filter(is_word).map_or("no reason", String::as_str);
            let why = format!(
                "{} gives no token for mail ({word}): check client_id, scope and the credential `{}`",
                reply.origin, self.credential
            );
            return Err(Trouble::new(Reason::Unauthorised, why));
        }
        let good: Good = successful(&reply)?;
        if !good.token_type.eq_ignore_ascii_case("bearer") {
            return Err(Trouble::malformed("the token for mail is not a bearer token"));
        }
        if !(1..=LONGEST_LIFE_S).contains(&good.expires_in) {
            return Err(Trouble::malformed("the token for mail has a life that cannot be"));
        }
        let (now, life) = (self.clock.now(), SignedDuration::from_secs(good.expires_in));
        let at = |span| now.checked_add(span).unwrap_or(Timestamp::MAX);
        Ok(Grant {
            secret: good.access_token,
            renew_at: at(renew_after(life, EARLY)),
            ends_at: at(life),
        })
    }
}
