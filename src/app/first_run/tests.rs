//! The set-up, asked and answered without a terminal.

use super::*;

/// A home of its own with a list of schools in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join("schools.csv"),
            "laestab,name\n9372041,Elm Park Primary\n9372042,Larch Lane Infants\n1112222,Elsewhere\n",
        )
        .unwrap();
        Self(home)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Answers these lines; what is made of them, and all that was said.
    fn answer(&self, lines: &[&str]) -> (Result<Made, Left>, String) {
        let typed: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (mut input, mut out) = (typed.as_bytes(), Vec::new());
        let mut talk = Talk { input: &mut input, out: &mut out, columns: usize::MAX };
        let made = ask(&mut talk, self.path("config.toml"));
        (made, String::from_utf8(out).unwrap())
    }

    fn list(&self) -> String {
        self.path("schools.csv").display().to_string()
    }
}

#[test]
fn what_is_answered_is_a_configuration_that_can_be_used() {
    let home = Home::new();
    let (made, said) = home.answer(&[
        "",
        &home.list(),
        "1, 2",
        "00000000-0000-0000-0000-00000000000a",
        "00000000-0000-0000-0000-00000000000b",
        "desk.example.org",
        "",
        "yes",
    ]);
    let made = made.unwrap_or_else(|_| panic!("{said}"));
    assert!(
        said.contains("2 schools read") && said.contains("WeLearn365 can be watched"),
        "{said}"
    );
    // Each question says what the key is for, as the example does, and how a value looks.
    assert!(said.contains("such as relying_party = \"caretaker.example.org\""), "{said}");
    write(&made).unwrap();
    let keys: Vec<&str> = SERVICES.iter().map(|s| s.key).collect();
    let config = crate::config::Config::load(&home.path("config.toml"), &keys).unwrap();
    let stores = Arc::new(SecretStores::files_only(BTreeMap::new()));
    let clock = Arc::new(crate::sys::SystemClock::new());
    let (prepared, wrong) = setup::prepare_partly(config, stores, clock).unwrap();
    assert_eq!(wrong, []);
    assert_eq!((prepared.estate.schools.len(), prepared.watches.len()), (2, 2));
    assert!(prepared.not_set_up.is_empty());
    let [elsewhere] = prepared.findings.as_slice() else { panic!("{:?}", prepared.findings) };
    assert_eq!(
        (elsewhere.line, said.contains(&elsewhere.text)),
        (4, true),
        "told while it was asked"
    );
    // All the rest of the example is still there to go on with.
    let text = std::fs::read_to_string(home.path("config.toml")).unwrap();
    assert!(
        text.contains("\n#> [services.redstor]\n") && text.contains("\n[services.groupcall]\n")
    );
}

#[test]
fn a_bad_answer_is_told_and_asked_again() {
    let home = Home::new();
    let (made, said) = home.answer(&[
        "93",
        "937",
        "/no/such/file.csv",
        &home.list(),
        "8",
        "3",
        "\"nosuch\"",
        "skip",
        &home.list(),
        "",
        "maybe",
        "yes",
    ]);
    let made = made.unwrap_or_else(|_| panic!("{said}"));
    for told in
        ["a code has three digits", "/no/such/file.csv", "numbers from 1 to 7", "storage_platform"]
    {
        assert!(said.contains(told), "{told}: {said}");
    }
    // A table of schools is no table of subscriptions.
    assert!(said.contains("services"), "{said}");
    assert!(made.services.is_empty(), "what was skipped is not watched");
    assert!(
        made.draft.text().contains("\n#> [services.redstor]\n#> api = "),
        "{}",
        made.draft.text()
    );
}

#[test]
fn nothing_is_written_before_it_was_agreed_to_or_over_anything() {
    let home = Home::new();
    let start = ["", &home.list(), "3", "skip", ""];
    for end in [&["no"][..], &[]] {
        let (made, said) = home.answer(&[&start[..], end].concat());
        assert!(made.is_err(), "{said}");
    }
    let files = || std::fs::read_dir(home.0.path()).unwrap().count();
    assert_eq!(files(), 1, "only the list");
    let (made, _) = home.answer(&[&start[..], &["yes"]].concat());
    let made = made.unwrap_or_else(|_| panic!("not made"));
    std::fs::write(home.path("config.toml"), "mine").unwrap();
    assert!(write(&made).unwrap_err().text.contains("config.toml"));
    assert_eq!(std::fs::read_to_string(home.path("config.toml")).unwrap(), "mine");
}

#[test]
fn who_has_nothing_yet_is_asked_until_the_answer_is_one() {
    let begin = |typed: &str| {
        let (mut input, mut out) = (typed.as_bytes(), Vec::new());
        let chosen = choose(&mut Talk { input: &mut input, out: &mut out, columns: usize::MAX });
        (chosen.ok(), String::from_utf8(out).unwrap())
    };
    assert_eq!(begin("1\n").0, Some(Beginning::SetUp));
    assert_eq!(begin(" 3 \n").0, Some(Beginning::Leave));
    let (chosen, said) = begin("demo\n\n2\n");
    assert_eq!(chosen, Some(Beginning::Demo));
    assert_eq!(said.matches("type 1, 2 or 3").count(), 2, "{said}");
    assert_eq!(begin("").0, None, "the end of the input begins nothing");
}

#[test]
fn what_is_longer_than_a_line_is_broken_between_words() {
    let (mut input, mut out) = ("no\n".as_bytes(), Vec::new());
    let mut talk = Talk { input: &mut input, out: &mut out, columns: 24 };
    talk.say("  the register of schools is read from a file").unwrap();
    talk.say("").unwrap();
    assert!(!talk.agrees("keep the client secret of Groupcall now?").unwrap());
    let said = String::from_utf8(out).unwrap();
    let wanted = "  the register of\n  schools is read from a\n  file\n\nkeep the client secret\nof Groupcall now? yes or\nno > ";
    assert_eq!(said, wanted);
}
