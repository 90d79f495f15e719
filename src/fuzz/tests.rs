//! Plays the seeds through the targets, as they are and damaged, so that no target rots.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::TARGETS;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_or_else(|_| Vec::new(), |all| all.map(|e| e.unwrap().path()).collect());
    out.sort();
    out
}

/// The seeds of a target: its own, what once went wrong in it, and for a vendor its examples.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let of = |kind: &str| files(&folder().join(kind).join(name));
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/services").join(name);
    let examples = files(&examples.join("examples"));
    let all = of("seeds").into_iter().chain(of("regressions")).chain(examples);
    all.map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn every_target_has_seeds_and_a_file_of_its_own_and_the_other_way_round() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len(), "none twice");
    let stems = |kind: &str| -> BTreeSet<String> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        files(&folder().join(kind)).into_iter().map(stem).collect()
    };
    assert_eq!(stems("fuzz_targets"), names);
    assert!(stems("seeds").is_subset(&names) && stems("regressions").is_subset(&names));
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in &names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no binary");
        let file = folder().join("fuzz_targets").join(format!("{name}.rs"));
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(&format!("caretaker::fuzz::{name}(data)")), "{name} calls another");
        assert!(!seeds(name).is_empty(), "{name} has no seed");
    }
}

#[test]
fn seeds_are_read_as_they_are_cut_and_with_each_byte_changed() {
    for (name, target) in TARGETS {
        for seed in &seeds(name) {
            target(seed);
            // A long one at fewer places: this runs with every other test.
            let step = (seed.len() / 16).max(1);
            for at in (0..seed.len()).step_by(step) {
                target(&seed[..at]);
                for change in [0_u8, b'"', 0xff] {
                    let mut damaged = seed.clone();
                    damaged[at] = change;
                    target(&damaged);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
    }
}
