//! An API that answers with JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{build, declare, of_estate, poll, poll_at, stage};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Target, Verdict, Zone};
use crate::ports::watch::Watch;
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{fact, is_well, now, number, school};
use crate::services::declared::tests::vendor::{Play, Vendor, page, status};

const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);

/// A service whose health, count and time are read.
fn one(vendor: &Vendor, more: &str) -> String {
    of_estate(&format!(
        "[connectors.c.json]\nendpoint = {{ url = '{}' }}\npath = 'state'\n{more}\n\
         [connectors.c.json.health]\njq = '.state'\n\
         words = {{ ok = ['Up'], warning = ['slow'], critical = ['DOWN', 0], paused = ['off'] }}\n\
         [connectors.c.json.time]\njq = '.at'\nzone = 'utc'\n\
         [connectors.c.json.numbers.pupils]\njq = '.n'\nwarning_below = 100\ncritical_below = 1\n\
         warning_above = 5000\n\
         [connectors.c.json.facts.version]\njq = '.v'\n\
         [connectors.c.json.detail]\njq = '.said'\n",
        vendor.url
    ))
}

fn good() -> Value {
    json!({
        "v": "2.1", "n": 1204, "at": "2027-02-02T09:00:00", "state": "up", "said": "all is well",
        "more": {"pupil": "Ann Canary"},
    })
}

async fn seen_of(watch: &Arc<dyn Watch>) -> Observation {
    poll(watch).await.remove(&Target::Estate).unwrap()
}

async fn seen(body: &Value) -> Observation {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/state", page(&body.to_string()));
    seen_of(&build(&stage(drop.path(), &[]), &one(&vendor, ""))).await
}

fn with(pointer: &str, value: Value) -> Value {
    let mut body = good();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

#[tokio::test]
async fn a_good_answer_is_ok_and_tells_its_numbers_time_and_facts() {
    let seen = seen(&good()).await;
    assert_eq!(
        (seen.verdict, seen.detail.as_str()),
        (Verdict::Ok, "vendor says `up`: all is well")
    );
    let source = seen.source_at.unwrap();
    assert_eq!(
        (source.at.to_string().as_str(), source.zone),
        ("2027-02-02T09:00:00Z", Zone::Assumed)
    );
    assert_eq!(number(&seen, "pupils"), Some(1204.0));
    assert_eq!(fact(&seen, "version"), Some("2.1"));
    assert_eq!(fact(&seen, "vendor wrote"), Some("up"));
    assert_eq!(fact(&seen, "http status"), Some("200"));
    assert!(fact(&seen, "request id").is_some());
    assert!(!format!("{seen:?}").contains("Canary"), "what is not named is not kept: {seen:?}");
}

#[tokio::test]
async fn every_word_and_every_limit_means_what_the_configuration_says() {
    for (body, verdict, words) in [
        (with("/state", json!("SLOW")), Verdict::Warning, "vendor says `SLOW`"),
        (with("/state", json!("down")), Verdict::Critical, "vendor says `down`"),
        (with("/state", json!(0)), Verdict::Critical, "vendor says `0`"),
        (with("/state", json!("off")), Verdict::Unknown(Reason::Paused), "vendor says `off`"),
        (with("/state", json!("better")), MALFORMED, "which has no meaning here"),
        (with("/state", json!("0")), MALFORMED, "which has no meaning here"),
        (with("/state", json!(true)), MALFORMED, "which has no meaning here"),
        (with("/state", json!(null)), MALFORMED, "health is null"),
        (with("/state", json!(["up"])), MALFORMED, "an array, not one value"),
        (with("/n", json!(99)), Verdict::Warning, "pupils is 99, below 100"),
        (with("/n", json!(0)), Verdict::Critical, "pupils is 0, below 1"),
        (with("/n", json!(5001)), Verdict::Warning, "pupils is 5001, above 5000"),
        (with("/n", json!(100)), Verdict::Ok, ""),
        (with("/n", json!("1204")), MALFORMED, "pupils is not a number"),
        (with("/n", json!(null)), MALFORMED, "pupils is missing"),
        (with("/at", json!("soon")), MALFORMED, "its time cannot be read"),
        (with("/at", json!(1_800_000_000)), MALFORMED, "its time cannot be read"),
        (with("/at", json!(null)), MALFORMED, "it has no time"),
        (with("/v", json!(null)), Verdict::Ok, ""),
        (with("/said", json!({"a": 1})), Verdict::Ok, ""),
        (json!([]), MALFORMED, "cannot index"),
        (json!({}), MALFORMED, "health is null"),
        (json!(null), MALFORMED, "health is null"),
        (json!("up"), MALFORMED, "cannot index"),
    ] {
        let seen = seen(&body).await;
        assert_eq!(seen.verdict, verdict, "{body}: {}", seen.detail);
        assert!(seen.detail.as_str().contains(words), "{body}: {}", seen.detail);
    }
}

#[tokio::test]
async fn the_worst_counts_and_everything_that_is_wrong_is_said() {
    let mut body = with("/state", json!("slow"));
    body["n"] = json!(0);
    let worse = seen(&body).await;
    assert_eq!(worse.verdict, Verdict::Critical);
    assert_eq!(worse.detail.as_str(), "pupils is 0, below 1; vendor says `slow`: all is well");
    // What is paused has neither numbers nor times worth a word.
    let mut body = with("/state", json!("off"));
    (body["n"], body["at"]) = (json!(null), json!(null));
    let paused = seen(&body).await;
    assert_eq!(paused.verdict, Verdict::Unknown(Reason::Paused), "{}", paused.detail);
    assert_eq!(paused.detail.as_str(), "vendor says `off`: all is well");
}

#[tokio::test]
async fn a_failed_expression_shows_the_shape_of_what_it_got() {
    let seen = seen(&with("/state", json!({"Ann Canary": "up", "code": 7}))).await;
    assert_eq!(seen.verdict, MALFORMED);
    assert_eq!(fact(&seen, "health got"), Some("{…: text(2 `aa`), code: 7}"));
    assert!(!format!("{seen:?}").contains("Canary"), "{seen:?}");
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_shown_by_its_form() {
    for (body, name, form) in [
        (with("/n", json!("Ann 12 %")), "pupils got", "text(8 `Aaa 99 %`)"),
        (with("/n", json!(true)), "pupils got", "true"),
        (with("/at", json!("Canary 24.11.2026")), "time got", "text(17 `Aaaaaa 99.99.9999`)"),
        (with("/at", json!(1_800_000_000)), "time got", "1800000000"),
    ] {
        let seen = seen(&body).await;
        assert_eq!((seen.verdict, fact(&seen, name)), (MALFORMED, Some(form)), "{body}");
        assert!(!format!("{seen:?}").contains("Canary"), "{seen:?}");
    }
    let well = seen(&good()).await;
    assert!(fact(&well, "time got").is_none() && fact(&well, "pupils got").is_none());
}

#[tokio::test]
async fn an_answer_that_is_none_is_never_ok() {
    let answer = |code, body: &str| Play::Answer(code, Vec::new(), body.to_owned());
    let body = good().to_string();
    let twice = body.replacen('{', "{\"state\": \"up\", ", 1);
    let deep = format!("{}{}{}", "[".repeat(70), body, "]".repeat(70));
    for (what, play, verdict) in [
        ("maintenance page", page("<html>back soon</html>"), MALFORMED),
        ("empty", page(""), MALFORMED),
        ("truncated", page(body.split_at(body.len() / 2).0), MALFORMED),
        ("a key twice", page(&twice), MALFORMED),
        ("deep", page(&deep), MALFORMED),
        ("not a number", page(&body.replace("1204", "NaN")), MALFORMED),
        ("out of range", page(&body.replace("1204", "1e999")), MALFORMED),
        ("two values", page(&format!("{body}{body}")), MALFORMED),
        ("comment", page(&format!("{body} // x")), MALFORMED),
        ("huge", Play::Huge(9 * 1024 * 1024), MALFORMED),
        ("no content", status(204), MALFORMED),
        ("created", answer(201, &body), MALFORMED),
        ("refused", answer(401, &body), Verdict::Unknown(Reason::Unauthorised)),
        ("forbidden", answer(403, &body), Verdict::Unknown(Reason::Unauthorised)),
        ("not found", answer(404, &body), MALFORMED),
        ("throttled", answer(429, &body), Verdict::Unknown(Reason::Throttled)),
        ("failed", answer(500, &body), Verdict::Unknown(Reason::NoAnswer)),
        ("redirect", Play::Answer(302, vec![("location", "/x".into())], body.clone()), MALFORMED),
        ("hangs up", Play::HangUp, Verdict::Unknown(Reason::NoAnswer)),
        ("half", Play::Half(body.clone()), Verdict::Unknown(Reason::NoAnswer)),
    ] {
        let (vendor, drop) = (Vendor::start().await, Drop::new());
        vendor.play("/state", play);
        let seen = seen_of(&build(&stage(drop.path(), &[]), &one(&vendor, ""))).await;
        assert_eq!(seen.verdict, verdict, "{what}: {}", seen.detail);
    }
}

#[tokio::test]
async fn an_error_inside_a_good_status_is_never_ok() {
    for (error, verdict) in [
        (json!(null), Verdict::Ok),
        (json!(false), Verdict::Ok),
        (json!("boom"), MALFORMED),
        (json!({"code": 7}), MALFORMED),
        (json!(0), MALFORMED),
    ] {
        let (vendor, drop) = (Vendor::start().await, Drop::new());
        let mut body = good();
        body["error"] = error.clone();
        vendor.play("/state", page(&body.to_string()));
        let toml = one(&vendor, "error = '.error'");
        let seen = seen_of(&build(&stage(drop.path(), &[]), &toml)).await;
        assert_eq!(seen.verdict, verdict, "{error}: {}", seen.detail);
    }
}

// ------------------------------------------------------------------ signing in

#[tokio::test]
async fn a_credential_is_sent_by_name_and_never_shown() {
    for (auth, header) in [
        ("auth = { bearer = 'x.key' }", "authorization: Bearer canary"),
        (
            "auth = { basic = { user = 'ann', credential = 'x.key' } }",
            "authorization: Basic YW5uOmNhbmFyeQ==",
        ),
        (
            "auth = { header = { name = 'X-Api-Key', credential = 'x.key', prefix = 'Token ' } }",
            "x-api-key: Token canary",
        ),
    ] {
        let (vendor, drop) = (Vendor::start().await, Drop::new());
        vendor.play("/state", page(&good().to_string()));
        let ctx = stage(drop.path(), &[("x.key", "canary\n")]);
        let seen = seen_of(&build(&ctx, &one(&vendor, auth))).await;
        assert_eq!(seen.verdict, Verdict::Ok, "{auth}");
        let heads = vendor.heads();
        assert!(heads[0].contains(header), "{auth}: {heads:?}");
        assert!(heads[0].contains("accept: application/json"), "{heads:?}");
        assert!(!format!("{seen:?}").contains("canary"));
        // Without it, nothing is sent at all.
        let none = seen_of(&build(&stage(drop.path(), &[]), &one(&vendor, auth))).await;
        assert_eq!(none.verdict, Verdict::Unknown(Reason::Unauthorised));
        assert!(none.detail.as_str().contains("caretaker secret set x.key"), "{}", none.detail);
        assert_eq!(vendor.asked().len(), 1);
        vendor.play("/state", status(401));
        let refused = seen_of(&build(&ctx, &one(&vendor, auth))).await;
        assert_eq!(refused.verdict, Verdict::Unknown(Reason::Unauthorised));
        assert!(refused.detail.as_str().contains("`x.key`"), "{}", refused.detail);
    }
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_when_it_is_refused() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/state", page(&good().to_string()));
    vendor.play("/token", page("{\"access_token\": \"t0k\", \"expires_in\": 3600}"));
    let auth = format!(
        "auth = {{ client_credentials = {{ endpoint = {{ url = '{}/token' }}, client_id = 'us', \
         credential = 'x.key', send = 'basic', scope = 'read' }} }}",
        vendor.url
    );
    let watch = build(&stage(drop.path(), &[("x.key", "canary")]), &one(&vendor, &auth));
    assert_eq!(seen_of(&watch).await.verdict, Verdict::Ok);
    assert_eq!(seen_of(&watch).await.verdict, Verdict::Ok);
    assert_eq!(vendor.asked(), ["/token", "/state", "/state"]);
    let heads = vendor.heads();
    assert!(heads[0].starts_with("POST ") && heads[0].contains("authorization: Basic "));
    assert!(heads[1].contains("authorization: Bearer t0k"), "{heads:?}");
    vendor.play("/state", status(401));
    let refused = seen_of(&watch).await;
    assert_eq!(refused.verdict, Verdict::Unknown(Reason::Unauthorised));
    assert_eq!(vendor.asked(), ["/state", "/token", "/state"]);
    // A token endpoint that answers with something else.
    for (play, reason) in [
        (status(400), Reason::Unauthorised),
        (page("<p>maintenance</p>"), Reason::Malformed),
        (page("{\"access_token\": \"\"}"), Reason::Malformed),
        (page("{\"access_token\": \"x\", \"token_type\": \"mac\"}"), Reason::Malformed),
        (page("{}"), Reason::Malformed),
    ] {
        vendor.play("/token", play);
        let watch = build(&stage(drop.path(), &[("x.key", "canary")]), &one(&vendor, &auth));
        let seen = seen_of(&watch).await;
        assert_eq!(seen.verdict, Verdict::Unknown(reason), "{}", seen.detail);
    }
}

// ------------------------------------------------------------------ one school

fn per_school(vendor: &Vendor, more: &str) -> String {
    declare(
        "school",
        &format!(
            "[connectors.c.json]\nendpoint = {{ url = '{}/v1' }}\n\
             path = 'schools/{{param:id}}/state.json'\nquery = {{ urn = '{{urn}}' }}\n\
             headers = {{ x-school = '{{laestab}}' }}\n{more}\n\
             key = {{ jq = '.of', by = 'laestab' }}\nhealth = {{ jq = '.state' }}\n",
            vendor.url
        ),
    )
}

#[tokio::test]
async fn a_schools_row_fills_path_query_and_header_encoded() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let mut ctx = stage(drop.path(), &[]);
    let mut estate = super::estate();
    let rows: Vec<_> = estate.subscriptions.keys().copied().collect();
    let set = |estate: &mut crate::model::estate::Estate, n: usize, value: &str| {
        let row = estate.subscriptions.get_mut(&rows[n]).unwrap();
        row.parameters.insert("x.id".to_owned(), value.to_owned());
    };
    set(&mut estate, 0, "a/b?c=#ü{urn}");
    set(&mut estate, 2, "");
    estate.schools.get_mut(&rows[1]).unwrap().urn = None;
    ctx.estate = Arc::new(estate);
    let path = "/v1/schools/a%2Fb%3Fc=%23%C3%BC%7Burn%7D/state.json?urn=700101";
    vendor.play(path, page("{\"state\": \"ok\", \"of\": 9990101}"));
    let watch = build(&ctx, &per_school(&vendor, ""));
    let all = poll(&watch).await;
    assert_eq!(all.len(), 1, "the others have no URN or no id");
    let seen = &all[&school("9990101")];
    assert_eq!(seen.verdict, Verdict::Ok, "{} {:?}", seen.detail, vendor.asked());
    assert!(vendor.heads()[0].contains("x-school: 9990101"));
    let gaps: Vec<String> =
        watch.not_watched().iter().map(|g| format!("{}: {}", g.what, g.why)).collect();
    assert_eq!(
        gaps,
        [
            "x.y of 9990102: no URN in the register",
            "x.y of 9990103: no x.id in its subscription row"
        ]
    );
}

#[tokio::test]
async fn an_answer_about_another_school_is_never_ok() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let watch = build(&stage(drop.path(), &[]), &per_school(&vendor, ""));
    let path = "/v1/schools/A-1/state.json?urn=700101";
    for (of, verdict) in [
        (json!("9990101"), Verdict::Ok),
        (json!("999/0101"), Verdict::Ok),
        (json!("9990102"), MALFORMED),
        (json!("9990109"), MALFORMED),
        (json!(null), MALFORMED),
        (json!(["9990101"]), MALFORMED),
    ] {
        vendor.play(path, page(&json!({"state": "ok", "of": of}).to_string()));
        let seen = poll(&watch).await.remove(&school("9990101")).unwrap();
        assert_eq!(seen.verdict, verdict, "{of}: {}", seen.detail);
    }
}

#[tokio::test]
async fn each_school_may_have_a_credential_of_its_own() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let ctx = stage(drop.path(), &[("x.9990101", "one"), ("x.9990102", "two")]);
    let watch = build(&ctx, &per_school(&vendor, "auth = { bearer = 'x.{laestab}' }"));
    let own = watch.credentials();
    assert_eq!(own.len(), 3);
    assert_eq!(own[0].name.as_str(), "x.9990101");
    assert_eq!(own[0].school.map(Target::School), Some(school("9990101")));
    let all = poll(&watch).await;
    let sent: Vec<String> = vendor.heads();
    assert_eq!(sent.len(), 2);
    assert!(sent[0].contains("Bearer one") && sent[1].contains("Bearer two"), "{sent:?}");
    assert_eq!(all[&school("9990103")].verdict, Verdict::Unknown(Reason::Unauthorised));
}

// ------------------------------------------------------------------ all schools at once

fn bulk(vendor: &Vendor, more: &str) -> String {
    declare(
        "bulk",
        &format!(
            "[connectors.c.json]\nendpoint = {{ url = '{}/v1' }}\npath = 'all'\n\
             rows = '.data[]'\nkey = {{ jq = '.id', by = 'param', param = 'id' }}\n\
             health = {{ jq = '.state' }}\n{more}\n",
            vendor.url
        ),
    )
}

fn row(id: &str, state: &str) -> Value {
    json!({"id": id, "state": state})
}

async fn bulk_seen(
    body: &Value,
    more: &str,
) -> BTreeMap<&'static str, (Verdict, String, Option<String>)> {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/v1/all", page(&body.to_string()));
    let watch = build(&stage(drop.path(), &[]), &bulk(&vendor, more));
    let all = poll(&watch).await;
    assert_eq!(vendor.asked().len(), 1, "one request for all schools");
    super::SCHOOLS
        .iter()
        .map(|(laestab, ..)| {
            let seen = &all[&school(laestab)];
            let strangers = fact(seen, "rows of no school of ours").map(str::to_owned);
            (*laestab, (seen.verdict, seen.detail.to_string(), strangers))
        })
        .collect()
}

#[tokio::test]
async fn rows_are_matched_to_schools_and_the_rest_is_told() {
    let body = json!({"data": [
        row("C-3", "warning"), row("Z-9", "critical"), row("A-1", "ok"), {"state": "ok"},
    ]});
    let seen = bulk_seen(&body, "").await;
    assert_eq!(seen["9990101"].0, Verdict::Ok);
    assert_eq!(seen["9990103"].0, Verdict::Warning);
    assert_eq!(
        (seen["9990102"].0, seen["9990102"].1.as_str()),
        (MALFORMED, "the answer does not hold this school")
    );
    assert_eq!(seen["9990101"].2.as_deref(), Some("1"));
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/v1/all", page(&body.to_string()));
    let watch = build(&stage(drop.path(), &[]), &bulk(&vendor, ""));
    assert_eq!(watch.found(), [], "nothing has been asked yet");
    poll(&watch).await;
    let found = watch.found();
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].why.as_str(),
        "of 4 rows 1 are about no school that takes the service, 1 say of no school that they are \
         about it"
    );
    let absent = bulk_seen(&body, "absent = 'paused'").await;
    assert_eq!(absent["9990102"].0, Verdict::Unknown(Reason::Paused));
}

#[tokio::test]
async fn a_list_without_any_of_ours_says_nothing_of_anybody() {
    for (body, words) in [
        (json!({"data": []}), "no rows at all"),
        (json!({"data": [row("Z-9", "ok")]}), "is key right?"),
        (json!({"data": [{"id": null, "state": "ok"}]}), "is key right?"),
        (json!({"data": null}), "rows cannot be read"),
        (json!({"rows": []}), "rows cannot be read"),
    ] {
        for (verdict, said, _) in bulk_seen(&body, "absent = 'paused'").await.values() {
            assert_eq!(*verdict, MALFORMED, "{body}: {said}");
            assert!(said.contains(words), "{body}: {said}");
        }
    }
}

#[tokio::test]
async fn two_rows_about_one_school_contradict_unless_both_may_be_true() {
    let body = json!({"data": [row("A-1", "ok"), row("A-1", "critical"), row("B-2", "ok")]});
    let seen = bulk_seen(&body, "").await;
    assert_eq!(seen["9990101"].0, MALFORMED);
    assert_eq!(seen["9990102"].0, Verdict::Ok);
    let seen = bulk_seen(&body, "several = 'worst'").await;
    assert_eq!(seen["9990101"].0, Verdict::Critical);
    assert!(seen["9990101"].1.contains("the worst of 2"), "{:?}", seen["9990101"]);
}

#[tokio::test]
async fn of_several_rows_the_oldest_time_counts() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let at = |t: &str| json!({"id": "A-1", "state": "ok", "at": t});
    let body = json!({"data": [at("2027-02-02T10:00:00Z"), at("2027-01-02T10:00:00Z")]});
    vendor.play("/v1/all", page(&body.to_string()));
    let toml = bulk(&vendor, "several = 'worst'\ntime = { jq = '.at' }");
    let seen = poll(&build(&stage(drop.path(), &[]), &toml)).await;
    let source = seen[&school("9990101")].source_at.unwrap();
    assert_eq!(source.at.to_string(), "2027-01-02T10:00:00Z");
}

#[tokio::test]
async fn schools_are_told_by_laestab_or_urn_in_every_spelling() {
    for (key, by, id) in [
        (json!("9990101"), "laestab", true),
        (json!(9_990_101), "laestab", true),
        (json!("999 0101"), "laestab", true),
        (json!("999010"), "laestab", false),
        (json!("700101"), "urn", true),
        (json!(700_101), "urn", true),
        (json!(700_101.5), "urn", false),
        (json!("9990101"), "urn", false),
    ] {
        let (vendor, drop) = (Vendor::start().await, Drop::new());
        let other = if by == "urn" { json!(700_102) } else { json!("9990102") };
        let body = json!({"data": [{"id": key, "state": "ok"}, {"id": other, "state": "ok"}]});
        vendor.play("/v1/all", page(&body.to_string()));
        let toml = bulk(&vendor, "").replace("by = 'param', param = 'id'", &format!("by = '{by}'"));
        let seen = poll(&build(&stage(drop.path(), &[]), &toml)).await;
        assert_eq!(is_well(seen[&school("9990101")].verdict), id, "{key} by {by}");
    }
}

// ------------------------------------------------------------------ pages

async fn paged(
    more: &str,
    pages: &[(&str, String)],
) -> (BTreeMap<Target, Observation>, Vec<String>) {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    for (path, body) in pages {
        vendor.play(path, page(&body.replace("URL", &vendor.url)));
    }
    let toml = bulk(&vendor, &format!("auth = {{ bearer = 'k' }}\n{more}"));
    let all = poll(&build(&stage(drop.path(), &[("k", "canary")]), &toml)).await;
    let heads = vendor.heads();
    assert!(heads.iter().all(|h| h.contains("Bearer canary")), "each page is signed in");
    (all, vendor.asked())
}

fn a_page(rows: &[Value], next: &Value) -> String {
    json!({"data": rows, "next": next}).to_string()
}

const NEXT: &str = "pages = { next = '.next', most = 3 }";

#[tokio::test]
async fn pages_are_followed_to_their_end() {
    let ends = [json!(null), json!(""), json!(false)];
    for end in ends {
        let (all, asked) = paged(
            NEXT,
            &[
                ("/v1/all", a_page(&[row("A-1", "ok")], &json!("URL/v1/all?cursor=2"))),
                ("/v1/all?cursor=2", a_page(&[row("B-2", "ok")], &json!("/v1/all?cursor=3"))),
                ("/v1/all?cursor=3", a_page(&[row("C-3", "warning")], &end)),
            ],
        )
        .await;
        assert_eq!(asked.len(), 3);
        assert_eq!(all[&school("9990101")].verdict, Verdict::Ok);
        assert_eq!(all[&school("9990103")].verdict, Verdict::Warning);
        assert_eq!(fact(&all[&school("9990101")], "pages"), Some("3"));
    }
}

#[tokio::test]
async fn a_page_that_leads_astray_makes_the_whole_answer_unknown() {
    let first = |next: Value| ("/v1/all", a_page(&[row("A-1", "ok")], &next));
    let link = |n: u32| json!(format!("URL/v1/all?cursor={n}"));
    for (what, pages, words) in [
        ("elsewhere", vec![first(json!("https://evil.example/v1/all"))], "elsewhere"),
        ("with a user", vec![first(json!("http://a:b@127.0.0.1:1/x"))], "elsewhere"),
        ("no link", vec![first(json!(7))], "gives no link"),
        ("an object", vec![first(json!({"href": "x"}))], "pages.next cannot be read"),
        (
            "in a ring",
            vec![first(link(2)), ("/v1/all?cursor=2", a_page(&[], &link(2)))],
            "read already",
        ),
        ("fails", vec![first(link(2)), ("/v1/all?cursor=2", "<p>no</p>".to_owned())], "page 2:"),
        ("missing", vec![first(link(2))], "page 2:"),
        (
            "too many",
            vec![
                first(link(2)),
                ("/v1/all?cursor=2", a_page(&[row("B-2", "ok")], &link(3))),
                ("/v1/all?cursor=3", a_page(&[row("C-3", "ok")], &link(4))),
            ],
            "more than 3 pages",
        ),
    ] {
        let (all, _) = paged(NEXT, &pages).await;
        for seen in all.values() {
            assert!(matches!(seen.verdict, Verdict::Unknown(_)), "{what}: {seen:?}");
            assert!(seen.detail.as_str().contains(words), "{what}: {}", seen.detail);
        }
    }
}

#[tokio::test]
async fn numbered_pages_end_with_the_first_empty_one() {
    let more = "pages = { number = 'page', first = 0 }";
    let (all, asked) = paged(
        more,
        &[
            ("/v1/all?page=0", a_page(&[row("A-1", "ok"), row("B-2", "ok")], &json!(null))),
            ("/v1/all?page=1", a_page(&[row("C-3", "ok")], &json!(null))),
            ("/v1/all?page=2", a_page(&[], &json!(null))),
        ],
    )
    .await;
    assert_eq!(asked, ["/v1/all?page=0", "/v1/all?page=1", "/v1/all?page=2"]);
    assert!(all.values().all(|seen| seen.verdict == Verdict::Ok), "{all:?}");
    // A vendor that does not know the parameter answers with the same page for ever.
    let same = a_page(&[row("A-1", "ok")], &json!(null));
    let (all, asked) =
        paged(more, &[("/v1/all?page=0", same.clone()), ("/v1/all?page=1", same)]).await;
    assert_eq!(asked.len(), 2);
    let seen = &all[&school("9990101")];
    assert_eq!(seen.verdict, MALFORMED);
    assert!(seen.detail.as_str().contains("the same as the one before"), "{}", seen.detail);
}

// ------------------------------------------------------------------ expressions that do not end

#[tokio::test]
async fn an_expression_that_does_not_end_is_paused_and_other_connectors_go_on() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/state", page(&good().to_string()));
    let hostile = one(&vendor, "evaluate_within = '1s'").replace("jq = '.v'", "jq = 'def f: f; f'");
    let both = format!("{hostile}\n{}", one(&vendor, "").replace("connectors.c", "connectors.d"))
        .replace(
            "[connectors.d]\nservice = 'x'\ncheck = 'y'",
            "[connectors.d]\nservice = 'x'\ncheck = 'z'",
        );
    let ctx = stage(drop.path(), &[]);
    let built = super::build_all(&ctx, &both);
    let (bad, good) = (&built[0], &built[1]);
    let (late, fine) = tokio::join!(seen_of(bad), seen_of(good));
    assert_eq!(fine.verdict, Verdict::Ok, "{}", fine.detail);
    assert_eq!(late.verdict, MALFORMED);
    assert_eq!(
        late.detail.as_str(),
        "a jq expression did not end within 1 s: paused for an hour; mend the expressions of \
         [connectors.c]"
    );
    // While it is paused the vendor is not even asked.
    vendor.asked();
    let paused = seen_of(bad).await;
    assert_eq!((paused.verdict, &paused.detail), (MALFORMED, &late.detail));
    assert_eq!(vendor.asked().len(), 0);
    let later = now() + jiff::SignedDuration::from_mins(61);
    poll_at(bad, later).await;
    assert_eq!(vendor.asked().len(), 1, "after an hour it is tried again");
    assert_eq!(seen_of(good).await.verdict, Verdict::Ok);
}

#[tokio::test]
async fn an_expression_that_eats_memory_ends_alone() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/state", page(&good().to_string()));
    let greedy = one(&vendor, "").replace("jq = '.v'", "jq = 'def f: 1 + f; f'");
    let seen = seen_of(&build(&stage(drop.path(), &[]), &greedy)).await;
    assert_eq!(seen.verdict, MALFORMED);
    assert!(seen.detail.as_str().contains("paused for an hour"), "{}", seen.detail);
}

// ------------------------------------------------------------------ mutated bodies

/// One change of a body: what, and where.
#[derive(Debug, Clone)]
enum Change {
    Drop(usize),
    Retype(usize, u8),
    Null(usize),
    Flip(usize),
    Truncate(usize),
    Reverse,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0_usize..8).prop_map(Change::Drop),
        ((0_usize..8), any::<u8>()).prop_map(|(n, k)| Change::Retype(n, k)),
        (0_usize..8).prop_map(Change::Null),
        (0_usize..8).prop_map(Change::Flip),
        (0_usize..400).prop_map(Change::Truncate),
        Just(Change::Reverse),
    ]
}

/// The fields of a row that is read, and of the envelope.
fn mutated(change: &Change) -> (String, bool) {
    let fields = ["id", "state", "n", "at", "spare"];
    let mut first = json!({
        "id": "A-1", "state": "ok", "n": 5, "at": "2027-02-02T09:00:00Z", "spare": [1],
    });
    let mut data = vec![json!({"id": "B-2", "state": "ok", "n": 5, "at": "2027-02-02T09:00:00Z"})];
    let kinds = [json!(7), json!("7"), json!([]), json!({"a": 1}), json!(true), json!("soon")];
    let name = |n: usize| fields[n % fields.len()];
    // Whether the first school's row still says what it said.
    let mut same = true;
    match change {
        Change::Drop(n) => {
            first.as_object_mut().unwrap().remove(name(*n));
            same = name(*n) == "spare";
        }
        Change::Null(n) => {
            first[name(*n)] = Value::Null;
            same = name(*n) == "spare";
        }
        Change::Retype(n, kind) => {
            let value = kinds[usize::from(*kind) % kinds.len()].clone();
            // A number is still a number.
            same = name(*n) == "spare" || (name(*n) == "n" && value.is_number());
            first[name(*n)] = value;
        }
        Change::Flip(n) => {
            if let Some(text) = first[name(*n)].as_str().map(str::to_uppercase) {
                first[name(*n)] = json!(text.to_lowercase());
            }
            // The case of a word is not believed; that of an id is. A time has no case.
            same = name(*n) != "id";
        }
        Change::Truncate(_) | Change::Reverse => {}
    }
    data.push(first);
    if matches!(change, Change::Reverse) {
        data.reverse();
    }
    let mut body = json!({"data": data, "next": null}).to_string();
    if let Change::Truncate(at) = change {
        same = *at >= body.len();
        body.truncate(*at);
    }
    (body, same)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_body_never_panics_and_never_stays_ok_on_a_changed_meaning(change in change()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (body, same) = mutated(&change);
        let seen = runtime.block_on(async {
            let (vendor, drop) = (Vendor::start().await, Drop::new());
            vendor.play("/v1/all", page(&body));
            let more = "time = { jq = '.at' }\nnumbers = { n = { jq = '.n' } }\npages = { next = '.next' }";
            let watch = build(&stage(drop.path(), &[]), &bulk(&vendor, more));
            poll(&watch).await
        });
        prop_assert_eq!(seen.len(), 3);
        let well = is_well(seen[&school("9990101")].verdict);
        prop_assert_eq!(well, same, "{:?}: {} {:?}", change, body, seen[&school("9990101")].detail);
        prop_assert!(!is_well(seen[&school("9990103")].verdict), "never heard of");
    }
}

// ------------------------------------------------------------------ POST

fn asking(vendor: &Vendor, post: &str, more: &str) -> String {
    declare(
        "school",
        &format!(
            "[connectors.c.json]\nendpoint = {{ url = '{}' }}\npath = 'graphql'\n{more}\n\
             [connectors.c.json.post]\n{post}\n\
             [connectors.c.json.key]\njq = '.id'\nby = 'laestab'\n\
             [connectors.c.json.health]\njq = '.state'\n",
            vendor.url
        ),
    )
}

const QUERY: &str = "query = 'query ($l: ID!) { school(id: $l) { id state } }'\n\
                     variables = { l = '{laestab}', at = '{param:id}' }";

#[tokio::test]
async fn a_question_is_posted_with_what_the_schools_row_says_and_nothing_else() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/graphql", page("{\"id\": \"9990101\", \"state\": \"ok\"}"));
    let watch = build(&stage(drop.path(), &[]), &asking(&vendor, QUERY, ""));
    let seen = poll(&watch).await;
    assert_eq!(seen[&school("9990101")].verdict, Verdict::Ok);
    // The answer is about the first school, whoever was asked about.
    assert_eq!(seen[&school("9990102")].verdict, MALFORMED);
    let requests = vendor.heads();
    assert_eq!(requests.len(), 3);
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /graphql HTTP/1.1"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    let asked = json!({
        "query": "query ($l: ID!) { school(id: $l) { id state } }",
        "variables": {"l": "9990101", "at": "A-1"},
    });
    assert_eq!(body, asked);
    // As a GET is, it is asked again where nobody answered.
    vendor.play("/graphql", Play::HangUp);
    assert!(matches!(poll(&watch).await[&school("9990101")].verdict, Verdict::Unknown(_)));
}

#[test]
fn a_question_that_cannot_be_meant_is_refused() {
    let wrong = |scope: &str, post: &str, more: &str| {
        let source = format!(
            "[connectors.c.json]\nendpoint = {{ url = 'https://v.example' }}\n\
             [connectors.c.json.post]\n{post}\n[connectors.c.json.health]\njq = '.state'\n{more}"
        );
        let refused = super::read(&declare(scope, &source)).err().unwrap_or_default();
        refused.iter().map(|e| format!("{}: {}", e.key, e.why)).collect::<String>()
    };
    for (scope, post, more, words) in [
        ("estate", "l = '{laestab}'", "", "{laestab} needs a school"),
        ("school", "l = '{school}'", "", "json.post.l: `{school}` is not known"),
        ("school", "Token = 'x'", "", "json.post.Token: a credential never stands here"),
        (
            "bulk",
            "first = 1",
            "[connectors.c.json.pages]\nnext = '.next'\n",
            "json.pages.next: a link is asked for with GET",
        ),
    ] {
        let said = wrong(scope, post, more);
        assert!(said.contains(words), "{scope} {post}: {said}");
    }
}
