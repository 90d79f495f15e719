//! What the command line says of itself.
#![cfg(test)]

use std::collections::BTreeSet;
use std::process::Command;

use caretaker::cli::teach::{self, EXAMPLES, commands, commands_page};
use clap_complete::Shell;

const PROGRAM: &str = env!("CARGO_BIN_EXE_caretaker");

#[test]
fn every_command_has_an_about_text_an_example_and_a_line_in_the_docs() {
    let all = commands();
    assert!(all.len() > 40, "only {} commands were found", all.len());
    let taught: BTreeSet<&str> = EXAMPLES.iter().map(|(path, _)| *path).collect();
    assert_eq!(taught.len(), EXAMPLES.len(), "a path has two rows");
    let page = commands_page();
    for (path, command) in &all {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty(), "caretaker {path}: no about text (a `///` in args.rs)");
        assert!(taught.contains(path.as_str()), "caretaker {path}: no row in cli/teach.rs");
        let head = format!("## `{}`", format!("caretaker {path}").trim_end());
        assert!(page.contains(&head), "{head}");
        let help = command.clone().render_long_help().to_string();
        assert!(help.contains("Examples:\n  "), "caretaker {path} --help has no example");
    }
    let known: BTreeSet<&str> = all.iter().map(|(path, _)| path.as_str()).collect();
    let gone: Vec<_> = taught.difference(&known).collect();
    assert!(gone.is_empty(), "examples of commands that do not exist: {gone:?}");
}

#[test]
fn every_example_is_understood_as_the_command_that_it_teaches() {
    for (path, examples) in EXAMPLES {
        assert!(!examples.is_empty(), "caretaker {path}");
        for (line, what) in *examples {
            let words = shlex::split(line).unwrap_or_else(|| panic!("{line}: quotes"));
            let ends = words.iter().position(|w| [">", "<", "|", ";"].contains(&w.as_str()));
            let words = &words[..ends.unwrap_or(words.len())];
            let from = words.iter().rposition(|w| w == "caretaker").unwrap();
            // `status --service redstor; echo $?`: the word holds the semicolon.
            let (mut typed, mut over) = (Vec::new(), false);
            for word in &words[from..] {
                if !over {
                    typed.push(word.trim_end_matches(';'));
                }
                over |= word.ends_with(';');
            }
            let matches = teach::command().try_get_matches_from(typed);
            let matches = matches.unwrap_or_else(|e| panic!("{line}: {e}"));
            let (mut at, mut said) = (&matches, Vec::new());
            while let Some((name, below)) = at.subcommand() {
                said.push(name);
                at = below;
            }
            let said = said.join(" ");
            let is_below = said.starts_with(&format!("{path} "));
            assert!(said == *path || is_below || path.is_empty(), "{line} is `{said}`");
            assert!(!what.is_empty() && !what.contains('\n'), "{line}");
        }
    }
}

#[test]
fn the_page_of_commands_is_that_of_the_definitions() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, commands_page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), commands_page(), "UPDATE_DOCS=1 writes it");
}

#[test]
fn each_shell_gets_a_script_that_knows_the_commands() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
        let script = String::from_utf8(teach::completions(shell)).unwrap();
        for word in ["reconcile", "wait-settled", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let said = Command::new(PROGRAM).args(["completions", "bash"]).output().unwrap();
    assert!(said.status.success());
    assert_eq!(said.stdout, teach::completions(Shell::Bash));
    // Where there is a bash, it must take the script and complete from it.
    let ask = "source /dev/stdin; COMP_WORDS=(caretaker au); COMP_CWORD=1; _caretaker caretaker au \
               caretaker; echo \"${COMPREPLY[@]}\"";
    let bash = Command::new("bash")
        .args(["--norc", "-c", ask])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut bash) = bash else { return };
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), &said.stdout).unwrap();
    let done = bash.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "audit");
}

#[test]
fn a_man_page_for_each_command_goes_into_the_folder_that_is_named() {
    let home = tempfile::tempdir().unwrap();
    let man = |folder: &std::path::Path| {
        let mut command = Command::new(PROGRAM);
        // A value of the environment must not stand in a page that a package holds.
        command.env("CARETAKER_AGENT", "/secret/agent.sock").arg("man").arg(folder);
        command.output().unwrap()
    };
    let done = man(home.path());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for (path, command) in commands() {
        let name = format!("caretaker {path}").trim_end().replace(' ', "-");
        let page = std::fs::read_to_string(home.path().join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains("Examples:"), "{name}");
        assert!(!page.contains("/secret"), "{name}: {page}");
        assert!(command.get_about().is_some());
    }
    assert!(!home.path().join("caretaker-jq-worker.1").exists(), "hidden");
    let refused = man(&home.path().join("nowhere"));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(64));
    assert!(said.contains("nowhere: is no folder; make it first"), "{said}");
}
