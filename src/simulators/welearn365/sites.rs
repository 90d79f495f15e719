//! Each school's SharePoint site.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::query::{Query, chosen};
use super::{Graph, GraphFault};
use crate::simulators::chance::guid;
use crate::simulators::reply::{Refused, set};
use crate::simulators::times::{last_daily, utc};

const RIGHTS: [&str; 2] = ["Sites.Read.All", "Sites.Selected"];
const PROPERTIES: &[&str] = &[
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "name",
    "displayName",
    "webUrl",
    "siteCollection",
];

pub(super) async fn site(
    State(graph): State<Arc<Graph>>,
    Path(path): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &RIGHTS)?;
    let query = Query::of(raw.as_deref(), &headers);
    query.only(&["select", "expand"]).map_err(|r| graph.refused(r))?;
    let select = query.select(PROPERTIES).map_err(|r| graph.refused(r))?;
    graph.site_units(1)?;
    let stage = &graph.stage;
    let host = &stage.invented.facts.site_host;
    let address = path.split_once(":/").filter(|(h, _)| h.eq_ignore_ascii_case(host));
    let site = address.map(|(_, p)| p.trim_end_matches([':', '/']));
    let school = site.and_then(|s| stage.whose("welearn365.site", s));
    let there = school.filter(|l| !stage.parts(*l).site_missing);
    let (Some(laestab), Some(site)) = (there, site) else {
        return Err(graph.error(404, "itemNotFound", "Requested site could not be found"));
    };
    if graph.is(GraphFault::SitesDenied) {
        return Err(graph.error(403, "accessDenied", "Access denied"));
    }
    if graph.is(GraphFault::SitesLocked) {
        return Err(graph.error(423, "resourceLocked", "Access to this site has been blocked."));
    }
    let name = stage.invented.school(laestab).map_or("", |s| s.name.as_str());
    let number = u64::from(laestab.number());
    let mut collection = json!({"hostname": host, "root": {}});
    // Comes only when it is selected.
    if select.is_some() && graph.is(GraphFault::SitesArchived) {
        set(&mut collection, "archivalDetails", json!({"archiveStatus": "fullyArchived"}));
    }
    let whole = json!({
        "id": format!(
            "{host},{},{}",
            guid(stage.seed, "site collection", number),
            guid(stage.seed, "site", number)
        ),
        "createdDateTime": "2021-09-01T08:00:00Z",
        "lastModifiedDateTime": utc(last_daily(stage.now(), 3, 30, 0)),
        "name": site.rsplit('/').next().unwrap_or(site),
        "displayName": name,
        "webUrl": format!("https://{host}/{site}"),
        "siteCollection": collection,
    });
    let usual: Vec<String> = PROPERTIES.iter().map(|p| (*p).to_owned()).collect();
    let mut body: Value = chosen(&whole, select.as_deref().unwrap_or(&usual));
    let context = format!("{}/v1.0/$metadata#sites/$entity", query.base());
    set(&mut body, "@odata.context", json!(context));
    Ok(graph.ok(&headers, &body))
}
