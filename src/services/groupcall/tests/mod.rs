//! Groupcall against a vendor over HTTP, school by school.

mod board;
mod damaged;
mod standing;

use serde_json::{Value, json};

use crate::model::check::{Against, Flow, Runs};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict, Zone};
use crate::services::contract::{Bench, Field, Play, Vendor, every_field_counts, the, verdict_of};
use crate::services::groupcall::SERVICE;

const NOW: &str = "2027-02-09T11:20:00Z";
const TOKEN: &str = include_str!("../examples/token.json");
const REFUSED: &str = include_str!("../examples/token_refused.json");
const PAUSED: &str = include_str!("../examples/token_paused.json");
const INFO: &str = include_str!("../examples/school_info.json");
const DETAILS: &str = include_str!("../examples/token_details.json");
const COUNTS: &str = include_str!("../examples/counts.json");

const INFO_OF_1: &str = "/v1/School/9991001/SchoolInfo";
const LOGIN: &str = "/oauth/GetToken";
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const UNAUTHORISED: Verdict = Verdict::Unknown(Reason::Unauthorised);

static ROW: crate::services::Service = SERVICE;

fn bench() -> Bench {
    Bench::new(&ROW, NOW)
        .secret("xod.9991001", "secret-one")
        .secret("birch", "secret-two")
        .school("9991001", &[])
        .school("9991002", &[("credential", "birch")])
        .school("9991003", &[])
}

fn settings(vendor: &Vendor) -> String {
    format!(
        "relying_party = \"console.example.net\"\n\
         xod = {{ url = \"{0}/v1\", deadline = \"1s\" }}\n\
         login = {{ url = \"{0}{LOGIN}\", deadline = \"1s\" }}\n",
        vendor.url
    )
}

fn well(vendor: &Vendor) {
    vendor.on(LOGIN, [Play::json(TOKEN)]);
    vendor.on(INFO_OF_1, [Play::json(INFO)]);
    vendor.on("/v1/TokenDetails", [Play::json(DETAILS)]);
    vendor.on("/v1/School/9991001/Counts", [Play::json(COUNTS)]);
}

async fn ask(bench: &Bench, vendor: &Vendor, check: &str) -> Observation {
    let watch = bench.build(&settings(vendor));
    let seen = bench.poll(&*watch, &format!("{check}/9991001")).await;
    the(&seen, check, Some("9991001"))
}

#[test]
fn checks_exist_only_with_a_source() {
    let bench = bench();
    let base = "relying_party = \"console.example.net\"\n";
    let watch = bench.build(base);
    let spec = watch.describe();
    let names: Vec<&str> = spec.checks.iter().map(|c| c.id.name()).collect();
    assert_eq!(names, ["xporter_data", "authorisation", "counts"]);
    let gaps: Vec<String> = watch.not_watched().iter().map(|n| n.what.to_string()).collect();
    assert_eq!(gaps, ["groupcall.idaas", "groupcall.xvault", "groupcall.cme"]);
    let age = spec.checks[0].age.unwrap();
    assert_eq!((age.warning.to_string(), age.critical.to_string()), ("26h".into(), "50h".into()));
    assert!(age.held_by_closures && age.runs == Runs::Daily);
    assert_eq!(spec.checks[0].emits, [Flow::NewAccounts]);
    let drop = spec.checks[2].drop.as_ref().unwrap();
    assert_eq!((drop.number, drop.warning, drop.summer), ("pupils", 0.15, 0.40));
    assert_eq!((drop.against, drop.weeks), (Against::LastGoodDay, 4));
    assert_eq!(watch.jobs().len(), 9, "three checks of three schools");

    let files = format!(
        "{base}xvault = \"x.csv\"\ncme = \"c.json\"\nclosures_hold = false\n\
         idaas = {{ page = {{ url = \"https://id.example.net\" }}, contains = \"Sign in\" }}\n\
         [checks.cme]\nwarning = \"9d\"\n[checks.xporter_data]\nruns = \"school_days\""
    );
    let watch = bench.build(&files);
    let spec = watch.describe();
    let cme = spec.checks.iter().find(|c| c.id.name() == "cme").unwrap().age.unwrap();
    assert_eq!((cme.warning.to_string(), cme.critical.to_string()), ("9d".into(), "15d".into()));
    let data = spec.checks[0].age.unwrap();
    assert!(!data.held_by_closures && data.runs == Runs::SchoolDays);
    assert!(watch.not_watched().is_empty());
    assert_eq!(watch.jobs().len(), 9 + 3, "files and the page are one job each");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let base = "relying_party = \"x\"\n";
    for (settings, part) in [
        (String::new(), "relying_party"),
        (format!("{base}relaying = 1"), "relaying"),
        (format!("{base}[checks.xporter]\ntries = 2"), "checks.xporter"),
        (format!("{base}pupils_drop = 0"), "pupils_drop"),
        (format!("{base}pupils_drop_summer = 100"), "pupils_drop_summer"),
        (format!("{base}pupils_drop_weeks = 27"), "pupils_drop_weeks"),
        (format!("{base}prove_every = \"59m\""), "prove_every"),
        (format!("{base}pupils_from = \"rows\""), "pupils_from"),
        (format!("{base}beside = [\"healt\"]"), "health"),
        (format!("{base}[checks.authorisation]\nwarning = \"1h\""), "checks.authorisation"),
        (
            format!("{base}idaas = {{ page = {{ url = \"https://id.example.net\" }} }}"),
            "idaas.contains",
        ),
    ] {
        let refused = bench().try_build(&settings).err().unwrap_or_default();
        assert!(refused.contains(part), "{settings}: {refused}");
    }
}

#[tokio::test]
async fn fresh_data_is_ok_and_its_time_is_not_that_of_a_row() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let seen = ask(&bench(), &vendor, "xporter_data").await;
    assert_eq!(seen.verdict, Verdict::Ok);
    let source = seen.source_at.unwrap();
    assert_eq!(source.at.to_string(), "2027-02-09T03:11:27.31Z");
    assert_eq!(source.zone, Zone::Assumed, "the vendor writes no zone");
    assert_eq!(seen.good_at, Some(source.at));
    assert!(!format!("{seen:?}").contains("Head"), "the head's name is never read");
    let asked = vendor.asked();
    assert_eq!(asked.len(), 2);
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(
        body,
        json!({"estab": "9991001", "relyingParty": "console.example.net",
               "password": "secret-one", "thirdpartyid": "XporterOnDemand"})
    );
    assert_eq!(asked[1].headers["authorization"], "Idaas bWFkZS11cA==");
}

#[tokio::test]
async fn another_establishment_in_the_data_is_said() {
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor.on(INFO_OF_1, [Play::json(INFO.replace("9991001", "9998765"))]);
    let seen = ask(&bench(), &vendor, "xporter_data").await;
    assert_eq!(seen.verdict, Verdict::Warning);
    assert!(seen.detail.as_str().contains("999 8765"), "{}", seen.detail);
    assert_eq!(seen.good_at, None, "data of another school is not good data of this one");

    // An old number of the school may stand there; that of a neighbour is another school's answer.
    vendor.on(INFO_OF_1, [Play::json(INFO.replace("9991001", "9991003"))]);
    let seen = ask(&bench(), &vendor, "xporter_data").await;
    assert_eq!(seen.verdict, MALFORMED, "{}", seen.detail);
    assert_eq!(seen.source_at, None);
}

#[tokio::test]
async fn each_school_asks_with_its_own_secret_and_gets_its_own_answer() {
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor.on("/v1/School/9991002/SchoolInfo", [Play::status(404, "{}")]);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let one = bench.poll(&*watch, "xporter_data/9991001").await;
    let two = bench.poll(&*watch, "xporter_data/9991002").await;
    let three = bench.poll(&*watch, "xporter_data/9991003").await;
    assert_eq!(verdict_of(&one, "xporter_data", Some("9991001")), Verdict::Ok);
    assert_eq!(verdict_of(&two, "xporter_data", Some("9991002")), MALFORMED);
    let third = the(&three, "xporter_data", Some("9991003"));
    assert_eq!(third.verdict, UNAUTHORISED);
    assert!(third.detail.as_str().contains("caretaker secret set xod.9991003"), "{}", third.detail);
    let logins: Vec<String> =
        vendor.asked().into_iter().filter(|a| a.path == LOGIN).map(|a| a.body).collect();
    assert_eq!(logins.len(), 2, "no secret, no call");
    assert!(logins[0].contains("secret-one") && !logins[0].contains("secret-two"));
    assert!(logins[1].contains("secret-two") && logins[1].contains("9991002"));
}

#[tokio::test]
async fn a_token_is_shared_by_the_checks_and_renewed_ahead_of_its_end() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let jobs = watch.jobs();
    let own: Vec<_> = jobs.iter().filter(|j| j.id.ends_with("9991001")).collect();
    let now = bench.clock_now();
    let polls = own.iter().map(|job| watch.poll(job, now));
    let seen = futures_util::future::join_all(polls).await;
    assert!(seen.iter().flatten().all(|o| o.verdict == Verdict::Ok), "{seen:#?}");
    assert_eq!(vendor.count(LOGIN), 1, "three checks at once, one token");
    // Five days of life, but proved once a day: in the middle of the spread after 18 hours.
    bench.clock.advance(18 * 3_600 - 60);
    bench.poll(&*watch, "xporter_data/9991001").await;
    assert_eq!(vendor.count(LOGIN), 1);
    bench.clock.advance(120);
    vendor.on(LOGIN, [Play::status(503, "")]);
    let seen = bench.poll(&*watch, "xporter_data/9991001").await;
    assert!(vendor.count(LOGIN) > 1, "renewed ahead of its end");
    let seen = verdict_of(&seen, "xporter_data", Some("9991001"));
    assert_eq!(seen, Verdict::Ok, "until then the old one still serves");
}

#[tokio::test]
async fn refusal_and_pause_are_told_apart() {
    for (what, play, reason) in [
        ("refused", Play::json(REFUSED), Reason::Unauthorised),
        ("refused with its status", Play::status(401, REFUSED), Reason::Unauthorised),
        ("paused by its text", Play::json(PAUSED), Reason::Paused),
        (
            "paused by its flag",
            Play::json(
                r#"{"token":null,"expires":"0001-01-01T00:00:00","AuthorisationPaused":true}"#,
            ),
            Reason::Paused,
        ),
        (
            "another error",
            Play::json(r#"{"token":null,"ExceptionMessage":"Oops"}"#),
            Reason::Malformed,
        ),
        (
            "an error beside a token",
            Play::json(TOKEN.replace("null", "\"Oops\"")),
            Reason::Malformed,
        ),
    ] {
        let vendor = Vendor::start().await;
        well(&vendor);
        vendor.on(LOGIN, [play]);
        let bench = bench();
        let watch = bench.build(&settings(&vendor));
        for _ in 0..2 {
            let seen = bench.poll(&*watch, "xporter_data/9991001").await;
            let seen = the(&seen, "xporter_data", Some("9991001"));
            assert_eq!(seen.verdict, Verdict::Unknown(reason), "{what}: {}", seen.detail);
            assert!(!format!("{seen:?}").contains("secret-one"));
        }
        assert_eq!(vendor.count(LOGIN), 1, "{what}: not asked again at once");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_later_is_renewed_once() {
    let expired = r#"{"Message":null,"ExceptionMessage":"Token has expired"}"#;
    for play in [Play::json(expired), Play::status(401, expired), Play::status(401, "")] {
        let vendor = Vendor::start().await;
        well(&vendor);
        vendor.on(INFO_OF_1, [play.clone(), Play::json(INFO)]);
        assert_eq!(ask(&bench(), &vendor, "xporter_data").await.verdict, Verdict::Ok);
        assert_eq!(vendor.count(LOGIN), 2);
        vendor.on(INFO_OF_1, [play]);
        assert_eq!(ask(&bench(), &vendor, "xporter_data").await.verdict, UNAUTHORISED);
        assert_eq!(vendor.count(LOGIN), 4);
    }
}

#[tokio::test]
async fn the_authorisation_must_be_this_schools_and_whole() {
    let vendor = Vendor::start().await;
    well(&vendor);
    assert_eq!(ask(&bench(), &vendor, "authorisation").await.verdict, Verdict::Ok);
    vendor.on("/v1/TokenDetails", [Play::json(DETAILS.replace("\"Student\",", ""))]);
    let lost = ask(&bench(), &vendor, "authorisation").await;
    assert_eq!(lost.verdict, Verdict::Warning);
    assert!(lost.detail.as_str().contains("lost Student"), "{}", lost.detail);
    vendor.on("/v1/TokenDetails", [Play::json(DETAILS.replace("9991001", "9991002"))]);
    assert_eq!(ask(&bench(), &vendor, "authorisation").await.verdict, MALFORMED);
    vendor.on("/v1/TokenDetails", [Play::json(DETAILS.replace("2027-02-14", "2027-02-08"))]);
    assert_eq!(ask(&bench(), &vendor, "authorisation").await.verdict, UNAUTHORISED);
}

#[tokio::test]
async fn counts_are_numbers_and_nobody_is_no_school() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let seen = ask(&bench(), &vendor, "counts").await;
    assert_eq!(seen.verdict, Verdict::Ok);
    let numbers: Vec<_> = seen.numbers.iter().map(|n| (n.name.to_string(), n.value)).collect();
    assert_eq!(numbers, [("pupils".to_owned(), 187.0), ("staff".to_owned(), 29.0)]);
    for (from, to, verdict) in
        [("187", "0", Verdict::Critical), ("29", "0", Verdict::Warning), ("187", "-1", MALFORMED)]
    {
        vendor.on("/v1/School/9991001/Counts", [Play::json(COUNTS.replace(from, to))]);
        assert_eq!(ask(&bench(), &vendor, "counts").await.verdict, verdict, "{from} -> {to}");
    }
}

fn flags() -> Vec<Field> {
    ["/Message", "/ExceptionType", "/ExceptionMessage", "/InnerException"]
        .map(|at| Field::Flag(at, vec![json!("No"), json!({"Message": "No"})]))
        .into_iter()
        .chain([Field::Flag("/AuthorisationPaused", vec![json!(true), json!("yes")])])
        .collect()
}

async fn fields_count(check: &str, path: &str, healthy: &str, fields: Vec<Field>) {
    let vendor = Vendor::start().await;
    well(&vendor);
    let bench = bench();
    let all: Vec<Field> = fields.into_iter().chain(flags()).collect();
    let watch = bench.build(&settings(&vendor));
    every_field_counts(healthy, &all, async |body: &str| {
        vendor.on(path, [Play::json(body)]);
        if path == LOGIN {
            return ask(&bench, &vendor, check).await.verdict;
        }
        // Past the rest after a refusal.
        bench.clock.advance(31);
        let seen = bench.poll(&*watch, &format!("{check}/9991001")).await;
        verdict_of(&seen, check, Some("9991001"))
    })
    .await;
}

#[tokio::test]
async fn every_field_of_each_answer_counts() {
    let info = vec![
        Field::Read("/SchoolInfo", vec![json!([])]),
        Field::Read("/SchoolInfo/0", vec![json!({})]),
        Field::Read(
            "/SchoolInfo/0/EstabId",
            vec![json!("9991002"), json!("none"), json!(9_991_001)],
        ),
        Field::Read("/meta", vec![json!([])]),
        Field::Read("/meta/0", vec![json!({})]),
        Field::Read("/meta/0/DateTime", vec![json!("last night"), json!("")]),
    ];
    fields_count("xporter_data", INFO_OF_1, INFO, info).await;
    let details = vec![
        Field::Read("/Estab", vec![json!("9991002"), json!(9_991_001)]),
        Field::Read("/Expires", vec![json!("0001-01-01T00:00:00"), json!("never")]),
        Field::Read("/Scopes", vec![json!([]), json!(["School"])]),
        Field::Read("/Scopes/0", vec![json!("Stuff")]),
    ];
    fields_count("authorisation", "/v1/TokenDetails", DETAILS, details).await;
    let counts = vec![
        Field::Read("/Counts", vec![json!([])]),
        Field::Read("/Counts/1/Area", vec![json!("Stuff"), json!("Students")]),
        Field::Read("/Counts/1/Count", vec![json!(0), json!(1.5), json!("29")]),
        Field::Read("/Counts/2", vec![json!({})]),
        Field::Read("/Counts/2/Area", vec![json!("Pupils")]),
        Field::Read("/Counts/2/Count", vec![json!(0), json!(99_999_999_999_u64)]),
        Field::Read("/meta", vec![json!([])]),
        Field::Read("/meta/0/DateTime", vec![json!("last night")]),
    ];
    fields_count("counts", "/v1/School/9991001/Counts", COUNTS, counts).await;
    let token = vec![
        Field::Read("/token", vec![json!("")]),
        Field::Read("/expires", vec![json!("0001-01-01T00:00:00"), json!("2027-02-09T11:00:00Z")]),
    ];
    fields_count("xporter_data", LOGIN, TOKEN, token).await;
}

#[tokio::test]
async fn nothing_hostile_is_ever_ok() {
    for (check, path, healthy) in [
        ("xporter_data", INFO_OF_1, INFO),
        ("authorisation", "/v1/TokenDetails", DETAILS),
        ("counts", "/v1/School/9991001/Counts", COUNTS),
        ("xporter_data", LOGIN, TOKEN),
    ] {
        let vendor = Vendor::start().await;
        for (what, play) in Play::hostile(healthy) {
            well(&vendor);
            vendor.on(path, [play]);
            let seen = ask(&bench(), &vendor, check).await;
            let Verdict::Unknown(is) = seen.verdict else { panic!("{path} {what}: {seen:?}") };
            let reason = match what {
                "slow" | "half an answer" | "500" => Some(Reason::NoAnswer),
                "401" | "403" => Some(Reason::Unauthorised),
                "429" => Some(Reason::Throttled),
                _ => None,
            };
            assert!(reason.is_none_or(|r| r == is), "{path} {what}: {seen:?}");
            let text = format!("{seen:?}");
            assert!(!text.contains("secret-one") && !text.contains("bWFkZS11cA"), "{what}");
        }
    }
}

#[tokio::test]
async fn the_sign_in_page_must_be_itself() {
    let vendor = Vendor::start().await;
    let bench = bench();
    let text = |extra: &str| {
        format!(
            "{}idaas = {{ page = {{ url = \"{}/idp\", deadline = \"1s\" }}, {extra} }}",
            settings(&vendor),
            vendor.url
        )
    };
    let page = "<html><h1>Sign in to IDaaS</h1></html>";
    let contains = text("contains = \"Sign in to IDaaS\"");
    for (what, play, verdict) in [
        ("itself", Play::page(page), Verdict::Ok),
        ("another page", Play::page("<html>Blocked by policy</html>"), MALFORMED),
        ("empty", Play::page(""), MALFORMED),
        ("down", Play::status(503, page), Verdict::Critical),
        ("gone", Play::status(404, page), Verdict::Critical),
        ("throttled", Play::throttled(), Verdict::Unknown(Reason::Throttled)),
        ("silent", Play::Silence, Verdict::Unknown(Reason::NoAnswer)),
        (
            "elsewhere",
            Play::Answer(302, vec![("location", "https://x.example".into())], bytes::Bytes::new()),
            Verdict::Critical,
        ),
    ] {
        vendor.on("/idp", [play]);
        let seen = bench.poll(&*bench.build(&contains), "idaas").await;
        assert_eq!(verdict_of(&seen, "idaas", None), verdict, "{what}: {seen:?}");
    }
    let redirect = text("status = 302, location_host = \"login.example.net\"");
    for (to, verdict) in [
        ("https://login.example.net/a", Verdict::Ok),
        ("https://login.example.net.evil.example/a", MALFORMED),
        ("/maintenance", MALFORMED),
    ] {
        let play = Play::Answer(302, vec![("location", to.into())], bytes::Bytes::new());
        vendor.on("/idp", [play]);
        let seen = bench.poll(&*bench.build(&redirect), "idaas").await;
        assert_eq!(verdict_of(&seen, "idaas", None), verdict, "{to}");
    }
}

/// What a dropped file with this content says of the three schools.
async fn dropped<C: AsRef<[u8]>>(name: &str, content: Option<C>) -> Vec<Observation> {
    let folder = tempfile::tempdir().unwrap();
    if let Some(content) = content {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let mut bench = bench();
    bench.folder = folder.path().to_owned();
    let watch =
        bench.build(&format!("relying_party = \"x\"\nxvault = \"{name}\"\ncme = \"{name}\""));
    let cme = bench.poll(&*watch, "cme").await;
    let xvault = bench.poll(&*watch, "xvault").await;
    assert_eq!((cme.len(), xvault.len()), (3, 3), "every school is told");
    xvault
}

#[tokio::test]
async fn dropped_files_tell_each_school_its_own_time() {
    let seen = dropped("x.csv", Some(include_str!("../examples/xvault.csv"))).await;
    let one = the(&seen, "xvault", Some("9991001"));
    assert_eq!(one.verdict, Verdict::Ok);
    assert_eq!(one.source_at.unwrap().at.to_string(), "2027-02-09T04:00:12Z");
    let two = the(&seen, "xvault", Some("9991002"));
    assert_eq!((two.verdict, two.source_at.unwrap().zone), (Verdict::Ok, Zone::Assumed));
    let never = Verdict::Unknown(Reason::NeverSeen);
    assert_eq!(verdict_of(&seen, "xvault", Some("9991003")), never);
    let seen = dropped("c.json", Some(include_str!("../examples/cme.json"))).await;
    assert_eq!(verdict_of(&seen, "xvault", Some("9991001")), Verdict::Ok);
    assert_eq!(verdict_of(&seen, "xvault", Some("9991003")), never);
}

#[tokio::test]
async fn a_file_as_a_spreadsheet_saves_it_is_read() {
    let uk = "\u{feff}LAESTAB,At,By\r\n9991001,09/02/2027 04:00,\u{e9}\r\n";
    let latin = b"Laestab,AT,By\r\n9991001,2027-02-09T04:00:00,Ren\xe9\r\n".to_vec();
    for file in [uk.as_bytes().to_vec(), latin] {
        let one = the(&dropped("x.csv", Some(file)).await, "xvault", Some("9991001"));
        assert_eq!(one.verdict, Verdict::Ok, "{}", one.detail);
        let made = one.source_at.unwrap();
        assert_eq!(
            (made.at.to_string(), made.zone),
            ("2027-02-09T04:00:00Z".into(), Zone::Assumed)
        );
    }
}

#[tokio::test]
async fn a_broken_file_is_never_ok() {
    for (name, content) in [
        ("x.csv", None::<&str>),
        ("x.csv", Some("")),
        ("x.csv", Some("laestab,at\n")),
        ("x.csv", Some("laestab,when\n9991001,2027-02-09T04:00:12Z\n")),
        ("x.csv", Some("laestab,at\n9991001\n")),
        ("x.csv", Some("laestab,at\n9991001,soon\n")),
        ("x.csv", Some("laestab,at\n9991001,\n")),
        ("x.csv", Some("laestab,at\nall,2027-02-09T04:00:12Z\n")),
        ("x.csv", Some("laestab,at\n9991001,2027-02-09T04:00:12Z\n9991001,2027-02-09T04:00:12Z\n")),
        ("x.csv", Some("<html>Blocked</html>")),
        ("x.json", Some("{}")),
        ("x.json", Some("[")),
        ("x.json", Some(r#"[{"laestab":9991001,"at":"2027-02-09T04:00:12Z"}]"#)),
    ] {
        for o in dropped(name, content).await {
            assert!(matches!(o.verdict, Verdict::Unknown(_)), "{name} {content:?}: {o:?}");
        }
    }
    let vendor_free = r#"[{"laestab":"9991001","at":"2027-02-09T04:00:12Z"}]"#;
    let fields = [
        Field::Read("/0", vec![json!({})]),
        Field::Read("/0/laestab", vec![json!("9991002"), json!("all")]),
        Field::Read("/0/at", vec![json!("soon"), json!("")]),
    ];
    every_field_counts(vendor_free, &fields, async |body: &str| {
        verdict_of(&dropped("x.json", Some(body)).await, "xvault", Some("9991001"))
    })
    .await;
}
