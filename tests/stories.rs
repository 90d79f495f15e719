//! Stories: incidents as the desk tells them, played through the engine's rules.
//!
//! Each `tests/stories/*.toml` holds schools, events with London times, and what the board must
//! show then: the whole line of the schools it names, the sentence of every cell that is not
//! plainly well, and the counts. `tests/stories/README.md` explains the format.

#![cfg(test)]

#[path = "stories/estate.rs"]
mod estate;
#[path = "stories/orders.rs"]
mod orders;
#[path = "stories/play.rs"]
mod play;
#[path = "stories/reader.rs"]
mod reader;
#[path = "stories/story.rs"]
mod story;

use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stories")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_story_ends_as_it_is_told() {
    let mut failures = Vec::new();
    for file in files() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        match story::read(&name, &text) {
            Ok(story) => {
                failures.extend(play::play(&story).into_iter().map(|f| format!("{name}: {f}")))
            }
            Err(refusal) => failures.push(refusal),
        }
        // Nobody reads further.
        if failures.len() >= 20 {
            break;
        }
    }
    assert!(failures.is_empty(), "\n{}\n{} failures", failures.join("\n\n"), failures.len());
}

#[test]
fn the_same_story_twice_gives_the_same_board() {
    for file in files() {
        let story = story::read("twice", &std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(play::last_board(&story), play::last_board(&story), "{}", file.display());
    }
}

#[test]
fn there_are_at_least_forty_stories() {
    assert!(files().len() >= 40, "{}", files().len());
}

#[test]
fn a_misspelt_key_is_refused_with_file_and_line() {
    let text = std::fs::read_to_string(folder().join("backup-never-ran.toml")).unwrap();
    let (line, bad) = text
        .lines()
        .enumerate()
        .find(|(_, l)| l.starts_with("line = "))
        .map(|(i, l)| (i + 1, text.replacen(l, &l.replace("line", "lime"), 1)))
        .unwrap();
    let refusal = story::read("backup-never-ran.toml", &bad).unwrap_err();
    assert!(refusal.starts_with(&format!("backup-never-ran.toml:{line}: ")), "{refusal}");
    assert!(refusal.contains("lime"), "{refusal}");
}

#[test]
fn a_story_that_hides_a_sentence_is_refused() {
    let text = std::fs::read_to_string(folder().join("backup-never-ran.toml")).unwrap();
    let story = story::read("x", &text).unwrap();
    let mut silent = story.clone();
    silent.expect[0].why.clear();
    assert!(play::play(&story).is_empty());
    assert!(play::play(&silent).iter().any(|f| f.contains("has no sentence")));
}
