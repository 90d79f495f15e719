//! Tokens of Xporter on Demand, and the IDaaS sign-in page.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{BEYOND, F, SCOPES, Xod, failure, other_page};
use crate::model::ids::Laestab;
use crate::simulators::chance::guid;
use crate::simulators::reply::{Refused, answer, json as reply, page, set, text, with};
use crate::simulators::times::{moved, seven_digits};
use crate::simulators::tokens::refused;

/// Seconds that a token lives: five days, as in the one recording.
const TOKEN_LIVES: i64 = 5 * 86_400;
/// .NET's smallest date, which stands where there is no token.
const NEVER: &str = "0001-01-01T00:00:00";
const THIRD_PARTY: &str = "XporterOnDemand";
/// Fields of a request for a token; the last is the spelling of the older host.
const FIELDS: [&str; 5] = ["estab", "relyingParty", "password", "thirdpartyid", "thirdPartyId"];
pub(super) const REFUSED: &str = "Relying Party not found for estab or secret not correct";
pub(super) const PAUSED: &str = "Authorisation is currently paused while the school finalises the \
                                 selection of people they wish to include in this feed.";
pub(super) const PENDING: &str = "Authorisation is pending approval by the school.";

/// No token, inside status 200. Some servers add a flag when the school has paused.
pub(super) fn no_token(why: &str, paused: Option<bool>) -> Response {
    let mut body = json!({
        "token": null, "expires": NEVER,
        "Message": null, "ExceptionType": null, "ExceptionMessage": why, "InnerException": null,
    });
    if let Some(flag) = paused {
        set(&mut body, "AuthorisationPaused", json!(flag));
    }
    reply(200, &body)
}

impl Xod {
    fn issue(&self, school: Option<Laestab>) -> Response {
        let number = self.stage.next_token();
        let token = STANDARD.encode(guid(self.stage.seed, "xod token", number));
        let has = |fault| school.is_some_and(|l| self.has(l, fault));
        let lives = match () {
            () if has(F::TokenShort) => 600,
            () if has(F::TokenEnded) => -60,
            () => TOKEN_LIVES,
        };
        let now = self.stage.now();
        let expires = moved(now, lives);
        self.tokens.give(&token, school, (now, expires));
        if has(F::Token2018) {
            let body = json!({
                "Message": null, "ExceptionMessage": null, "token": token,
                "expires": seven_digits(expires),
            });
            return reply(200, &body);
        }
        reply(
            200,
            &json!({
                "token": token, "expires": seven_digits(expires),
                "Message": null, "ExceptionType": null, "ExceptionMessage": null,
                "InnerException": null,
            }),
        )
    }

    /// What is wrong with a request for a token, whoever asks.
    fn wrong_request(&self, headers: &HeaderMap, asked: &Value) -> Option<&'static str> {
        let json = headers
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.starts_with("application/json"));
        let fields = asked.as_object();
        if !json {
            Some("a token is asked for in application/json")
        } else if fields.is_none() {
            Some("the body is no JSON object")
        } else if fields.is_some_and(|f| f.keys().any(|k| !FIELDS.contains(&k.as_str()))) {
            Some("the body has an unknown field")
        } else if fields.is_some_and(|f| f.values().any(|v| !v.is_string())) {
            Some("a field of the body is no text")
        } else {
            None
        }
    }
}

pub(super) async fn token(
    State(xod): State<Arc<Xod>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let asked = serde_json::from_str::<Value>(&body).unwrap_or_default();
    if let Some(why) = xod.wrong_request(&headers, &asked) {
        return xod.wrong(why);
    }
    let text = |name: &str| text(&asked, name);
    let invented = &xod.stage.invented;
    let third = ["thirdpartyid", "thirdPartyId"].map(text);
    if text("relyingParty") != invented.facts.relying_party || !third.contains(&THIRD_PARTY) {
        refused(&xod.stage, "groupcall", "an unknown relying party or third party");
        return no_token(REFUSED, None);
    }
    let credential = |name: &str| xod.stage.credential(name);
    if text("estab").is_empty() {
        return if credential("groupcall.management").as_deref() == Some(text("password")) {
            xod.issue(None)
        } else {
            no_token(REFUSED, None)
        };
    }
    let Ok(school) = text("estab").parse::<Laestab>() else { return no_token(REFUSED, None) };
    if credential(&format!("xod.{school}")).as_deref() != Some(text("password")) {
        refused(&xod.stage, "groupcall", "a wrong secret");
        return no_token(REFUSED, None);
    }
    match xod.barred(school) {
        Some(barred) => barred,
        None => xod.issue(Some(school)),
    }
}

pub(super) async fn token_details(
    State(xod): State<Arc<Xod>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (school, expires) = xod.holder(&headers)?;
    let scopes = match school {
        None => vec!["Manage"],
        Some(l) => xod.scopes(l),
    };
    let named = school.map(|l| if xod.has(l, F::TokenOfNeighbour) { xod.neighbour(l) } else { l });
    Ok(reply(
        200,
        &json!({
            "Estab": named.map_or(String::new(), |l| l.to_string()),
            "Expires": seven_digits(expires),
            "Name": "Wolds ICT (demo)",
            "RelyingParty": xod.stage.invented.facts.relying_party,
            "Scopes": scopes,
            "Message": null, "ExceptionType": null, "ExceptionMessage": null,
            "InnerException": null,
        }),
    ))
}

impl Xod {
    /// What `school` shares with us.
    pub(super) fn scopes(&self, school: Laestab) -> Vec<&'static str> {
        let lost = self.has(school, F::ScopesLost);
        let beyond = BEYOND.into_iter().filter(|_| self.has(school, F::ScopesBeyond));
        let kept = |scope: &&str| !lost || !(scope.starts_with("Student") || *scope == "Staff");
        SCOPES.into_iter().chain(beyond).filter(kept).collect()
    }
}

pub(super) async fn page_of_idaas(State(xod): State<Arc<Xod>>, headers: HeaderMap) -> Response {
    if headers.contains_key("authorization") {
        refused(&xod.stage, "groupcall.idaas", "a probe that carries a credential");
        return failure(400, "A sign-in page is asked for without a credential.");
    }
    if xod.ways.everywhere(F::IdaasOther) {
        return other_page();
    }
    if xod.ways.everywhere(F::IdaasElsewhere) {
        let empty = answer(302, "text/html; charset=utf-8", "");
        return with(empty, "location", "https://elsewhere.example/");
    }
    let word = &xod.stage.invented.facts.idaas_word;
    page(
        200,
        format!(
            "<!DOCTYPE html><html><head><title>Identity</title></head><body><form {word}>\
             <input name=\"username\"><input name=\"password\" type=\"password\"></form></body>\
             </html>"
        ),
    )
}
