//! The places where others leave files for us: what stands there is believed.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::app::setup::Prepared;
use crate::cli::doctor::{Area, Finding};
use crate::ports::watch::Place;
use crate::sys::{account_name, group_name};

/// Permission of everybody to write.
const ANYBODY: u32 = 0o002;
/// Permission of the group to write.
const GROUP: u32 = 0o020;
/// Only who owns an entry may take it away or put another in its place.
const STICKY: u32 = 0o1000;

/// Looks at every place once. Blocking.
pub fn all(prepared: &Prepared) -> Vec<Finding> {
    let mut places: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    for watch in &prepared.watches {
        let service = watch.describe().key.to_string();
        for place in watch.places() {
            let services = places.entry(place).or_default();
            if !services.contains(&service) {
                services.push(service.clone());
            }
        }
    }
    places.iter().flat_map(|(place, services)| judged(place, &services.join(", "))).collect()
}

fn judged(place: &Place, services: &str) -> Vec<Finding> {
    let Place { folder, file } = place;
    let subject = |path: &Path| format!("{} ({services})", path.display());
    let own = subject(folder);
    let about = match std::fs::read_dir(folder).and_then(|_| folder.metadata()) {
        Ok(about) => about,
        Err(e) => {
            let remedy = format!(
                "run: install -d -m 750 {0}, give it to whoever leaves files there and let the \
                 agent's account read it; or mend the path in the configuration",
                folder.display()
            );
            let text = format!("cannot be looked into: {e}");
            return vec![Finding::error(Area::Files, &own, text, remedy)];
        }
    };
    let mut out = vec![of_folder(&own, folder, &about)];
    // Whoever can write to the folder above can put another one in its place.
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some((above, mode)) = above.and_then(|a| Some((a, a.metadata().ok()?.mode())))
        && mode & ANYBODY != 0
        && mode & STICKY == 0
    {
        out.push(open_to_all(&subject(above), above, mode));
    }
    if let Some((file, about)) = file.as_ref().and_then(|f| Some((f, f.metadata().ok()?)))
        && about.mode() & ANYBODY != 0
    {
        out.push(open_to_all(&subject(file), file, about.mode()));
    }
    out
}

fn of_folder(subject: &str, folder: &Path, about: &Metadata) -> Finding {
    let mode = about.mode();
    if mode & ANYBODY != 0 {
        return open_to_all(subject, folder, mode);
    }
    let us = rustix::process::geteuid().as_raw();
    let mut others = Vec::new();
    if about.uid() != us && about.uid() != 0 {
        let name = account_name(about.uid()).unwrap_or_else(|| format!("uid {}", about.uid()));
        others.push(format!("its owner {name}"));
    }
    if mode & GROUP != 0 {
        let name = group_name(about.gid()).unwrap_or_else(|| format!("gid {}", about.gid()));
        others.push(format!("its group {name}"));
    }
    let mode = mode & 0o7777;
    let text = match others.is_empty() {
        true => {
            return Finding::ok(
                Area::Files,
                subject,
                format!("only its owner can write to it ({mode:04o})"),
            );
        }
        false => format!(
            "{} can write to it ({mode:04o}): what they leave is believed",
            others.join(" and ")
        ),
    };
    Finding::note(Area::Files, subject, text)
}

fn open_to_all(subject: &str, path: &Path, mode: u32) -> Finding {
    let text = format!(
        "anybody on this host can write to it (mode {:04o}), and what stands there is believed",
        mode & 0o7777
    );
    Finding::error(Area::Files, subject, text, format!("run: chmod o-w {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::cli::doctor::Severity;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_place_that_anybody_can_write_to_is_told_with_the_command_that_mends_it() {
        let root = tempfile::tempdir().unwrap();
        let (above, folder) = (root.path().join("a"), root.path().join("a/drop"));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("loads.json");
        std::fs::write(&file, "[]").unwrap();
        let place = Place { folder: folder.clone(), file: Some(file.clone()) };
        for (of_above, of_folder, of_file, wrong) in [
            (0o755, 0o750, 0o644, None),
            (0o755, 0o777, 0o644, Some(&folder)),
            (0o755, 0o1777, 0o644, Some(&folder)),
            (0o755, 0o750, 0o666, Some(&file)),
            (0o777, 0o750, 0o644, Some(&above)),
            (0o1777, 0o750, 0o644, None),
        ] {
            chmod(&above, of_above);
            chmod(&folder, of_folder);
            chmod(&file, of_file);
            let found = judged(&place, "groupcall");
            let bad: Vec<&Finding> =
                found.iter().filter(|f| f.severity >= Severity::Warning).collect();
            let remedies: Vec<&str> = bad.iter().filter_map(|f| f.remedy.as_deref()).collect();
            let wanted: Vec<String> =
                wrong.iter().map(|p| format!("run: chmod o-w {}", p.display())).collect();
            assert_eq!(remedies, wanted, "{of_above:o} {of_folder:o} {of_file:o}");
            assert!(bad.iter().all(|f| f.severity == Severity::Error), "{bad:?}");
        }
        chmod(&folder, 0o770);
        let found = judged(&place, "groupcall");
        assert_eq!(found[0].severity, Severity::Note, "a group that leaves files is usual");
        assert!(found[0].text.contains("its group"), "{found:?}");
        chmod(&folder, 0o700);
        assert_eq!(judged(&place, "groupcall")[0].severity, Severity::Ok);
        let gone = Place { folder: root.path().join("nowhere"), file: None };
        assert_eq!(judged(&gone, "groupcall")[0].severity, Severity::Error);
        assert_eq!(judged(&Place { folder: file, file: None }, "x")[0].severity, Severity::Error);
    }
}
