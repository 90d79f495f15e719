//! The simulators, asked by a plain client: do they behave as the vendors' pages say?
//!
//! Nothing here uses a connector. Every rule is read off the answers with `serde_json::Value`.
#![cfg(test)]

#[path = "simulators/directory.rs"]
mod directory;
#[path = "simulators/microsoft.rs"]
mod microsoft;
#[path = "simulators/played.rs"]
mod played;
#[path = "simulators/scenarios.rs"]
mod scenarios;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caretaker::simulators::{PERSONAL_NAMES, Plan, SERVICES, Scenario, StartError, start};
use jiff::Timestamp;
use pkcs1::der::Encode;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use played::{Played, TUESDAY, at, client, hours, names, played, until, value};

// ------------------------------------------------------------------ all of them

#[tokio::test]
async fn every_vendor_has_a_url_and_only_the_throw_away_authority_is_trusted() {
    let p = played(Scenario::Calm, 12, TUESDAY).await;
    let stranger = client(None, None);
    for key in SERVICES {
        assert!(p.running.urls.contains_key(key), "{key}");
    }
    for (key, url) in &p.running.urls {
        if url.starts_with("file:") {
            assert!(Path::new(url.strip_prefix("file://").unwrap()).is_dir(), "{key}");
            continue;
        }
        assert!(url.contains("//127.0.0.1:"), "{url}");
        if url.starts_with("ldaps:") {
            continue;
        }
        p.client.get(url).send().await.unwrap_or_else(|e| panic!("{key} {url}: {e:?}"));
        if url.starts_with("https:") {
            assert!(stranger.get(url).send().await.is_err(), "{key} is believed without its CA");
        } else {
            assert!(key.starts_with("smoothwall."), "{key} is not encrypted");
        }
    }
}

#[tokio::test]
async fn counts_what_it_was_asked() {
    let p = played(Scenario::Calm, 12, TUESDAY).await;
    let token = p.graph_token().await;
    for _ in 0..3 {
        p.graph("organization", &token).await;
    }
    p.accounts(0).await;
    let served = p.running.served();
    assert_eq!(served["welearn365 GET /v1.0/organization"], 3, "{served:?}");
    assert_eq!(served["welearn365.login POST /{tenant}/oauth2/v2.0/token"], 1);
    assert_eq!(served["redstor GET /api/odata/Accounts"], 1);
    assert_eq!(served.values().sum::<u64>(), 5);
}

#[tokio::test]
async fn twenty_four_thousand_schools_can_be_played() {
    let p = played(Scenario::Morning, 24_000, TUESDAY).await;
    assert_eq!(p.running.invented.schools.len(), 24_000);
    let backed = p.takers("redstor").len();
    assert_eq!(p.accounts(0).await.len(), 1_000);
    assert_eq!(p.accounts(backed * 2 / 1_000 * 1_000).await.len(), backed * 2 % 1_000 + 1);
    assert_eq!(p.stations().len(), p.takers("future_digital").len());
}

#[tokio::test]
async fn refuses_a_plan_that_cannot_be_played() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let plan = |schools, folder: &Path| Plan {
        schools,
        seed: 1,
        scenario: Scenario::Calm,
        folder: folder.to_owned(),
        clock: Arc::new(|| at(TUESDAY)),
    };
    assert!(matches!(start(plan(0, folder.path())).await, Err(StartError::Schools(0))));
    let refused = start(plan(3, &file)).await.err().unwrap();
    assert!(matches!(refused, StartError::File { .. }));
    assert!(refused.to_string().contains("file"), "{refused}");
}

#[tokio::test]
async fn the_same_seed_plays_the_same_again() {
    let (a, b) = tokio::join!(
        played(Scenario::Morning, 60, TUESDAY),
        played(Scenario::Morning, 60, TUESDAY)
    );
    assert!(*a.running.invented == *b.running.invented);
    for elapsed in [0, 400, 700] {
        assert_eq!(a.accounts(0).await, b.accounts(0).await);
        for (school, _) in a.takers("groupcall") {
            let l = school.laestab;
            assert_eq!(a.xod_token(l).await.is_some(), b.xod_token(l).await.is_some());
        }
        a.forward(elapsed);
        b.forward(elapsed);
    }
    let stations = |p: &Played| {
        let rows = p.stations().into_values().flatten();
        rows.map(|r| r.iter().collect::<Vec<_>>().join(",")).collect::<Vec<_>>()
    };
    // Each writes its files in its own time.
    until("the same stations", || stations(&a) == stations(&b)).await;
}

// ------------------------------------------------------------------ Microsoft

#[tokio::test]
async fn microsoft_says_why_it_gives_no_token() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    for (changed, status, code) in [
        (("client_secret", "wrong"), 401, 7_000_215),
        (("client_id", "00000000-0000-4000-8000-000000000000"), 400, 700_016),
        (("tenant", "00000000-0000-4000-8000-000000000000"), 400, 90_002),
        (("grant_type", "password"), 400, 900_144),
        (("scope", "User.Read"), 400, 70_011),
    ] {
        let answer = p.graph_token_answer(&[changed]).await;
        assert_eq!(answer.status(), status, "{changed:?}");
        let body = value(answer).await;
        assert_eq!(body["error_codes"], json!([code]));
        let text = body["error_description"].as_str().unwrap();
        assert!(text.starts_with(&format!("AADSTS{code}: ")), "{text}");
        assert!(!text.contains("wrong"), "a secret is never echoed: {text}");
    }
    let good = value(p.graph_token_answer(&[]).await).await;
    assert_eq!((&good["token_type"], &good["expires_in"]), (&json!("Bearer"), &json!(3_599)));
}

#[tokio::test]
async fn graph_refuses_a_wrong_and_an_expired_token() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    let token = p.graph_token().await;
    assert_eq!(p.graph("organization", &token).await.status(), 200);
    let refused = p.graph("organization", "made-up").await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    let id = refused.headers()["request-id"].to_str().unwrap().to_owned();
    let body = value(refused).await;
    assert_eq!(body["error"]["code"], "InvalidAuthenticationToken");
    assert_eq!(body["error"]["innerError"]["request-id"], id);
    p.forward(3_600);
    assert_eq!(p.graph("organization", &token).await.status(), 401, "expired by the clock");
    let next = p.graph_token().await;
    assert_eq!(p.graph("organization", &next).await.status(), 200);
    p.running.forget_tokens();
    assert_eq!(p.graph("organization", &next).await.status(), 401, "rotated");
}

#[tokio::test]
async fn health_overviews_come_in_pages_until_there_is_no_next_link() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    let token = p.graph_token().await;
    let path = "admin/serviceAnnouncement/healthOverviews";
    let whole = value(p.graph(path, &token).await).await;
    let rows = whole["value"].as_array().unwrap();
    assert!(rows.len() > 6 && whole.get("@odata.nextLink").is_none());
    assert!(rows.iter().all(|r| r.get("issues").is_none()), "only with $expand");
    let ids = |rows: &[Value]| rows.iter().map(|r| r["id"].to_string()).collect::<Vec<_>>();
    let mut url = Some(format!("{}/{path}?$expand=issues&$top=4", p.url("welearn365")));
    let mut paged = Vec::new();
    while let Some(link) = url {
        let answer = p.client.get(&link).bearer_auth(&token).send().await.unwrap();
        let body = value(answer).await;
        let page = body["value"].as_array().unwrap();
        assert!((1..=4).contains(&page.len()) && page.iter().all(|r| r["issues"] == json!([])));
        paged.extend(page.clone());
        url = body.get("@odata.nextLink").map(|l| l.as_str().unwrap().to_owned());
        assert!(url.iter().all(|l| l.starts_with(p.url("welearn365"))), "same origin");
    }
    assert_eq!(ids(&paged), ids(rows));
    let spelt: BTreeSet<_> =
        rows.iter().map(|r| r["status"].as_str().unwrap().chars().next().unwrap()).collect();
    assert_eq!(spelt, BTreeSet::from(['S', 's']), "both spellings occur, as documented");
}

#[tokio::test]
async fn issues_can_be_filtered_by_whether_they_are_resolved() {
    let p = played(Scenario::Storm, 6, TUESDAY).await;
    let token = p.graph_token().await;
    let ask = async |filter: &str| {
        let path = format!("admin/serviceAnnouncement/issues{filter}");
        let body = value(p.graph(&path, &token).await).await;
        body["value"].as_array().cloned().unwrap_or_default()
    };
    assert_eq!(ask("").await.len(), 2);
    let open = ask("?$filter=isResolved%20eq%20false").await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["service"], "Identity Service");
    assert_eq!(open[0]["status"], "serviceInterruption");
    assert!(open[0]["posts"][0]["description"]["content"].as_str().unwrap().contains("<p>"));
    assert_eq!(ask("?$filter=isResolved%20eq%20true").await.len(), 1);
    let odd = p.graph("admin/serviceAnnouncement/issues?$filter=id%20gt%207", &token).await;
    assert_eq!(odd.status(), 400);
}

#[tokio::test]
async fn service_health_throttles_at_its_published_limits() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    let token = p.graph_token().await;
    let path = "admin/serviceAnnouncement/healthOverviews";
    p.running.enforce_published_limits();
    for n in 0..240 {
        assert_eq!(p.graph(path, &token).await.status(), 200, "call {n}");
    }
    p.forward(20);
    let refused = p.graph(path, &token).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "40");
    assert_eq!(value(refused).await["error"]["code"], "TooManyRequests");
    assert_eq!(p.graph("organization", &token).await.status(), 200, "another limit");
    p.forward(40);
    for _ in 0..2 {
        for _ in 0..240 {
            assert_eq!(p.graph(path, &token).await.status(), 200);
        }
        p.forward(60);
    }
    for _ in 0..80 {
        assert_eq!(p.graph(path, &token).await.status(), 200);
    }
    let refused = p.graph(path, &token).await;
    assert_eq!(refused.status(), 429, "800 an hour");
    p.forward(3_420);
    let token = p.graph_token().await;
    assert_eq!(p.graph(path, &token).await.status(), 200, "the first 240 are an hour old");
}

#[tokio::test]
async fn the_organization_is_one_row_of_what_was_selected() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    let token = p.graph_token().await;
    let select = "organization?$select=id,onPremisesSyncEnabled,onPremisesLastSyncDateTime";
    for _ in 0..9 {
        let body = value(p.graph(select, &token).await).await;
        let rows = body["value"].as_array().unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].get("displayName").is_none());
        assert_eq!(rows[0]["id"], p.running.invented.facts.tenant_id);
        let stamp = at(rows[0]["onPremisesLastSyncDateTime"].as_str().unwrap());
        assert!((0.0..0.75).contains(&hours(stamp, p.now())), "{stamp} is late");
        p.forward(361);
    }
}

#[tokio::test]
async fn each_school_has_its_site_and_nobody_elses() {
    let p = played(Scenario::Morning, 40, TUESDAY).await;
    let token = p.graph_token().await;
    let host = &p.running.invented.facts.site_host;
    let mut missing = 0;
    for (school, taken) in p.takers("welearn365") {
        let site = &taken.parameters["welearn365.site"];
        let answer = p.graph(&format!("sites/{host}:/{site}"), &token).await;
        if answer.status() == 404 {
            assert_eq!(value(answer).await["error"]["code"], "itemNotFound");
            missing += 1;
            continue;
        }
        let body = value(answer).await;
        assert_eq!(body["displayName"], school.name.as_str());
        assert_eq!(body["webUrl"], format!("https://{host}/{site}"));
    }
    assert_eq!(missing, 1, "a morning misses one");
    assert_eq!(p.graph("sites/other.example:/sites/x", &token).await.status(), 404);
    assert_eq!(p.graph("applications", &token).await.status(), 400);
}

// ------------------------------------------------------------------ Groupcall

#[tokio::test]
async fn groupcall_refuses_inside_200() {
    let p = played(Scenario::Calm, 8, TUESDAY).await;
    let school = p.takers("groupcall")[0].0.laestab;
    let secret = p.credential(&format!("xod.{school}")).to_owned();
    let good = p.xod_token_answer(&school.to_string(), &secret).await;
    assert!(good["token"].is_string() && good["ExceptionMessage"].is_null());
    let expires = good["expires"].as_str().unwrap();
    assert!(expires.ends_with('Z') && hours(p.now(), at(expires)) > 100.0, "{expires}");
    for (estab, password) in [
        (school.to_string(), "wrong".to_owned()),
        ("9999999".to_owned(), secret.clone()),
        ("nonsense".to_owned(), secret.clone()),
        (String::new(), secret.clone()),
    ] {
        let refused = p.xod_token_answer(&estab, &password).await;
        assert!(refused["token"].is_null(), "{estab}");
        assert_eq!(refused["expires"], "0001-01-01T00:00:00");
        assert!(refused["ExceptionMessage"].as_str().unwrap().contains("secret not correct"));
        assert!(refused["ExceptionType"].is_null() && refused["Message"].is_null());
    }
    let management = p.credential("groupcall.management").to_owned();
    let token = p.xod_token_answer("", &management).await["token"].as_str().unwrap().to_owned();
    let body = p.xod(&format!("School/{school}/SchoolInfo"), &token).await;
    assert!(body["ExceptionMessage"].is_string(), "no school data for a management token");
}

#[tokio::test]
async fn a_groupcall_token_reads_one_school_by_its_own_scheme() {
    let p = played(Scenario::Calm, 8, TUESDAY).await;
    let schools = p.takers("groupcall");
    let (own, other) = (schools[0].0, schools[1].0.laestab);
    let token = p.xod_token(own.laestab).await.unwrap();
    let details = p.xod("TokenDetails", &token).await;
    assert_eq!(details["Estab"], own.laestab.to_string());
    assert!(details["Scopes"].as_array().unwrap().contains(&json!("School")));
    let body = p.xod(&format!("School/{}/SchoolInfo", own.laestab), &token).await;
    assert_eq!(body["SchoolInfo"][0]["EstabId"], own.laestab.to_string());
    assert_eq!(body["SchoolInfo"][0]["Name"], own.name.as_str().to_uppercase());
    let foreign = p.xod(&format!("School/{other}/SchoolInfo"), &token).await;
    assert!(foreign["ExceptionMessage"].is_string() && foreign.get("SchoolInfo").is_none());
    let bearer = p
        .client
        .get(format!("{}/TokenDetails", p.url("groupcall")))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert!(value(bearer).await["ExceptionMessage"].is_string(), "the word is Idaas");
    p.forward(5 * 86_400 + 1);
    let late = p.xod("TokenDetails", &token).await;
    assert_eq!(late["ExceptionMessage"], "Token has expired");
}

#[tokio::test]
async fn xporter_writes_the_time_of_its_cache_without_a_zone() {
    let p = played(Scenario::Calm, 8, "2027-06-08T09:10:00Z").await;
    for (school, _) in p.takers("groupcall") {
        let l = school.laestab;
        let token = p.xod_token(l).await.unwrap();
        let info = p.xod(&format!("School/{l}/SchoolInfo"), &token).await;
        let text = info["meta"][0]["DateTime"].as_str().unwrap();
        assert!(!text.ends_with('Z') && !text.contains('+'), "{text}");
        assert!(text.starts_with("2027-06-08T02:"), "three in London is two in UTC: {text}");
        let counts = p.xod(&format!("School/{l}/Counts"), &token).await;
        assert_ne!(counts["meta"], info["meta"], "each endpoint has its own cache");
        assert_eq!(counts["Counts"][0], json!({"Area": "Students", "Count": school.pupils}));
        assert!(info["SchoolInfo"][0]["LastUpdated"].as_str().unwrap() < "2020", "the trap");
        let head = info["SchoolInfo"][0]["Head"].as_str().unwrap();
        assert!(PERSONAL_NAMES.contains(&head), "a leak of {head} could be found");
    }
}

#[tokio::test]
async fn students_come_in_pages_whose_last_one_points_past_the_end() {
    let p = played(Scenario::Calm, 8, TUESDAY).await;
    let school = p.takers("groupcall")[0].0;
    let (l, pupils) = (school.laestab, u64::from(school.pupils.unwrap()));
    let token = p.xod_token(l).await.unwrap();
    let ask = async |page: u64, size: u64| {
        let path = format!("School/{l}/Students/?pageSize={size}&page={page}");
        p.xod(&path, &token).await
    };
    let size = pupils.div_ceil(3);
    let (mut page, mut ids) = (1, BTreeSet::new());
    loop {
        let body = ask(page, size).await;
        let paging = body["__pagination__"][0].clone();
        for student in body["Students"].as_array().unwrap() {
            assert_eq!(student.as_object().unwrap().keys().collect::<Vec<_>>(), ["Id"]);
            assert!(ids.insert(student["Id"].to_string()));
        }
        assert_eq!(body["meta"].as_array().unwrap().len(), usize::from(page == 1));
        assert_eq!(paging["RowCount"], pupils);
        assert_eq!(paging["NextPage"], format!("?page={}&pageSize={size}", page + 1));
        if paging["PageNumber"].as_u64() >= paging["PageCount"].as_u64() {
            break;
        }
        page += 1;
    }
    assert_eq!((page, ids.len() as u64), (3, pupils));
    let changed = p.xod(&format!("School/{l}/Students/?changedRows=*"), &token).await;
    assert_eq!(changed["meta"], json!([]));
    assert!(changed.get("__pagination__").is_none());
    let usage = p.xod("Usage", &token).await;
    assert_eq!(usage["Usage"][0]["Areas"][0]["Today"], 4);
}

#[tokio::test]
async fn idaas_signs_in_and_the_nightly_files_carry_their_times() {
    let p = played(Scenario::Calm, 20, TUESDAY).await;
    let (status, body) = p.page(p.url("groupcall.idaas")).await;
    assert!(status == 200 && body.contains(&p.running.invented.facts.idaas_word));
    for (feed, most) in [("xvault", 26.0), ("cme", 8.0 * 24.0)] {
        let path = p.running.drops["groupcall"].join(format!("{feed}.json"));
        let body: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let rows = body.as_array().unwrap();
        assert_eq!(rows.len(), p.takers("groupcall").len());
        for row in rows {
            let age = hours(at(row["at"].as_str().unwrap()), p.now());
            assert!((0.0..most).contains(&age), "{feed}: {row}");
        }
    }
}

// ------------------------------------------------------------------ Redstor

#[tokio::test]
async fn the_storage_platform_gives_a_thousand_rows_a_page_until_one_is_short() {
    let p = played(Scenario::Calm, 700, TUESDAY).await;
    let refused = p
        .client
        .get(format!("{}/api/odata/Accounts", p.url("redstor")))
        .basic_auth("collection.admin", Some("wrong"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.text().await.unwrap(), "Invalid credentials");
    let (first, second) = (p.accounts(0).await, p.accounts(1_000).await);
    assert_eq!(first.len(), 1_000);
    let by_name: BTreeMap<&str, &Value> = first
        .iter()
        .chain(&second)
        .map(|row| (row["AccountName"].as_str().unwrap(), row))
        .collect();
    let takers = p.takers("redstor");
    assert_eq!(by_name.len(), takers.len() * 2);
    assert_eq!(second.len(), takers.len() * 2 - 1_000);
    for (school, taken) in takers {
        for name in ["redstor.documents", "redstor.sims"] {
            let row = by_name[taken.parameters[name].as_str()];
            let last = row["LastBackupDate"].as_str().unwrap();
            assert!(last.contains('+'), "with its offset: {last}");
            assert!((0.0..26.0).contains(&hours(at(last), p.now())), "{last}");
            assert_eq!(row["LastBackupStatus"], 1);
            assert_eq!(row["LastBackupMessage"], "Successful");
            assert!(row["BackupGroup"].as_str().unwrap().contains(school.name.as_str()));
        }
    }
}

/// A signed assertion for the RedAPI, as a client would make it from the JWK.
fn assertion(p: &Played, changed: &Value) -> String {
    let jwk: Value = serde_json::from_str(p.credential("redstor.jwk")).unwrap();
    let part = |n: &str| URL_SAFE_NO_PAD.decode(jwk[n].as_str().unwrap()).unwrap();
    let (n, e, d) = (part("n"), part("e"), part("d"));
    let (q1, q2, e1, e2, c) = (part("p"), part("q"), part("dp"), part("dq"), part("qi"));
    let uint = |bytes| pkcs1::UintRef::new(bytes).unwrap();
    let der = pkcs1::RsaPrivateKey {
        modulus: uint(&n),
        public_exponent: uint(&e),
        private_exponent: uint(&d),
        prime1: uint(&q1),
        prime2: uint(&q2),
        exponent1: uint(&e1),
        exponent2: uint(&e2),
        coefficient: uint(&c),
        other_prime_infos: None,
    }
    .to_der()
    .unwrap();
    let now = p.now().as_second();
    let client = &p.running.invented.facts.redapi_client_id;
    let mut claims = json!({
        "iss": client, "sub": client, "aud": p.url("redstor.token"),
        "jti": uuid::Uuid::new_v4().to_string(), "iat": now, "nbf": now, "exp": now + 300,
    });
    let mut kid = jwk["kid"].as_str().unwrap().to_owned();
    for (name, value) in changed.as_object().unwrap() {
        if name == "kid" { kid = value.to_string() } else { claims[name] = value.clone() }
    }
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    header.kid = Some(kid);
    jsonwebtoken::encode(&header, &claims, &jsonwebtoken::EncodingKey::from_rsa_der(&der)).unwrap()
}

async fn redapi_token_answer(p: &Played, assertion: &str) -> Response {
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "api.read"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    p.client.post(p.url("redstor.token")).form(&form).send().await.unwrap()
}

#[tokio::test]
async fn the_redapi_believes_a_fresh_signed_assertion_once() {
    let p = played(Scenario::Calm, 8, TUESDAY).await;
    let now = p.now().as_second();
    let good = assertion(&p, &json!({}));
    let answer = redapi_token_answer(&p, &good).await;
    assert_eq!(answer.status(), 200);
    let body = value(answer).await;
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3_600)));
    let again = redapi_token_answer(&p, &good).await;
    assert_eq!(
        (again.status(), value(again).await),
        (StatusCode::BAD_REQUEST, json!({"error": "invalid_client"}))
    );
    for changed in [
        json!({"iss": "somebody"}),
        json!({"sub": "somebody"}),
        json!({"aud": "https://id.redstor.example/connect/token"}),
        json!({"exp": now - 1}),
        json!({"exp": now + 3_600}),
        json!({"nbf": now + 600}),
        json!({"jti": ""}),
        json!({"kid": "another"}),
    ] {
        let refused = redapi_token_answer(&p, &assertion(&p, &changed)).await;
        assert_eq!(refused.status(), 400, "{changed}");
    }
    let fresh = assertion(&p, &json!({}));
    let (signed, signature) = fresh.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    assert_eq!(redapi_token_answer(&p, &format!("{signed}.{flipped}")).await.status(), 400);
}

#[tokio::test]
async fn the_redapi_ends_its_pages_by_leaving_the_token_out() {
    let p = played(Scenario::Morning, 60, TUESDAY).await;
    let body = value(redapi_token_answer(&p, &assertion(&p, &json!({}))).await).await;
    let token = body["access_token"].as_str().unwrap();
    let company = &p.running.invented.facts.redapi_company_id;
    let api = p.url("redstor.redapi").to_owned();
    let ask = async |path: &str| {
        let url = format!("{api}{path}");
        value(p.client.get(url).bearer_auth(token).send().await.unwrap()).await
    };
    let misprint = p.client.get(format!("{api}/companies/{company}")).header("X-Api-Key", token);
    let misprint = misprint.send().await.unwrap();
    assert_eq!(misprint.status(), 401);
    assert_eq!(misprint.headers()["www-authenticate"], "Bearer");
    let base = format!(
        "/storage/accounts?companyId={company}&apiVersion=2.0&maxResults=50&shouldReturnCount=true"
    );
    let (mut path, mut rows, mut counts) = (base.clone(), Vec::new(), Vec::new());
    loop {
        let page = ask(&path).await;
        rows.extend(page["results"].as_array().unwrap().clone());
        counts.push(page["totalCount"].as_i64().unwrap());
        match page.get("nextPageToken") {
            Some(next) => path = format!("{base}&pageToken={}", next.as_str().unwrap()),
            None => break,
        }
    }
    let all = p.takers("redstor").len() * 2 + 1;
    assert_eq!((rows.len(), counts[0]), (all, all as i64));
    assert!(counts.len() > 1 && counts[1..].iter().all(|c| *c == -1), "{counts:?}");
    assert!(rows.iter().all(|r| r["createOn"].is_string()), "as it is spelt");
    assert_eq!(ask("/storage/accounts?companyId=x&maxResults=101").await["status"], 404);
    let default = ask(&format!("/companies/{company}/customers?apiVersion=2.0")).await;
    assert_eq!(default["results"].as_array().unwrap().len(), 30, "the default page");
    assert!(default.get("totalCount").is_none(), "not asked for");
    redapi_runs(&p, &ask, company, &rows).await;
}

/// Runs of the last seven days, in no order; a machine that never ran has none and answers 422.
async fn redapi_runs(
    p: &Played,
    ask: &impl AsyncFn(&str) -> Value,
    company: &str,
    accounts: &[Value],
) {
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    let mut path = format!("/backups/status/accounts?companyId={company}&maxResults=100");
    let base = path.clone();
    loop {
        let page = ask(&path).await;
        for row in page["results"].as_array().unwrap() {
            seen.insert(row["accountName"].as_str().unwrap().to_owned(), row.clone());
        }
        match page.get("nextPageToken") {
            Some(next) => path = format!("{base}&pageToken={}", next.as_str().unwrap()),
            None => break,
        }
    }
    let mut orders = BTreeSet::new();
    for row in seen.values() {
        let times: Vec<Timestamp> = row["statusHistory"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| at(run["timestamp"].as_str().unwrap()))
            .collect();
        assert!(times.iter().all(|t| hours(*t, p.now()) < 168.0), "seven days only");
        if times.len() > 1 {
            orders.insert(times.is_sorted());
        }
    }
    assert_eq!(orders.len(), 2, "no order is promised");
    let without = |a: &&Value| {
        let row = seen.get(a["accountName"].as_str().unwrap());
        row.is_none_or(|r| r["statusHistory"] == json!([]))
    };
    let mut never = 0;
    for account in accounts.iter().filter(without) {
        let id = account["accountId"].as_str().unwrap();
        let errors = ask(&format!("/backups/status/accounts/errors?accountId={id}")).await;
        // Nine days ago looks like never, but for this call.
        never += usize::from(errors["status"] == 422);
    }
    assert_eq!(never, 1);
    let sum = ask(&format!("/backups/status?companyId={company}")).await;
    assert_eq!(sum["results"][0]["failed"], 1);
    assert_eq!(sum["results"][0]["missed"], 1);
}

// ------------------------------------------------------------------ files, filter, portals

#[tokio::test]
async fn stations_are_dropped_whole_every_quarter_of_an_hour() {
    let p = played(Scenario::Calm, 30, TUESDAY).await;
    let folder = p.running.drops["future_digital"].clone();
    assert_eq!(names(&folder), ["stations-20270202T0900Z.csv"]);
    let stations = p.stations();
    for (school, taken) in p.takers("future_digital") {
        let rows = &stations[&school.laestab.to_string()];
        let computers: usize = taken.parameters["future_digital.pcs"].parse().unwrap();
        assert_eq!(rows.len(), computers + 1, "and one Chromebook");
        assert!(rows.iter().all(|r| r[1].starts_with(school.name.as_str())), "{rows:?}");
        let stations: BTreeSet<&str> = rows.iter().map(|r| &r[2]).collect();
        assert_eq!(stations.len(), rows.len());
    }
    p.forward(900);
    until("the next list", || names(&folder) == ["stations-20270202T0915Z.csv"]).await;
    assert_eq!(p.stations().len(), stations.len());
}

#[tokio::test]
async fn a_filter_blocks_the_agreed_address_and_passes_the_plain_one() {
    let p = played(Scenario::Morning, 250, TUESDAY).await;
    let facts = &p.running.invented.facts;
    let test = p.url("smoothwall.test");
    assert!(p.page(&format!("{test}/blocked")).await.1.contains("not filtered"));
    let mut statuses = BTreeSet::new();
    for appliance in &facts.appliances {
        let vantage = p.url(&format!("smoothwall.{}", appliance.name));
        let through = client(None, Some(vantage));
        for base in [test, "http://any.host.example"] {
            let plain = through.get(format!("{base}/plain")).send().await.unwrap();
            assert_eq!(plain.status(), 200);
            assert!(plain.text().await.unwrap().contains(&facts.plain_word));
            let blocked = through.get(format!("{base}/blocked")).send().await.unwrap();
            let (status, body) = (blocked.status(), blocked.text().await.unwrap());
            let filters = body.contains(&facts.block_word);
            assert_eq!(filters, appliance.name != "filter03", "{}: {body}", appliance.name);
            if filters {
                statuses.insert(status.as_u16());
            }
        }
        // The same place used directly, as from behind the filter.
        assert_eq!(p.page(&format!("{vantage}/plain")).await.0, 200);
    }
    assert_eq!(statuses, BTreeSet::from([200, 403]), "block pages come with either status");
}

#[tokio::test]
async fn each_appliance_mails_its_heartbeat_daily() {
    for (now, local) in [(TUESDAY, "+0000"), ("2027-06-08T03:30:00Z", "+0100")] {
        let p = played(Scenario::Calm, 250, now).await;
        let mails = p.mails();
        for appliance in &p.running.invented.facts.appliances {
            let ages: Vec<f64> = mails
                .iter()
                .filter(|m| m.contains(&format!("Host: {}\r\n", appliance.host)))
                .map(|m| {
                    assert!(m.contains("daily heartbeat") && m.contains("\r\n\r\n"), "{m}");
                    let date = m.lines().find_map(|l| l.strip_prefix("Date: ")).unwrap();
                    assert!(date.ends_with(local), "{date}");
                    hours(jiff::fmt::rfc2822::parse(date).unwrap().timestamp(), p.now())
                })
                .collect();
            assert!(ages.iter().any(|a| (0.0..26.0).contains(a)), "{appliance:?}: {ages:?}");
        }
    }
}

#[tokio::test]
async fn portals_name_the_school_or_nobody() {
    let p = played(Scenario::Calm, 80, TUESDAY).await;
    let facts = &p.running.invented.facts;
    let (status, body) = p.page(p.url("just2easy")).await;
    assert!(status == 200 && body.contains(&facts.just2easy_word));
    for (school, taken) in p.takers("purple_mash") {
        let portal = &taken.parameters["purple_mash.portal"];
        let (status, body) = p.page(&format!("{}/sch/{portal}", p.url("purple_mash"))).await;
        assert_eq!(status, 200);
        assert!(body.contains(school.name.as_str()) && body.contains(&facts.purple_mash_word));
    }
    let (status, body) = p.page(&format!("{}/sch/nobody", p.url("purple_mash"))).await;
    assert_eq!(status, 200, "a generic page, not an error");
    assert!(body.contains("Find your school") && !body.contains(&facts.purple_mash_word));
}

#[tokio::test]
async fn status_pages_tell_of_the_watched_component() {
    let p = played(Scenario::Storm, 20, TUESDAY).await;
    let facts = &p.running.invented.facts;
    let summary = async |service: &str| {
        let url = format!("{}/api/v2/summary.json", p.url(&format!("{service}.status")));
        value(p.client.get(url).send().await.unwrap()).await
    };
    let own = |body: &Value, service: &str| {
        let id = &facts.components[service].0;
        let rows = body["components"].as_array().unwrap();
        rows.iter().find(|c| c["id"] == *id).unwrap()["status"].as_str().unwrap().to_owned()
    };
    let before = summary("redstor").await;
    assert_eq!(own(&before, "redstor"), "operational");
    assert_eq!(before["status"]["indicator"], "major", "trouble elsewhere must not count");
    p.forward(100);
    assert_eq!(own(&summary("redstor").await, "redstor"), "operational", "people write late");
    p.forward(300);
    let after = summary("redstor").await;
    assert_eq!(own(&after, "redstor"), "major_outage");
    assert_eq!(after["incidents"][0]["impact"], "critical");
    assert_eq!(own(&summary("just2easy").await, "just2easy"), "operational");
    let (status, _) = p.page(&format!("{}/api/v2/other.json", p.url("redstor.status"))).await;
    assert_eq!(status, 404);
}
