//! Connectors as an administrator meets them: the shipped examples load and run, `connector try`
//! shows what was asked and why it is judged so, and a mistake is told with its line.
#![cfg(test)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use caretaker::config::schools::write_schools_csv;
use caretaker::model::ids::Laestab;
use caretaker::simulators::{Fault, Plan, Running, Scenario, start, wonde_id};
use serde_json::Value;

#[path = "support/slow_reader.rs"]
mod slow_reader;

use slow_reader::SlowReader;

const PROGRAM: &str = env!("CARGO_BIN_EXE_caretaker");

fn home() -> tempfile::TempDir {
    let home = tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o700)).unwrap();
    home
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    let mut file = std::fs::File::create(&path).unwrap();
    file.set_permissions(PermissionsExt::from_mode(0o600)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    path
}

fn caretaker(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    command
}

/// Runs with `--config`; exit code, what it says, what it complains about.
fn run(home: &Path, config: &Path, args: &[&str]) -> (i32, String, String) {
    let config = config.to_str().unwrap();
    let all: Vec<&str> = ["--config", config].iter().chain(args).copied().collect();
    let output = caretaker(home, &all).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/examples")
}

/// A copy of the shipped examples that nobody else can write to.
fn copied() -> tempfile::TempDir {
    let home = home();
    for entry in std::fs::read_dir(examples()).unwrap().map(Result::unwrap) {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        write(home.path(), entry.file_name().to_str().unwrap(), &text);
    }
    home
}

// ------------------------------------------------------------------ the shipped examples

#[test]
fn every_shipped_example_loads_without_a_finding() {
    let home = copied();
    for (name, watched) in [("wonde.toml", "1 of 8 services"), ("outside.toml", "4 of 8 services")]
    {
        let (code, said, wrong) = run(home.path(), &home.path().join(name), &["config", "check"]);
        assert_eq!(code, 0, "{name}: {said}{wrong}");
        assert!(said.contains(watched), "{name}: {said}");
        for finding in ["error:", "warning:"] {
            assert!(!said.contains(finding), "{name}: {said}");
        }
    }
    let (_, said, _) = run(home.path(), &home.path().join("wonde.toml"), &["config", "check"]);
    assert!(
        said.contains("wonde.counts of 9994001: no wonde.id in its subscription row"),
        "{said}"
    );
}

struct Wonde {
    running: Running,
    home: tempfile::TempDir,
    config: PathBuf,
    schools: Vec<Laestab>,
}

/// The shipped example against a Wonde of our own.
async fn wonde(schools: usize) -> Wonde {
    caretaker::transport::install_tls();
    let home = home();
    let clock = Arc::new(caretaker::sys::SystemClock::new());
    let running = start(Plan {
        schools,
        seed: 5,
        scenario: Scenario::Calm,
        folder: home.path().join("vendors"),
        clock: Arc::new(move || caretaker::ports::clock::Clock::now(&*clock)),
    })
    .await
    .unwrap();
    let mut list = running.invented.schools.clone();
    for (n, school) in (700_001..).zip(&mut list) {
        school.urn = school.urn.or(Some(n));
    }
    write(home.path(), "schools.csv", &write_schools_csv(&list));
    let ids: Vec<Laestab> = list.iter().map(|s| s.laestab).collect();
    let rows: String = ids.iter().map(|l| format!("{l},wonde,{}\n", wonde_id(*l))).collect();
    write(home.path(), "wonde-subscriptions.csv", &format!("laestab,services,wonde.id\n{rows}"));
    let token = running.invented.credentials.get("wonde").unwrap();
    write(home.path(), "token", token);
    let example = std::fs::read_to_string(examples().join("wonde.toml")).unwrap();
    let endpoint =
        format!("url = \"{}\", ca_file = \"{}\"", running.urls["wonde"], running.ca_file.display());
    let text = example.replace("url = \"https://api.wonde.com/v1.0\"", &endpoint)
        + "\n[credentials.files]\nwonde = \"token\"\n\n[agent]\nsocket = \"agent.sock\"\n\
           state_dir = \"state\"\n";
    let config = write(home.path(), "wonde.toml", &text);
    Wonde { running, home, config, schools: ids }
}

impl Wonde {
    /// On a thread of its own, so that the simulators can answer.
    async fn run(&self, args: &[&str]) -> (i32, String, String) {
        let (home, config) = (self.home.path().to_owned(), self.config.clone());
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run(&home, &config, &args)
        })
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wonde_runs_by_its_shipped_example() {
    let w = wonde(120).await;
    let (code, said, wrong) = w.run(&["connector", "try", "wonde_approved"]).await;
    assert_eq!(code, 0, "{said}{wrong}");
    for part in [
        "wonde_approved, one question for 120 schools",
        "/v1.0/schools?per_page=…",
        "headers accept, authorization, client-request-id",
        "200, ",
        "{data: [100 × {",
        "verdict  ok: wonde.approved of ",
        "why      vendor says `listed`: approved, data by SIMS",
        "fact     pages: 2",
        "120 ok",
        "120 rows: 120 schools of ours, 0 of no school of ours",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    let token = w.running.invented.credentials.get("wonde").unwrap();
    assert!(!said.contains(token) && !wrong.contains(token));
    assert_eq!(w.running.served()["wonde GET /v1.0/schools"], 2, "two pages for 120 schools");

    let school = w.schools[3];
    let number = school.to_string();
    let counts = ["connector", "try", "wonde_counts", "--school", &number];
    let (code, said, wrong) = w.run(&counts).await;
    assert_eq!(code, 0, "{said}{wrong}");
    assert!(said.contains("/v1.0/schools/{}/counts?include=…"), "{said}");
    assert!(said.contains("number   pupils "), "{said}");

    // An empty feed is critical, a withdrawn approval paused, and only there.
    w.running.set_fault("wonde", Some(school), Fault::Empty200);
    let (code, said, _) = w.run(&counts).await;
    // The fault is on the whole call: an answer without a body.
    assert_eq!(code, 3, "{said}");
    w.running.set_fault("wonde", Some(school), Fault::Unauthorised);
    let (code, said, _) = w.run(&["connector", "try", "wonde_approved", "--school", &number]).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("unknown (paused)"), "{said}");
    assert!(said.contains("the answer does not hold this school"), "{said}");
    w.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_wonde_is_never_green() {
    let w = wonde(4).await;
    for (fault, words) in [
        (Fault::Html200, "a web page instead of data"),
        (Fault::ErrorInside200, "with an error inside"),
        (Fault::Truncated, "cut off"),
        (Fault::Empty200, "empty body"),
        (Fault::Unauthorised, "caretaker secret set wonde"),
        (Fault::Status(503), "answered 503"),
        (Fault::Throttled(60), "asks us to wait"),
        (Fault::Down, "no answer"),
    ] {
        w.running.set_fault("wonde", None, fault);
        let (code, said, wrong) = w.run(&["connector", "try", "wonde_approved"]).await;
        assert_eq!(code, 3, "{fault:?}: {said}{wrong}");
        assert!(said.contains(words), "{fault:?}: {said}");
        assert!(said.contains("4 unknown"), "{fault:?}: {said}");
        w.running.clear_fault("wonde", None);
    }
    // A failing expression shows what it got, by its shape.
    let text = std::fs::read_to_string(&w.config).unwrap();
    write(
        w.home.path(),
        "wonde.toml",
        &text.replace("rows = \".data[]\"", "rows = \".data.rows[]\""),
    );
    let (code, said, _) = w.run(&["connector", "try", "wonde_approved"]).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("rows `.data.rows[]` failed: cannot index […] with text(4)"), "{said}");
    assert!(said.contains("it got {data: [4 × {"), "{said}");
    let name = w.running.invented.schools[0].name.as_str();
    assert!(!said.replace("verdict", "").contains(&format!("\"{name}\"")), "{said}");
    // So does one that gives something else than is meant: what it gave, by its form.
    let pupils = "jq = \".data.students.data.count\"";
    for (gives, words) in [
        (
            "jq = \"\\\"Ann \\\" + (.data.students.data.count | tostring) + \\\" %\\\"\"",
            "pupils got: text(",
        ),
        ("jq = \".data[]\"", "gives several values, the first of them {"),
        ("jq = \".data\"", "it gives an object, not one value; it got {"),
    ] {
        assert!(text.contains(pupils));
        write(w.home.path(), "wonde.toml", &text.replace(pupils, gives));
        let (code, said, wrong) = w.run(&["connector", "try", "wonde_counts"]).await;
        assert_eq!(code, 3, "{gives}: {said}{wrong}");
        assert!(said.contains(words) && !said.contains("Ann "), "{gives}: {said}");
    }
    w.running.stop().await;
}

/// Ends what it holds when it goes.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_service_stands_on_the_board_beside_the_seven() {
    let w = wonde(5).await;
    let config = w.config.to_str().unwrap();
    let child = caretaker(w.home.path(), &["--config", config, "agent"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut agent = Ended(child);
    let out = agent.0.stdout.take().unwrap();
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).unwrap();
        line
    });
    let line = line.await.unwrap();
    assert!(line.contains("listens at"));
    let slow = SlowReader::attach(Path::new(line.trim().rsplit(' ').next().unwrap()));
    let (code, said, wrong) =
        w.run(&["status", "--json", "--service", "wonde", "--wait-settled", "60s"]).await;
    assert_eq!(code, 0, "{said}{wrong}");
    let status: Value = serde_json::from_str(&said).unwrap();
    let schools = status["schools"].as_array().unwrap();
    assert_eq!(schools.len(), 5);
    assert!(schools.iter().all(|s| s["cells"]["wonde"]["health"] == "ok"), "{said}");
    slow.ends_with_the_board();
    w.running.stop().await;
}

// ------------------------------------------------------------------ the built-in services

#[test]
fn every_built_in_service_can_be_tried() {
    let home = home();
    let mut child = caretaker(home.path(), &["simulate", "--scenario", "calm", "--schools", "8"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let simulators = Ended(child);
    let told: Value = serde_json::from_str(&line).unwrap();
    let config = PathBuf::from(told["config"].as_str().unwrap());
    let secrets: Vec<String> = std::fs::read_dir(config.parent().unwrap().join("credentials"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(secrets.len() > 5);
    for (service, asked) in [
        ("welearn365", "/healthOverviews"),
        ("groupcall", "/SchoolInfo"),
        ("redstor", "/api/odata/Accounts"),
        ("future_digital", "verdict"),
        ("smoothwall", "GET http://filter.invalid/blocked"),
        ("just2easy", "request  GET https://127.0.0.1:"),
        ("purple_mash", "/sch/"),
    ] {
        let (code, said, wrong) = run(home.path(), &config, &["connector", "try", service]);
        assert!((0..=3).contains(&code), "{service}: {code} {said}{wrong}");
        assert!(said.contains(asked), "{service}: {said}");
        let verdicts: Vec<&str> = said.lines().filter(|l| l.contains("verdict ")).collect();
        assert!(!verdicts.is_empty(), "{service}: {said}");
        let worst = ["critical:", "unknown", "warning:", "ok:"]
            .iter()
            .position(|word| verdicts.iter().any(|v| v.contains(&format!("verdict  {word}"))));
        let expected = [2, 3, 1, 0][worst.unwrap()];
        assert_eq!(code, expected, "{service}: the exit code is that of the worst\n{said}");
        for secret in &secrets {
            assert!(!said.contains(secret.as_str()), "{service} shows a credential");
        }
    }
    let one = ["connector", "try", "groupcall", "--check", "counts"];
    let (_, said, _) = run(home.path(), &config, &one);
    assert!(said.contains("/Counts") && !said.contains("/SchoolInfo"), "{said}");
    let (code, said, _) = run(home.path(), &config, &["connector", "list"]);
    assert_eq!(code, 0);
    assert!(said.contains("built in") && said.contains("groupcall.xporter_data"), "{said}");
    for (args, words) in [
        (["try", "nosuch"].as_slice(), "there is no connector nosuch"),
        (["try", "groupcall", "--school", "1234567"].as_slice(), "is not among the schools"),
        (["try", "groupcall", "--school", "School"].as_slice(), "several schools are called"),
        (["try", "groupcall", "--school", "zzz"].as_slice(), "no school is called zzz"),
        (["try", "groupcall", "--check", "zzz"].as_slice(), "asks nothing here"),
    ] {
        let args: Vec<&str> = ["connector"].iter().chain(args).copied().collect();
        let (code, _, wrong) = run(home.path(), &config, &args);
        assert_eq!(code, 64, "{args:?}: {wrong}");
        assert!(wrong.contains(words), "{args:?}: {wrong}");
    }
    drop(simulators);
}

// ------------------------------------------------------------------ mistakes

#[test]
fn a_mistake_in_a_connector_is_told_with_its_line() {
    let home = home();
    let check = |text: &str| {
        let config = write(home.path(), "config.toml", text);
        let (code, said, wrong) = run(home.path(), &config, &["config", "check"]);
        assert_eq!(code, 78, "{said}{wrong}");
        wrong
    };
    let page = "[services.just2easy]\nsign_in = { endpoint = { url = \"https://a.example/\" }, \
                expected_word = \"x\" }\n\n[connectors.j2]\nservice = \"just2easy\"\n\
                check = \"sign_in\"\nlabel = \"page\"\nscope = \"estate\"\n\
                statuspage = { endpoint = { url = \"https://s.example\" } }\n";
    let said = check(page);
    assert!(
        said.contains(
            "config.toml:6:1: connectors.j2.check: just2easy.sign_in is asked by \
                       [services.just2easy] already"
        ),
        "{said}"
    );
    let said = check(&page.replace("check = \"sign_in\"", "check = \"status\"\ncolour = 1"));
    assert!(said.contains("config.toml:7:1: connectors.j2.colour: unknown key"), "{said}");
    let json = "[connectors.x]\nservice = \"new\"\ncheck = \"y\"\nlabel = \"y\"\n\
                scope = \"estate\"\n[connectors.x.json]\n\
                endpoint = { url = \"https://v.example\" }\n\
                health = { jq = \".a | nosuch\" }\n";
    let said = check(json);
    assert!(
        said.contains("config.toml:8:12: connectors.x.json.health.jq: there is no filter `nosuch`"),
        "{said}"
    );
    let said =
        check(&json.replace("https://v.example", "http://v.example").replace(" | nosuch", ""));
    assert!(said.contains("config.toml:7:1: connectors.x.json.endpoint"), "{said}");
    assert!(said.contains("use https://"), "{said}");
    // Every mistake at once, not only the first.
    let said = check(&format!("{page}\n{json}"));
    assert_eq!(said.lines().count(), 2, "{said}");
}
