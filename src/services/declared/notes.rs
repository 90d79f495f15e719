//! Hand-kept notes of user syncs: a small CSV file, one row a school.
//!
//! Who pressed the button and what they wrote about users are names or may hold them: those columns
//! are dropped on reading.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model::ids::Laestab;
use crate::ports::watch::Place;
use crate::services::answer::some_of;
use crate::services::declared::dropped::Folder;

/// Rows that are read; a file of more is no file of notes.
const MAX_ROWS: usize = 50_000;

/// What is noted of one school.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note {
    /// The day of the last sync, if one was noted.
    pub synced_on: Option<Date>,
    /// Duplicates that were left, where the file has such a column.
    pub duplicates: Option<Duplicates>,
    /// How the desk says that the school's syncing stands, where the file has a column `state`.
    pub state: Option<State>,
}

/// How a school's syncing stands, entered by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// `paused`: an approval or a consent of the school is pending.
    Paused,
    /// Another word; it is not kept.
    Unreadable,
}

/// Duplicates that the last sync left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// So many.
    Left(u32),
    /// Something that is no number.
    Unreadable,
}

/// All notes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Noted {
    /// By school.
    pub schools: BTreeMap<Laestab, Note>,
    /// Rows that name no school.
    pub nameless: usize,
    /// Schools with more than one row; the later day counts, and the more duplicates of that day.
    pub doubled: usize,
}

/// A file of notes.
#[derive(Debug, Clone)]
pub struct Notes {
    folder: Folder,
}

impl Notes {
    /// The file, relative to the config file's folder.
    #[must_use]
    pub fn new(base: &Path, file: &Path) -> Self {
        Self { folder: Folder::of_file(base, file) }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.folder.place()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub async fn read(&self, now: Timestamp) -> Result<Noted, String> {
        let file = self.folder.newest(now).await.map_err(|e| e.to_string())?;
        read(&file.text).map_err(|why| format!("file {}: {why}", file.name))
    }
}

impl Noted {
    /// One line for the whole estate.
    #[must_use]
    pub fn in_short(&self) -> String {
        let days = || self.schools.values().filter_map(|n| n.synced_on);
        let (count, oldest, newest) = (days().count(), days().min(), days().max());
        let span = match (oldest, newest) {
            (Some(oldest), Some(newest)) => format!(", from {oldest} to {newest}"),
            _ => String::new(),
        };
        let nameless = match self.nameless {
            0 => String::new(),
            n => format!("; {n} rows name no school"),
        };
        let of = |state: State| {
            let own = self.schools.iter().filter(|(_, note)| note.state == Some(state));
            own.map(|(school, _)| school.to_string()).collect::<Vec<_>>()
        };
        let listed = |schools: Vec<String>, words: &str| match schools.len() {
            0 => String::new(),
            n => format!("; {n} {words} ({})", some_of(&schools, 10)),
        };
        let paused = listed(of(State::Paused), "paused");
        let odd = listed(of(State::Unreadable), "with a state that is not known");
        format!("{count} schools noted{span}{paused}{odd}{nameless}")
    }
}

/// `text` as a file of notes, for fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub fn every_note(text: &str) {
    if let Ok(noted) = read(text) {
        drop(noted.in_short());
    }
}

fn read(text: &str) -> Result<Noted, String> {
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = rows.headers().map_err(|e| format!("header: {}", e_line(&e)))?.clone();
    let column = |name: &str| header.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
    let need = |name: &str| column(name).ok_or_else(|| format!("column {name} is missing"));
    let (school, day) = (need("laestab")?, need("last_synced_on")?);
    let (duplicates, state) = (column("duplicates"), column("state"));
    let mut noted = Noted::default();
    for (n, row) in rows.records().enumerate() {
        if n >= MAX_ROWS {
            return Err(format!("more than {MAX_ROWS} rows"));
        }
        let row = row.map_err(|e| e_line(&e))?;
        let cell = |at: usize| row.get(at).unwrap_or_default().trim();
        let Ok(laestab) = cell(school).parse::<Laestab>() else {
            noted.nameless += 1;
            continue;
        };
        let note = Note {
            synced_on: day_in(cell(day)),
            duplicates: duplicates.and_then(|at| match cell(at) {
                // A school that never synced has nothing in its row.
                "" if cell(day).is_empty() => None,
                value => Some(value.parse().map_or(Duplicates::Unreadable, Duplicates::Left)),
            }),
            state: state.and_then(|at| match cell(at) {
                "" => None,
                word if word.eq_ignore_ascii_case("paused") => Some(State::Paused),
                _ => Some(State::Unreadable),
            }),
        };
        let before = noted.schools.get(&laestab);
        noted.doubled += usize::from(before.is_some());
        if before.is_none_or(|b| rank(b) < rank(&note)) {
            noted.schools.insert(laestab, note);
        }
    }
    Ok(noted)
}

/// The later day wins, then the worse count of its duplicates, then the worse state.
fn rank(note: &Note) -> (Option<Date>, u64, Option<State>) {
    let left = match note.duplicates {
        None => 0,
        Some(Duplicates::Left(n)) => u64::from(n) + 1,
        Some(Duplicates::Unreadable) => u64::MAX,
    };
    (note.synced_on, left, note.state)
}

/// `2027-01-14` or `14/01/2027`, and nothing that is shorter or only looks like one.
fn day_in(text: &str) -> Option<Date> {
    let exact = |form: &str| {
        let day = Date::strptime(form, text).ok()?;
        (day.strftime(form).to_string() == text).then_some(day)
    };
    // A year of two digits would be one of long ago.
    exact("%Y-%m-%d").or_else(|| exact("%d/%m/%Y")).filter(|day| day.year() >= 2000)
}

/// Where a CSV file is wrong, without its content.
fn e_line(e: &csv::Error) -> String {
    match e.position() {
        Some(at) => format!("line {} cannot be read", at.line()),
        None => "it cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prop_assert;

    use super::*;
    use crate::services::declared::tests::damage;

    #[test]
    fn keeps_days_and_counts_and_drops_names() {
        let text = "by,Duplicates,laestab,last_synced_on,result\n\
                    A. Person,3,9990107,2027-01-14,two users of class 4\n\
                    ,,9990101,,\n\
                    x,0,999/0102,14/01/2027,\nx,1,nobody,2027-01-01,\n\
                    x,0,9990107,2026-09-03,\n";
        let noted = read(text).unwrap();
        let of = |n: &str| noted.schools[&n.parse().unwrap()].clone();
        assert_eq!(of("9990107").duplicates, Some(Duplicates::Left(3)));
        assert_eq!(of("9990101"), Note::default());
        assert_eq!(of("9990102").synced_on, Some("2027-01-14".parse().unwrap()));
        assert_eq!((noted.nameless, noted.doubled), (1, 1));
        assert!(!format!("{noted:?}").contains("Person"));
        assert_eq!(
            noted.in_short(),
            "2 schools noted, from 2027-01-14 to 2027-01-14; 1 rows name no school"
        );
        let bad = read(&text.replace("x,0,999/0102", "x,few,999/0102")).unwrap();
        let school = "9990102".parse().unwrap();
        assert_eq!(bad.schools[&school].duplicates, Some(Duplicates::Unreadable));
        let short = read(&text.replace("14/01/2027", "14/01/27")).unwrap();
        assert_eq!(short.schools[&school].synced_on, None, "no day of the year 27");
        for odd in
            ["20270114", "2027-1-14", "2027-01-1", "14/1/2027", "2027-01-14T09:00", "2027-W02-4"]
        {
            assert_eq!(day_in(odd), None, "{odd}");
        }
        assert_eq!(day_in("2027-01-14"), day_in("14/01/2027"));
        assert!(day_in("14/01/2027").is_some());
        assert_eq!(read("by,laestab\n").unwrap_err(), "column last_synced_on is missing");
    }

    #[test]
    fn a_state_is_paused_or_not_known_and_its_words_are_not_kept() {
        let text = "laestab,last_synced_on,State\n9990107,2027-01-14,Paused\n\
                    9990101,,paused\n9990102,2027-01-14,waits for A. Person\n\
                    9990103,2027-01-14,\n9990103,2027-01-14,paused\n9990104,2027-01-02,\n";
        let noted = read(text).unwrap();
        let of = |n: &str| noted.schools[&n.parse().unwrap()].state;
        assert_eq!((of("9990107"), of("9990101")), (Some(State::Paused), Some(State::Paused)));
        assert_eq!((of("9990102"), of("9990104")), (Some(State::Unreadable), None));
        assert_eq!(of("9990103"), Some(State::Paused), "of one day the worse counts");
        assert!(!format!("{noted:?}").contains("Person"));
        assert_eq!(
            noted.in_short(),
            "4 schools noted, from 2027-01-02 to 2027-01-14; 3 paused (9990101, 9990103, \
             9990107); 1 with a state that is not known (9990102)"
        );
    }

    /// The cells of the rows about `school` by the names of their columns, to a second reader: commas and line
    /// ends alone, no quotes.
    fn rows(text: &str, school: &str) -> Vec<BTreeMap<String, String>> {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let cells = |line: &str| line.split(',').map(|c| c.trim().to_owned()).collect::<Vec<_>>();
        let head = cells(&lines.next().unwrap_or_default().to_lowercase());
        let row = |line: &str| -> BTreeMap<String, String> {
            // Of two columns of one name the first counts.
            head.iter().cloned().zip(cells(line)).rev().collect()
        };
        let digits = |cell: &str| cell.chars().filter(char::is_ascii_digit).collect::<String>();
        let ours = |row: &BTreeMap<String, String>| {
            row.get("laestab").is_some_and(|cell| digits(cell) == school)
        };
        lines.map(row).filter(ours).collect()
    }

    #[test]
    fn a_damaged_file_never_tells_a_day_or_a_count_that_stands_in_no_row_of_the_school() {
        let files = [
            include_str!("../purple_mash/examples/notes.csv"),
            include_str!("../just2easy/examples/notes.csv"),
        ];
        let mut told = 0;
        let told = std::cell::RefCell::new(&mut told);
        for file in files {
            damage::holds(file, 1_000, |body| {
                // Whoever quotes may put a line end into a cell.
                let Some(noted) = read(body).ok().filter(|_| !body.contains('"')) else {
                    return Ok(());
                };
                for (school, note) in noted.schools {
                    let rows = rows(body, &school.to_string().replace('/', ""));
                    let has = |name: &str, fits: &dyn Fn(&str) -> bool| {
                        rows.iter().any(|row| row.get(name).is_some_and(|cell| fits(cell)))
                    };
                    if let Some(day) = note.synced_on {
                        **told.borrow_mut() += 1;
                        let (iso, ours) = (day.to_string(), day.strftime("%d/%m/%Y").to_string());
                        let same = |cell: &str| cell == iso || cell == ours;
                        prop_assert!(has("last_synced_on", &same), "{school} {day}\n{body}");
                    }
                    if let Some(Duplicates::Left(n)) = note.duplicates {
                        let same = |cell: &str| cell.parse() == Ok(n);
                        prop_assert!(has("duplicates", &same), "{school} {n}\n{body}");
                    }
                }
                Ok(())
            });
        }
        assert!(**told.borrow() > 500, "many days are still told");
    }
}
