//! House rules that the compiler cannot see, as a test: `cargo test --test tidy`.
//!
//! Copy to `tests/tidy.rs`. Standard library only. The tables at the top are the house plan; the
//! code below them reads `src/`, `Cargo.toml`, `Cargo.lock` and `clippy.toml` and reports every
//! breach at once as `file:line [rule] what, and what to do instead`.
//!
//! What this file leaves to others: `unwrap`/`expect`/`panic!` and long functions belong to clippy
//! (the lints listed in `LINTS_DENIED`, whose presence *is* checked here); layout is rustfmt's.
//! Known blind spots: code made by macros, and `crate::` paths assembled inside `macro_rules!`.

// Makes clippy's `allow-…-in-tests` settings hold for helpers too; harmless in `tests/`.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

// ------------------------------------------------------------------ the house plan (edit here)

/// One top-level module: its name and the rooms it may name in a `crate::…` path.
/// A room may only list rooms that stand above it, so the graph cannot have a cycle.
struct Room(&'static str, &'static [&'static str]);

#[rustfmt::skip]
const ROOMS: &[Room] = &[
    // values in, values out
    Room("model", &[]),
    Room("engine", &["model"]),
    Room("ledger", &["model"]),
    Room("wire", &["model"]),
    Room("ports", &["model", "ledger"]),
    Room("config", &["model"]),
    // edges: one outside thing each
    Room("sys", &["model", "ports"]),
    Room("telemetry", &["model", "config"]),
    Room("secrets", &["model", "ports"]),
    Room("transport", &["model", "ports", "config"]),
    Room("store", &["model", "ports", "ledger"]),
    Room("directory", &["model", "ports", "transport"]),
    Room("tickets", &["model", "ports", "transport"]),
    Room("doors", &["model", "ports"]),
    Room("services", &["model", "ports", "transport", "directory"]),
    // the vendors as their pages describe them, for the demo and the tests; never `services`
    Room("simulators", &["model"]),
    // the live system
    Room("guard", &["model", "ports", "ledger"]),
    Room("hub", &["model", "engine", "ports", "wire"]),
    Room("agent", &["model", "ports", "wire", "config", "guard", "hub"]),
    // what people touch: sees the world only through `wire`
    Room("link", &["wire", "ports"]),
    Room("tui", &["wire", "link", "config", "ports"]),
    Room("cli", &["wire", "link", "config", "ledger", "ports"]),
    // every parser of foreign bytes by name; only for tests and for `fuzz/`
    Room("fuzz", &["model", "ledger", "wire", "config", "transport", "directory", "tickets", "services", "simulators", "guard", "tui"]),
    // composition root: the only place that may know everybody
    Room("app", &["model", "engine", "ledger", "wire", "ports", "config", "sys", "telemetry", "secrets", "transport",
        "store", "directory", "tickets", "doors", "services", "simulators", "guard", "hub", "agent", "link", "tui", "cli"]),
];

/// Files at the crate root that are not rooms. `lib.rs` lists the rooms, `main.rs` calls `app`.
const ROOT_FILES: &[&str] = &["lib.rs", "main.rs"];

/// Without IO, clock, randomness or runtime, and the only crates that may be used there.
#[rustfmt::skip]
const PURE_PATHS: &[&str] = &[
    "src/model", "src/engine", "src/ledger", "src/wire", "src/ports", "src/guard/policy", "src/guard/plan", "src/guard/machine",
];
#[rustfmt::skip]
const PURE_CRATES: &[&str] = &[
    "serde", "serde_json", "thiserror", "schemars", "jiff", "secrecy", "ecow", "bytes", "futures_core", "sha2", "hmac", "ed25519_dalek",
    "ct_merkle", "serde_json_canonicalizer", "strsim", "toml", "zeroize", "unicode_segmentation", "unicode_width", "utoipa",
];
#[rustfmt::skip]
const IMPURE_STD: &[&str] = &[
    "std::fs", "std::env", "std::process", "std::thread", "std::time::SystemTime", "std::time::Instant", "std::net::TcpStream",
    "std::net::TcpListener", "std::net::UdpSocket", "std::os", "std::io::stdin", "std::io::stdout", "std::io::stderr",
];

/// A crate that only these rooms may name, so that it can be swapped in one place.
#[rustfmt::skip]
const OWNED_CRATES: &[(&str, &[&str])] = &[
    ("ratatui", &["tui"]), ("crossterm", &["tui"]), ("nucleo_matcher", &["tui"]), ("terminal_colorsaurus", &["tui"]), ("shlex", &["tui"]), ("tui_input", &["tui"]),
    ("axum", &["agent", "simulators"]), ("tower_http", &["agent", "simulators"]),
    ("reqwest", &["transport", "link"]), ("ldap3", &["transport"]), ("governor", &["transport"]), ("dns_lookup", &["transport"]), ("backon", &["transport", "link"]),
    ("hyper", &["agent", "doors", "link"]), ("hyper_util", &["agent", "doors", "link"]), ("http_body_util", &["agent", "doors", "link"]), ("nix", &["sys"]),
    ("rustls", &["transport", "store", "doors", "simulators"]), ("rusqlite", &["store"]), ("tokio_postgres", &["store"]), ("tokio_postgres_rustls", &["store"]),
    ("jaq_core", &["services"]), ("jaq_std", &["services"]), ("jaq_json", &["services"]), ("lettre", &["transport"]),
    ("keyring", &["secrets"]), ("plotters", &["cli"]), ("clap", &["cli"]), ("clap_complete", &["cli"]), ("clap_mangen", &["cli"]),
    ("tracing_subscriber", &["telemetry"]), ("tracing_appender", &["telemetry"]), ("anyhow", &["app", "cli"]),
    ("sha2", &["ledger", "wire", "guard", "services", "simulators"]), ("ed25519_dalek", &["ledger"]), ("serde_json_canonicalizer", &["ledger", "guard"]), ("getrandom", &["sys"]), ("ct_merkle", &["ledger"]),
];

/// Only under these prefixes may code name colours, or keys, or write to the terminal.
const COLOUR_ROOMS: &[&str] = &["src/tui/theme"];
const KEY_ROOMS: &[&str] = &["src/tui/keymap", "src/tui/term"];
const PRINT_ROOMS: &[&str] = &["src/main.rs", "src/cli"];
const COLOUR_WORDS: &[&str] = &["Color", "Modifier", "Stylize"];
const KEY_WORDS: &[&str] = &["KeyCode", "KeyModifiers", "KeyEvent", "MediaKeyCode"];
const LIB_RS_WITHOUT: &[&str] = &["use", "fn", "struct", "enum", "trait", "impl", "macro_rules"];
const PRINT_MACROS: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];

/// Why 600: it is the largest file one sitting can review whole (about ten screens of sixty
/// lines), and in the codebases we admire the files that people praise are below it while the
/// ones their own authors call "the big one" are 2,000 to 7,000. Tests do not count, because a
/// cap on tests is a reason to write fewer.
const MAX_LINES: usize = 600;
const MAX_TEST_FILE_LINES: usize = 1_200;

/// Every service folder holds these, each non-empty; a name ending in `/` is a folder, and `x.rs`
/// may grow into a folder `x/` with its `mod.rs`.
#[rustfmt::skip]
const SERVICE_FILES: &[&str] = &["mod.rs", "describe.rs", "poll.rs", "actions.rs", "tests.rs", "examples/"];
/// Folders under `src/services` that are not a service (the declarative connector, shared test helpers).
const NOT_A_SERVICE: &[&str] = &["declared", "contract"];

#[rustfmt::skip]
const LINTS_DENIED: &[&str] = &[
    "unwrap_used", "expect_used", "panic", "todo", "unimplemented", "unreachable", "print_stdout", "print_stderr", "dbg_macro",
    "await_holding_lock", "let_underscore_must_use", "let_underscore_future", "allow_attributes", "allow_attributes_without_reason",
    "exit", "mem_forget", "disallowed_methods", "too_many_lines",
];
#[rustfmt::skip]
const CLIPPY_BANNED: &[&str] = &[
    "tokio::sync::mpsc::unbounded_channel", "std::time::SystemTime::now", "std::time::Instant::now", "std::thread::sleep",
    "tokio::time::Instant::now", "jiff::Timestamp::now", "jiff::ZonedDateTime::now", "reqwest::Client::new",
];

/// Crates that may not even stand in `Cargo.lock`, and what to do instead.
#[rustfmt::skip]
const LOCK_BANNED: &[(&str, &str)] = &[
    ("aws-lc-rs", "a second TLS provider; find the feature that pulls it and choose ring"),
    ("native-tls", "a third TLS stack; `ldap3` and `reqwest` need default-features = false"),
    ("openssl-sys", "links the system's OpenSSL; choose a rustls or rust-crypto feature"),
];

/// Reasoned exceptions: (file, rule, reason). One that no longer silences anything fails the test.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

// ------------------------------------------------------------------ the tests

#[test]
fn the_plan_has_no_cycles() {
    let mut above: BTreeSet<&str> = BTreeSet::new();
    for Room(name, may) in ROOMS {
        for m in *may {
            assert!(above.contains(m), "room `{name}` lists `{m}`, which does not stand above it");
        }
        assert!(above.insert(name), "room `{name}` is listed twice");
    }
}

#[test]
fn threat_32_what_is_linked_is_checked_for_licence_ban_and_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let run = read(".ci/run");
    for line in [
        "cargo deny --locked check licenses bans sources",
        "  cargo deny --locked check advisories",
        "advisories: not checked",
    ] {
        assert!(run.contains(line), ".ci/run lost: {line}");
    }
    let deny: toml::Table = toml::from_str(&read("deny.toml")).unwrap();
    assert_eq!(deny["sources"]["unknown-registry"].as_str(), Some("deny"));
    assert_eq!(deny["sources"]["unknown-git"].as_str(), Some("deny"));
    assert!(!deny["licenses"]["allow"].as_array().unwrap().is_empty());
    assert!(!deny["bans"]["deny"].as_array().unwrap().is_empty());
}

#[test]
fn the_house_is_tidy() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let house = House::read(&root);
    assert!(
        !house.files.is_empty(),
        "no Rust files under src/: is tidy looking at the right folder?"
    );
    let found = except(house.check(), EXCEPTIONS);
    assert!(
        found.is_empty(),
        "\n{} breach(es):\n{}\n",
        found.len(),
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

/// An example of a vendor's answer that no test names shows nothing; a test that names it fails
/// without it.
#[test]
fn every_example_of_a_vendor_is_named_by_a_test() {
    fn files(folder: &Path) -> Vec<PathBuf> {
        let below = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        below.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }
    let services = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/services");
    let (mut named, mut without) = (0, Vec::new());
    for service in std::fs::read_dir(services).unwrap().map(|entry| entry.unwrap().path()) {
        if !service.join("examples").is_dir() {
            continue;
        }
        let (rust, rest): (Vec<_>, Vec<_>) = files(&service)
            .into_iter()
            .partition(|file| file.extension().is_some_and(|e| e == "rs"));
        let text: String = rust.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        for example in rest {
            let name = example.file_name().unwrap().to_string_lossy().into_owned();
            // By its whole name, as a literal or at the end of a path.
            let literal =
                ["\"", "/"].iter().any(|before| text.contains(&format!("{before}{name}\"")));
            match name == "README.md" || literal {
                true => named += 1,
                false => without.push(example),
            }
        }
    }
    assert!(named > 50, "only {named} examples: is it looking at the right folder?");
    assert!(without.is_empty(), "examples that no test names: {without:?}");
}

// ------------------------------------------------------------------ findings

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    rule: &'static str,
    why: String,
}

fn finding(
    file: impl Into<String>,
    line: usize,
    rule: &'static str,
    why: impl Into<String>,
) -> Finding {
    Finding { file: file.into(), line, rule, why: why.into() }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} [{}] {}", self.file, self.line, self.rule, self.why)
    }
}

fn except(found: Vec<Finding>, exceptions: &[(&str, &str, &str)]) -> Vec<Finding> {
    let mut used = vec![false; exceptions.len()];
    let mut left: Vec<Finding> = found
        .into_iter()
        .filter(|f| {
            match exceptions.iter().position(|(file, rule, _)| *file == f.file && *rule == f.rule) {
                Some(i) => {
                    used[i] = true;
                    false
                }
                None => true,
            }
        })
        .collect();
    for (i, (file, rule, reason)) in exceptions.iter().enumerate() {
        let why = match reason.len() {
            0..20 => "an exception needs a reason a stranger understands",
            _ => "this exception silences nothing: delete it",
        };
        if !used[i] || reason.len() < 20 {
            left.push(finding(*file, 0, "exceptions", format!("{rule}: {why}")));
        }
    }
    left.sort();
    left
}

// ------------------------------------------------------------------ reading the house

/// Everything the rules look at, held in memory so that each rule can be shown to bite.
#[derive(Default)]
struct House {
    /// Path from the package root, with `/`, and text; Rust files of `src/` and `tests/`.
    files: BTreeMap<String, String>,
    /// Every path under `src/services` (folders end in `/`).
    service_paths: BTreeSet<String>,
    cargo_toml: String,
    cargo_lock: String,
    clippy_toml: String,
}

impl House {
    fn read(root: &Path) -> House {
        let mut house = House {
            cargo_toml: std::fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default(),
            cargo_lock: std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default(),
            clippy_toml: std::fs::read_to_string(root.join("clippy.toml")).unwrap_or_default(),
            ..House::default()
        };
        let mut todo = vec![root.join("src"), root.join("tests")];
        while let Some(dir) = todo.pop() {
            let Ok(entries) = std::fs::read_dir(&dir) else { continue };
            for path in entries.flatten().map(|e| e.path()) {
                let Ok(rel) = path.strip_prefix(root) else { continue };
                let mut rel = rel.to_string_lossy().replace('\\', "/");
                if path.is_dir() {
                    rel.push('/');
                    todo.push(path.clone());
                } else if rel.ends_with(".rs") {
                    house
                        .files
                        .insert(rel.clone(), std::fs::read_to_string(&path).unwrap_or_default());
                }
                let hollow = match std::fs::read_dir(&path) {
                    Ok(mut entries) => entries.next().is_none(),
                    Err(_) => std::fs::metadata(&path).is_ok_and(|m| m.len() == 0),
                };
                if rel.starts_with("src/services/") && !hollow {
                    house.service_paths.insert(rel);
                }
            }
        }
        house
    }

    fn check(&self) -> Vec<Finding> {
        let deps = dependencies(&self.cargo_toml);
        let package = package_name(&self.cargo_toml);
        let mut out = Vec::new();
        for (path, text) in &self.files {
            let is_test = path.starts_with("tests/")
                || path.ends_with("/tests.rs")
                || path.contains("/tests/");
            let (tokens, test_lines) = strip_tests(lex(text));
            let lines = text.lines().count();
            let (counted, cap) = if is_test {
                (lines, MAX_TEST_FILE_LINES)
            } else {
                (lines - test_lines.min(lines), MAX_LINES)
            };
            let mut report = |line: usize, rule: &'static str, why: String| {
                out.push(finding(path, line, rule, why))
            };
            if counted > cap {
                report(
                    1,
                    "length",
                    format!(
                        "{counted} lines without tests; the cap is {cap}. Split it by what changes together"
                    ),
                );
            }
            if !text.trim_start().starts_with("//!") {
                report(
                    1,
                    "docs",
                    "starts without a `//!` line saying what this file is for".into(),
                );
            }
            if is_test {
                continue;
            }
            words(path, &tokens, &mut report);
            imports(path, &tokens, &package, &deps, &mut report);
        }
        self.rooms_exist(&mut out);
        self.services(&mut out);
        self.lints(&mut out);
        out.sort();
        out
    }

    fn rooms_exist(&self, out: &mut Vec<Finding>) {
        for path in self.files.keys().filter(|p| p.starts_with("src/")) {
            let room = room_of(path);
            if !ROOT_FILES.contains(&room) && !ROOMS.iter().any(|r| r.0 == room) {
                let why =
                    format!("`{room}` is not a room: move the file, or argue for a row in ROOMS");
                out.push(finding(path, 1, "rooms", why));
            }
        }
    }

    fn services(&self, out: &mut Vec<Finding>) {
        let rest = |p: &str| p.strip_prefix("src/services/").map(str::to_owned);
        let names: BTreeSet<String> = self
            .service_paths
            .iter()
            .filter_map(|p| rest(p)?.split_once('/').map(|(n, _)| n.to_owned()))
            .filter(|n| !NOT_A_SERVICE.contains(&n.as_str()))
            .collect();
        let registry = "src/services/mod.rs".to_owned();
        let registry_tokens = lex(self.files.get(&registry).map_or("", String::as_str));
        for name in &names {
            for want in SERVICE_FILES {
                let path = format!("src/services/{name}/{want}");
                let grown = path.replace(".rs", "/mod.rs");
                if !self.service_paths.contains(&path) && !self.service_paths.contains(&grown) {
                    out.push(finding(
                        path,
                        0,
                        "services",
                        "missing or empty; all service folders look alike",
                    ));
                }
            }
            let lines: BTreeSet<usize> =
                registry_tokens.iter().filter(|t| t.text == *name).map(|t| t.line).collect();
            if !(1..=2).contains(&lines.len()) {
                let why = format!(
                    "names `{name}` on {} lines; registering takes one or two",
                    lines.len()
                );
                out.push(finding(&registry, 0, "services", why));
            }
            let own = format!("src/services/{name}/");
            let strangers = self
                .files
                .iter()
                .filter(|(p, _)| p.starts_with("src/") && **p != registry && !p.starts_with(&own));
            for (path, text) in strangers {
                for p in paths(&strip_tests(lex(text)).0) {
                    let sibling = path.starts_with("src/services/")
                        && p.parts.starts_with(&["super".to_owned(), name.clone()]);
                    if sibling || p.parts.windows(2).any(|w| w[0] == "services" && w[1] == *name) {
                        out.push(finding(
                            path,
                            p.line,
                            "services",
                            format!(
                                "names `{name}` from outside its folder; use the services table"
                            ),
                        ));
                    }
                }
            }
        }
    }

    fn lints(&self, out: &mut Vec<Finding>) {
        let lints = self
            .cargo_toml
            .split("[lints.clippy]")
            .nth(1)
            .unwrap_or_default()
            .split("\n[")
            .next()
            .unwrap_or_default();
        for lint in LINTS_DENIED {
            if !lints.lines().any(|l| {
                l.split('=').next().map(str::trim) == Some(*lint) && l.contains("\"deny\"")
            }) {
                out.push(finding(
                    "Cargo.toml",
                    0,
                    "lints",
                    format!("[lints.clippy] must hold `{lint} = \"deny\"`"),
                ));
            }
        }
        for (name, instead) in LOCK_BANNED {
            if self.cargo_lock.contains(&format!("name = \"{name}\"\n")) {
                out.push(finding("Cargo.lock", 0, "lock", format!("`{name}`: {instead}")));
            }
        }
        for path in CLIPPY_BANNED {
            if !self.clippy_toml.contains(&format!("\"{path}\"")) {
                out.push(finding(
                    "clippy.toml",
                    0,
                    "lints",
                    format!("disallowed-methods must hold \"{path}\" with its reason"),
                ));
            }
        }
    }
}

fn room_of(path: &str) -> &str {
    let rest = path.strip_prefix("src/").unwrap_or(path);
    let first = rest.split('/').next().unwrap_or(rest);
    if ROOT_FILES.contains(&first) { first } else { first.strip_suffix(".rs").unwrap_or(first) }
}

/// The library's name as `main.rs` writes it.
fn package_name(cargo_toml: &str) -> String {
    let name = cargo_toml.lines().find_map(|l| l.strip_prefix("name")?.trim().strip_prefix('='));
    name.unwrap_or("crate").trim().trim_matches('"').replace('-', "_")
}

/// Crate names (with `_`) of every `[…dependencies]` table, dev-dependencies included.
fn dependencies(cargo_toml: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut out = BTreeSet::new();
    for line in cargo_toml.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                out.insert(name.replace('-', "_"));
            }
        } else if inside
            && !line.starts_with('#')
            && let Some((name, _)) = line.split_once(['=', '.'])
        {
            out.insert(name.trim().trim_matches('"').replace('-', "_"));
        }
    }
    out
}

// ------------------------------------------------------------------ rules over tokens

fn under(path: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|p| {
        path.strip_prefix(p)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('.'))
    })
}

fn is_rgb(hex: &str) -> bool {
    hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

fn words(path: &str, tokens: &[Token], report: &mut impl FnMut(usize, &'static str, String)) {
    for (i, t) in tokens.iter().enumerate() {
        let word = t.text.as_str();
        match t.kind {
            Kind::Ident if COLOUR_WORDS.contains(&word) && !under(path, COLOUR_ROOMS) => {
                report(
                    t.line,
                    "colour",
                    format!(
                        "`{word}` outside the theme; ask the theme for a role (`theme.critical()`)"
                    ),
                );
            }
            Kind::Ident if KEY_WORDS.contains(&word) && !under(path, KEY_ROOMS) => {
                report(
                    t.line,
                    "key",
                    format!("`{word}` outside the keymap; handle a `Command` instead"),
                );
            }
            Kind::Ident if path == "src/lib.rs" && LIB_RS_WITHOUT.contains(&word) => {
                report(t.line, "rooms", format!("`{word}` in lib.rs, which only lists the rooms"));
            }
            Kind::Ident
                if PRINT_MACROS.contains(&word)
                    && tokens.get(i + 1).is_some_and(|n| n.text == "!")
                    && !under(path, PRINT_ROOMS) =>
            {
                report(
                    t.line,
                    "print",
                    format!("`{word}!` would draw over the screen; use `tracing`"),
                );
            }
            Kind::Str
                if !under(path, COLOUR_ROOMS) && word.strip_prefix('#').is_some_and(is_rgb) =>
            {
                report(t.line, "colour", format!("colour literal \"{word}\" outside the theme"));
            }
            Kind::Str
                if (word.contains("\\x1b[") || word.contains("\\u{1b}["))
                    && !under(path, KEY_ROOMS) =>
            {
                report(t.line, "colour", "terminal escape outside src/tui/term".into());
            }
            _ => {}
        }
    }
}

fn imports(
    path: &str,
    tokens: &[Token],
    package: &str,
    deps: &BTreeSet<String>,
    report: &mut impl FnMut(usize, &'static str, String),
) {
    let room = room_of(path);
    let pure = under(path, PURE_PATHS);
    let plan = ROOMS.iter().find(|r| r.0 == room);
    let is_room_root = path == format!("src/{room}.rs") || path == format!("src/{room}/mod.rs");
    for p in paths(tokens) {
        let first = p.parts[0].as_str();
        let second = p.parts.get(1).map_or("", String::as_str);
        if first == "crate" || room == "main.rs" && first == package {
            match plan {
                _ if second == room || second.is_empty() || p.is_macro && p.parts.len() == 2 => {}
                _ if !ROOMS.iter().any(|r| r.0 == second) => report(
                    p.line,
                    "rooms",
                    format!("`crate::{second}` is not a room; name the room the item lives in"),
                ),
                Some(Room(_, may)) if !may.contains(&second) => report(
                    p.line,
                    "rooms",
                    format!("`{room}` may not import `{second}` (may: {})", may.join(", ")),
                ),
                None if room == "main.rs" && second != "app" && second != "cli" => {
                    report(p.line, "rooms", "main.rs calls `app` and `cli` only".into())
                }
                _ => {}
            }
        } else if first == "super" && (second == "super" || is_room_root && p.module_depth == 0) {
            report(
                p.line,
                "rooms",
                "climbs out with `super`; write `crate::room::…` so that the plan can see it"
                    .into(),
            );
        } else if deps.contains(first) {
            if let Some((_, owners)) = OWNED_CRATES.iter().find(|(name, _)| *name == first)
                && !owners.contains(&room)
                && !ROOT_FILES.contains(&room)
            {
                report(
                    p.line,
                    "crates",
                    format!(
                        "`{first}` belongs to {}; call that room instead",
                        owners.join(" and ")
                    ),
                );
            }
            if pure && !PURE_CRATES.contains(&first) {
                report(p.line, "pure", format!("this path is pure and may not use `{first}`"));
            }
        }
        let joined = p.parts.join("::");
        let impure =
            IMPURE_STD.iter().find(|b| joined == **b || joined.starts_with(&format!("{b}::")));
        if pure && let Some(bad) = impure {
            report(
                p.line,
                "pure",
                format!("this path is pure and may not use `{bad}`; take the value as an argument"),
            );
        }
    }
}

// ------------------------------------------------------------------ a small reader of Rust

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ident,
    Str,
    Punct,
}

#[derive(Debug, Clone)]
struct Token {
    kind: Kind,
    text: String,
    line: usize,
}

/// A path as written (`use` trees spelled out), with the line and depth of inline modules.
struct PathRef {
    parts: Vec<String>,
    line: usize,
    module_depth: usize,
    is_macro: bool,
}

/// Tokens without comments, whitespace, numbers, lifetimes and char literals; `::` is one token.
fn lex(text: &str) -> Vec<Token> {
    let c: Vec<char> = text.chars().collect();
    let at = |i: usize| c.get(i).copied().unwrap_or('\0');
    let word = |x: char| x.is_alphanumeric() || x == '_';
    let (mut i, mut line, mut out) = (0, 1, Vec::new());
    while i < c.len() {
        let start = i;
        let mut push = |kind, text: String| out.push(Token { kind, text, line });
        match (at(i), at(i + 1)) {
            ('/', '/') => i = (i..c.len()).find(|&k| at(k) == '\n').unwrap_or(c.len()),
            ('/', '*') => i = comment_end(&c, i),
            ('\'', _) => i = char_or_lifetime_end(&c, i),
            (':', ':') => {
                push(Kind::Punct, "::".into());
                i += 2;
            }
            (first, _) => {
                if let Some((open, hashes)) = string_start(&c, i) {
                    let close = string_end(&c, i, open, hashes);
                    push(Kind::Str, c[open + 1..close].iter().collect());
                    i = close + 1 + hashes;
                } else if word(first) {
                    let from = if first == 'r' && at(i + 1) == '#' { i + 2 } else { i };
                    i = (from..c.len()).find(|&k| !word(at(k))).unwrap_or(c.len()).max(i + 1);
                    if !first.is_ascii_digit() {
                        push(Kind::Ident, c[from..i].iter().collect());
                    }
                } else {
                    if !first.is_whitespace() {
                        push(Kind::Punct, first.to_string());
                    }
                    i += 1;
                }
            }
        }
        line += c[start..i.min(c.len())].iter().filter(|&&x| x == '\n').count();
    }
    out
}

/// Index just after the (nested) block comment that starts at `i`.
fn comment_end(c: &[char], mut i: usize) -> usize {
    let mut depth = 0usize;
    while i < c.len() {
        match (c[i], c.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

/// Index just after the char literal or lifetime whose `'` is at `i`.
fn char_or_lifetime_end(c: &[char], i: usize) -> usize {
    let at = |i: usize| c.get(i).copied().unwrap_or('\0');
    if at(i + 1) == '\\' {
        return (i + 3..c.len()).find(|&k| at(k) == '\'').map_or(c.len(), |k| k + 1);
    }
    if at(i + 2) == '\'' {
        return i + 3;
    }
    (i + 1..c.len()).find(|&k| !(at(k).is_alphanumeric() || at(k) == '_')).unwrap_or(c.len())
}

/// Index of the quote that closes the string which starts at `start` and opens at `open`.
fn string_end(c: &[char], start: usize, open: usize, hashes: usize) -> usize {
    let raw = c[start..open].contains(&'r');
    let mut i = open + 1;
    while i < c.len() {
        if !raw && c[i] == '\\' {
            i += 2;
        } else if c[i] == '"' && (1..=hashes).all(|k| c.get(i + k) == Some(&'#')) {
            return i;
        } else {
            i += 1;
        }
    }
    c.len()
}

/// If a string literal (`"`, `b"`, `c"`, `r#"`, `br##"` …) starts at `i`: where its quote is, and its hashes.
fn string_start(c: &[char], mut i: usize) -> Option<(usize, usize)> {
    let at = |i: usize| c.get(i).copied().unwrap_or('\0');
    if i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_') {
        return None;
    }
    if matches!(at(i), 'b' | 'c') && matches!(at(i + 1), '"' | 'r') {
        i += 1;
    }
    let mut hashes = 0;
    if at(i) == 'r' && matches!(at(i + 1), '"' | '#') {
        i += 1;
        while at(i) == '#' {
            hashes += 1;
            i += 1;
        }
    }
    (at(i) == '"').then_some((i, hashes))
}

/// Index just after the bracket group that opens at `i`.
fn group_end(t: &[Token], i: usize) -> usize {
    let mut depth = 0usize;
    for (k, tok) in t.iter().enumerate().skip(i) {
        match (tok.kind, tok.text.as_str()) {
            (Kind::Punct, "(" | "[" | "{") => depth += 1,
            (Kind::Punct, ")" | "]" | "}") => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return k + 1;
                }
            }
            _ => {}
        }
    }
    t.len()
}

/// Takes out `#[cfg(test)]` items; returns what is left and how many lines went.
fn strip_tests(t: Vec<Token>) -> (Vec<Token>, usize) {
    let is = |i: usize, s: &str| t.get(i).is_some_and(|x| x.text == s);
    let (mut out, mut i, mut gone) = (Vec::new(), 0, 0);
    while i < t.len() {
        if is(i, "#") && is(i + 1, "[") && is(i + 2, "cfg") {
            let end = group_end(&t, i + 1);
            let inside = &t[i + 2..end];
            if inside.iter().any(|x| x.text == "test") && !inside.iter().any(|x| x.text == "not") {
                let mut k = end;
                while is(k, "#") && is(k + 1, "[") {
                    k = group_end(&t, k + 1);
                }
                while k < t.len() {
                    match t[k].text.as_str() {
                        ";" | "," if t[k].kind == Kind::Punct => {
                            k += 1;
                            break;
                        }
                        "{" if t[k].kind == Kind::Punct => {
                            k = group_end(&t, k);
                            break;
                        }
                        "(" | "[" if t[k].kind == Kind::Punct => k = group_end(&t, k),
                        _ => k += 1,
                    }
                }
                gone += t[k - 1].line - t[i].line + 1;
                i = k;
                continue;
            }
        }
        out.push(t[i].clone());
        i += 1;
    }
    (out, gone)
}

fn paths(t: &[Token]) -> Vec<PathRef> {
    let is = |i: usize, s: &str| t.get(i).is_some_and(|x| x.kind == Kind::Punct && x.text == s);
    let ident = |i: usize| t.get(i).filter(|x| x.kind == Kind::Ident).map(|x| x.text.clone());
    let mut out = Vec::new();
    let mut module_ends: Vec<usize> = Vec::new();
    let mut i = 0;
    while i < t.len() {
        module_ends.retain(|end| *end > i);
        let module_depth = module_ends.len();
        match ident(i) {
            Some(w) if w == "mod" && is(i + 2, "{") => {
                module_ends.push(group_end(t, i + 2));
                i += 3;
            }
            Some(w) if w == "use" && !is(i + 1, "<") => {
                let mut flat = Vec::new();
                let end = use_tree(t, i + 1, &[], &mut flat);
                out.extend(flat.into_iter().map(|(parts, line)| PathRef {
                    parts,
                    line,
                    module_depth,
                    is_macro: false,
                }));
                i = end.max(i + 1);
            }
            Some(w) if is(i + 1, "::") && !(i > 0 && is(i - 1, "::")) => {
                let line = t[i].line;
                let mut parts = vec![w];
                i += 1;
                while is(i, "::") {
                    let Some(next) = ident(i + 1) else { break };
                    parts.push(next);
                    i += 2;
                }
                out.push(PathRef { parts, line, module_depth, is_macro: is(i, "!") });
                i = i.max(1);
            }
            _ => i += 1,
        }
    }
    out
}

/// Spells out the tree that starts at `i`; returns the index after it.
fn use_tree(
    t: &[Token],
    mut i: usize,
    prefix: &[String],
    out: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let is = |i: usize, s: &str| t.get(i).is_some_and(|x| x.kind == Kind::Punct && x.text == s);
    let mut parts = prefix.to_vec();
    let line = t.get(i).map_or(0, |x| x.line);
    while i < t.len() {
        if is(i, "::") {
            i += 1;
        } else if is(i, "{") {
            let end = group_end(t, i);
            i += 1;
            while i < end - 1 {
                i = use_tree(t, i, &parts, out).max(i + 1);
                if is(i, ",") {
                    i += 1;
                }
            }
            return end;
        } else if is(i, ",") || is(i, ";") || is(i, "}") {
            break;
        } else {
            if t[i].text == "as" {
                i += 2;
                continue;
            }
            parts.push(t[i].text.clone());
            i += 1;
        }
    }
    if !parts.is_empty() {
        out.push((parts, line));
    }
    i
}

// ------------------------------------------------------------------ every rule can bite

#[cfg(test)]
mod bites {
    use super::*;

    const CARGO: &str = "[package]\nname = \"caretaker\"\n[dependencies]\ntokio = \"1\"\nratatui = \"0.30\"\nreqwest.workspace = true\nserde = \"1\"\n";

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        let mut house = House { cargo_toml: CARGO.into(), ..House::default() };
        house.files.insert(path.into(), format!("//! Doc.\n{text}"));
        house.check().into_iter().filter(|f| f.rule != "lints").map(|f| f.rule).collect()
    }

    #[test]
    fn clean_code_passes() {
        assert_eq!(
            rules(
                "src/engine/mod.rs",
                "use crate::model::{Cell, school::{self, SchoolId as Id}};\nuse std::collections::BTreeMap;"
            ),
            [""; 0]
        );
        assert_eq!(
            rules(
                "src/tui/board.rs",
                "fn f<'a>(x: &'a str) -> char { let _ = \"crate::hub KeyCode\"; /* Color::Red */ '\"' }"
            ),
            [""; 0]
        );
        let odd = r####"fn f() { let _ = (b'"', '\\'', '\u{1F600}', r#"Color::Red " "#, br"KeyCode", "a\"Color", r#type, 1..2); } // Color"####;
        assert_eq!(rules("src/tui/board.rs", odd), [""; 0]);
        assert_eq!(rules("src/tui/board.rs", &format!("{odd}\nuse crate::hub::Hub;")), ["rooms"]);
        assert_eq!(
            rules(
                "src/tui/mod.rs",
                "#[cfg(test)]\nmod tests { use crate::hub::Hub; use super::*; }"
            ),
            [""; 0]
        );
        assert_eq!(
            rules(
                "src/hub/mod.rs",
                "fn f() -> impl Iterator<Item = u8> + use<> { crate::engine::step(); std::iter::empty() }"
            ),
            [""; 0]
        );
    }

    #[test]
    fn rooms_bite() {
        assert_eq!(rules("src/tui/board.rs", "use crate::hub::Hub;"), ["rooms"]);
        assert_eq!(
            rules("src/tui/board.rs", "use crate::{wire::Cell, store::{Db, Row}};"),
            ["rooms", "rooms"]
        );
        assert_eq!(
            rules("src/tui/board.rs", "fn f() { let h: Box<crate::hub::Hub> = g(); }"),
            ["rooms"]
        );
        assert_eq!(rules("src/tui/board.rs", "use super::super::hub::Hub;"), ["rooms"]);
        assert_eq!(rules("src/tui/mod.rs", "use super::hub::Hub;"), ["rooms"]);
        assert_eq!(rules("src/misc/mod.rs", "fn f() {}"), ["rooms"]);
        assert_eq!(rules("src/tui/board.rs", "use crate::Result;"), ["rooms"]);
        assert_eq!(rules("src/main.rs", "fn main() { caretaker::app::run(); }"), [""; 0]);
        assert_eq!(rules("src/main.rs", "fn main() { caretaker::hub::run(); }"), ["rooms"]);
        assert_eq!(rules("src/lib.rs", "pub mod hub;\npub use hub::Hub;"), ["rooms"]);
    }

    #[test]
    fn purity_and_ownership_bite() {
        assert_eq!(
            rules("src/engine/mod.rs", "async fn f() { tokio::task::yield_now().await }"),
            ["pure"]
        );
        assert_eq!(
            rules("src/model/mod.rs", "use std::{fs, time::{Duration, Instant}};"),
            ["pure", "pure"]
        );
        assert_eq!(rules("src/hub/mod.rs", "use ratatui::text::Line;"), ["crates"]);
        assert_eq!(rules("src/services/mod.rs", "fn f(c: &reqwest::Client) {}"), ["crates"]);
    }

    #[test]
    fn words_bite() {
        assert_eq!(
            rules("src/tui/board.rs", "fn f() { g(Color::Red, \"#ff0000\"); }"),
            ["colour", "colour"]
        );
        assert_eq!(
            rules("src/tui/theme/mod.rs", "fn f() { g(Color::Red, \"#ff0000\"); }"),
            [""; 0]
        );
        assert_eq!(rules("src/tui/board.rs", "fn f(k: KeyCode) {}"), ["key"]);
        assert_eq!(rules("src/tui/keymap.rs", "fn f(k: KeyCode) {}"), [""; 0]);
        assert_eq!(rules("src/tui/keymaps_of_mine.rs", "fn f(k: KeyCode) {}"), ["key"]);
        assert_eq!(rules("src/hub/mod.rs", "fn f() { println!(\"hi\"); }"), ["print"]);
        assert_eq!(rules("src/tui/board.rs", "const X: &str = \"\\x1b[31m\";"), ["colour"]);
    }

    #[test]
    fn length_and_docs_bite() {
        assert_eq!(rules("src/hub/mod.rs", &"fn f() {}\n".repeat(MAX_LINES)), ["length"]);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(MAX_LINES));
        assert_eq!(rules("src/hub/mod.rs", &tests), [""; 0]);
        let mut house = House::default();
        house.files.insert("src/hub/mod.rs".into(), "fn f() {}".into());
        assert!(house.check().iter().any(|f| f.rule == "docs"));
    }

    #[test]
    fn services_bite() {
        let mut house = House::default();
        house.files.insert(
            "src/services/mod.rs".into(),
            "//! D.\nmod wifi;\npub static SERVICES: &[Service] = &[wifi::SERVICE];".into(),
        );
        for f in SERVICE_FILES {
            house.service_paths.insert(format!("src/services/wifi/{f}"));
        }
        let services = |h: &House| {
            h.check()
                .into_iter()
                .filter(|f| f.rule == "services")
                .map(|f| f.file)
                .collect::<Vec<_>>()
        };
        assert_eq!(services(&house), [""; 0]);
        house
            .files
            .insert("src/hub/mod.rs".into(), "//! D.\nuse crate::services::wifi::Client;".into());
        assert_eq!(services(&house), ["src/hub/mod.rs"]);
        house.files.remove("src/hub/mod.rs");
        house.service_paths.remove("src/services/wifi/actions.rs");
        assert_eq!(services(&house), ["src/services/wifi/actions.rs"]);
        house.service_paths.insert("src/services/wifi/actions/mod.rs".into());
        assert_eq!(services(&house), [""; 0]);
        house.service_paths.remove("src/services/wifi/actions/mod.rs");
        house.service_paths.insert("src/services/print/mod.rs".into());
        assert!(services(&house).contains(&"src/services/mod.rs".to_owned()));
    }

    #[test]
    fn lints_and_exceptions_bite() {
        let house = House {
            cargo_toml: "[lints.clippy]\nunwrap_used = \"warn\"\n".into(),
            ..House::default()
        };
        assert_eq!(house.check().len(), LINTS_DENIED.len() + CLIPPY_BANNED.len());
        let house = House { cargo_lock: "name = \"aws-lc-rs\"\n".into(), ..House::default() };
        assert!(house.check().iter().any(|f| f.rule == "lock"));
        let one = || vec![finding("a.rs", 1, "length", "")];
        assert!(
            except(one(), &[("a.rs", "length", "generated table, reviewed as data")]).is_empty()
        );
        assert_eq!(except(one(), &[("a.rs", "length", "big")])[0].rule, "exceptions");
        assert_eq!(
            except(Vec::new(), &[("a.rs", "length", "generated table, reviewed as data")])[0].rule,
            "exceptions"
        );
    }
}
