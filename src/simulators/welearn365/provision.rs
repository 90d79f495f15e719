//! The directory sync's own interface: it takes one account at once.
//!
//! Source: the page on `synchronizationJob: provisionOnDemand` and its examples. Whatever comes of it,
//! the status is 200; the result stands in JSON inside two strings. Faults of
//! `welearn365.graph_write` are put on it as on every write.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Graph, GraphFault, error};
use crate::simulators::reply::{Refused, with};
use crate::simulators::stage::lock;
use crate::simulators::times::seconds;

const RIGHT: [&str; 1] = ["Synchronization.ReadWrite.All"];
/// So many calls in so many seconds.
const PACE: (usize, i64) = (5, 10);

impl Graph {
    /// Refuses more calls than the page allows.
    fn in_pace(&self) -> Result<(), Refused> {
        let now = self.stage.now();
        let (most, within) = PACE;
        let mut asked = lock(&self.provisioned);
        while asked.front().is_some_and(|at| seconds(*at, now) >= within) {
            asked.pop_front();
        }
        if asked.len() >= most {
            let response = error(&self.stage, 429, "TooManyRequests", "Too many requests.");
            return Err(with(response, "retry-after", "10").into());
        }
        asked.push_back(now);
        Ok(())
    }

    /// The distinguished name that a body asks for.
    fn subject(&self, sent: &[u8]) -> Result<String, Refused> {
        let bad = |why: &str| self.error(400, "BadRequest", why);
        let body: Value = serde_json::from_slice(sent).map_err(|_| bad("The body is no JSON."))?;
        let only = |value: &Value| match value.as_array().map(Vec::as_slice) {
            Some([one]) => Some(one.clone()),
            _ => None,
        };
        let parameters = body.get("parameters").and_then(only);
        let parameters = parameters.ok_or_else(|| bad("One of parameters is played."))?;
        let [_, _, rule] = &self.stage.invented.facts.sync_ids;
        if parameters.get("ruleId").and_then(Value::as_str) != Some(rule) {
            return Err(bad("The schema has no such rule."));
        }
        let subject = parameters.get("subjects").and_then(only);
        let subject = subject.ok_or_else(|| bad("One of subjects is played."))?;
        if subject.get("objectTypeName").and_then(Value::as_str) != Some("user") {
            return Err(bad("The rule takes objects of the type user."));
        }
        let dn = subject.get("objectId").and_then(Value::as_str);
        dn.map(str::to_owned).ok_or_else(|| bad("The subject has no objectId."))
    }

    fn told(&self, headers: &HeaderMap, key: &Value, steps: &[Value]) -> Response {
        let value = json!({"provisioningSteps": steps, "action": "Update",
                           "sourceSystem": {"name": "Active Directory"}});
        let (key, value) = match self.is(GraphFault::SyncGarbled) {
            true => ("Success".to_owned(), "provisioned".to_owned()),
            false => (key.to_string(), value.to_string()),
        };
        let context = "https://syncfabric.windowsazure.com/api/\
                       $metadata#microsoft.synchronization.stringKeyStringValuePair";
        self.ok(headers, &json!({"@odata.context": context, "key": key, "value": value}))
    }
}

fn key(result: &str, code: Option<&str>) -> Value {
    match code {
        None => json!({"result": result, "details": {}}),
        Some(code) => json!({"result": result, "details": {
            "errorCode": code, "errorMessage": "As told by the test."}}),
    }
}

pub(super) async fn on_demand(
    State(graph): State<Arc<Graph>>,
    Path((principal, job)): Path<(String, String)>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<Response, Refused> {
    graph.entered(&headers, &RIGHT)?;
    graph.in_pace()?;
    let [own, own_job, _] = &graph.stage.invented.facts.sync_ids;
    if (&principal, &job) != (own, own_job) {
        return Err(graph.error(404, "Request_ResourceNotFound", "There is no such job."));
    }
    let dn = graph.subject(&sent)?;
    let step = |kind: &str, status: &str| {
        json!({"name": format!("Entry{kind}"), "type": kind, "status": status,
               "description": format!("of '{dn}'"), "timestamp": graph.stage.now().to_string(),
               "details": {"distinguishedName": dn}})
    };
    let Some(number) = graph.accounts.at(&graph.stage, &dn) else {
        let failed = key("Failure", Some("SourceEntryNotFound"));
        return Ok(graph.told(&headers, &failed, &[step("Import", "Failure")]));
    };
    let steps =
        |last: &str| [step("Import", "Success"), step("Scoping", "Success"), step("Export", last)];
    if graph.is(GraphFault::SyncSkips) {
        let skipped = key("Skipped", Some("RedundantExport"));
        return Ok(graph.told(&headers, &skipped, &steps("Skipped")));
    }
    if graph.is(GraphFault::SyncFails) {
        let failed = key("Failure", Some("AttributeValueMustBeUnique"));
        return Ok(graph.told(&headers, &failed, &steps("Failure")));
    }
    let last = if graph.is(GraphFault::SyncHalfFails) { "Failure" } else { "Success" };
    let done = || graph.told(&headers, &key("Success", None), &steps(last));
    let idle = graph.is(GraphFault::SyncIdles) || graph.is(GraphFault::SyncHalfFails);
    let write = async {
        if !idle {
            graph.accounts.sync(number, graph.stage.now());
            graph.stage.effect(format!(
                "graph provision {}",
                super::accounts::account_id(&graph.stage, number)
            ));
            graph.audited(&graph.app(&headers), number, "Export", None);
        }
        Ok(done())
    };
    graph.written(write, done()).await
}
