//! Purple Mash: a page for each school under `/sch/`, and a generic one for names it does not know.
//!
//! Source: help.2simple.com on portal addresses; the pages' texts are invented.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use crate::model::ids::Laestab;
use crate::simulators::just2easy::in_its_place;
use crate::simulators::own_ways::PortalFault;
use crate::simulators::reply::{escaped, page};
use crate::simulators::server::{Endpoint, Manners};
use crate::simulators::stage::Stage;

const PORTAL: Manners = Manners {
    school_of,
    error_inside: |_| {
        page(200, "<html><body><h1>Oops</h1><p>An unexpected error occurred.</p></body></html>")
    },
    refusal: |_| page(401, "<html><body><h1>401</h1></body></html>"),
    throttled: |_| page(429, "<html><body><h1>Please slow down</h1></body></html>"),
};

pub(super) fn endpoint(stage: &Arc<Stage>) -> Endpoint {
    let router = Router::new().route("/sch/{name}", get(portal)).with_state(stage.clone());
    Endpoint { key: "purple_mash".to_owned(), router, manners: PORTAL, tls: true }
}

fn school_of(stage: &Stage, uri: &Uri, _: &[u8]) -> Option<Laestab> {
    stage.whose("purple_mash.portal", uri.path().strip_prefix("/sch/")?)
}

async fn portal(State(stage): State<Arc<Stage>>, Path(name): Path<String>) -> Response {
    if let Some(other) = in_its_place(&stage, "purple_mash") {
        return other;
    }
    let whose = stage.whose("purple_mash.portal", &name);
    let is = |fault: PortalFault| stage.own.is("purple_mash", whose, fault);
    let known =
        whose.filter(|l| !stage.parts(*l).portal_unknown).and_then(|l| stage.invented.school(l));
    let body = match known {
        None => "<h2>Find your school</h2><form action=\"/login\"></form>".to_owned(),
        Some(_) if is(PortalFault::NamesAnother) => {
            "<h2>A school of another county</h2><form action=\"/login\"></form>".to_owned()
        }
        Some(school) => {
            let word = match is(PortalFault::ButtonMissing) {
                true => "",
                false => stage.invented.facts.purple_mash_word.as_str(),
            };
            let name = escaped(school.name.as_str());
            format!("<h2>{name}</h2><form action=\"/login\"></form><a>{word}</a>")
        }
    };
    page(
        200,
        format!(
            "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>Purple Mash by 2Simple\
             </title></head><body>{body}</body></html>"
        ),
    )
}
