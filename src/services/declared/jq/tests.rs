//! Proofs of the expressions: what they give, and that no expression and no answer can hurt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::pool::MARK;
use super::{Broken, Evaluated, Outcome, Pool, Program, check, eval};
use crate::sys::SystemClock;

/// Long enough that only a test that is going to fail waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The child of every other test here: with the mark in its environment this serves until its
/// socket is closed, else it proves that it does not.
#[test]
fn child() {
    if std::env::var_os(MARK).is_some() {
        assert!(super::serve());
        return;
    }
    assert!(std::env::var_os(MARK).is_none(), "an ordinary run serves nobody");
}

fn pool() -> Pool {
    Pool::new(Arc::new(SystemClock::new()))
}

fn program(rows: Option<&str>, each: &[(&str, &str)]) -> Program {
    let each = each.iter().map(|(n, code)| ((*n).to_owned(), (*code).to_owned())).collect();
    Program { whole: BTreeMap::new(), rows: rows.map(str::to_owned), each }
}

async fn apply(pool: &Pool, program: &Program, body: &Value) -> Result<Evaluated, Broken> {
    pool.apply(program, body.to_string().as_bytes(), PATIENCE).await
}

async fn single(code: &str, body: &Value) -> Outcome {
    let made = apply(&pool(), &program(None, &[("x", code)]), body).await.unwrap();
    made.rows.unwrap().remove(0).remove("x").unwrap()
}

#[tokio::test]
async fn gives_one_value_of_each_kind() {
    let body = json!({"a": "up", "n": 3, "f": 2.5, "t": true, "none": null, "rows": [1, 2]});
    for (code, value) in [
        (".a", json!("up")),
        (".n", json!(3)),
        (".f", json!(2.5)),
        (".t", json!(true)),
        (".none", Value::Null),
        (".absent", Value::Null),
        (".rows | length", json!(2)),
        ("if .n > 2 then \"much\" else \"little\" end", json!("much")),
        ("\"\\(.a)-\\(.n)\"", json!("up-3")),
        ("[.rows[] | select(. > 1)] | first", json!(2)),
        ("1e2", json!(100.0)),
        ("123456789012345678901234567890 | . > 5", json!(true)),
    ] {
        assert_eq!(single(code, &body).await, Outcome::Value(value), "{code}");
    }
    assert_eq!(single("empty", &body).await, Outcome::Nothing);
    assert!(matches!(single(".rows[]", &body).await, Outcome::Several(_)));
}

#[tokio::test]
async fn a_failure_tells_the_shape_of_what_it_got_and_no_text() {
    let body = json!({"pupil": "Ann Canary", "rows": [{"name": "Ann Canary"}], "Ann Canary": 1});
    for (code, got) in [
        (
            ".rows.name",
            "{…: 1, pupil: text(10 `Aaa Aaaaaa`), rows: [1 × {name: text(10 `Aaa Aaaaaa`)}]}",
        ),
        (".pupil | tonumber", "{…: 1, pupil: text(10 "),
        (".rows", "[1 × {name: text(10 `Aaa Aaaaaa`)}]"),
        (".", "{…: 1, pupil: text(10 "),
        (".pupil | error", "{…: 1, pupil: text(10 "),
        ("error(.)", "{…: 1, pupil: text(10 "),
        ("nan", "not a number"),
        ("infinite", "not a number"),
        ("[1e999] | .[0]", "not a number"),
    ] {
        let Outcome::Failed(failed) = single(code, &body).await else { panic!("{code}") };
        assert!(failed.got.starts_with(got), "{code}: {failed:?}");
        assert!(!format!("{failed:?}").contains("Canary"), "{code}: {failed:?}");
        assert!(!failed.why.is_empty(), "{code}");
    }
}

#[tokio::test]
async fn rows_are_read_one_by_one_in_order() {
    let body = json!({"data": [{"id": 1, "s": "up"}, {"id": 2}, 7, {"id": 4, "s": "down"}]});
    let read = program(Some(".data[]"), &[("id", ".id"), ("s", ".s")]);
    let rows = apply(&pool(), &read, &body).await.unwrap().rows.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row["id"].clone()).collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(ids[0], Outcome::Value(json!(1)));
    assert!(matches!(ids[2], Outcome::Failed(_)), "{ids:?}");
    assert_eq!(rows[3]["s"], Outcome::Value(json!("down")));
    let none = apply(&pool(), &read, &json!({"data": null})).await.unwrap();
    assert!(none.rows.is_err(), "no rows can be had: that is no empty list");
    let empty = apply(&pool(), &read, &json!({"data": []})).await.unwrap();
    assert_eq!(empty.rows.unwrap(), Vec::new());
}

#[tokio::test]
async fn what_never_ends_is_killed_and_others_go_on() {
    let pool = pool();
    let good = program(None, &[("x", ".n")]);
    for endless in [
        "def f: f; f",
        "last(repeat(1))",
        "until(false; .)",
        "[limit(3; repeat(empty))]",
        "first(range(1; infinite) | select(. < 0))",
    ] {
        check(endless).unwrap();
        let late = pool
            .apply(&program(None, &[("x", endless)]), b"{\"n\":1}", Duration::from_millis(300))
            .await;
        assert_eq!(late, Err(Broken::Late(0)), "{endless}");
        let made = apply(&pool, &good, &json!({"n": 5})).await.unwrap();
        assert_eq!(made.rows.unwrap()[0]["x"], Outcome::Value(json!(5)), "after {endless}");
    }
    assert_eq!(pool.killed(), 5);
}

#[tokio::test]
async fn what_eats_memory_or_stack_ends_its_child_only() {
    let pool = pool();
    for greedy in [
        "[repeat(1)]",
        "reduce range(1e9) as $i (\"x\"; . + .)",
        "\"x\" * 1e12",
        "def f: 1 + f; f",
        "reduce range(1e7) as $i (null; [.])",
        "[range(1e9)] | length",
    ] {
        let limit = Duration::from_secs(4);
        let gone = pool.apply(&program(None, &[("x", greedy)]), b"{}", limit).await;
        let refused = matches!(&gone, Err(Broken::Died | Broken::Late(_)))
            || matches!(&gone, Ok(e) if matches!(e.rows.as_ref().unwrap()[0]["x"], Outcome::Failed(_)));
        assert!(refused, "{greedy}: {gone:?}");
        let made = apply(&pool, &program(None, &[("x", "1")]), &json!({})).await.unwrap();
        assert_eq!(made.rows.unwrap()[0]["x"], Outcome::Value(json!(1)), "after {greedy}");
    }
}

#[tokio::test]
async fn outputs_are_capped() {
    let many = apply(&pool(), &program(Some("range(50001)"), &[]), &json!(null)).await.unwrap();
    assert!(many.rows.unwrap_err().why.contains("more than 50000 rows"));
    let most = apply(&pool(), &program(Some("range(50000)"), &[]), &json!(null)).await.unwrap();
    assert_eq!(most.rows.unwrap().len(), 50_000);
    let long = single("[range(5000) | \"x\"] | add", &json!(null)).await;
    let Outcome::Failed(failed) = long else { panic!("{long:?}") };
    assert!(failed.why.contains("too long"), "{failed:?}");
    // One value of many is not taken for all of them, and the others are not even made.
    assert_eq!(single("repeat(1)", &json!(null)).await, Outcome::Several("1".into()));
}

#[test]
fn what_reaches_outside_the_answer_does_not_exist() {
    for outside in [
        "env",
        "$ENV",
        "now",
        "input",
        "inputs",
        "debug",
        "stderr",
        "halt",
        "halt_error",
        "localtime",
        "import \"x\" as x; .",
        "include \"x\"; .",
        "$__prog_args",
        "input_filename",
        "get_search_list",
        "ltrimstr",
        "nothing_such",
    ] {
        assert!(check(outside).is_err(), "{outside}");
    }
    for inside in [".", "map(.x)", "test(\"a+\")", "@base64d", "gsub(\"a\"; \"b\")", "todate"] {
        assert_eq!(check(inside), Ok(()), "{inside}");
    }
}

#[test]
fn what_cannot_be_read_is_told_in_words() {
    assert_eq!(check("  "), Err("it is empty".to_owned()));
    assert_eq!(check(".a | nosuch(1)"), Err("there is no filter `nosuch`".to_owned()));
    assert_eq!(check(".a as $x | $y"), Err("there is no variable `$y`".to_owned()));
    assert!(check(".a |").unwrap_err().contains("its end"), "{:?}", check(".a |"));
    assert!(check("(").is_err() && check("\"a").is_err() && check(".a = ").is_err());
    let deep = format!("{}1{}", "[".repeat(900), "]".repeat(900));
    assert_eq!(check(&deep), Ok(()), "deep, but not too long");
    assert!(check(&"(".repeat(2_001)).unwrap_err().contains("longer than"));
}

#[test]
fn a_message_holds_no_value() {
    for (message, shown) in [
        ("cannot index \"Ann \\\"C\\\"\" with \"x\"", "cannot index text(7) with text(1)"),
        ("cannot use {\"a\": [\"}\"]} as integer", "cannot use {…} as integer"),
        ("cannot use [1, 2", "cannot use […]"),
        ("cannot calculate null + 3", "cannot calculate null + 3"),
    ] {
        assert_eq!(eval::redacted(message), shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn reading_an_expression_never_panics(code in "[.|\\[\\](){}a-c0-9\"\\\\ ,:;$?@=<>+*/-]{0,60}") {
        let read = std::panic::catch_unwind(|| super::check::compile(&code).map(drop));
        prop_assert!(read.is_ok(), "{}", code);
    }

    #[test]
    fn a_redacted_message_is_short_and_holds_no_text(text in "[a-zA-Z\"\\[\\]{}\\\\ ]{0,400}") {
        let quoted = serde_json::to_string(&format!("canary{text}")).unwrap();
        let shown = eval::redacted(&format!("cannot use {quoted} as number"));
        prop_assert!(!shown.contains("canary"), "{}", shown);
        prop_assert!(shown.chars().count() < 260);
    }
}
