//! What every test of the simulators needs: simulators at work, a plain client, a clock to set.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caretaker::model::ids::Laestab;
use caretaker::model::school::{School, Subscription};
use caretaker::simulators::{Plan, Running, Scenario, start};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Response};
use serde_json::{Value, json};

/// A Tuesday in term, ten past nine in London.
pub const TUESDAY: &str = "2027-02-02T09:10:00Z";

/// Simulators, a client that trusts their authority alone, and a clock that tests set.
pub struct Played {
    pub running: Running,
    pub client: Client,
    pub clock: Arc<Mutex<Timestamp>>,
    pub folder: tempfile::TempDir,
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub async fn played(scenario: Scenario, schools: usize, now: &str) -> Played {
    caretaker::transport::install_tls();
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Mutex::new(at(now)));
    let hands = clock.clone();
    let running = start(Plan {
        schools,
        seed: 11,
        scenario,
        folder: folder.path().join("vendors"),
        clock: Arc::new(move || *hands.lock().unwrap()),
    })
    .await
    .unwrap();
    let client = client(Some(&running.ca_file), None);
    Played { running, client, clock, folder }
}

pub fn client(ca: Option<&Path>, proxy: Option<&str>) -> Client {
    let authorities =
        ca.map(|path| reqwest::Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap());
    let builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .tls_certs_only(authorities);
    match proxy {
        Some(url) => builder.proxy(reqwest::Proxy::http(url).unwrap()),
        None => builder.no_proxy(),
    }
    .build()
    .unwrap()
}

pub async fn value(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

impl Played {
    pub fn url(&self, key: &str) -> &str {
        self.running.urls.get(key).unwrap_or_else(|| panic!("no URL {key}"))
    }

    pub fn now(&self) -> Timestamp {
        *self.clock.lock().unwrap()
    }

    pub fn forward(&self, seconds: i64) {
        *self.clock.lock().unwrap() += SignedDuration::from_secs(seconds);
    }

    pub fn credential(&self, name: &str) -> &str {
        &self.running.invented.credentials[name]
    }

    pub fn takers(&self, service: &str) -> Vec<(&School, &Subscription)> {
        let invented = &self.running.invented;
        invented
            .schools
            .iter()
            .map(|s| (s, &invented.subscriptions[&s.laestab]))
            .filter(|(_, t)| t.services.iter().any(|k| k.as_str() == service))
            .collect()
    }

    pub async fn graph_token_answer(&self, changed: &[(&str, &str)]) -> Response {
        let facts = &self.running.invented.facts;
        let mut form = BTreeMap::from([
            ("client_id", facts.client_id.as_str()),
            ("scope", "https://graph.microsoft.com/.default"),
            ("grant_type", "client_credentials"),
            ("client_secret", self.credential("welearn365")),
        ]);
        let mut tenant = facts.tenant_id.as_str();
        for (name, value) in changed {
            if *name == "tenant" {
                tenant = value;
            } else {
                form.insert(name, value);
            }
        }
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.url("welearn365.login"));
        self.client.post(url).form(&form).send().await.unwrap()
    }

    pub async fn graph_token(&self) -> String {
        let answer = value(self.graph_token_answer(&[]).await).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn graph(&self, path: &str, token: &str) -> Response {
        let url = format!("{}/{path}", self.url("welearn365"));
        self.client.get(url).bearer_auth(token).send().await.unwrap()
    }

    pub async fn xod_token_answer(&self, estab: &str, password: &str) -> Value {
        let body = json!({
            "estab": estab, "relyingParty": self.running.invented.facts.relying_party,
            "password": password, "thirdpartyid": "XporterOnDemand",
        });
        let answer = self.client.post(self.url("groupcall.token")).json(&body).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200, "token failures stand inside 200");
        value(answer).await
    }

    pub async fn xod_token(&self, school: Laestab) -> Option<String> {
        let password = self.credential(&format!("xod.{school}"));
        let answer = self.xod_token_answer(&school.to_string(), password).await;
        answer["token"].as_str().map(str::to_owned)
    }

    pub async fn xod(&self, path: &str, token: &str) -> Value {
        let answer = self
            .client
            .get(format!("{}/{path}", self.url("groupcall")))
            .header("Authorization", format!("Idaas {token}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        value(answer).await
    }

    /// The time of the cache, its unzoned text read as UTC.
    pub async fn xporter_age_hours(&self, school: Laestab) -> f64 {
        let token = self.xod_token(school).await.unwrap();
        let body = self.xod(&format!("School/{school}/SchoolInfo"), &token).await;
        let made = body["meta"][0]["DateTime"].as_str().unwrap();
        hours(at(&format!("{made}Z")), self.now())
    }

    pub async fn accounts(&self, skip: usize) -> Vec<Value> {
        let answer = self
            .client
            .get(format!("{}/api/odata/Accounts?$skip={skip}", self.url("redstor")))
            .basic_auth(&self.running.invented.facts.redstor_user, Some(self.credential("redstor")))
            .send()
            .await
            .unwrap();
        value(answer).await["value"].as_array().unwrap().clone()
    }

    pub async fn page(&self, url: &str) -> (u16, String) {
        let answer = self.client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The list of stations that lies in the drop folder: rows by school.
    pub fn stations(&self) -> BTreeMap<String, Vec<csv::StringRecord>> {
        let files = names(&self.running.drops["future_digital"]);
        assert_eq!(files.len(), 1, "{files:?}");
        let path = self.running.drops["future_digital"].join(&files[0]);
        let mut reader = csv::Reader::from_path(path).unwrap();
        assert_eq!(
            reader.headers().unwrap(),
            vec!["laestab", "ou", "station", "client_version", "last_active"]
        );
        let mut out: BTreeMap<String, Vec<csv::StringRecord>> = BTreeMap::new();
        for row in reader.records().map(Result::unwrap) {
            out.entry(row[0].to_owned()).or_default().push(row);
        }
        out
    }

    pub fn mails(&self) -> Vec<String> {
        let folder = &self.running.drops["smoothwall"];
        names(folder).iter().filter_map(|n| std::fs::read_to_string(folder.join(n)).ok()).collect()
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|n| !n.starts_with('.'))
        .collect();
    names.sort();
    names
}

pub fn hours(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / 3_600.0
}

/// Waits until `good`, at most ten seconds: the drops are looked after four times a second.
pub async fn until(what: &str, mut good: impl FnMut() -> bool) {
    for _ in 0..200 {
        if good() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never came: {what}");
}
