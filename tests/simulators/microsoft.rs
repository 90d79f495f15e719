//! Microsoft, asked by a plain client: sign-in, rights, options of each resource, pages, changes.
#![cfg(test)]

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caretaker::simulators::{GraphFault, PERSONAL_NAMES, Scenario};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::played::{Played, TUESDAY, played, value};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Played {
    /// A call of Graph with `ConsistencyLevel: eventual`.
    async fn eventual(&self, path: &str, token: &str) -> Response {
        let url = format!("{}/{path}", self.url("welearn365"));
        let call = self.client.get(url).bearer_auth(token).header("ConsistencyLevel", "eventual");
        call.send().await.unwrap()
    }

    async fn follow(&self, link: &Value, token: &str, eventual: bool) -> Response {
        let call = self.client.get(link.as_str().unwrap()).bearer_auth(token);
        let call = if eventual { call.header("ConsistencyLevel", "eventual") } else { call };
        call.send().await.unwrap()
    }

    /// The answer to an assertion with these claims, signed as the page says unless changed.
    async fn assertion(&self, header: &[(&str, &str)], claims: &[(&str, Value)]) -> Response {
        let facts = &self.running.invented.facts;
        let pem = self.credential("welearn365.certificate");
        let certificate = pem.split_once("-----BEGIN CERTIFICATE-----").unwrap().1;
        let base64: String = certificate.lines().take_while(|l| !l.starts_with('-')).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
        let mut head = Header::new(Algorithm::PS256);
        head.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(der)));
        for (name, value) in header {
            match *name {
                "alg" => head.alg = value.parse().unwrap(),
                "x5t#S256" => head.x5t_s256 = Some((*value).to_owned()),
                "typ" => head.typ = Some((*value).to_owned()),
                other => panic!("{other}"),
            }
        }
        let at = self.now().as_second();
        let address =
            format!("{}/{}/oauth2/v2.0/token", self.url("welearn365.login"), facts.tenant_id);
        let mut body = json!({
            "aud": address, "iss": facts.client_id, "sub": facts.client_id,
            "jti": "0f1e2d3c-0000-4000-8000-000000000001", "nbf": at, "iat": at, "exp": at + 600,
        });
        for (name, value) in claims {
            body[*name] = value.clone();
        }
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        let jwt = jsonwebtoken::encode(&head, &body, &key).unwrap();
        let form = [
            ("client_id", facts.client_id.as_str()),
            ("scope", "https://graph.microsoft.com/.default"),
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", &jwt),
        ];
        self.client.post(address).form(&form).send().await.unwrap()
    }
}

async fn code(answer: Response) -> Value {
    value(answer).await["error_codes"][0].clone()
}

async fn graph_code(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    (status, value(answer).await["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_assertion_is_checked_as_the_page_says() {
    let p = played(Scenario::Calm, 4, TUESDAY).await;
    let good = p.assertion(&[], &[]).await;
    assert_eq!(good.status(), 200);
    let token = value(good).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(p.graph("organization", &token).await.status(), 200);
    let at = p.now().as_second();
    for (claim, number) in [
        (("aud", json!("https://login.microsoftonline.com/x/oauth2/v2.0/token")), 700_023),
        (("iss", json!("another")), 700_021),
        (("sub", json!("another")), 700_021),
        (("exp", json!(at - 301)), 700_024),
        (("nbf", json!(at + 301)), 700_024),
        (("iat", json!(at + 301)), 700_024),
        (("exp", json!(at + 86_400)), 700_024),
        (("jti", json!("")), 50_027),
    ] {
        let refused = p.assertion(&[], std::slice::from_ref(&claim)).await;
        assert_eq!(refused.status(), 401, "{claim:?}");
        assert_eq!(code(refused).await, number, "{claim:?}");
    }
    // A few minutes between the clocks are no harm.
    assert_eq!(p.assertion(&[], &[("nbf", json!(at + 200))]).await.status(), 200);
    for (header, number) in [
        (("alg", "PS384"), 50_027),
        // Without the thumbprint that belongs to it.
        (("alg", "RS256"), 700_027),
        (("typ", "JWS"), 50_027),
        (("x5t#S256", "AAAA"), 700_027),
    ] {
        let refused = p.assertion(&[header], &[]).await;
        assert_eq!(code(refused).await, number, "{header:?}");
    }
    // Neither, and both.
    let neither = p.graph_token_answer(&[("client_secret", "")]).await;
    assert_eq!(code(neither).await, 7_000_218);
    let both = p.graph_token_answer(&[("client_assertion", "x")]).await;
    assert_eq!(code(both).await, 90_014);
    let broken = p.graph_token_answer(&[
        ("client_secret", ""),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", "a.b.c"),
    ]);
    assert_eq!(code(broken.await).await, 50_027);
}

#[tokio::test]
async fn an_app_that_asks_for_a_token_with_each_call_is_stopped() {
    let p = played(Scenario::Calm, 4, TUESDAY).await;
    p.running.enforce_published_limits();
    for _ in 0..30 {
        assert_eq!(p.graph_token_answer(&[]).await.status(), 200);
    }
    let refused = p.graph_token_answer(&[]).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(code(refused).await, 50_196);
    p.forward(60);
    assert_eq!(p.graph_token_answer(&[]).await.status(), 200);
}

#[tokio::test]
async fn a_token_holds_the_rights_of_its_hour() {
    let p = played(Scenario::Calm, 4, TUESDAY).await;
    let old = p.graph_token().await;
    p.running.microsoft().consent(&["Organization.Read.All"]);
    let new = p.graph_token().await;
    let denied = (403, "Authorization_RequestDenied".to_owned());
    for path in ["users", "users/delta", "admin/serviceAnnouncement/issues", "sites/x.example:/y"] {
        assert_eq!(graph_code(p.graph(path, &new).await).await, denied, "{path}");
        assert_ne!(p.graph(path, &old).await.status(), 403, "{path}");
    }
    for path in ["organization", "subscribedSkus"] {
        assert_eq!(p.graph(path, &new).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_user_has_few_properties_unless_they_are_selected() {
    let p = played(Scenario::Calm, 4, TUESDAY).await;
    let token = p.graph_token().await;
    let rows = value(p.graph("users?$top=3", &token).await).await;
    let row = &rows["value"][0];
    assert!(row["displayName"].is_string() && row["userPrincipalName"].is_string());
    for hidden in ["accountEnabled", "department", "onPremisesDistinguishedName"] {
        assert!(row.get(hidden).is_none(), "{hidden}");
    }
    let select = "users?$top=3&$select=accountEnabled,onPremisesDistinguishedName";
    let rows = value(p.graph(select, &token).await).await;
    let keys: BTreeSet<&str> =
        rows["value"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["accountEnabled", "id", "onPremisesDistinguishedName"].into());
    let one = format!("users/{}?$select=accountEnabled", row["id"].as_str().unwrap());
    assert_eq!(value(p.graph(&one, &token).await).await["accountEnabled"], json!(true));
    let unknown = graph_code(p.graph("users/nobody", &token).await).await;
    assert_eq!(unknown, (404, "Request_ResourceNotFound".into()));
    let bad = (400, "Request_BadRequest".to_owned());
    for path in [
        "users?$select=shoeSize",
        "users?$top=0",
        "users?$top=1000",
        "users?$expand=manager",
        "users?$skiptoken=made-up",
        "subscribedSkus?$top=3",
        "organization?$filter=id%20eq%20'x'",
        "users/delta?$top=3",
        "users/delta?$orderby=id",
    ] {
        assert_eq!(graph_code(p.graph(path, &token).await).await, bad, "{path}");
    }
    // A comma in a name is escaped; of the cloud alone there is no name at all.
    let all = value(p.graph("users?$select=onPremisesDistinguishedName&$top=999", &token).await);
    let all = all.await["value"].as_array().unwrap().clone();
    let name = |row: &Value| row["onPremisesDistinguishedName"].as_str().map(str::to_owned);
    assert!(all.iter().filter_map(name).any(|dn| dn.contains("\\, ")));
    assert!(all.iter().any(|row| row["onPremisesDistinguishedName"].is_null()));
    assert!(
        all.iter()
            .filter_map(name)
            .any(|dn| PERSONAL_NAMES.iter().any(|n| dn.contains(n.split(' ').next().unwrap())))
    );
}

#[tokio::test]
async fn advanced_queries_need_their_header_on_every_page() {
    let p = played(Scenario::Calm, 8, TUESDAY).await;
    let token = p.graph_token().await;
    let unsupported = (400, "Request_UnsupportedQuery".to_owned());
    for path in [
        "users?$filter=endswith(mail,'example')",
        "users?$filter=department%20ne%20'9992000'",
        "users?$filter=onPremisesSamAccountName%20eq%20'x'",
        "users?$filter=endswith(mail,'example')&$count=true",
        "users?$search=x",
    ] {
        assert_eq!(graph_code(p.graph(path, &token).await).await, unsupported, "{path}");
    }
    let plain = value(p.graph("users?$count=true&$top=5", &token).await).await;
    assert!(plain.get("@odata.count").is_none(), "left out in silence");
    let path = "users?$filter=endswith(mail,'example')&$count=true&$top=50";
    let page = value(p.eventual(path, &token).await).await;
    let count = page["@odata.count"].as_u64().unwrap();
    assert!(count > 100, "{count}");
    let link = page["@odata.nextLink"].clone();
    let refused = p.follow(&link, &token, false).await;
    assert_eq!(graph_code(refused).await, unsupported, "the link does not carry it");
    let mut seen = page["value"].as_array().unwrap().len();
    let mut next = Some(link);
    while let Some(link) = next {
        let page = value(p.follow(&link, &token, true).await).await;
        assert!(page.get("@odata.count").is_none(), "on the first page only");
        seen += page["value"].as_array().unwrap().len();
        next = page.get("@odata.nextLink").cloned();
    }
    assert_eq!(u64::try_from(seen).unwrap(), count);
    // Plain filters need nothing, and a quote is doubled.
    let school = p.takers("welearn365")[0].0.laestab;
    let own = value(
        p.graph(&format!("users?$filter=department%20eq%20'{school}'&$top=999"), &token).await,
    );
    let own = own.await["value"].as_array().unwrap().len();
    assert_eq!(own, p.running.microsoft().accounts_of(school));
    let none = p.graph("users?$filter=department%20eq%20'O''Hara'", &token).await;
    assert_eq!(value(none).await["value"], json!([]));
}

#[tokio::test]
async fn changes_are_told_from_any_moment_on_for_seven_days() {
    let p = played(Scenario::Calm, 8, TUESDAY).await;
    let token = p.graph_token().await;
    let microsoft = p.running.microsoft();
    let select = "$select=id,onPremisesProvisioningErrors";
    let latest = p.graph(&format!("users/delta?{select}&$deltatoken=latest"), &token).await;
    let latest = value(latest).await;
    assert_eq!(latest["value"], json!([]));
    let school = p.takers("welearn365")[0].0.laestab;
    microsoft.hold_back(school, 2);
    microsoft.delete_account(school, 5, false);
    let round = value(p.follow(&latest["@odata.deltaLink"], &token, false).await).await;
    let rows = round["value"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(rows[0]["onPremisesProvisioningErrors"][0]["category"], "PropertyConflict");
    assert_eq!(rows[2]["@removed"]["reason"], "deleted");
    assert!(rows[0].get("displayName").is_none(), "only what was selected");
    let later = value(p.follow(&round["@odata.deltaLink"], &token, false).await).await;
    assert_eq!(later["value"], json!([]), "told once");

    // A whole round in pages, one of them empty.
    microsoft.set_fault(GraphFault::EmptyPage);
    let mut page = value(p.graph(&format!("users/delta?{select}"), &token).await).await;
    let (mut rows, mut empty) = (0, 0);
    while let Some(link) = page.get("@odata.nextLink").cloned() {
        let own = page["value"].as_array().unwrap().len();
        (rows, empty) = (rows + own, empty + usize::from(own == 0));
        page = value(p.follow(&link, &token, false).await).await;
    }
    rows += page["value"].as_array().unwrap().len();
    assert_eq!((rows, empty), (microsoft.accounts(), 1));
    microsoft.clear_fault(GraphFault::EmptyPage);

    p.forward(7 * 86_400 + 1);
    let token = p.graph_token().await;
    let gone = p.follow(&later["@odata.deltaLink"], &token, false).await;
    assert_eq!(gone.status(), 410);
    let location = gone.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(p.url("welearn365")), "{location}");
    assert_eq!(graph_code(gone).await.1, "resyncRequired");
}

#[tokio::test]
async fn the_directory_counts_units_and_says_when_it_is_enough() {
    let p = played(Scenario::Calm, 4, TUESDAY).await;
    p.running.enforce_published_limits();
    let token = p.graph_token().await;
    let cost = |answer: &Response| {
        answer.headers()["x-ms-resource-unit"].to_str().unwrap().parse::<u64>().unwrap()
    };
    let mut spent = 0;
    for (path, units) in [
        ("users?$top=1", 2),
        ("users?$top=1&$select=id", 1),
        ("subscribedSkus", 3),
        ("organization", 1),
    ] {
        let answer = p.graph(path, &token).await;
        assert_eq!(cost(&answer), units, "{path}");
        assert!(answer.headers().get("x-ms-throttle-limit-percentage").is_none());
        spent += units;
    }
    // SharePoint has a limit of its own: 1,200 units a minute for the smallest tenants.
    let host = &p.running.invented.facts.site_host;
    let site = format!(
        "sites/{host}:/{}",
        p.takers("welearn365")[0].1.parameters.get("welearn365.site").unwrap()
    );
    for n in 0..1_200 {
        assert_eq!(p.graph(&site, &token).await.status(), 200, "{n}");
    }
    let refused = p.graph(&site, &token).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["x-ms-throttle-information"], "ResourceUnitLimitExceeded");
    assert!(refused.headers()["x-ms-throttle-scope"].to_str().unwrap().starts_with("Tenant_App"));
    assert_eq!(p.graph("organization", &token).await.status(), 200, "another limit: {spent}");
    p.forward(60);
    assert_eq!(p.graph(&site, &token).await.status(), 200);
}
