//! A vendor's status page in the Statuspage format, version 2 (`/api/v2/summary.json`).
//!
//! People write it, often late. It may worsen what a probe saw, never better it: a page without
//! trouble adds nothing, and a page that cannot be read is no information.
//! Shape: the OpenAPI description of cloud-status by MongoDB, a public Statuspage; read 2026-11.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict, Window};
use crate::model::text::Clean;
use crate::services::{Context, ServiceError};
use crate::transport::{Endpoint, EndpointSettings, Failure, Request};

/// A vendor's status page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusPageSettings {
    /// The page, such as `https://status.vendor.example`.
    pub endpoint: EndpointSettings,
    /// Names or ids of the components that we use. None: the page's overall word.
    #[serde(default)]
    pub components: Vec<String>,
}

/// What the page says of what we use. Ordered: the greatest is the worst.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing can be had from it.
    NoInformation,
    /// No trouble reported.
    Ok,
    /// Work is under way.
    Maintenance,
    /// Slower or partly failing.
    Degraded,
    /// A word that we do not know.
    Unclear,
    /// Failing.
    Outage,
}

/// What the page says, with its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// How it stands.
    pub standing: Standing,
    /// One line, the vendor's words among them.
    pub line: Clean,
    /// Why there is no information; without meaning otherwise.
    pub reason: Reason,
    /// Maintenance of what we use, under way or announced.
    pub windows: Vec<Window>,
}

impl Says {
    fn new(standing: Standing, line: impl AsRef<str>) -> Self {
        let (reason, windows) = (Reason::Malformed, Vec::new());
        Self { standing, line: Clean::new(line.as_ref()), reason, windows }
    }

    fn nothing(why: impl AsRef<str>) -> Self {
        Self::new(Standing::NoInformation, format!("no information: {}", why.as_ref()))
    }

    fn failed(failure: &Failure) -> Self {
        Self { reason: failure.reason(), ..Self::nothing(failure.to_string()) }
    }

    /// `probed`, or worse if the page says so.
    #[must_use]
    pub fn worsen(&self, probed: Verdict) -> Verdict {
        let said = match self.standing {
            Standing::NoInformation | Standing::Ok => return probed,
            Standing::Maintenance | Standing::Degraded => Verdict::Warning,
            Standing::Unclear => Verdict::Unknown(Reason::Malformed),
            Standing::Outage => Verdict::Critical,
        };
        if severity(said) > severity(probed) { said } else { probed }
    }
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ok | Verdict::Quiet => 0,
        Verdict::Warning => 1,
        Verdict::Unknown(_) => 2,
        Verdict::Critical => 3,
    }
}

/// A status page that can be asked.
#[derive(Clone)]
pub struct StatusPage {
    endpoint: Endpoint,
    components: Vec<String>,
}

impl StatusPage {
    /// From its settings.
    ///
    /// # Errors
    /// When the endpoint cannot be used.
    pub fn new(
        ctx: &Context,
        service: &'static str,
        settings: &StatusPageSettings,
    ) -> Result<Self, ServiceError> {
        let endpoint = ctx.endpoint(service, Some(&settings.endpoint), "")?;
        Ok(Self::at(endpoint, settings))
    }

    /// At an endpoint that exists already.
    #[must_use]
    pub fn at(endpoint: Endpoint, settings: &StatusPageSettings) -> Self {
        Self { endpoint, components: settings.components.clone() }
    }

    /// Asks the page: one request.
    pub async fn ask(&self, now: Timestamp) -> Says {
        let reply = match self.endpoint.send(Request::get("api/v2/summary.json")).await {
            Ok(reply) => reply,
            Err(failure) => return Says::failed(&failure),
        };
        match reply.success().and_then(|r| r.json::<Value>()) {
            Ok(page) => read(&page, &self.components, now),
            Err(failure) => Says::failed(&failure),
        }
    }
}

/// What `page` says of `components` at `now`.
#[must_use]
pub fn read(page: &Value, components: &[String], now: Timestamp) -> Says {
    let indicator = page.pointer("/status/indicator").and_then(Value::as_str);
    let (Some(indicator), true) = (indicator, page.get("page").is_some_and(Value::is_object))
    else {
        return Says::nothing("its format is not known");
    };
    let listed = page.get("components").and_then(Value::as_array);
    if listed.is_none() && !components.is_empty() {
        return Says::nothing("it lists no components");
    }
    let mut worst = Says::new(Standing::Ok, "vendor reports no problem");
    let mut add = |says: Says| {
        if says.standing > worst.standing {
            worst = says;
        }
    };
    let mut ours: Vec<&Value> = Vec::new();
    for wanted in components {
        // Of several with one name the worst counts.
        let found: Vec<&Value> = list(page, "components")
            .iter()
            .filter(|c| is_named(c, wanted) && !is_parent(c))
            .collect();
        if found.is_empty() {
            add(Says::new(
                Standing::Unclear,
                format!("component `{wanted}` is not on the status page: has it been renamed?"),
            ));
        }
        found.iter().for_each(|component| add(component_says(component, wanted)));
        ours.extend(found);
    }
    // A summary names its components, incidents and maintenances together, an empty list where there
    // is none: one that is lost may hold what is wrong with ours. Only a page that is nothing but an
    // overall word has none of them.
    let lists = ["components", "incidents", "scheduled_maintenances"];
    if lists.iter().any(|key| page.get(key).is_some_and(|list| !list.is_null())) {
        for key in &lists[1..] {
            if !page.get(key).is_some_and(Value::is_array) {
                add(Says::new(Standing::Unclear, format!("the status page lacks its `{key}`")));
            }
        }
    }
    // Without a choice of components the whole page is meant, whatever an incident names.
    let ours = (!components.is_empty()).then_some(ours.as_slice());
    if ours.is_none() {
        add(by_indicator(&indicator.to_ascii_lowercase()));
    }
    for incident in list(page, "incidents") {
        add(incident_says(incident, ours));
    }
    let mut windows = Vec::new();
    for maintenance in list(page, "scheduled_maintenances") {
        add(window_says(maintenance, ours, now));
        let room = windows.len() < Observation::MAX_WINDOWS;
        windows.extend(window(maintenance, ours, now).filter(|_| room));
    }
    Says { windows, ..worst }
}

/// Maintenance of ours that is not over, as it may be offered as a downtime.
fn window(maintenance: &Value, ours: Option<&[&Value]>, now: Timestamp) -> Option<Window> {
    let time = |key| text(maintenance, key).parse::<Timestamp>().ok();
    let (from, until) = (time("scheduled_for")?, time("scheduled_until"));
    let over = lower(maintenance, "status") == "completed" || until.is_some_and(|u| u <= now);
    if over || until.is_some_and(|u| u <= from) || touches(maintenance, ours) == Some(false) {
        return None;
    }
    let id = match text(maintenance, "id") {
        "" => String::new(),
        id => format!(" ({id})"),
    };
    Some(Window { from, until, title: Clean::new(&format!("{}{id}", text(maintenance, "name"))) })
}

fn by_indicator(word: &str) -> Says {
    let standing = match word {
        "none" => return Says::new(Standing::Ok, "vendor reports no problem"),
        "minor" => Standing::Degraded,
        "major" | "critical" => Standing::Outage,
        "maintenance" => Standing::Maintenance,
        _ => Standing::Unclear,
    };
    Says::new(standing, format!("vendor's status page says `{word}`"))
}

fn component_says(component: &Value, name: &str) -> Says {
    let word = lower(component, "status");
    let standing = match word.as_str() {
        "operational" => Standing::Ok,
        "under_maintenance" => Standing::Maintenance,
        // Degraded for us unless our own probe fails too, and then the probe decides.
        "degraded_performance" | "partial_outage" => Standing::Degraded,
        "major_outage" => Standing::Outage,
        _ => Standing::Unclear,
    };
    Says::new(standing, format!("vendor says of {name}: `{}`", shown(&word)))
}

/// Whether `event` names one of ours; `None` where it names no component at all, one that cannot be
/// read, or all are ours.
fn touches(event: &Value, ours: Option<&[&Value]>) -> Option<bool> {
    let ours = ours?;
    let named = list(event, "components");
    let is_ours = |n: &Value| {
        ours.iter().any(|o| {
            let same = |key| !text(n, key).is_empty() && text(n, key) == text(o, key);
            same("id") || same("name")
        })
    };
    let is_readable = |n: &Value| !(text(n, "id").is_empty() && text(n, "name").is_empty());
    match named.iter().any(is_ours) {
        true => Some(true),
        false => (!named.is_empty() && named.iter().all(is_readable)).then_some(false),
    }
}

fn incident_says(incident: &Value, ours: Option<&[&Value]>) -> Says {
    let touched = touches(incident, ours);
    let (status, impact) = (lower(incident, "status"), lower(incident, "impact"));
    let (status, impact) = (status.as_str(), impact.as_str());
    let over = matches!(status, "resolved" | "postmortem" | "completed");
    if over || touched == Some(false) {
        return Says::new(Standing::Ok, "");
    }
    let known = matches!(status, "investigating" | "identified" | "monitoring");
    let standing = match impact {
        _ if !known => Standing::Unclear,
        "none" | "minor" => Standing::Degraded,
        // Believed mended, or perhaps not ours: not well, but no outage on the page's word.
        "major" | "critical" if status == "monitoring" || touched.is_none() => Standing::Degraded,
        "major" | "critical" => Standing::Outage,
        "maintenance" => Standing::Maintenance,
        _ => Standing::Unclear,
    };
    let watch = if status == "monitoring" { ", fix under watch" } else { "" };
    let name = Clean::new(text(incident, "name"));
    Says::new(
        standing,
        format!("vendor's incident, {} ({}){watch}: {name}", shown(status), shown(impact)),
    )
}

fn window_says(window: &Value, ours: Option<&[&Value]>, now: Timestamp) -> Says {
    if touches(window, ours) == Some(false) {
        return Says::new(Standing::Ok, "");
    }
    let time = |key| text(window, key).parse::<Timestamp>().ok();
    let standing = match lower(window, "status").as_str() {
        "completed" => Standing::Ok,
        "in_progress" | "verifying" => Standing::Maintenance,
        "scheduled" => match (time("scheduled_for"), time("scheduled_until")) {
            (Some(from), Some(until)) if from <= now && now < until => Standing::Maintenance,
            (Some(_), Some(_)) => Standing::Ok,
            _ => Standing::Unclear,
        },
        _ => Standing::Unclear,
    };
    Says::new(standing, format!("vendor's maintenance: {}", Clean::new(text(window, "name"))))
}

fn is_named(component: &Value, wanted: &str) -> bool {
    text(component, "id") == wanted || text(component, "name").eq_ignore_ascii_case(wanted)
}

/// A parent's status is a roll-up of its children's.
fn is_parent(component: &Value) -> bool {
    component.get("group").and_then(Value::as_bool).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A word of the vendor's, its case not believed.
fn lower(value: &Value, key: &str) -> String {
    text(value, key).to_ascii_lowercase()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn shown(word: &str) -> Clean {
    Clean::new(if word.is_empty() { "nothing" } else { word })
}
