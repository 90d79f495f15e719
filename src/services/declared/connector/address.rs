//! A request as the configuration describes it: path, query and headers with places for what a
//! school's row says, and how we sign in.
//!
//! Invariant: a school's row never changes the host, never adds a segment, and never reaches a
//! credential.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::settings::{Auth, ClientCredentials, SecretSent};
use super::template::{Place, Template};
use super::{Refused, refuse};
use crate::model::health::Reason;
use crate::model::ids::{CredentialName, Laestab};
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::ports::watch::CredentialUse;
use crate::services::answer::{Trouble, credential, successful};
use crate::services::token::{Grant, TokenCell, renew_after};
use crate::transport::{Endpoint, Reply, Request};

/// Headers that are not for the configuration: they carry credentials, or belong to the transport.
const NOT_HEADERS: [&str; 9] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "client-request-id",
];
/// Parameters by which vendors take credentials; a URL is logged in too many places, and a
/// configuration holds none.
pub(super) const NOT_QUERY: [&str; 9] = [
    "token",
    "access_token",
    "key",
    "api_key",
    "apikey",
    "password",
    "secret",
    "client_secret",
    "auth",
];
/// A token is renewed this long before it ends.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// Path, query and headers.
pub(super) struct Address {
    segments: Vec<Template>,
    query: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
}

impl Address {
    /// Reads them; the error names the key below the source.
    pub(super) fn new(
        path: &str,
        query: &BTreeMap<String, String>,
        headers: &BTreeMap<String, String>,
    ) -> Result<Self, Refused> {
        let read = |key: &str, text: &str| Template::read(text).map_err(|why| refuse(key, why));
        if path.contains(['?', '#', '\\']) || path.contains(char::is_control) {
            return Err(refuse("path", "no query stands here: write it under query"));
        }
        let segments = path.trim_start_matches('/').split('/');
        if segments.clone().any(|s| matches!(s, "." | "..")) {
            return Err(refuse("path", "a path does not climb"));
        }
        for name in query.keys() {
            if NOT_QUERY.contains(&name.to_lowercase().as_str()) {
                let why = "a credential never stands in a URL: name it under auth";
                return Err(refuse(&format!("query.{name}"), why));
            }
        }
        for name in headers.keys() {
            let token = |b: u8| b.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&b);
            let key = format!("headers.{name}");
            if name.is_empty() || !name.bytes().all(token) {
                return Err(refuse(&key, "is not the name of a header"));
            }
            if NOT_HEADERS.contains(&name.to_lowercase().as_str()) {
                return Err(refuse(&key, "is not for the configuration; to sign in use auth"));
            }
        }
        let all = |of: &BTreeMap<String, String>, at: &str| {
            of.iter()
                .map(|(name, text)| Ok((name.clone(), read(&format!("{at}.{name}"), text)?)))
                .collect::<Result<Vec<_>, Refused>>()
        };
        Ok(Self {
            segments: segments.map(|s| read("path", s)).collect::<Result<_, _>>()?,
            query: all(query, "query")?,
            headers: all(headers, "headers")?,
        })
    }

    /// Every place in it.
    pub(super) fn places(&self) -> BTreeSet<Place> {
        let named = self.query.iter().chain(&self.headers).map(|(_, t)| t);
        self.segments.iter().chain(named).flat_map(Template::places).collect()
    }

    /// The request, with `value` in its places.
    pub(super) fn request(
        &self,
        value: &dyn Fn(&Place) -> Option<String>,
    ) -> Result<Request, String> {
        let missing = |place: &Place| format!("the school's row says nothing for {place}");
        let mut fixed = String::new();
        let mut request = Request::get("");
        let last = self.segments.len().saturating_sub(1);
        for (n, segment) in self.segments.iter().enumerate() {
            let text = segment.fill(value).map_err(missing)?;
            if segment.is_fixed() {
                fixed.push_str(&text);
                if n < last {
                    fixed.push('/');
                }
                continue;
            }
            if !fixed.is_empty() {
                request = request.path(std::mem::take(&mut fixed).trim_end_matches('/'));
            }
            request = request.segment(&text);
        }
        if !fixed.is_empty() {
            request = request.path(&fixed);
        }
        for (name, template) in &self.query {
            request = request.query(name, template.fill(value).map_err(missing)?);
        }
        for (name, template) in &self.headers {
            let text = template.fill(value).map_err(missing)?;
            if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
                return Err(format!("the value for header {name} cannot be sent"));
            }
            request = request.header(name.clone(), text);
        }
        Ok(request)
    }

    /// Whether the configuration sets this header.
    pub(super) fn sets(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header))
    }
}

/// The name of a credential, which may hold `{laestab}`.
pub(super) struct CredentialOf(Template);

impl CredentialOf {
    fn new(key: &str, text: &str, per_school: bool) -> Result<Self, Refused> {
        let template = Template::read(text).map_err(|why| refuse(key, why))?;
        if template.places().iter().any(|p| *p != Place::Laestab) {
            return Err(refuse(key, "only {laestab} may stand in the name of a credential"));
        }
        if !template.is_fixed() && !per_school {
            return Err(refuse(key, "{laestab} may only stand here where scope is school"));
        }
        let example = template.fill(|_| Some("1000000".to_owned())).unwrap_or_default();
        match example.parse::<CredentialName>() {
            Ok(_) => Ok(Self(template)),
            Err(e) => Err(refuse(key, e.to_string())),
        }
    }

    /// The name for a school, or for nobody in particular.
    fn name(&self, value: &dyn Fn(&Place) -> Option<String>) -> Result<CredentialName, Trouble> {
        let name = self.0.fill(value).map_err(|place| {
            Trouble::new(Reason::Unauthorised, format!("no credential without {place}"))
        })?;
        name.parse().map_err(|e: crate::model::ids::IdError| {
            Trouble::new(Reason::Unauthorised, e.to_string())
        })
    }
}

/// How we sign in, ready.
pub(super) struct SignsIn {
    how: How,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
}

enum How {
    Bearer(CredentialOf),
    Basic { user: String, credential: CredentialOf },
    Header { name: String, prefix: String, credential: CredentialOf },
    Token(Box<Token>),
}

struct Token {
    endpoint: Endpoint,
    settings: ClientCredentials,
    credential: CredentialName,
    cell: TokenCell,
}

/// That `auth` makes sense; `per_school` where each question is about one school.
pub(super) fn check_auth(auth: &Auth, per_school: bool) -> Result<(), Refused> {
    let named = |key: &str, text: &str| CredentialOf::new(key, text, per_school).map(drop);
    match auth {
        Auth::Bearer(credential) => named("auth.bearer", credential),
        Auth::Basic { credential, user } if user.contains(':') || user.is_empty() => {
            let _named = credential;
            Err(refuse("auth.basic.user", "is empty or holds a colon"))
        }
        Auth::Basic { credential, .. } => named("auth.basic.credential", credential),
        Auth::Header { name, credential, .. } => {
            let token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            if name.is_empty() || !name.bytes().all(token) {
                return Err(refuse("auth.header.name", "is not the name of a header"));
            }
            named("auth.header.credential", credential)
        }
        Auth::ClientCredentials(of) => {
            CredentialOf::new("auth.client_credentials.credential", &of.credential, false).map(drop)
        }
    }
}

/// The fixed credential names in `auth`.
pub(super) fn credentials_in(auth: &Auth) -> Option<CredentialName> {
    let text = match auth {
        Auth::Bearer(credential)
        | Auth::Basic { credential, .. }
        | Auth::Header { credential, .. }
        | Auth::ClientCredentials(ClientCredentials { credential, .. }) => credential,
    };
    text.parse().ok()
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<f64>,
}

impl SignsIn {
    /// `make_endpoint` is only called for a token endpoint.
    pub(super) fn new(
        auth: &Auth,
        per_school: bool,
        secrets: &Arc<dyn Secrets>,
        clock: &Arc<dyn Clock>,
        make_endpoint: impl FnOnce(&ClientCredentials) -> Result<Endpoint, Refused>,
    ) -> Result<Self, Refused> {
        check_auth(auth, per_school)?;
        let named = |text: &str| CredentialOf::new("auth", text, per_school);
        let how = match auth {
            Auth::Bearer(credential) => How::Bearer(named(credential)?),
            Auth::Basic { user, credential } => {
                How::Basic { user: user.clone(), credential: named(credential)? }
            }
            Auth::Header { name, credential, prefix } => How::Header {
                name: name.clone(),
                prefix: prefix.clone(),
                credential: named(credential)?,
            },
            Auth::ClientCredentials(settings) => How::Token(Box::new(Token {
                endpoint: make_endpoint(settings)?,
                credential: settings.credential.parse().map_err(
                    |e: crate::model::ids::IdError| {
                        refuse("auth.client_credentials", e.to_string())
                    },
                )?,
                settings: settings.clone(),
                cell: TokenCell::default(),
            })),
        };
        Ok(Self { how, secrets: secrets.clone(), clock: clock.clone() })
    }

    /// The credentials that each of `schools` has of its own; none where one is for all.
    pub(super) fn of_schools(&self, schools: &BTreeSet<Laestab>) -> Vec<CredentialUse> {
        let credential = match &self.how {
            How::Bearer(credential)
            | How::Basic { credential, .. }
            | How::Header { credential, .. } => credential,
            How::Token(_) => return Vec::new(),
        };
        if credential.0.is_fixed() {
            return Vec::new();
        }
        let of = |school: &Laestab| {
            let name = credential.name(&|_| Some(school.to_string())).ok()?;
            Some(CredentialUse { name, school: Some(*school) })
        };
        schools.iter().filter_map(of).collect()
    }

    /// Sends `request` to `endpoint`, signed in.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        value: &(dyn Fn(&Place) -> Option<String> + Sync),
    ) -> Result<Reply, Trouble> {
        let (name, header) = match &self.how {
            How::Token(token) => return self.with_token(token, endpoint, request).await,
            How::Bearer(credential) => {
                let name = credential.name(value)?;
                let secret = credential_of(&self.secrets, &name).await?;
                (name, ("authorization".to_owned(), before("Bearer ", &secret)))
            }
            How::Basic { user, credential } => {
                let name = credential.name(value)?;
                let secret = credential_of(&self.secrets, &name).await?;
                (name, ("authorization".to_owned(), basic(user, &secret)))
            }
            How::Header { name: header, prefix, credential } => {
                let name = credential.name(value)?;
                let secret = credential_of(&self.secrets, &name).await?;
                (name, (header.clone(), before(prefix, &secret)))
            }
        };
        let reply = endpoint.send(request.clone().header(header.0, header.1)).await?;
        if matches!(reply.status, 401 | 403) {
            let why = format!(
                "{} refused our sign-in ({}): is the credential `{name}` still right? Store a new \
                 one with `caretaker secret set {name}`",
                reply.origin, reply.status
            );
            return Err(Trouble::new(Reason::Unauthorised, why).answered(&reply));
        }
        Ok(reply)
    }

    async fn with_token(
        &self,
        token: &Token,
        endpoint: &Endpoint,
        request: &Request,
    ) -> Result<Reply, Trouble> {
        token
            .cell
            .send(
                (&*self.clock, endpoint),
                |secret| request.clone().header("authorization", before("Bearer ", secret)),
                |reply| reply.status == 401,
                || self.ask_token(token),
            )
            .await
    }

    async fn ask_token(&self, token: &Token) -> Result<Grant, Trouble> {
        let secret = credential_of(&self.secrets, &token.credential).await?;
        let mut fields: Vec<(&str, SecretString)> =
            vec![("grant_type", "client_credentials".to_owned().into())];
        if let Some(scope) = &token.settings.scope {
            fields.push(("scope", scope.clone().into()));
        }
        let request = Request::post("").repeatable();
        let request = match token.settings.send {
            SecretSent::Form => {
                fields.push(("client_id", token.settings.client_id.clone().into()));
                fields.push(("client_secret", secret));
                request
            }
            SecretSent::Basic => {
                request.header("authorization", basic(&token.settings.client_id, &secret))
            }
        };
        let reply = token.endpoint.send(request.form(fields)).await?;
        if matches!(reply.status, 400 | 401 | 403) {
            let why = format!(
                "{} gives no token ({}): are client_id and the credential `{}` still right?",
                reply.origin, reply.status, token.credential
            );
            return Err(Trouble::new(Reason::Unauthorised, why));
        }
        let granted: Granted = successful(&reply)?;
        let bearer = granted.token_type.as_deref().is_none_or(|t| t.eq_ignore_ascii_case("bearer"));
        if granted.access_token.is_empty() || !bearer {
            return Err(Trouble::malformed(format!(
                "{} gave no bearer token",
                token.endpoint.origin()
            )));
        }
        // Without a word on its life an hour is what such tokens usually have.
        let seconds = granted.expires_in.unwrap_or(3_600.0).clamp(1.0, 86_400.0);
        let life = SignedDuration::from_secs_f64(seconds);
        let now = self.clock.now();
        Ok(Grant {
            secret: granted.access_token.into(),
            renew_at: now + renew_after(life, EARLY),
            ends_at: now + life,
        })
    }
}

async fn credential_of(
    secrets: &Arc<dyn Secrets>,
    name: &CredentialName,
) -> Result<SecretString, Trouble> {
    credential(secrets, name).await
}

fn before(prefix: &str, secret: &SecretString) -> SecretString {
    format!("{prefix}{}", secret.expose_secret().trim()).into()
}

fn basic(user: &str, secret: &SecretString) -> SecretString {
    format!("Basic {}", STANDARD.encode(format!("{user}:{}", secret.expose_secret().trim()))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(path: &str) -> Result<Address, Refused> {
        Address::new(path, &BTreeMap::new(), &BTreeMap::new())
    }

    fn asked(path: &str, value: &str) -> String {
        let value = value.to_owned();
        let request = address(path).unwrap().request(&|_| Some(value.clone())).unwrap();
        format!("{request:?}")
    }

    #[test]
    fn a_path_is_fixed_but_for_its_places() {
        assert!(asked("a/b", "x").contains("/a/b,"));
        assert!(asked("/sch/{param:portal}/end", "x").contains("/sch/{}/end,"));
        assert!(asked("{laestab}.json", "x").contains("path: //{},"));
        for bad in ["a?b=1", "a#b", "../x", "a/./b", "a\\b", "a\nb", "{nothing}"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_would_carry_a_credential_is_refused() {
        let one = |name: &str| BTreeMap::from([(name.to_owned(), "x".to_owned())]);
        for name in ["Authorization", "cookie", "Host", "bad name", "", "x\r\ny"] {
            assert!(Address::new("", &BTreeMap::new(), &one(name)).is_err(), "{name}");
        }
        for name in ["token", "API_KEY", "Secret", "password"] {
            assert!(Address::new("", &one(name), &BTreeMap::new()).is_err(), "{name}");
        }
        assert!(Address::new("", &one("page"), &one("Accept")).is_ok());
    }

    #[test]
    fn a_header_takes_no_value_that_could_end_it() {
        let headers = BTreeMap::from([("x-site".to_owned(), "{param:site}".to_owned())]);
        let address = Address::new("", &BTreeMap::new(), &headers).unwrap();
        let of = |value: &str| {
            let value = value.to_owned();
            address.request(&move |_| Some(value.clone())).map(drop)
        };
        assert!(of("north").is_ok());
        assert!(of("a\r\nb: c").is_err() && of("é").is_err());
    }

    #[test]
    fn a_credentials_name_holds_the_laestab_only_where_there_is_one() {
        let bearer = |text: &str| Auth::Bearer(text.to_owned());
        assert!(check_auth(&bearer("wonde"), false).is_ok());
        assert!(check_auth(&bearer("xod.{laestab}"), true).is_ok());
        for bad in ["xod.{laestab}", "{urn}", "Upper", "", "a b"] {
            assert!(check_auth(&bearer(bad), false).is_err(), "{bad}");
        }
        assert!(check_auth(&bearer("{urn}"), true).is_err());
    }

    #[test]
    fn no_debug_shows_a_secret() {
        let header = basic("ann", &"canary".to_owned().into());
        assert_eq!(header.expose_secret(), "Basic YW5uOmNhbmFyeQ==");
        assert!(!format!("{header:?}").contains("YW5"));
    }
}
