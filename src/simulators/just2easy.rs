//! Just2easy: a sign-in page. Its text is invented; the vendor's pages document none.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::simulators::own_ways::PageFault;
use crate::simulators::reply::{blocked, page, redirect};
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::Stage;

const PORTAL: Manners = Manners {
    school_of: nobodys,
    error_inside: |_| {
        page(
            200,
            "<!DOCTYPE html><html><head><title>Just2easy</title></head><body>\
             <h1>Something has gone wrong</h1><p>Please try again later.</p></body></html>",
        )
    },
    refusal: |_| page(401, "<html><body><h1>401</h1></body></html>"),
    throttled: |_| page(429, "<html><body><h1>Please slow down</h1></body></html>"),
};

pub(super) fn endpoint(stage: &Arc<Stage>) -> Endpoint {
    let router = Router::new().route("/", get(sign_in)).with_state(stage.clone());
    Endpoint { key: "just2easy".to_owned(), router, manners: PORTAL, tls: true }
}

/// What stands in the place of a page of `service`, if anything.
pub(super) fn in_its_place(stage: &Stage, service: &str) -> Option<Response> {
    let is = |fault: PageFault| stage.own.is(service, None, fault);
    if is(PageFault::FilterBlocks) {
        Some(blocked())
    } else if is(PageFault::HandsOver) {
        Some(redirect("https://login.microsoftonline.com/common/oauth2/v2.0/authorize"))
    } else if is(PageFault::RedirectsElsewhere) {
        Some(redirect("https://elsewhere.example/"))
    } else {
        None
    }
}

async fn sign_in(State(stage): State<Arc<Stage>>) -> Response {
    if let Some(other) = in_its_place(&stage, "just2easy") {
        return other;
    }
    let word = &stage.invented.facts.just2easy_word;
    page(
        200,
        format!(
            "<!DOCTYPE html><html><head><title>Just2easy</title></head><body><form {word}>\
             <input name=\"school\"><input name=\"username\">\
             <input name=\"password\" type=\"password\"></form></body></html>"
        ),
    )
}
