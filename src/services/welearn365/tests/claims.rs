//! What each example claims: played in its place, it shows this verdict in these words. An example
//! without a claim fails, and a claim without its example.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::model::health::Health;
use crate::services::welearn365::actions::tests::claimed;
use crate::services::welearn365::tests::board::shown;

/// Examples that are no answer of Microsoft's.
const NO_ANSWER: [&str; 1] = ["rsa_made_for_tests.pem"];

/// Where an example is played, which, and with what status: in this order where a path has several.
type Played = (&'static str, &'static str, u16);

/// What the check shows when it is asked, or asked again an hour later.
struct Claim {
    plays: &'static [Played],
    check: &'static str,
    again: bool,
    verdict: Verdict,
    /// On the board, where the age of the data decides.
    board: Option<Health>,
    words: &'static str,
}

const fn shows(
    plays: &'static [Played],
    check: &'static str,
    verdict: Verdict,
    words: &'static str,
) -> Claim {
    Claim { plays, check, again: false, verdict, board: None, words }
}

const fn an_hour_later(plays: &'static [Played], verdict: Verdict, words: &'static str) -> Claim {
    Claim { plays, check: "provisioning", again: true, verdict, board: None, words }
}

const OK: Verdict = Verdict::Ok;
const WARNING: Verdict = Verdict::Warning;
const CRITICAL: Verdict = Verdict::Critical;
const THROTTLED: Verdict = Verdict::Unknown(Reason::Throttled);
const NO_REPLY: Verdict = Verdict::Unknown(Reason::NoAnswer);

const CLAIMS: &[Claim] = &[
    // Signing in.
    shows(&[(LOGIN, "token.json", 200)], "directory_sync", OK, "sync is on"),
    shows(&[(LOGIN, "token_secret_expired.json", 401)], "sign_in", UNAUTHORISED, "has expired"),
    shows(&[(LOGIN, "token_secret_wrong.json", 401)], "sign_in", UNAUTHORISED, "is wrong"),
    shows(&[(LOGIN, "token_unknown_app.json", 400)], "sign_in", UNAUTHORISED, "no such app"),
    // Health.
    shows(&[(HEALTH, "health_well.json", 200)], "service_health", OK, "reports no trouble"),
    shows(
        &[(HEALTH, "health_upper.json", 200), (ISSUES, "issues_resolved.json", 200)],
        "service_health",
        OK,
        "reports no trouble",
    ),
    shows(&[(HEALTH, "health_upper.json", 200)], "service_health", MALFORMED, "its issues cannot"),
    shows(
        &[(HEALTH, "health_lower.json", 200), (ISSUES, "issues_resolved.json", 200)],
        "service_health",
        OK,
        "reports no trouble",
    ),
    shows(&[(HEALTH, "health_lower.json", 200)], "service_health", MALFORMED, "its issues cannot"),
    shows(&[(HEALTH, "health_trouble.json", 200)], "service_health", CRITICAL, "EX990204"),
    shows(
        &[(HEALTH, "health_degraded.json", 200), (ISSUES, "issues_open.json", 200)],
        "service_health",
        WARNING,
        "advisory SP990477",
    ),
    shows(
        &[(HEALTH, "health_degraded.json", 200), (ISSUES, "issues_resolved.json", 200)],
        "service_health",
        WARNING,
        "SharePoint Online: extended recovery",
    ),
    shows(&[(HEALTH, "health_interruption.json", 200)], "sign_in", CRITICAL, "Identity Service"),
    shows(&[(HEALTH, "health_unknown_words.json", 200)], "service_health", MALFORMED, "a word"),
    // The sync.
    shows(&[(SYNC, "organization.json", 200)], "directory_sync", OK, "sync is on"),
    shows(&[(SYNC, "organization_late.json", 200)], "directory_sync", OK, ""),
    Claim {
        board: Some(Health::Critical),
        ..shows(&[(SYNC, "organization_stale.json", 200)], "directory_sync", OK, "")
    },
    shows(&[(SYNC, "organization_off.json", 200)], "directory_sync", CRITICAL, "switched off"),
    shows(&[(SYNC, "organization_never.json", 200)], "directory_sync", NEVER, "never synced"),
    // Licences and sites.
    shows(&[(SKUS, "licences.json", 200)], "licences", OK, "600 left of 3,000"),
    shows(&[(SKUS, "licences_trouble.json", 200)], "licences", CRITICAL, "must be renewed"),
    shows(&[(SITE_OF_1, "site.json", 200)], "site", OK, ""),
    // Accounts.
    shows(&[(USERS, "accounts_well.json", 200)], "provisioning", OK, ""),
    shows(&[(USERS, "accounts_sign_in_activity.json", 200)], "provisioning", OK, ""),
    shows(&[(USERS, "accounts_held_back.json", 200)], "provisioning", WARNING, "1 of 2"),
    shows(
        &[
            (USERS, "accounts_page_1.json", 200),
            (USERS, "accounts_page_2_empty.json", 200),
            (USERS, "accounts_page_3.json", 200),
        ],
        "provisioning",
        WARNING,
        "",
    ),
    shows(&[(USERS, "accounts_elsewhere.json", 200)], "provisioning", MALFORMED, "elsewhere"),
    shows(&[(USERS, "accounts_none.json", 200)], "provisioning", NEVER, "welearn365.ou"),
    shows(
        &[(USERS, "accounts_default_properties.json", 200)],
        "provisioning",
        MALFORMED,
        "lacks onPremisesDistinguishedName",
    ),
    an_hour_later(
        &[
            (DELTA, "accounts_latest.json", 200),
            (DELTA, "accounts_delta_1.json", 200),
            (DELTA, "accounts_delta_2.json", 200),
        ],
        OK,
        "",
    ),
    // A whole read follows, and what it shows.
    an_hour_later(
        &[
            (DELTA, "accounts_latest.json", 200),
            (DELTA, "error_resync.json", 410),
            (DELTA, "accounts_latest.json", 200),
        ],
        OK,
        "",
    ),
    an_hour_later(
        &[
            (DELTA, "accounts_latest.json", 200),
            (DELTA, "error_sync_state.json", 400),
            (DELTA, "accounts_latest.json", 200),
        ],
        OK,
        "",
    ),
    // Refusals.
    shows(&[(SYNC, "error_unsupported_query.json", 400)], "directory_sync", MALFORMED, "Query"),
    shows(&[(SYNC, "error_token.json", 401)], "directory_sync", UNAUTHORISED, "just given us"),
    shows(&[(SYNC, "error_denied.json", 403)], "directory_sync", UNAUTHORISED, "lacks Org"),
    shows(&[(SYNC, "error_not_found.json", 404)], "directory_sync", MALFORMED, "graph"),
    shows(&[(SYNC, "error_throttled.json", 429)], "directory_sync", THROTTLED, "wait"),
    shows(&[(SYNC, "error_throttled_lower.json", 429)], "directory_sync", THROTTLED, "wait"),
    shows(&[(SYNC, "error_gateway.html", 502)], "directory_sync", NO_REPLY, "a web page"),
    shows(&[(SYNC, "error_busy.json", 503)], "directory_sync", NO_REPLY, "503"),
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/services/welearn365/examples")
}

/// The text of an example.
pub(in crate::services::welearn365) fn example(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn every_example_has_a_claim_and_every_claim_its_example() {
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let of_checks = CLAIMS.iter().flat_map(|claim| claim.plays).map(|(_, name, _)| *name);
    let all = of_checks.chain(claimed()).chain(NO_ANSWER);
    let claimed: BTreeSet<String> = all.map(str::to_owned).collect();
    let without: Vec<_> = there.difference(&claimed).collect();
    assert!(without.is_empty(), "examples without a claim: {without:?}");
    let gone: Vec<_> = claimed.difference(&there).collect();
    assert!(gone.is_empty(), "claims without an example: {gone:?}");
}

#[tokio::test]
async fn each_example_shows_what_is_claimed_of_it() {
    for claim in CLAIMS {
        let what = format!("{:?}", claim.plays);
        let vendor = vendor().await;
        let paths: BTreeSet<&str> = claim.plays.iter().map(|(at, ..)| *at).collect();
        for path in paths {
            let plays = claim.plays.iter().filter(|(at, ..)| *at == path);
            let plays = plays
                .map(|(_, name, status)| Play::status(*status, at_home(&vendor, &example(name))));
            vendor.on(path, plays.collect::<Vec<_>>());
        }
        let bench = bench();
        let watch = bench.build(&settings(&vendor));
        let mut seen = ask_of(&bench, &watch, claim.check).await;
        if claim.again {
            bench.clock.advance(3_600);
            seen = ask_of(&bench, &watch, claim.check).await;
        }
        assert_eq!(seen.verdict, claim.verdict, "{what}: {}", seen.detail);
        assert!(seen.detail.as_str().contains(claim.words), "{what}: {}", seen.detail);
        let health = claim.board.unwrap_or(match claim.verdict {
            Verdict::Ok | Verdict::Quiet => Health::Ok,
            Verdict::Warning => Health::Warning,
            Verdict::Critical => Health::Critical,
            Verdict::Unknown(_) => Health::Unknown,
        });
        assert_eq!(shown(&bench, &settings(&vendor), &seen).health, health, "{what}");
        for (path, ..) in claim.plays {
            let times = claim.plays.iter().filter(|(at, ..)| at == path).count();
            assert!(vendor.count(path) >= times, "{what}: {path} was not asked {times} times");
        }
        assert!(!format!("{seen:?}").to_lowercase().contains("canary"), "{what}: a name leaked");
    }
}
