//! The tables as people and other programs really write them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::model::text::Clean;

const REGISTER: &str = "\
URN,HeadFirstName,LA (code),EstablishmentNumber,EstablishmentName,EstablishmentStatus (name),\
OpenDate,Postcode,Town,NumberOfPupils,PhaseOfEducation (name),Trusts (name),TelephoneNum\r\n\
700001,CANARY,999,2001,Oak Lane Infants,Open,,ZZ9 1AA,Oakham St Mary,63,Primary,,01999 000001\r\n\
700002,CANARY,999,2002,\"Elm, Ash & Co \"\"First\"\"\",\"Open, but proposed to close\",01-09-2011,ZZ9 1AB,,,,,\r\n\
700003,CANARY,998,2003,Not Ours,Open,,,,,,,\r\n\
700004,CANARY,999,3004,Old Beech,Closed,,ZZ9 1AD,,,,,\r\n\
700104,CANARY,999,3004,Beech Academy,Open,01-09-2024,ZZ9 1AD,,,,Tree Trust,\r\n\
700005,CANARY,999,3005,Yew,Closed,,ZZ9 1AE,,,,,\r\n\
700006,CANARY,999,,Hazel House,Open,,,,,,,\r\n\
700007,CANARY,999,3007,Rowan,Opne,,,,,,,\r\n\
700008,CANARY,999,3008,Box,Open,01/09/2001,ZZ9 1AH,,,,,\r\n\
700108,CANARY,999,3008,Box Academy,open ,2025-09-01,ZZ9 1AH,,,,,\r\n\
700009,CANARY,999,3009,Larch,Proposed to open,,,,,,,\r\n\
700010,CANARY,999,12,Low Number,OPEN,,zz91ae,,,,,\r\n";

fn known() -> Known {
    Known {
        la_codes: [999].into(),
        services: ["groupcall", "redstor", "purple_mash"]
            .iter()
            .map(|s| s.parse().unwrap())
            .collect(),
        parameters: ["groupcall.token", "redstor.accounts"].map(str::to_owned).into(),
        calendars: ["north".to_owned()].into(),
    }
}

fn register(text: &[u8]) -> Found {
    register::read(Path::new("r.csv"), text, &known()).unwrap()
}

fn list(text: &str) -> Found {
    list::read(Path::new("l.csv"), text.as_bytes(), &known()).unwrap()
}

fn told(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn subscribe(text: &str) -> subscriptions::Rows {
    let found = register(REGISTER.as_bytes());
    subscriptions::read(
        Path::new("s.csv"),
        text.as_bytes(),
        &known(),
        &found.schools,
        &found.closed,
    )
    .unwrap()
}

fn refused(found: Result<Found, TableError>) -> String {
    found.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn takes_the_open_schools_of_our_authorities_and_tells_the_rest() {
    let found = register(REGISTER.as_bytes());
    let names: Vec<_> =
        found.schools.values().map(|s| (s.laestab.to_string(), s.name.to_string())).collect();
    assert_eq!(
        names,
        [
            ("9990012", "Low Number"),
            ("9992001", "Oak Lane Infants"),
            ("9992002", "Elm, Ash & Co \"First\""),
            ("9993004", "Beech Academy"),
            ("9993008", "Box Academy"),
        ]
        .map(|(l, n)| (l.to_owned(), n.to_owned()))
    );
    insta::assert_snapshot!(told(&found.findings), @r#"
    r.csv:6: note: Beech Academy 9993004 was converted: URN 700004 closed (line 5), URN 700104 is open under the same LAESTAB
    r.csv:8: error: column EstablishmentNumber: Hazel House has no establishment number that could be a LAESTAB (4 digits); list it in a table of your own if it is ours
    r.csv:9: error: column EstablishmentStatus (name): "Opne" is not a status of the register; did you mean "open"?
    r.csv:11: warning: column EstablishmentNumber: 9993008 is open twice, here and on line 10; the row on line 11 (URN 700108) was kept, the other not used
    "#);
    let elm = &found.schools[&"9992002".parse().unwrap()];
    assert!(elm.closing && elm.opened == Some("2011-09-01".parse().unwrap()));
    let oak = &found.schools[&"9992001".parse().unwrap()];
    assert_eq!(
        (oak.urn, oak.pupils, oak.telephone.as_str()),
        (Some(700_001), Some(63), "01999 000001")
    );
}

#[test]
fn never_reads_the_name_of_a_head() {
    let found = register(REGISTER.as_bytes());
    assert!(!format!("{:?} {:?}", found.schools, found.findings).contains("CANARY"));
}

#[test]
fn reads_windows_1252_and_utf_8_alike() {
    let head = "LA (code),EstablishmentNumber,EstablishmentStatus (name),EstablishmentName\n";
    let row = "999,2001,Open,St Chloë’s – École\n";
    let utf8 = format!("{head}{row}");
    let with_bom = format!("\u{feff}{utf8}");
    let (windows, _, lossy) = encoding_rs::WINDOWS_1252.encode(&utf8);
    assert!(!lossy && std::str::from_utf8(&windows).is_err());
    for bytes in [utf8.as_bytes(), with_bom.as_bytes(), &windows] {
        let found = register(bytes);
        let school = found.schools.values().next().unwrap();
        assert_eq!(school.name.as_str(), "St Chloë’s – École");
    }
    let utf16: Vec<u8> = "\u{feff}LA".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let read = |bytes: &[u8]| refused(register::read(Path::new("r.csv"), bytes, &known()));
    assert!(read(&utf16).contains("UTF-16 text; save it as CSV UTF-8"));
    assert!(read(b"PK\x03\x04...").contains("workbook"));
}

#[test]
fn names_the_column_that_is_missing_or_unknown() {
    let read = |text: &str| refused(register::read(Path::new("r.csv"), text.as_bytes(), &known()));
    let list = |text: &str| refused(list::read(Path::new("l.csv"), text.as_bytes(), &known()));
    assert_eq!(
        read("LA (code),EstablishmentNumber,EstablishmentName,EstablishmentStatus (code)\n"),
        "r.csv:1: column EstablishmentStatus (name) is missing; the nearest is EstablishmentStatus (code)"
    );
    assert_eq!(read(""), "r.csv:1: is empty; its first line must name the columns");
    assert!(read("LA (code);EstablishmentNumber\n").contains("not separated by commas"));
    assert_eq!(list("laestab,name,nmae\n"), "l.csv:1: unknown column nmae; did you mean name?");
    assert_eq!(list("laestab,name,Name\n"), "l.csv:1: two columns are named Name; remove one");
    let found = register(REGISTER.as_bytes());
    let text = "laestab,services,groupcall.tokn\n";
    let rows = subscriptions::read(
        Path::new("s.csv"),
        text.as_bytes(),
        &known(),
        &found.schools,
        &found.closed,
    );
    assert_eq!(
        rows.map(|_| ()).unwrap_err().to_string(),
        "s.csv:1: unknown column groupcall.tokn; did you mean groupcall.token?"
    );
}

#[test]
fn loads_the_rest_of_a_damaged_list() {
    let found = list(
        "laestab,name,pupils,opened,closing\n\
         \n\
         999/2001,Oak,63,2026-09-01,yes\n\
         9992001,Oak again,,,\n\
         9982002,Elsewhere,,,\n\
         99921,Short,,,\n\
         9992003,\"Two\r\nlines\",,,\n\
         ,,,,\n\
         9992004,Ragged\n\
         9992005,\"Never closed,,,\n\
         9992006,After it,,,\n\
         9992007,N\0ul,,,\n\
         9992008,Wrong number,many,,\n\
         9992009,Wrong date,,1/9/26,\n\
         9992010,,,,\n\
         9992011,Odd word,,,perhaps\n\
         9992012, Last ,7,,no",
    );
    insta::assert_snapshot!(told(&found.findings), @r#"
    l.csv:4: error: column laestab: 9992001 stands on line 3 already; that row was kept, this one not used
    l.csv:5: error: column laestab: 9982002 is of local authority 998, not of 999; mend it or add the code to la_codes
    l.csv:6: error: column laestab: "99921" is not a LAESTAB: it needs exactly 7 digits (LA code 3, establishment number 4); 6 digits are a URN, 8 a UKPRN; mend the number
    l.csv:10: error: has 2 cells, the header 5; a comma may be missing, or one too many (put a text with a comma in quotes)
    l.csv:11: error: a quote is opened and not closed; mend the row
    l.csv:13: error: column name: holds a NUL byte; the file is damaged here, export it again
    l.csv:14: error: column pupils: "many" is not a whole number; mend it or leave it empty
    l.csv:15: error: column opened: "1/9/26" is not a date; write it as 2026-09-01
    l.csv:16: error: column name: 9992010 has no name; write one
    l.csv:17: error: column closing: write yes or no, or leave it empty
    "#);
    let names: Vec<_> = found.schools.values().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["Oak", "Two lines", "After it", "Last"]);
}

#[test]
fn a_quote_that_is_never_closed_costs_one_row_wherever_it_stands() {
    for (rows, broken, good) in [
        ("1,Oak,\"A\n9992002,Elm,\"B\"\n9992003,Ash,\"C\n9992004,Yew,D\n", vec![2, 4], 2),
        // Two that close each other would swallow a row without a trace.
        ("1,\"Oak\n9992002,\"Elm,B\n9992003,Ash,C\n9992004,Yew,D\n", vec![2, 3], 2),
        ("1,\"Oak\n9992002,Elm,\"\"\n9992003,Ash,\"C\"\n", vec![2], 2),
        ("1,\"Oak\nTree\",A\n9992002,\"Elm \"\"the\"\" tree\",B\n", vec![], 2),
        ("1,Oak 5\" pipe,A\n9992002,Elm,\"B\n", vec![], 2),
    ] {
        let found = list(&format!("laestab,name,town\n999200{rows}"));
        let lines: Vec<_> = found.findings.iter().map(|f| f.line).collect();
        assert_eq!((lines, found.schools.len()), (broken, good), "{rows}");
    }
}

#[test]
fn tells_what_is_wrong_with_a_subscription_and_loads_the_rest() {
    let rows = subscribe(
        "laestab,services,calendar,contact,note,groupcall.token,redstor.accounts\r\n\
         9992001,all,north,Office,\"Ring, then knock\",xod.9992001,OAK-DOCS;OAK-SIMS\r\n\
         999 2002,redstor purple_mash,south,,,x.1,\r\n\
         9992001,groupcall,,,,,\r\n\
         9993004,groupcal,,,,,\r\n\
         9993004,GROUPCALL,default,,,,\r\n\
         9993005,all,,,,,\r\n\
         9998888,all,,,,,\r\n\
         9993008,\"groupcall;redstor\",,,,\"zero\u{200b}width\",\r\n\
         9990012,,,,,,\r\n",
    );
    insta::assert_snapshot!(told(&rows.findings), @r#"
    s.csv:3: warning: column groupcall.token: is set, but the row does not take groupcall: it is not watched
    s.csv:3: warning: column calendar: no calendar is named south, the default is used; add it to the config
    s.csv:4: error: column laestab: 9992001 stands on line 2 already; only that row counts, remove this one or put both into one
    s.csv:5: error: column services: unknown service groupcal; did you mean groupcall? (separate keys by ;, or write all alone)
    s.csv:7: error: column laestab: 9993005 Yew is closed; perhaps now 9990012 Low Number (at the same postcode); if so, change the number
    s.csv:8: error: column laestab: 9998888 is not among the schools; mend the number or remove the row
    s.csv:9: error: column groupcall.token: holds a line break or an invisible character; type it anew
    s.csv:10: warning: column services: takes no service; write all, or keys such as groupcall;redstor
    "#);
    let oak = &rows.subscriptions[&"9992001".parse().unwrap()];
    assert_eq!(oak.services.len(), 3);
    assert_eq!(oak.values(&"redstor".parse().unwrap(), "accounts"), ["OAK-DOCS", "OAK-SIMS"]);
    assert_eq!((oak.calendar.as_str(), oak.note.as_str()), ("north", "Ring, then knock"));
    assert_eq!(rows.subscriptions.len(), 4);
    assert_eq!(rows.subscriptions[&"9993004".parse().unwrap()].calendar, "");
}

#[test]
fn lists_schools_without_a_row_as_not_set_up() {
    let dir = tempfile::tempdir().unwrap();
    let (schools, table) = (dir.path().join("r.csv"), dir.path().join("s.csv"));
    std::fs::write(&schools, REGISTER).unwrap();
    std::fs::write(&table, "laestab,services\n9992001,all\n9992002,grupcall\n").unwrap();
    let read = import(SchoolFile::Register(&schools), Some(&table), &known()).unwrap();
    let left: Vec<_> = read.not_set_up.iter().map(ToString::to_string).collect();
    assert_eq!(
        left,
        ["9990012", "9992002", "9993004", "9993008"],
        "a row that failed sets nothing up"
    );
    let none = import(SchoolFile::Register(&schools), None, &known()).unwrap();
    assert_eq!(none.not_set_up.len(), none.schools.len());
    let missing = import(SchoolFile::List(&dir.path().join("none.csv")), None, &known());
    assert!(missing.unwrap_err().to_string().contains("none.csv:1: cannot be read"));
    let folder = import(SchoolFile::List(dir.path()), None, &known());
    assert!(folder.unwrap_err().to_string().contains("is not a file"));
}

#[test]
fn refuses_a_file_larger_than_any_register() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.csv");
    // Sparse: takes no room on the disk.
    std::fs::File::create(&path).unwrap().set_len(257 * 1024 * 1024).unwrap();
    let said = import(SchoolFile::Register(&path), None, &known()).unwrap_err().to_string();
    assert!(said.contains("larger than 256 MiB"), "{said}");
}

#[test]
fn reads_a_country() {
    let mut text =
        String::from("EstablishmentName,LA (code),EstablishmentNumber,EstablishmentStatus (name)");
    (0..120).for_each(|i| write!(text, ",Other {i}").unwrap());
    text.push('\n');
    for i in 0..24_000_u32 {
        write!(text, "School {i},{},{:04},Open", 990 + i / 9_000, i % 9_000).unwrap();
        text.push_str(&",x".repeat(120));
        text.push('\n');
    }
    let known = Known { la_codes: [990, 991, 992].into(), ..known() };
    let found = register::read(Path::new("r.csv"), text.as_bytes(), &known).unwrap();
    assert_eq!((found.schools.len(), found.findings.len()), (24_000, 0));
}

fn school() -> impl Strategy<Value = School> {
    let words = || "[ -~éÉ’\u{202e}\n]{0,40}".prop_map(|t| Clean::new(&t));
    let name = "[A-Za-z][ -~é]{0,30}".prop_map(|t| Clean::new(&t));
    (
        (0_u16..=9999, proptest::option::of(1_u32..999_999), name, words(), words(), words()),
        (words(), words(), proptest::option::of(0_u32..5_000), words(), words()),
        (proptest::option::of((1900_i16..2100, 1_i8..=12, 1_i8..=28)), any::<bool>()),
    )
        .prop_map(|((number, urn, name, phase, town, postcode), b, (day, closing))| School {
            laestab: Laestab::from_parts(999, number).unwrap(),
            urn,
            name,
            phase,
            town,
            postcode,
            district: b.0,
            trust: b.1,
            pupils: b.2,
            telephone: b.3,
            website: b.4,
            opened: day.map(|(y, m, d)| jiff::civil::date(y, m, d)),
            closing,
        })
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn a_list_that_was_written_is_read_back(
        schools in proptest::collection::btree_map(0_u16..9_999, school(), 0..20),
    ) {
        let by_key: BTreeMap<Laestab, School> =
            schools.into_values().map(|s| (s.laestab, s)).collect();
        let all: Vec<School> = by_key.values().cloned().collect();
        let found = list(&write_schools_csv(&all));
        prop_assert_eq!(told(&found.findings), "");
        prop_assert_eq!(found.schools, by_key);
    }

    #[test]
    fn a_table_that_was_written_is_read_back(
        rows in proptest::collection::vec(
            (proptest::sample::subsequence(vec!["groupcall", "redstor", "purple_mash"], 1..=3),
             any::<bool>(), "[ -~é\n]{0,30}", "[!-~é]{1,30}"), 1..5),
    ) {
        let found = register(REGISTER.as_bytes());
        let written: BTreeMap<Laestab, Subscription> = found.schools.keys().zip(rows)
            .map(|(laestab, (services, north, note, value))| {
                let services: BTreeSet<ServiceKey> = services.iter().map(|s| s.parse().unwrap()).collect();
                let mut parameters = BTreeMap::new();
                if services.iter().any(|s| s.as_str() == "groupcall") {
                    parameters.insert("groupcall.token".to_owned(), value);
                }
                let calendar = if north { "north".into() } else { String::new() };
                let note = Clean::new(&note);
                (*laestab, Subscription {
                    services: services.into(), calendar, contact: note.clone(), note,
                    parameters: parameters.into_iter().collect(),
                })
            })
            .collect();
        let rows = subscribe(&write_subscriptions_csv(&written));
        prop_assert_eq!(told(&rows.findings), "");
        prop_assert_eq!(rows.subscriptions, written);
    }

    #[test]
    fn no_bytes_make_it_panic_or_repeat(bytes in proptest::collection::vec(
        proptest::sample::select(b"9\",\n\r\0;a\xe9 ".to_vec()), 0..200)) {
        let mut text = b"laestab,name\n9992001,Oak\n".to_vec();
        text.extend(&bytes);
        let found = list::read(Path::new("l.csv"), &text, &known()).unwrap();
        prop_assert!(found.schools.len() <= 1 + bytes.len() / 9);
        let lines = u64::try_from(text.iter().filter(|b| **b == b'\n').count()).unwrap() + 1;
        prop_assert!(found.findings.iter().all(|f| f.line >= 2 && f.line <= lines));
    }

    #[test]
    fn the_order_of_columns_does_not_matter(order in Just((0..13_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(REGISTER.as_bytes());
        let mut writer = csv::Writer::from_writer(Vec::new());
        for record in reader.records() {
            let record = record.unwrap();
            writer.write_record(order.iter().map(|i| &record[*i])).unwrap();
        }
        let shuffled = register(&writer.into_inner().unwrap());
        let plain = register(REGISTER.as_bytes());
        prop_assert_eq!(shuffled.schools, plain.schools);
        prop_assert_eq!(told(&shuffled.findings), told(&plain.findings));
    }
}
