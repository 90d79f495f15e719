//! The config as files: good ones load, bad ones say what to do, the example says what is so.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use caretaker::config::schools::{Known, SchoolFile, import, write_schools_csv};
use caretaker::config::{CalendarSettings, Config, Sections, Settings, Source, generator, schema};
use caretaker::services::{ConnectorSettings, Connectors, SERVICES, Service, connector_schema};
use caretaker::tickets::TicketSettings;
use caretaker::transport::TransportSettings;
use schemars::{Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

/// The seven, whether or not they are built in yet.
const KEYS: [&str; 7] = [
    "welearn365",
    "groupcall",
    "redstor",
    "future_digital",
    "smoothwall",
    "just2easy",
    "purple_mash",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of a folder's files that nobody else can write to, however the repository was checked out.
fn private_copy(folder: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            let to = dir.path().join(entry.file_name());
            std::fs::copy(entry.path(), &to).unwrap();
            std::fs::set_permissions(&to, PermissionsExt::from_mode(0o600)).unwrap();
        }
    }
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    dir
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn every_valid_file_loads() {
    let dir = private_copy(&root().join("tests/config/valid"));
    for path in toml_files(dir.path()) {
        Config::load(&path, &KEYS).unwrap_or_else(|e| panic!("{e}"));
    }
    let full = Config::load(&dir.path().join("full.toml"), &KEYS).unwrap();
    assert_eq!(full.resolve(Path::new("state")), dir.path().join("state"));
    let imported = full.import_calendars().unwrap_or_else(|e| panic!("{e}"));
    let calendars = imported.calendars;
    assert_eq!(calendars.keys().map(String::as_str).collect::<Vec<_>>(), ["", "north"]);
    assert_eq!((imported.imported.len(), imported.findings), (2, vec![]));
    let north = calendars.get("north").unwrap();
    assert_eq!((north.terms.len(), north.closures.len()), (3, 3), "with those of the default");
    let expires = &full.settings.credentials.expires;
    let last: Vec<_> = expires.iter().map(|(name, day)| format!("{name} {day}")).collect();
    assert_eq!(last, ["redstor 2027-02-28", "welearn365.graph 2027-01-31"]);
    let terms = &calendars.get("").unwrap().terms;
    assert_eq!(terms.last().unwrap().from.to_string(), "2027-01-04");
    assert_eq!(full.transport::<TransportSettings>().unwrap().deadline.as_secs(), 5);
    let graph = "welearn365.graph".parse().unwrap();
    assert_eq!(full.credential_files().get(&graph), Some(&dir.path().join("secrets/graph")));
    let keys = KEYS.iter().map(|key| key.parse().unwrap()).collect();
    let read = full.import_schools(keys, BTreeSet::new()).unwrap();
    assert_eq!((read.schools.len(), read.subscriptions.len(), read.findings), (1, 1, vec![]));
    let empty = Config::load(&dir.path().join("empty.toml"), &KEYS).unwrap();
    let read = empty.import_schools(BTreeSet::new(), BTreeSet::new()).unwrap();
    assert!(read.schools.is_empty());
    let services: Vec<_> = full.services().map(ToString::to_string).collect();
    assert_eq!(services, ["groupcall", "redstor"]);
}

#[test]
fn every_invalid_file_says_what_is_wrong_and_what_to_do() {
    let folder = root().join("tests/config/invalid");
    let dir = private_copy(&folder);
    for path in toml_files(dir.path()) {
        let Err(errors) = Config::load(&path, &KEYS) else { panic!("{} loads", path.display()) };
        let said = errors.to_string().replace(&format!("{}/", dir.path().display()), "");
        insta::with_settings!({
            snapshot_path => &folder, prepend_module_to_snapshot => false, omit_expression => true,
        }, {
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), said);
        });
    }
}

#[test]
fn sections_of_others_are_read_with_the_same_messages() {
    let text = "[transport]\ndeadlin = \"5s\"\ntries = \"x\"\n\n[services.redstor]\na = 1\n";
    let config = Config::parse(Source::new(Path::new("c.toml"), text), &KEYS).unwrap();
    insta::assert_snapshot!(config.transport::<TransportSettings>().unwrap_err(), @r#"
    c.toml:2:1: transport.deadlin: unknown key (did you mean `deadline`?), expected one of `proxy_url`, `deadline`, `read_timeout`, `concurrency`, `per_second`, `body_limit`, `tries`, `breaker_failures`, `breaker_longest`; rename or remove it
    c.toml:3:9: transport.tries: found string "x", expected a whole number, not below 0
    "#);
    let told = config.error_at("services.redstor.a.b", "makes no sense", "mend it");
    assert_eq!(told.to_string(), "c.toml:6:1: services.redstor.a.b: makes no sense; mend it");
    // As `services::Service` declares it.
    let configure: fn(toml::de::ValueDeserializer<'_>) -> Result<(), toml::de::Error> = |_| Ok(());
    assert_eq!(config.read_section("services.groupcall", configure).unwrap(), None);
    assert_eq!(config.read_section("services.redstor", configure).unwrap(), Some(()));
}

// ------------------------------------------------------------------ the example

fn example() -> String {
    std::fs::read_to_string(root().join("config.example.toml")).unwrap()
}

fn parse(text: &str) -> Config {
    let source = Source::new(Path::new("config.example.toml"), text);
    Config::parse(source, &KEYS).unwrap_or_else(|e| panic!("{e}"))
}

/// `# key = value`, directly: a default that the example documents.
fn documented(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("# ")?;
    let (key, _) = rest.split_once(" = ")?;
    key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then_some(rest)
}

/// Every default, as the config would write it.
fn defaults() -> Value {
    let mut all = serde_json::to_value(Settings::default()).unwrap();
    all["calendars"]["default"] = serde_json::to_value(CalendarSettings::default()).unwrap();
    all["transport"] = serde_json::to_value(TransportSettings::default()).unwrap();
    all["tickets"] = section_defaults(|generator| generator.subschema_for::<TicketSettings>());
    for service in SERVICES {
        all["services"][service.key] = section_defaults(service.schema);
    }
    all
}

/// The defaults of a section's own keys, as its schema tells them; a key without one has null, and
/// the checks are tuned by name.
fn section_defaults(of: impl Fn(&mut SchemaGenerator) -> Schema) -> Value {
    let mut generator = generator();
    let reference = of(&mut generator).to_value();
    let name = reference["$ref"].as_str().unwrap().trim_start_matches("#/$defs/").to_owned();
    let keys = generator.definitions()[&name]["properties"].as_object().unwrap();
    let own = keys.iter().filter(|(key, _)| *key != "checks");
    own.filter_map(|(key, schema)| Some((key.clone(), schema.get("default")?.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn json(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

#[test]
fn the_example_loads_by_itself_from_any_folder() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, example()).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let config = Config::load(&path, &KEYS).unwrap_or_else(|e| panic!("{e}"));
    config.transport::<TransportSettings>().unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn every_documented_default_is_that_of_the_code_and_none_is_left_out() {
    let (mut table, mut seen) = (String::new(), BTreeSet::new());
    let defaults = defaults();
    for (number, line) in example().lines().enumerate() {
        let header = line.strip_prefix("#> ").unwrap_or(line);
        if let Some(name) = header.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            table = format!("/{}", name.replace('.', "/"));
        }
        // Shown by kind, not by name: held against their own defaults below.
        if table.starts_with("/connectors/") {
            continue;
        }
        let (setting, is_default) = match (documented(line), line.strip_prefix("#> ")) {
            (Some(setting), _) => (setting, true),
            (None, Some(setting)) if setting.contains(" = ") => (setting, false),
            _ => continue,
        };
        let (key, value) = json(setting).as_object().unwrap().clone().into_iter().next().unwrap();
        let at = format!("{table}/{key}");
        if is_default {
            assert_eq!(defaults.pointer(&at), Some(&value), "line {}: {at}", number + 1);
        }
        seen.insert(at);
    }
    let mut keys = Vec::new();
    leaves(&defaults, String::new(), &mut keys);
    let left_out: Vec<_> = keys.iter().filter(|key| !seen.contains(*key)).collect();
    assert!(left_out.is_empty(), "config.example.toml does not show {left_out:?}");
}

fn leaves(value: &Value, at: String, keys: &mut Vec<String>) {
    match value.as_object() {
        Some(table) => {
            table.iter().for_each(|(key, item)| leaves(item, format!("{at}/{key}"), keys));
        }
        None => keys.push(at),
    }
}

#[test]
fn taking_the_marks_away_from_the_defaults_changes_nothing() {
    let plain = parse(&example());
    // A default below a table that is itself only an example has no table to stand in.
    let mut stands = true;
    let mut taken = |line: &str| {
        if let Some(header) = line.strip_prefix("#> ").or(Some(line)).filter(|l| l.starts_with('['))
        {
            stands = header == line;
        }
        documented(line).filter(|_| stands).unwrap_or(line).to_owned() + "\n"
    };
    let text: String = example().lines().map(&mut taken).collect();
    assert_ne!(text, example());
    let written = parse(&text);
    assert_eq!(written.settings, plain.settings);
    assert_eq!(written.transport::<TransportSettings>().unwrap(), TransportSettings::default());
}

#[test]
fn every_example_of_a_key_would_load() {
    let lines = example();
    let text: String = lines
        .lines()
        // The one pair that excludes itself.
        .filter(|line| !line.starts_with("#> register_file"))
        .map(|line| line.strip_prefix("#> ").unwrap_or(line).to_owned() + "\n")
        .collect();
    let config = parse(&text);
    assert!(config.settings.schools.list_file.is_some());
    assert_eq!(config.settings.calendars.len(), 2);
    config.transport::<TransportSettings>().unwrap();
    let tickets = config.read_section("tickets", |section| TicketSettings::deserialize(section));
    assert!(tickets.unwrap_or_else(|e| panic!("{e}")).is_some());
    for service in SERVICES {
        let at = format!("services.{}", service.key);
        let read = config.read_section(&at, service.configure).unwrap_or_else(|e| panic!("{e}"));
        assert!(read.is_some(), "the example does not show {at}");
    }
    let declared: Vec<(String, ConnectorSettings)> = config
        .connectors()
        .map(|name| {
            let at = format!("connectors.{name}");
            let read = config.read_section(&at, ConnectorSettings::read);
            (name.to_owned(), read.unwrap_or_else(|e| panic!("{e}")).unwrap())
        })
        .collect();
    assert_eq!(declared.len(), 12);
    let built_in: Vec<(&Service, bool)> = SERVICES.iter().map(|s| (s, true)).collect();
    let (connectors, wrong) = Connectors::new(declared, &built_in);
    assert_eq!(wrong, []);
    let new = connectors.new_services();
    assert_eq!(new, [("library".parse().unwrap(), "School library".into(), "LB".into())]);
    parse(&lines.replace("#> register_file", "register_file"));
}

/// The tables of a connector in the example, by the definition that describes each.
const TABLES: [(&str, &str); 10] = [
    ("probe/http", "HttpProbe"),
    ("probe/tls", "TlsProbe"),
    ("probe/dns", "DnsProbe"),
    ("probe/tcp", "TcpProbe"),
    ("json", "JsonSettings"),
    ("statuspage", "StatusPageSettings"),
    ("file", "FileSettings"),
    ("syslog", "SyslogSettings"),
    ("mailbox", "MailSettings"),
    ("", "ConnectorSettings"),
];

#[test]
fn every_field_of_a_connector_is_shown_with_its_default() {
    let mut generator = generator();
    drop(connector_schema(&mut generator));
    let defs = serde_json::to_value(generator.definitions()).unwrap();
    let mut kind = None;
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    // Keys of inline tables are told by their names alone.
    let mut inline = BTreeSet::new();
    for line in example().lines() {
        let header = line.strip_prefix("#> ").unwrap_or(line);
        if let Some(name) = header.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let below = name.strip_prefix("connectors.").map(|rest| {
                rest.split_once('.').map_or(String::new(), |(_, table)| table.replace('.', "/"))
            });
            kind = below.and_then(|b| TABLES.iter().find(|(t, _)| *t == b)).map(|(_, def)| *def);
        }
        let Some(def) = kind else { continue };
        // `.. or number = "page" with first = 1`, in words.
        let words: Vec<&str> = line.split(' ').collect();
        inline.extend(words.windows(2).filter(|w| w[1] == "=").map(|w| w[0].to_owned()));
        let (setting, is_default) = match (documented(line), line.strip_prefix("#> ")) {
            (Some(setting), _) => (setting, true),
            (None, Some(setting)) if setting.contains(" = ") => (setting, false),
            _ => continue,
        };
        let (key, value) = json(setting).as_object().unwrap().clone().into_iter().next().unwrap();
        if is_default {
            let default = &defs[def]["properties"][&key]["default"];
            assert_eq!(default, &value, "{def}.{key}");
        }
        names_in(&value, &mut inline);
        seen.insert((def.to_owned(), key));
    }
    for (def, about) in defs.as_object().unwrap() {
        for key in about["properties"].as_object().into_iter().flat_map(|p| p.keys()) {
            // The sources are shown as tables; endpoints with the services.
            let source = def == "ConnectorSettings"
                && TABLES.iter().any(|(t, _)| t.split('/').next() == Some(key));
            let shown = seen.contains(&(def.clone(), key.clone()))
                || (!TABLES.iter().any(|(_, d)| d == def) && inline.contains(key));
            let elsewhere = [
                "EndpointSettings",
                "DropSettings",
                "Pick",
                "MailboxSettings",
                "ImapSettings",
                "ImapOauth",
            ]
            .contains(&def.as_str());
            // Not beside pages by link, as the example has them; docs/connectors.md shows it.
            let elsewhere = elsewhere || (def == "JsonSettings" && key == "post");
            assert!(source || shown || elsewhere, "config.example.toml does not show {def}.{key}");
        }
    }
}

fn names_in(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                names.insert(key.clone());
                names_in(field, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names_in(item, names)),
        _ => {}
    }
}

#[test]
fn the_example_tables_import_without_a_finding() {
    let folder = root().join("docs/examples");
    let table = folder.join("subscriptions.csv");
    let header = std::fs::read_to_string(&table).unwrap();
    let parameters: BTreeSet<String> = header
        .lines()
        .next()
        .unwrap()
        .split(',')
        .filter(|column| column.contains('.'))
        .map(str::to_owned)
        .collect();
    for column in &parameters {
        let (key, name) = column.split_once('.').unwrap();
        if let Some(service) = SERVICES.iter().find(|s| s.key == key) {
            assert!(service.parameters.iter().any(|p| p.name == name), "{column} is unknown");
        }
    }
    let known = Known {
        la_codes: [999].into(),
        services: KEYS.iter().map(|key| key.parse().unwrap()).collect(),
        parameters,
        calendars: ["north".to_owned()].into(),
    };
    let schools = folder.join("schools.csv");
    let read = import(SchoolFile::List(&schools), Some(&table), &known).unwrap();
    assert_eq!(read.findings, []);
    assert_eq!((read.schools.len(), read.subscriptions.len(), read.not_set_up.len()), (4, 3, 1));
    let written: Vec<_> = read.schools.into_values().collect();
    assert_eq!(write_schools_csv(&written), std::fs::read_to_string(schools).unwrap());
}

// ------------------------------------------------------------------ the schema

fn whole_schema() -> Value {
    let mut generator = generator();
    let services: BTreeMap<String, schemars::Schema> =
        SERVICES.iter().map(|s| (s.key.to_owned(), (s.schema)(&mut generator))).collect();
    let transport = generator.subschema_for::<TransportSettings>();
    let tickets = generator.subschema_for::<TicketSettings>();
    let connector = connector_schema(&mut generator);
    schema(generator, Sections { services, transport, tickets, connector })
}

#[test]
fn the_schema_takes_the_example_and_refuses_unknown_keys() {
    let whole = whole_schema();
    let validator = jsonschema::validator_for(&whole).unwrap();
    let takes = |text: &str| validator.is_valid(&json(text));
    assert!(takes(&example()));
    assert!(takes("[services.redstor]\napi = \"redapi\"\n[transport]\ndeadline = \"5s\""));
    assert!(takes("[calendars.x]\nterms = [{ from = \"2026-09-02\", to = \"2026-09-03\" }]"));
    for bad in [
        "x = 1",
        "[services.x]",
        "[transport]\nx = 1",
        "[agent]\nx = 1",
        "[agent]\nrefresh_floor = \"soon\"",
        "[calendars.x]\ny = 1",
        "la_codes = [99]",
        "[log]\nlevel = \"loud\"",
        "[credentials.files]\n\"A B\" = \"x\"",
    ] {
        assert!(!takes(bad), "{bad}");
    }
}

#[test]
fn the_schema_explains_every_key() {
    let whole = whole_schema();
    let mut bare = Vec::new();
    let defs = whole["$defs"].as_object().unwrap();
    for (name, part) in defs.iter().chain([(&"config".to_owned(), &whole)]) {
        let refuses = part["type"] != "object" || part["additionalProperties"] == false;
        assert!(refuses, "{name} takes unknown keys");
        for (key, about) in part["properties"].as_object().into_iter().flatten() {
            let explained = about.get("description").is_some() || about.get("$ref").is_some();
            if !explained {
                bare.push(format!("{name}.{key}"));
            }
        }
    }
    assert_eq!(bare, [""; 0]);
}

// ------------------------------------------------------------------ mailboxes

/// What the section of `service` in `text` is refused with, at the latest when it is read.
fn refused(service: &str, text: &str) -> String {
    let config = parse(text);
    let service = SERVICES.iter().find(|s| s.key == service).unwrap();
    match config.read_section(&format!("services.{}", service.key), service.configure) {
        Ok(_) => panic!("taken: {text}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn a_mailbox_can_be_set_in_every_form_and_what_is_wrong_is_named() {
    let text = std::fs::read_to_string(root().join("tests/config/valid/mailboxes.toml")).unwrap();
    let config = parse(&text);
    let validator = jsonschema::validator_for(&whole_schema()).unwrap();
    assert!(validator.is_valid(&json(&text)));
    for (key, credentials) in [("smoothwall", 1), ("future_digital", 0)] {
        let service = SERVICES.iter().find(|s| s.key == key).unwrap();
        let read = config.read_section(&format!("services.{key}"), service.configure);
        let named = read.unwrap_or_else(|e| panic!("{e}")).unwrap().credentials;
        assert_eq!(named.len(), credentials, "{key} names its credentials");
    }
    for (from, to) in [
        ("starttls", "none"),
        ("port = 1143", "port = 70000"),
        ("credential = \"alerts-mailbox\"", "credential = \"Alerts Mailbox\""),
        ("zone = \"utc\"", "zone = \"paris\""),
        ("max_age = \"60d\"", "max_age = \"long\""),
        ("folder = \"INBOX/Smoothwall\"", "mailbox = \"INBOX/Smoothwall\""),
    ] {
        let bad = text.replace(from, to);
        assert_ne!(bad, text);
        let said = refused("smoothwall", &bad);
        assert!(said.contains("services.smoothwall.alerts"), "{from} -> {to}: {said}");
        assert!(!validator.is_valid(&json(&bad)), "the schema takes {to}");
    }
    let said = refused("future_digital", &text.replace("maildir = ", "mail_dir = "));
    assert!(said.contains("did you mean `maildir`?"), "{said}");
}
