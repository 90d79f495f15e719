//! The token endpoint: client credentials by secret or by a signed assertion, and its errors, which
//! are not Graph's.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Graph, GraphFault, Token};
use crate::simulators::chance::guid;
use crate::simulators::reply::{field, json as reply, set, with};
use crate::simulators::server::{Manners, nobodys};
use crate::simulators::stage::{Stage, lock};
use crate::simulators::times::{moved, seconds};

/// The key and certificate of the console's app, made for this demo and used nowhere else.
pub(in crate::simulators) const PEM: &str = include_str!("../keys/welearn365-demo.pem");
/// Its SHA-1 thumbprint, by which older libraries of Microsoft's name it (with RS256).
const SHA1_THUMBPRINT: &str = "D-ic-YnKgFN51S_J54LVXTfrdU8";

/// Seconds that a token lives.
pub(super) const TOKEN_LIVES: i64 = 3_599;
/// Seconds by which clocks may differ.
const SKEW: i64 = 300;
/// The longest life of an assertion that is believed: ten minutes, and the skew.
const ASSERTION_LIVES: i64 = 600 + SKEW;
/// Tokens a minute for one app, before Microsoft calls it a loop.
const TOKENS_A_MINUTE: usize = 30;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) const MANNERS: Manners = Manners {
    school_of: nobodys,
    error_inside: |stage| {
        let why = "A transient error has occurred. Please try again.";
        aadsts(stage, 200, "server_error", 90_033, why)
    },
    refusal: |stage| {
        let why = format!(
            "The provided client secret keys for app '{}' are expired.",
            stage.invented.facts.client_id
        );
        aadsts(stage, 401, "invalid_client", 7_000_222, &why)
    },
    throttled: |stage| {
        aadsts(stage, 429, "temporarily_unavailable", 90_055, "Request rate exceeded.")
    },
};

/// An error of the token endpoint.
fn aadsts(stage: &Stage, status: u16, error: &str, code: u32, why: &str) -> Response {
    let number = u64::from(code) ^ stage.next_token();
    let (trace, correlation) =
        (guid(stage.seed, "trace", number), guid(stage.seed, "corr", number));
    let at = stage.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let body = json!({
        "error": error,
        "error_description": format!(
            "AADSTS{code}: {why} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
        ),
        "error_codes": [code],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    });
    reply(status, &body)
}

/// Status, word, number and text of a refusal.
type No = (u16, &'static str, u32, String);

fn no(status: u16, word: &'static str, code: u32, why: impl Into<String>) -> No {
    (status, word, code, why.into())
}

fn base(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    format!("https://{host}")
}

fn tenant_of(stage: &Stage, tenant: &str) -> Result<(), No> {
    if tenant == stage.invented.facts.tenant_id {
        return Ok(());
    }
    Err(no(
        400,
        "invalid_request",
        90_002,
        format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."),
    ))
}

/// What libraries ask before they ask for a token.
pub(super) async fn discovery(
    State(graph): State<Arc<Graph>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err((status, word, code, why)) = tenant_of(&graph.stage, &tenant) {
        return aadsts(&graph.stage, status, word, code, &why);
    }
    let base = base(&headers);
    reply(
        200,
        &json!({
            "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
            "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{base}/{tenant}/v2.0"),
            "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/devicecode"),
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com",
        }),
    )
}

pub(super) async fn token(
    State(graph): State<Arc<Graph>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response {
    let stage = &graph.stage;
    let asked =
        Asked { form: &form, address: format!("{}/{tenant}/oauth2/v2.0/token", base(&headers)) };
    if let Err((status, word, code, why)) = graph.admits(&tenant, &asked) {
        return aadsts(stage, status, word, code, &why);
    }
    let now = stage.now();
    let client = asked.value("client_id").unwrap_or_default();
    let acts = client == stage.invented.facts.act_client_id;
    let roles = lock(if acts { &graph.act_roles } else { &graph.roles }).clone();
    let token = graph.made(&roles);
    let mut tokens = lock(&graph.tokens);
    tokens.retain(|_, held| held.expires > now);
    tokens.insert(token.clone(), Token { expires: moved(now, TOKEN_LIVES), roles, client });
    let body = json!({
        "token_type": "Bearer",
        "expires_in": TOKEN_LIVES,
        "ext_expires_in": TOKEN_LIVES,
        "access_token": token,
    });
    with(reply(200, &body), "cache-control", "no-store, no-cache")
}

struct Asked<'a> {
    form: &'a str,
    /// The address that was asked.
    address: String,
}

impl Asked<'_> {
    fn value(&self, name: &str) -> Option<String> {
        field(self.form, name).filter(|v| !v.is_empty())
    }
}

impl Graph {
    /// A token as Microsoft's are made: opaque to its holder, with the app's roles inside. Graph knows
    /// those that it gave, so the last part need not be a signature.
    fn made(&self, roles: &BTreeSet<String>) -> String {
        let (stage, facts) = (&self.stage, &self.stage.invented.facts);
        let at = stage.now().as_second();
        let mut claims = json!({
            "aud": "https://graph.microsoft.com",
            "iss": format!("https://sts.windows.net/{}/", facts.tenant_id),
            "iat": at, "nbf": at, "exp": at + TOKEN_LIVES,
            "appid": facts.client_id,
            "idtyp": "app",
            "tid": facts.tenant_id,
            "ver": "1.0",
        });
        // An app without any has no such claim.
        if !roles.is_empty() {
            set(&mut claims, "roles", json!(roles));
        }
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"RS256"}"#);
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let last = guid(stage.seed, "graph token", stage.next_token());
        format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(last))
    }

    /// Whether the app may have a token.
    fn admits(&self, tenant: &str, asked: &Asked<'_>) -> Result<(), No> {
        let stage = &self.stage;
        let facts = &stage.invented.facts;
        tenant_of(stage, tenant)?;
        if asked.value("grant_type").as_deref() != Some("client_credentials") {
            let why = "The request body must contain the following parameter: 'grant_type'.";
            return Err(no(400, "invalid_request", 900_144, why));
        }
        // Any resource's own `.default` is a scope; ours is this one.
        if asked.value("scope").as_deref() != Some("https://graph.microsoft.com/.default") {
            let why = "The provided value for the input parameter 'scope' is not valid.";
            return Err(no(400, "invalid_scope", 70_011, why));
        }
        let client = asked.value("client_id").unwrap_or_default();
        let acts = client == facts.act_client_id;
        if client != facts.client_id && !acts || self.is(GraphFault::AppUnknown) {
            let why =
                format!("Application with identifier '{client}' was not found in the directory.");
            return Err(no(400, "unauthorized_client", 700_016, why));
        }
        if self.is(GraphFault::AppDisabled) {
            let why = format!("Application '{client}' is disabled.");
            return Err(no(401, "unauthorized_client", 7_000_112, why));
        }
        match (asked.value("client_secret"), asked.value("client_assertion")) {
            (Some(_), Some(_)) => {
                let why = "Only one of 'client_secret' and 'client_assertion' may be sent.";
                return Err(no(400, "invalid_request", 90_014, why));
            }
            (Some(secret), None) => {
                self.secret(&secret, if acts { "welearn365.act" } else { "welearn365" })?;
            }
            // The certificate belongs to the app that reads.
            (None, Some(_)) if acts => {
                return Err(no(401, "invalid_client", 700_027, "No certificate is registered."));
            }
            (None, Some(assertion)) => self.assertion(&assertion, asked)?,
            (None, None) => {
                let why = "The request body must contain the following parameter: \
                           'client_assertion' or 'client_secret'.";
                return Err(no(401, "invalid_client", 7_000_218, why));
            }
        }
        self.no_loop()
    }

    fn secret(&self, secret: &str, credential: &str) -> Result<(), No> {
        let app = &self.stage.invented.facts.client_id;
        if self.is(GraphFault::SecretExpired) {
            let why = format!("The provided client secret keys for app '{app}' are expired.");
            return Err(no(401, "invalid_client", 7_000_222, why));
        }
        let good = self.stage.credential(credential).unwrap_or_default();
        if secret != good || self.is(GraphFault::SecretWrong) {
            let why = format!("Invalid client secret provided for app '{app}'.");
            return Err(no(401, "invalid_client", 7_000_215, why));
        }
        Ok(())
    }

    /// The assertion of the certificate that is registered, checked as the page on certificate
    /// credentials says.
    fn assertion(&self, assertion: &str, asked: &Asked<'_>) -> Result<(), No> {
        let app = &self.stage.invented.facts.client_id;
        let bad = |code, why: &str| no(401, "invalid_client", code, why);
        if asked.value("client_assertion_type").as_deref() != Some(ASSERTION_TYPE) {
            return Err(no(400, "invalid_request", 900_144, "'client_assertion_type' is missing."));
        }
        let malformed = || bad(50_027, "JWT token is invalid or malformed.");
        let head = assertion.split('.').next().and_then(|h| URL_SAFE_NO_PAD.decode(h).ok());
        let head: Value =
            head.and_then(|h| serde_json::from_slice(&h).ok()).ok_or_else(malformed)?;
        let text = |name: &str| head.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("typ") != "JWT" {
            return Err(malformed());
        }
        let held = self.stage.credential("welearn365.certificate").unwrap_or_default();
        let (sha256, key) = registered(&held).ok_or_else(malformed)?;
        // The page asks for PS256 with the SHA-256 thumbprint; what it asked for before still works.
        let (algorithm, sent, registered) = match text("alg") {
            "PS256" => (Algorithm::PS256, text("x5t#S256"), sha256.as_str()),
            "RS256" if held == PEM => (Algorithm::RS256, text("x5t"), SHA1_THUMBPRINT),
            _ => return Err(malformed()),
        };
        // Some libraries pad it.
        if sent.trim_end_matches('=') != registered || self.is(GraphFault::CertificateUnknown) {
            return Err(bad(
                700_027,
                "The certificate with identifier used to sign the client assertion is not \
                 registered on application.",
            ));
        }
        // The times are checked below, against the simulators' clock.
        let mut only_signature = Validation::new(algorithm);
        only_signature.validate_exp = false;
        only_signature.validate_aud = false;
        only_signature.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(assertion, &key, &only_signature)
            .map_err(|_| bad(700_027, "Client assertion failed signature validation."))?
            .claims;
        if claims.iss != *app || claims.sub != *app {
            let why =
                "Client assertion application identifier doesn't match 'client_id' parameter.";
            return Err(bad(700_021, why));
        }
        if claims.aud != asked.address {
            return Err(bad(
                700_023,
                "Client assertion audience claim does not match Realm issuer.",
            ));
        }
        let in_time = claims.holds(self.stage.now().as_second());
        if !in_time {
            return Err(bad(700_024, "Client assertion is not within its valid time range."));
        }
        if claims.jti.len() < 16 {
            return Err(malformed());
        }
        Ok(())
    }

    /// An app that asks for a token with each call is refused.
    fn no_loop(&self) -> Result<(), No> {
        let now = self.stage.now();
        let most = if self.stage.strict() { TOKENS_A_MINUTE } else { TOKENS_A_MINUTE * 100 };
        let mut given = lock(&self.given);
        while given.front().is_some_and(|at| seconds(*at, now) >= 60) {
            given.pop_front();
        }
        if given.len() >= most || self.is(GraphFault::SignInThrottled) {
            let why = "The server terminated an operation because it encountered a client request \
                       loop.";
            return Err(no(429, "temporarily_unavailable", 50_196, why));
        }
        given.push_back(now);
        Ok(())
    }
}

/// Times are numbers of seconds, with a fraction from some libraries; `nbf` may be left out.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    jti: String,
    nbf: Option<f64>,
    iat: Option<f64>,
    exp: f64,
}

impl Claims {
    /// Whether it may be used at this second, and is no longer in force than the page allows.
    fn holds(&self, second: i64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
        let (at, skew, longest) = (second as f64, SKEW as f64, ASSERTION_LIVES as f64);
        let Some(begins) = self.nbf.or(self.iat) else { return false };
        let latest = self.iat.unwrap_or(begins).max(begins);
        latest <= at + skew && self.exp > at - skew && self.exp - begins <= longest
    }
}

/// What the portal holds of the certificate in `held`: its thumbprint and its public key.
fn registered(held: &str) -> Option<(String, DecodingKey)> {
    let pem = Pem::iter_from_buffer(held.as_bytes())
        .filter_map(Result::ok)
        .find(|pem| pem.label == "CERTIFICATE")?;
    let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
    let key = DecodingKey::from_rsa_der(&certificate.public_key().subject_public_key.data);
    Some((URL_SAFE_NO_PAD.encode(Sha256::digest(&pem.contents)), key))
}
