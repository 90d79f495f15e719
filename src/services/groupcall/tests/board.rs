//! What the board shows for each kind of answer that Groupcall's pages and clients tell of.

use super::*;
use crate::model::health::Health;
use crate::services::contract::shown;

const DATA: (&str, &str) = ("xporter_data", INFO_OF_1);
const RIGHT: (&str, &str) = ("authorisation", "/v1/TokenDetails");
const PUPILS: (&str, &str) = ("counts", "/v1/School/9991001/Counts");
const PAGED: (&str, &str) = ("counts", "/v1/School/9991001/Students/");
const BY_TOKEN: (&str, &str) = ("xporter_data", LOGIN);

/// The answer, where it is given, and how the board stands then.
type Row = ((&'static str, &'static str), Play, Health, Option<Reason>, &'static str);

fn rows() -> Vec<Row> {
    use Health::{Critical, Ok as Well, Unknown, Warning};
    let ok = |body: &str| Play::json(body);
    let (malformed, refused) = (Some(Reason::Malformed), Some(Reason::Unauthorised));
    let paused = Some(Reason::Paused);
    macro_rules! example {
        ($name:literal) => {
            include_str!(concat!("../examples/", $name))
        };
    }
    vec![
        (BY_TOKEN, ok(TOKEN), Well, None, "pupil data is taken over"),
        (BY_TOKEN, ok(example!("token_2018.json")), Well, None, "pupil data is taken over"),
        (BY_TOKEN, ok(REFUSED), Unknown, refused, "store its new secret as `xod.9991001`"),
        (BY_TOKEN, ok(PAUSED), Unknown, paused, "ask the school to finish"),
        (BY_TOKEN, ok(example!("token_paused_flag.json")), Unknown, paused, "ask the school"),
        (RIGHT, ok(DETAILS), Well, None, "in force with all its scopes"),
        (
            RIGHT,
            ok(example!("token_details_scope_lost.json")),
            Warning,
            None,
            "has lost Student, Staff: ask the school to grant it again",
        ),
        (DATA, ok(example!("error_inside.json")), Unknown, malformed, "An unexpected fault"),
        (
            DATA,
            Play::status(401, example!("error_real_code.json")),
            Unknown,
            refused,
            "refused a token that it had just given us",
        ),
        (DATA, ok(INFO), Well, None, "pupil data is taken over"),
        (DATA, ok(example!("school_info_late.json")), Warning, None, "since Mon 03:15; limit 26h"),
        (DATA, ok(example!("school_info_old.json")), Critical, None, "since Fri 03:09; limit 50h"),
        (
            DATA,
            ok(example!("school_info_other_estab.json")),
            Warning,
            None,
            "names establishment 998 8077, not this school",
        ),
        (
            DATA,
            ok(example!("school_info_row_is_new.json")),
            Critical,
            None,
            "no data since 1 Feb 03:02; limit 50h",
        ),
        (
            DATA,
            ok(example!("school_info_no_meta.json")),
            Unknown,
            malformed,
            "does not say when its data was taken over",
        ),
        (PUPILS, ok(COUNTS), Well, None, "187 pupils, 29 staff"),
        (PUPILS, ok(example!("counts_no_pupils.json")), Critical, None, "0 pupils, 29 staff"),
        (PAGED, ok(example!("students_first.json")), Well, None, "187 pupils"),
        (PAGED, ok(example!("students_last.json")), Unknown, malformed, "page 187 of the pupils"),
        (PAGED, ok(example!("students_none.json")), Critical, None, "0 pupils"),
        (PAGED, ok(example!("students_changed.json")), Unknown, malformed, "lacks __pagination__"),
        (DATA, ok(example!("usage.json")), Unknown, malformed, "lacks meta"),
        (RIGHT, ok(example!("health.json")), Unknown, malformed, "lacks Estab"),
        (DATA, ok(example!("reset_password_done.json")), Unknown, malformed, "lacks meta"),
        (DATA, ok(example!("reset_password_refused.json")), Unknown, malformed, "lacks meta"),
        (
            DATA,
            Play::status(503, example!("maintenance.html")),
            Unknown,
            Some(Reason::NoAnswer),
            "answered 503",
        ),
        (DATA, Play::page(example!("maintenance.html")), Unknown, malformed, "a web page"),
        (DATA, ok(example!("truncated.txt")), Unknown, malformed, "cannot be read"),
    ]
}

#[tokio::test]
async fn each_answer_has_its_place_on_the_board() {
    let vendor = Vendor::start().await;
    let bench = bench();
    for ((check, path), play, health, reason, part) in rows() {
        well(&vendor);
        vendor.on(path, [play.clone()]);
        let from = if path == PAGED.1 { "pupils_from = \"students\"\n" } else { "" };
        let settings = format!("{}{from}", settings(&vendor));
        let seen = bench.poll(&*bench.build(&settings), &format!("{check}/9991001")).await;
        let board = shown(&bench, &settings, &[the(&seen, check, Some("9991001"))]);
        assert_eq!((board.health, board.reason), (health, reason), "{play:?}: {board:?}");
        assert!(board.why.contains(part), "{part:?}: {board:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_leaves_the_last_good_reading_known() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let bench = bench();
    let settings = settings(&vendor);
    let watch = bench.build(&settings);
    let good = bench.poll(&*watch, "xporter_data/9991001").await;
    bench.clock.advance(900);
    vendor.on(INFO_OF_1, [Play::json(include_str!("../examples/truncated.txt"))]);
    let bad = bench.poll(&*watch, "xporter_data/9991001").await;
    let both: Vec<Observation> = good.into_iter().chain(bad).collect();
    let board = shown(&bench, &settings, &both);
    assert_eq!((board.health, board.reason), (Health::Unknown, Some(Reason::Malformed)));
    assert_eq!(board.good_at.unwrap().to_string(), "2027-02-09T03:11:27.31Z");
}
