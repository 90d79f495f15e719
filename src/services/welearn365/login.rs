//! Microsoft's token endpoint: client credentials, and what its error numbers ask the desk to do.
//!
//! Token errors are not Graph errors: `error_codes` holds the numbers (reference of AADSTS codes).

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::services::answer::{Trouble, json};
use crate::services::token::{Grant, renew_after};
use crate::transport::{Reply, Request};

#[derive(Deserialize)]
struct Good {
    token_type: String,
    expires_in: i64,
    access_token: SecretString,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Bad {
    error: Option<String>,
    error_codes: Vec<u64>,
}

/// The call for a token. Safe to repeat.
pub(super) fn request(tenant: &str, client: &str, secret: SecretString) -> Request {
    let form = vec![
        ("client_id", SecretString::from(client.to_owned())),
        ("scope", SecretString::from("https://graph.microsoft.com/.default")),
        ("grant_type", SecretString::from("client_credentials")),
        ("client_secret", secret),
    ];
    Request::post(&format!("{tenant}/oauth2/v2.0/token")).form(form).repeatable()
}

/// The token of the answer, renewed five minutes before it ends.
pub(super) fn grant(reply: &Reply, credential: &CredentialName) -> Result<Grant, Trouble> {
    if matches!(reply.status, 400..=403) {
        return Err(refused(reply, credential));
    }
    let reply = reply.clone().success()?;
    let good: Good = json(&reply)?;
    if good.access_token.expose_secret().is_empty()
        || !good.token_type.eq_ignore_ascii_case("bearer")
        || good.expires_in <= 0
    {
        return Err(Trouble::malformed(format!("{} gave no usable token", reply.origin)));
    }
    let life = SignedDuration::from_secs(good.expires_in.min(86_400));
    Ok(Grant {
        secret: good.access_token,
        renew_at: reply.received_at + renew_after(life, SignedDuration::from_mins(5)),
        ends_at: reply.received_at + life,
    })
}

fn refused(reply: &Reply, credential: &CredentialName) -> Trouble {
    let bad: Bad = reply.json().unwrap_or_default();
    let code = bad.error_codes.first().copied();
    let why = match code {
        Some(7_000_222) => format!(
            "the client secret `{credential}` of our app has expired: an administrator of the \
             tenant must make a new one and store it"
        ),
        Some(7_000_215) => format!(
            "the client secret `{credential}` is wrong: store the secret's value, not its id"
        ),
        Some(700_016) => {
            "Microsoft knows no such app in this tenant: check client_id and tenant_id".to_owned()
        }
        Some(90_002) => "Microsoft knows no such tenant: check tenant_id".to_owned(),
        Some(700_027) => "Microsoft refused the signature of our certificate".to_owned(),
        _ => format!(
            "Microsoft refused our app's sign-in ({}): check tenant_id, client_id and the \
             credential `{credential}`",
            bad.error.as_deref().unwrap_or("no reason given")
        ),
    };
    let trouble = Trouble::new(Reason::Unauthorised, why)
        .fact("http status", reply.status.to_string())
        .fact("request id", reply.request_id.clone());
    match code {
        Some(code) => trouble.fact("vendor code", format!("AADSTS{code}")),
        None => trouble,
    }
}
