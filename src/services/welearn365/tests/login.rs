//! Tokens: by secret and by certificate, renewed early and once, and what a refusal asks the desk
//! to do.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;
use crate::services::contract::verdict_of;

const EXPIRED: &str = include_str!("../examples/token_secret_expired.json");
const WRONG: &str = include_str!("../examples/token_secret_wrong.json");
const UNKNOWN_APP: &str = include_str!("../examples/token_unknown_app.json");
/// Made for these tests and used nowhere else.
const KEY: &str = include_str!("../examples/rsa_made_for_tests.pem");

fn key() -> KeyPair {
    KeyPair::from_pem_and_sign_algo(KEY, &PKCS_RSA_SHA256).unwrap()
}

/// A certificate of the key, in force from one year to the other.
fn certificate(from: i32, until: i32) -> rcgen::Certificate {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    params.self_signed(&key()).unwrap()
}

fn strangers_certificate() -> String {
    let stranger = KeyPair::generate().unwrap();
    CertificateParams::new(Vec::<String>::new()).unwrap().self_signed(&stranger).unwrap().pem()
}

fn by_certificate(vendor: &Vendor) -> String {
    settings(vendor) + "authentication = \"certificate\"\n"
}

fn form(body: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn a_certificate_signs_what_microsofts_page_asks_for() {
    let vendor = vendor().await;
    let own = certificate(2026, 2028);
    // In any order, with a chain, with text between.
    for pem in [
        format!("{KEY}{}", own.pem()),
        format!("Bag Attributes\n{}{}\nkey\n{KEY}", strangers_certificate(), own.pem()),
        format!("{}{KEY}", own.pem()).replace('\n', "\r\n"),
        // As a store of single lines holds it.
        format!("{}{KEY}", own.pem()).replace('\n', " "),
        format!("{}{KEY}", own.pem()).replace('\n', "\\n"),
        format!("{}{KEY}", own.pem()).replace('\n', ""),
    ] {
        let bench = bench().secret("welearn365", &pem);
        let watch = bench.build(&by_certificate(&vendor));
        assert_eq!(ask_of(&bench, &watch, "sign_in").await.verdict, Verdict::Ok);
        let asked = vendor.asked();
        let sent = form(&asked.iter().rfind(|a| a.path == LOGIN).unwrap().body);
        assert_eq!(sent["client_id"], "77aa");
        assert_eq!(
            sent["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        assert!(!sent.contains_key("client_secret"));
        let jwt = &sent["client_assertion"];
        let header: Value = serde_json::from_slice(
            &URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap(),
        )
        .unwrap();
        assert_eq!((&header["alg"], &header["typ"]), (&"PS256".into(), &"JWT".into()));
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(own.der()));
        assert_eq!(header["x5t#S256"], thumbprint);
        // Verified with what the certificate holds, not with the key.
        let (_, x509) = x509_parser::parse_x509_certificate(own.der()).unwrap();
        let public = DecodingKey::from_rsa_der(&x509.public_key().subject_public_key.data);
        let mut rules = Validation::new(Algorithm::PS256);
        let audience = format!("{}{LOGIN}", vendor.url);
        rules.set_audience(&[&audience]);
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(jwt, &public, &rules).unwrap().claims;
        assert_eq!((&claims["iss"], &claims["sub"]), (&"77aa".into(), &"77aa".into()));
        let now = bench.clock_now().as_second();
        assert_eq!((claims["nbf"].as_i64(), claims["iat"].as_i64()), (Some(now), Some(now)));
        assert_eq!(claims["exp"].as_i64(), Some(now + 600), "five to ten minutes");
        assert!(uuid::Uuid::parse_str(claims["jti"].as_str().unwrap()).is_ok());
    }
    let ids: Vec<Value> = vendor
        .asked()
        .iter()
        .filter(|a| a.path == LOGIN)
        .map(|a| {
            let jwt = form(&a.body)["client_assertion"].clone();
            let claims = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap();
            serde_json::from_slice::<Value>(&claims).unwrap()["jti"].clone()
        })
        .collect();
    assert_ne!(ids[0], ids[1], "each its own id");
}

#[tokio::test]
async fn a_credential_that_cannot_sign_says_why_and_asks_nobody() {
    let vendor = vendor().await;
    let own = certificate(2026, 2028).pem();
    let ed = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
    let labelled = |label: &str| KEY.replace("PRIVATE KEY", label);
    for (pem, part) in [
        ("secret-made-up".to_owned(), "exactly one private key"),
        (own.clone(), "exactly one private key"),
        (format!("{KEY}{KEY}{own}"), "exactly one private key"),
        (KEY.to_owned(), "holds no certificate"),
        (format!("{KEY}{}", strangers_certificate()), "a certificate of another key"),
        (format!("{ed}{own}"), "cannot be read as RSA"),
        (format!("{}{own}", labelled("EC PRIVATE KEY")), "not RSA"),
        (format!("{}{own}", labelled("ENCRYPTED PRIVATE KEY")), "encrypted"),
        (
            format!(
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n{own}"
            ),
            "encrypted",
        ),
        (format!("{}{own}", KEY.replace("MII", "!!!")), "cannot be read as RSA"),
        (KEY.replace("-----END", "----END"), "without its end"),
        (
            format!("{KEY}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
            "cannot be read",
        ),
        (format!("{KEY}{}", certificate(2020, 2027).pem()), "ended on 1 January 2027"),
        (format!("{KEY}{}", certificate(2028, 2030).pem()), "begins on 1 January 2028"),
        (own.repeat(20) + KEY, "too many"),
        ("x".repeat(200_000), "longer than"),
    ] {
        let bench = bench().secret("welearn365", &pem);
        let seen = ask_of(&bench, &bench.build(&by_certificate(&vendor)), "sign_in").await;
        assert_eq!(seen.verdict, UNAUTHORISED, "{part}: {}", seen.detail);
        assert!(seen.detail.as_str().contains(part), "{part}: {}", seen.detail);
        assert!(seen.detail.as_str().contains("welearn365"), "{}", seen.detail);
        assert!(!format!("{seen:?}").contains("MII"), "no part of a key is told");
    }
    assert!(vendor.asked().is_empty());
}

#[tokio::test]
async fn a_certificate_where_a_secret_belongs_is_not_sent() {
    let vendor = vendor().await;
    let bench = bench().secret("welearn365", KEY);
    let seen = ask(&bench, &vendor, "sign_in").await;
    assert!(seen.detail.as_str().contains("authentication = \"certificate\""), "{}", seen.detail);
    assert!(vendor.asked().is_empty());
    // An editor's line end is no part of a secret.
    let bench = bench.secret("welearn365", "secret-made-up\n");
    assert_eq!(ask(&bench, &vendor, "sign_in").await.verdict, Verdict::Ok);
    assert_eq!(form(&vendor.asked()[0].body)["client_secret"], "secret-made-up");
    let missing = Bench::new(&ROW, NOW);
    let seen = ask_of(&missing, &missing.build(&settings(&vendor)), "sign_in").await;
    assert_eq!(seen.verdict, UNAUTHORISED);
    assert!(seen.detail.as_str().contains("caretaker secret set welearn365"), "{}", seen.detail);
}

#[tokio::test]
async fn token_errors_ask_for_the_right_remedy() {
    let numbered = |code: u64| EXPIRED.replace("7000222", &code.to_string());
    let no_answer = Reason::NoAnswer;
    let refused = Reason::Unauthorised;
    for (status, body, reason, part) in [
        (401, EXPIRED.to_owned(), refused, "has expired"),
        (401, WRONG.to_owned(), refused, "is wrong"),
        (400, UNKNOWN_APP.to_owned(), refused, "no such app"),
        (400, numbered(90_002), refused, "no such tenant"),
        (400, numbered(900_023), refused, "no such tenant"),
        (401, numbered(700_027), refused, "must upload it"),
        (401, numbered(700_023), refused, "services.welearn365.login"),
        (401, numbered(7_000_112), refused, "switched off"),
        (401, numbered(7_000_218), refused, "authentication"),
        (400, numbered(7_000_229), refused, "consent"),
        (400, numbered(53_003), refused, "conditional access"),
        (400, numbered(90_033), no_answer, "out of order"),
        (400, numbered(50_196), Reason::Throttled, "wait"),
        (401, numbered(1), refused, "(invalid_client)"),
        (401, EXPIRED.replace("7000222\n", "\"7000222\"\n"), refused, "has expired"),
        (401, EXPIRED.replace("error_codes", "codes"), refused, "has expired"),
        (401, String::new(), refused, "no reason given"),
        (403, String::new(), refused, "no reason given"),
        (403, "<html>Blocked by your web filter</html>".into(), Reason::Malformed, "block page"),
        (404, "<html>It works!</html>".into(), Reason::Malformed, "web page"),
        (200, EXPIRED.to_owned(), Reason::Malformed, "error inside a good answer"),
        (200, "<html>Maintenance</html>".into(), Reason::Malformed, "web page"),
        (200, String::new(), Reason::Malformed, "empty"),
        (500, EXPIRED.to_owned(), no_answer, "500"),
    ] {
        let vendor = vendor().await;
        vendor.on(LOGIN, [Play::status(status, body.clone())]);
        let bench = bench();
        let watch = bench.build(&settings(&vendor));
        for job in ["health", "directory_sync", "licences", "site/9991001", "provisioning"] {
            for o in bench.poll(&*watch, job).await {
                assert_eq!(o.verdict, Verdict::Unknown(reason), "{status} {body}: {}", o.detail);
                assert!(o.detail.as_str().contains(part), "{status} {body}: {}", o.detail);
                assert!(
                    !format!("{o:?}").contains("made-up"),
                    "no text of an error is told: {o:?}"
                );
            }
        }
        let tries = if status == 500 { 3 } else { 1 };
        assert_eq!(vendor.asked().len(), tries, "one refusal serves all who wait: {status} {body}");
    }
}

#[tokio::test]
async fn a_refusal_names_microsofts_ids_for_its_support() {
    let vendor = vendor().await;
    vendor.on(LOGIN, [Play::status(401, WRONG)]);
    let seen = ask(&bench(), &vendor, "sign_in").await;
    let fact = |name: &str| {
        let found = seen.evidence.iter().find(|f| f.name.as_str() == name);
        found.map(|f| f.value.to_string()).unwrap_or_default()
    };
    assert_eq!(fact("vendor code"), "AADSTS7000215");
    assert_eq!(fact("vendor request id"), "5ad1e000-0000-4000-8000-00000000c0de");
    assert_eq!(fact("vendor date"), "2027-02-09 11:20:00Z");
    assert_eq!(fact("http status"), "401");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_by_how_much() {
    let vendor = vendor().await;
    let refused = EXPIRED.replace("7000222", "700024");
    for (date, part) in [
        ("Tue, 09 Feb 2027 11:20:30 GMT", "check this host's clock"),
        ("Tue, 09 Feb 2027 11:27:00 GMT", "7 min slow"),
        ("Tue, 09 Feb 2027 10:20:00 GMT", "60 min fast"),
    ] {
        let headers = vec![("date", date.to_owned())];
        vendor.on(LOGIN, [Play::Answer(401, headers, refused.clone().into())]);
        let seen = ask(&bench(), &vendor, "sign_in").await;
        assert!(seen.detail.as_str().contains(part), "{date}: {}", seen.detail);
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_one_at_a_time() {
    let vendor = vendor().await;
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let now = bench.clock_now();
    let jobs = watch.jobs();
    futures_util::future::join_all(jobs.iter().map(|j| watch.poll(j, now))).await;
    assert_eq!(vendor.count(LOGIN), 1, "all at once, one token");
    bench.clock.advance(3_599 - 301);
    bench.poll(&*watch, "health").await;
    assert_eq!(vendor.count(LOGIN), 1);
    bench.clock.advance(2);
    bench.poll(&*watch, "health").await;
    assert_eq!(vendor.count(LOGIN), 2, "five minutes early");
    let refusal = || Play::status(401, include_str!("../examples/error_token.json"));
    vendor.on(HEALTH, [refusal(), Play::json(WELL)]);
    let seen = bench.poll(&*watch, "health").await;
    assert_eq!(verdict_of(&seen, "sign_in", None), Verdict::Ok);
    assert_eq!(vendor.count(LOGIN), 3);
    vendor.on(HEALTH, [refusal()]);
    let seen = bench.poll(&*watch, "health").await;
    assert_eq!(verdict_of(&seen, "sign_in", None), UNAUTHORISED);
    assert_eq!(vendor.count(LOGIN), 4);
}

/// A token that ends in the middle of a sweep costs one refused call, one token, and no page.
#[tokio::test]
async fn a_token_that_ends_in_mid_sweep_is_renewed_once_for_all() {
    let vendor = vendor().await;
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    bench.poll(&*watch, "health").await;
    assert_eq!(vendor.count(LOGIN), 1);
    vendor.on(LOGIN, [Play::json(TOKEN.replace("opaque-made-up", "second-made-up"))]);
    vendor.choose(|asked| {
        let old = asked.headers.get("authorization").is_some_and(|a| a.contains("opaque"));
        let refusal = include_str!("../examples/error_token.json");
        (old && asked.path.starts_with("/v1.0")).then(|| Play::status(401, refusal))
    });
    let (now, jobs) = (bench.clock_now(), watch.jobs());
    let seen = futures_util::future::join_all(jobs.iter().map(|j| watch.poll(j, now))).await;
    for o in seen.iter().flatten() {
        assert_eq!(o.verdict, Verdict::Ok, "{o:?}");
    }
    assert_eq!(vendor.count(LOGIN), 2);
}

#[tokio::test]
async fn those_who_waited_for_a_refusal_share_it() {
    let vendor = vendor().await;
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let clock = bench.clock.clone();
    vendor.choose(move |asked| {
        (asked.path == LOGIN).then(|| {
            // The answer takes longer than a refusal rests.
            clock.advance(90);
            Play::status(401, EXPIRED)
        })
    });
    let (now, jobs) = (bench.clock_now(), watch.jobs());
    assert_eq!(jobs.len(), 5);
    futures_util::future::join_all(jobs.iter().map(|j| watch.poll(j, now))).await;
    assert_eq!(vendor.count(LOGIN), 1);
    bench.clock.advance(31);
    vendor.choose(|_| None);
    let seen = bench.poll(&*watch, "health").await;
    assert_eq!(verdict_of(&seen, "sign_in", None), Verdict::Ok, "a new secret is noticed");
}
