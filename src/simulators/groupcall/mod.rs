//! Groupcall: Xporter on Demand (token, school information, counts, students, usage), the IDaaS
//! sign-in page, and what XVault and CME drop as files.
//!
//! Sources: xporterdocs.groupcall.com on tokens and endpoints, and the recordings in public client
//! tests, as restated in the vendor notes. XVault's and CME's files have no vendor page: their form
//! is ours.

mod data;
mod fresh;
mod loads;
mod sign_in;
mod ways;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::ids::Laestab;
use crate::simulators::cast::GroupcallPart;
use crate::simulators::reply::{Refused, json as reply, page};
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::{Stage, lock};
use crate::simulators::tokens::{Tokens, Worthless, carried, refused};
use crate::simulators::ways::{UnknownWay, Way, Ways};

pub(super) use loads::dropped;
pub use ways::GroupcallFault;

use GroupcallFault as F;

/// What every school has granted: what we ask for, and no more.
const SCOPES: [&str; 3] = ["School", "Staff", "Student"];
/// What a school grants beyond that, as in the vendor's own example.
const BEYOND: [&str; 3] = ["Address", "EndpointInfo", "StudentExtended"];

pub(super) struct Xod {
    stage: Arc<Stage>,
    /// Tokens: whose; none for the management token.
    tokens: Tokens<Option<Laestab>>,
    /// Data calls per school.
    used: Mutex<BTreeMap<Laestab, u64>>,
    /// Fresh data that was asked for, by school and area.
    fresh: Mutex<BTreeMap<(Laestab, String), fresh::Fresh>>,
    ways: Ways<GroupcallFault>,
}

impl Xod {
    pub(super) fn new(stage: Arc<Stage>) -> Arc<Self> {
        Arc::new(Self {
            stage,
            tokens: Tokens::default(),
            used: Mutex::default(),
            fresh: Mutex::default(),
            ways: Ways::default(),
        })
    }

    /// Every token that was given out.
    pub(super) fn given_tokens(&self) -> Vec<String> {
        self.tokens.given()
    }

    /// Forgets every token that was given out.
    pub(super) fn forget_tokens(&self) {
        self.tokens.forget();
    }

    /// What the dropped files are made of beside the hour.
    pub(super) fn in_words(&self) -> String {
        self.ways.in_words()
    }

    pub(super) fn endpoints(self: &Arc<Self>) -> Vec<Endpoint> {
        let xod = Router::new()
            .route("/api/oauth/GetToken", post(sign_in::token))
            .route("/api/v1/TokenDetails", get(sign_in::token_details))
            .route("/api/v1/Usage", get(data::usage))
            .route("/api/v1/School/{estab}/{area}", get(data::area))
            .route("/api/v1/School/{estab}/{area}/", get(data::area))
            .with_state(self.clone());
        let idaas = Router::new().route("/", get(sign_in::page_of_idaas)).with_state(self.clone());
        let endpoint = |key: &str, router, manners| Endpoint {
            key: key.to_owned(),
            router,
            manners,
            tls: true,
        };
        vec![
            endpoint("groupcall", xod, XOD),
            endpoint("groupcall.idaas", idaas, Manners { school_of: nobodys, ..XOD }),
        ]
    }
}

/// What only Groupcall can do.
#[derive(Clone)]
pub struct Groupcall(pub(super) Arc<Xod>);

impl Groupcall {
    /// Puts `fault` on `school`, or on all; several may be in force.
    pub fn set_fault(&self, school: Option<Laestab>, fault: GroupcallFault) {
        self.0.ways.put(school, fault);
    }

    /// Takes it away again.
    pub fn clear_fault(&self, school: Option<Laestab>, fault: GroupcallFault) {
        self.0.ways.take(school, fault);
    }

    /// How often fresh data of a school was asked for, by area in lower case.
    #[must_use]
    pub fn fresh_requests(&self, school: Laestab) -> BTreeMap<String, u64> {
        let fresh = lock(&self.0.fresh);
        let own = fresh.iter().filter(|((l, _), _)| *l == school);
        own.map(|((_, area), one)| (area.clone(), one.asked)).collect()
    }

    /// The fault of this name, as a file of faults writes it.
    ///
    /// # Errors
    /// When there is none.
    pub fn fault_named(name: &str) -> Result<GroupcallFault, UnknownWay> {
        GroupcallFault::named(name)
    }
}

const XOD: Manners = Manners {
    school_of,
    error_inside: |_| failure(200, "Something went wrong"),
    refusal: |_| sign_in::no_token(sign_in::REFUSED, None),
    throttled: |_| failure(429, "Too many requests"),
};

/// By address, or for a token by the body.
fn school_of(_: &Stage, uri: &Uri, body: &[u8]) -> Option<Laestab> {
    let estab = match uri.path().strip_prefix("/api/v1/School/") {
        Some(rest) => rest.split('/').next()?.to_owned(),
        None => serde_json::from_slice::<Value>(body).ok()?.get("estab")?.as_str()?.to_owned(),
    };
    estab.parse().ok()
}

/// A failure as every call reports it: in fields of the body.
fn failure(status: u16, why: &str) -> Response {
    reply(
        status,
        &json!({
            "Message": null, "ExceptionType": null, "ExceptionMessage": why, "InnerException": null,
        }),
    )
}

impl Xod {
    fn has(&self, school: Laestab, fault: GroupcallFault) -> bool {
        self.ways.of(school, fault)
    }

    /// A failure of a call of `school`: inside 200, or with its real code.
    fn fails(&self, school: Option<Laestab>, code: u16, why: &str) -> Response {
        let real = match school {
            Some(school) => self.has(school, F::RealCodes),
            None => self.ways.everywhere(F::RealCodes),
        };
        failure(if real { code } else { 200 }, why)
    }

    /// Refuses a wrong call, loudly.
    fn wrong(&self, why: &str) -> Response {
        refused(&self.stage, "groupcall", why);
        failure(400, &format!("The request is invalid: {why}."))
    }

    /// Whose token a call brings; a failure where it brings none that holds.
    fn holder(&self, headers: &HeaderMap) -> Result<(Option<Laestab>, Timestamp), Refused> {
        let denied = |school| {
            Refused::from(self.fails(
                school,
                401,
                "Authorization has been denied for this request.",
            ))
        };
        let Some(token) = carried(headers, &AUTHORIZATION, "Idaas ") else {
            refused(&self.stage, "groupcall", "no `Authorization: Idaas TOKEN`");
            return Err(denied(None));
        };
        let (school, expires) = match self.tokens.whose(token, self.stage.now()) {
            Ok(found) => found,
            Err(Worthless::Unknown) => return Err(denied(None)),
            Err(Worthless::Ended) => {
                return Err(self.fails(None, 401, "Token has expired").into());
            }
        };
        let Some(l) = school else { return Ok((school, expires)) };
        if self.has(l, F::TokenEndsAtOnce) {
            self.tokens.drop_one(token);
        }
        let old_tokens_work = self.has(l, F::PausedOldTokensWork);
        if self.barred(l).is_some() && !old_tokens_work {
            return Err(denied(school));
        }
        if self.has(l, F::ServerFails) {
            return Err(failure(500, "An error has occurred.").into());
        }
        Ok((school, expires))
    }

    /// Why a school's authorisation does not hold at the moment.
    fn barred(&self, school: Laestab) -> Option<Response> {
        let parts = self.stage.parts(school);
        let (paused, no_token) = (sign_in::PAUSED, sign_in::no_token);
        if self.has(school, F::PausedByFlag) {
            return Some(no_token(paused, Some(true)));
        }
        if self.has(school, F::Paused) || self.has(school, F::PausedOldTokensWork) {
            return Some(no_token(paused, None));
        }
        if parts.groupcall == Some(GroupcallPart::Paused) {
            // Told by the message alone at every second school.
            return Some(no_token(paused, school.number().is_multiple_of(2).then_some(true)));
        }
        if self.has(school, F::ApprovalPending) {
            return Some(no_token(sign_in::PENDING, None));
        }
        let revoked = self.has(school, F::Revoked) || self.stage.moment().xporter_refused(parts);
        revoked.then(|| match self.has(school, F::RealCodes) {
            true => failure(401, sign_in::REFUSED),
            false => no_token(sign_in::REFUSED, None),
        })
    }

    /// Another school of the estate than `school`; itself where it is the only one.
    fn neighbour(&self, school: Laestab) -> Laestab {
        let mut others = self.stage.invented.schools.iter().map(|s| s.laestab);
        others.find(|l| *l != school).unwrap_or(school)
    }
}

/// A page that has nothing to do with signing in.
fn other_page() -> Response {
    page(200, "<!DOCTYPE html><html><body><h1>Blocked by your web filter</h1></body></html>")
}
