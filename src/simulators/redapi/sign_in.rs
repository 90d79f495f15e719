//! The token endpoint of the RedAPI: a signed assertion, believed once.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::response::Response;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

use super::RedApi;
use crate::simulators::chance::guid;
use crate::simulators::redstor_faults::RedstorFault as F;
use crate::simulators::reply::{field, json as reply};
use crate::simulators::stage::lock;
use crate::simulators::times::moved;
use crate::simulators::tokens::refused;

/// The key that a service account would be given, made for this demo and used nowhere else.
pub(in crate::simulators) const PRIVATE_JWK: &str = include_str!("../keys/redapi-demo.jwk");
/// Seconds that a token lives.
const TOKEN_LIVES: i64 = 3_600;
/// The longest life of an assertion that is believed, with a minute for clocks that differ.
const ASSERTION_LIVES: i64 = 360;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) fn invalid_client() -> Response {
    reply(400, &json!({"error": "invalid_client"}))
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

fn token_endpoint(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    format!("https://{host}/connect/token")
}

pub(super) async fn discovery(headers: HeaderMap) -> Response {
    let endpoint = token_endpoint(&headers);
    let issuer = endpoint.trim_end_matches("/connect/token");
    reply(
        200,
        &json!({
            "issuer": issuer,
            "token_endpoint": endpoint,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }),
    )
}

/// What the vendor keeps of a private JWK: its id and public half.
fn public_key(held: &str) -> Option<(String, DecodingKey)> {
    let jwk: Value = serde_json::from_str(held).ok()?;
    let part = |name: &str| jwk.get(name).and_then(Value::as_str);
    let key = DecodingKey::from_rsa_components(part("n")?, part("e")?).ok()?;
    Some((part("kid")?.to_owned(), key))
}

/// The claims of an assertion that is signed by RS256 with the key that the vendor holds.
fn signed(assertion: &str, held: &str) -> Option<Claims> {
    let (kid, key) = public_key(held)?;
    if jsonwebtoken::decode_header(assertion).ok()?.kid? != kid {
        return None;
    }
    // The times are checked below, against the simulators' clock.
    let mut only_signature = Validation::new(Algorithm::RS256);
    only_signature.validate_exp = false;
    only_signature.validate_aud = false;
    only_signature.required_spec_claims.clear();
    Some(jsonwebtoken::decode::<Claims>(assertion, &key, &only_signature).ok()?.claims)
}

impl RedApi {
    fn denied(&self, why: &str) -> Response {
        refused(self.stage(), "redstor.token", why);
        invalid_client()
    }

    /// What is wrong with the claims of an assertion, if anything is.
    fn wrong_claims(&self, claims: &Claims, endpoint: &str) -> Option<&'static str> {
        let client = &self.stage().invented.facts.redapi_client_id;
        let at = self.stage().now().as_second();
        match () {
            () if claims.iss != *client || claims.sub != *client => Some("another client"),
            () if claims.aud != endpoint => Some("an assertion for another endpoint"),
            () if claims.jti.is_empty() => Some("an assertion without an id"),
            () if claims.nbf > at + 60 || claims.iat > at + 60 => {
                Some("an assertion of the future")
            }
            () if claims.exp <= at => Some("an assertion that has ended"),
            () if claims.exp - at > ASSERTION_LIVES => Some("an assertion that lives too long"),
            () => None,
        }
    }
}

pub(super) async fn token(
    State(api): State<Arc<RedApi>>,
    headers: HeaderMap,
    form: String,
) -> Response {
    let value = |name: &str| field(&form, name).unwrap_or_default();
    let is_form = headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
    if !is_form || value("grant_type") != "client_credentials" {
        refused(api.stage(), "redstor.token", "no form, or another grant_type");
        return reply(400, &json!({"error": "unsupported_grant_type"}));
    }
    // The account of the demo may only read.
    if value("scope") != "api.read" {
        refused(api.stage(), "redstor.token", "another scope than api.read");
        return reply(400, &json!({"error": "invalid_scope"}));
    }
    if api.vault.everywhere(F::ClientRefused) {
        return invalid_client();
    }
    let held = api.stage().credential("redstor.jwk").unwrap_or_default();
    let claims = (value("client_assertion_type") == ASSERTION_TYPE)
        .then(|| signed(&value("client_assertion"), &held))
        .flatten();
    let Some(claims) = claims else { return api.denied("no assertion signed with our key") };
    if let Some(why) = api.wrong_claims(&claims, &token_endpoint(&headers)) {
        return api.denied(why);
    }
    if !lock(&api.used).insert(claims.jti) {
        return api.denied("an assertion that was used before");
    }
    let (stage, now) = (api.stage(), api.stage().now());
    let token = format!("demo.{}", guid(stage.seed, "redapi token", stage.next_token()));
    api.tokens.give(&token, (), (now, moved(now, TOKEN_LIVES)));
    reply(
        200,
        &json!({
            "access_token": token, "expires_in": TOKEN_LIVES, "scope": "api.read",
            "token_type": "Bearer",
        }),
    )
}
