//! Files that somebody drops into a folder: the newest complete one is read.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::csvfile::Slipped;
use super::evaluate::{Evaluator, Picks, check_rows, expressions};
use super::json::told;
use super::reading::{HEALTH, Judged, NUMBER, Reading, Rules};
use super::rows::{Keys, Sorted};
use super::settings::{Asks, Encoding, FileSettings, Format, SameAgain};
use super::strict::Strict;
use super::template::Template;
use super::{Refused, csvfile, refuse, textfile};
use crate::model::ids::Laestab;
use crate::model::observation::{SourceTime, Zone};
use crate::model::text::Clean;
use crate::ports::watch::Place;
use crate::services::answer::Trouble;
use crate::services::declared::dropped::{
    Complete, Decoder, DropSettings, Dropped, Folder, decode,
};
use crate::services::declared::jq::{Program, Row};
use crate::transport::Trace;

/// How values are picked, by format.
enum How {
    Json(Program),
    /// Names within a row, by the columns that they come from.
    Csv(BTreeMap<String, String>),
    /// Names within a row, by the words that stand before them.
    Text(BTreeMap<String, String>),
}

/// What the settings amount to, before any school is known.
pub(super) struct Checked {
    how: How,
    reading: Reading,
    pub(super) pattern: Template,
}

impl Checked {
    /// Whether any file could be bad by what it says, and whether it tells a time of its own.
    pub(super) fn limits(&self) -> (bool, bool) {
        (self.reading.can_be_bad(), self.reading.has_time())
    }
}

/// That the settings make sense for `scope`.
pub(super) fn check(settings: &FileSettings, scope: Asks) -> Result<Checked, Refused> {
    let pattern = settings.drop.pattern.as_deref().unwrap_or("*");
    if pattern.contains('/') {
        return Err(refuse("drop.pattern", "names files, not folders"));
    }
    let pattern = Template::read(pattern).map_err(|why| refuse("drop.pattern", why))?;
    match (scope, pattern.is_fixed()) {
        (Asks::School, true) => {
            let why = "scope is school: a placeholder such as {laestab} must tell the files apart";
            return Err(refuse("drop.pattern", why));
        }
        (Asks::Estate | Asks::Bulk, false) => {
            return Err(refuse("drop.pattern", "placeholders are for scope school"));
        }
        (Asks::School, false) | (Asks::Estate | Asks::Bulk, true) => {}
    }
    if !settings.delimiter.is_ascii() {
        return Err(refuse("delimiter", "must be a plain character such as , or ;"));
    }
    let rules = settings.rules();
    let how = match settings.format {
        Format::Json => {
            let rows = settings.rows.as_deref();
            check_rows(scope, rows, settings.key.as_ref(), true)?;
            let picks = Picks { rules: settings.rules(), key: settings.key.as_ref() };
            let mut program = expressions(&picks)?;
            program.rows.clone_from(&settings.rows);
            How::Json(program)
        }
        Format::Csv => {
            check_rows(scope, settings.rows.as_deref(), settings.key.as_ref(), false)?;
            How::Csv(settings.columns()?)
        }
        Format::Text => {
            if scope == Asks::Bulk || settings.key.is_some() || settings.rows.is_some() {
                return Err(refuse(
                    "format",
                    "a text has no rows: read CSV or JSON for scope bulk",
                ));
            }
            How::Text(settings.words_before()?)
        }
    };
    let as_text = settings.format != Format::Json;
    let reading = Reading::new(&rules, as_text).map_err(|(key, why)| refuse(&key, why))?;
    Ok(Checked { how, reading, pattern })
}

impl FileSettings {
    fn rules(&self) -> Rules<'_> {
        Rules {
            health: self.health.as_ref(),
            time: self.time.as_ref(),
            numbers: &self.numbers,
            detail: self.detail.as_ref(),
            facts: &self.facts,
        }
    }

    fn columns(&self) -> Result<BTreeMap<String, String>, Refused> {
        let picks = Picks { rules: self.rules(), key: self.key.as_ref() };
        picks.check_names()?;
        let mut columns = BTreeMap::new();
        for picked in picks.all() {
            let column = picked.column.filter(|c| !c.trim().is_empty());
            let Some(column) = column.filter(|_| picked.jq.or(picked.after).is_none()) else {
                return Err(refuse(&picked.key, "needs column, and nothing beside it, in CSV"));
            };
            columns.insert(picked.name, column.to_owned());
        }
        Ok(columns)
    }

    fn words_before(&self) -> Result<BTreeMap<String, String>, Refused> {
        let picks = Picks { rules: self.rules(), key: None };
        picks.check_names()?;
        let mut words = BTreeMap::new();
        for picked in picks.all() {
            if picked.jq.or(picked.column).is_some() {
                return Err(refuse(&picked.key, "jq and column are not for a text"));
            }
            if picked.name == HEALTH {
                if self.health.as_ref().is_some_and(|h| h.words.is_none()) {
                    return Err(refuse("health.words", "say which pieces of the text mean what"));
                }
                continue;
            }
            let Some(after) = picked.after.filter(|words| !words.trim().is_empty()) else {
                return Err(refuse(&picked.key, "needs after, the words that stand before it"));
            };
            words.insert(picked.name, after.to_owned());
        }
        Ok(words)
    }

    fn decoder(&self) -> Decoder {
        match self.encoding {
            Encoding::Auto => decode,
            Encoding::Utf8 => utf8,
            Encoding::Utf16 => utf16,
            Encoding::Windows1252 => windows_1252,
        }
    }

    fn complete(&self) -> Complete {
        match (self.format, self.last_line_ends) {
            (Format::Json, _) => Complete::JsonEnds,
            (Format::Csv | Format::Text, true) => Complete::LastLineEnds,
            (Format::Csv | Format::Text, false) => Complete::Settled,
        }
    }
}

fn utf8(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then(|| text.to_owned())
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let encoding = match encoding_rs::Encoding::for_bom(bytes) {
        Some((e, _)) if e == encoding_rs::UTF_16LE || e == encoding_rs::UTF_16BE => e,
        Some(_) => return None,
        None => encoding_rs::UTF_16LE,
    };
    let (text, _, damaged) = encoding.decode(bytes);
    (!damaged && !text.contains('\0')).then(|| text.into_owned())
}

fn windows_1252(bytes: &[u8]) -> Option<String> {
    let (text, damaged) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes);
    (!damaged && !text.contains('\0')).then(|| text.into_owned())
}

/// What was read before: to tell a file that was dropped twice.
struct Before {
    /// Length and a hash of the text.
    text: (usize, u64),
    /// When this text was first seen, and under which name.
    first: (Timestamp, Clean),
}

/// A folder that can be looked into.
pub(super) struct Files {
    /// By school; that of the estate has none.
    folders: BTreeMap<Option<Laestab>, Folder>,
    how: How,
    reading: Reading,
    keys: Option<Keys>,
    settings: FileSettings,
    pub(super) evaluator: Evaluator,
    trace: Option<Trace>,
    before: Mutex<BTreeMap<Option<Laestab>, Before>>,
}

/// A file's rows and where they came from.
struct Read {
    rows: Vec<Row>,
    slipped: Vec<Slipped>,
    file: Dropped,
    same_as: Option<Clean>,
}

impl Files {
    pub(super) fn new(
        (base, settings): (&Path, &FileSettings),
        checked: Checked,
        patterns: BTreeMap<Option<Laestab>, String>,
        keys: Option<Keys>,
        evaluator: Evaluator,
        trace: Option<Trace>,
    ) -> Self {
        let folder = |pattern: &String| {
            let drop = DropSettings { pattern: Some(pattern.clone()), ..settings.drop.clone() };
            Folder::new(base, &drop, "*").reads(settings.complete(), settings.decoder())
        };
        Self {
            folders: patterns.iter().map(|(school, p)| (*school, folder(p))).collect(),
            how: checked.how,
            reading: checked.reading,
            keys,
            settings: settings.clone(),
            evaluator,
            trace,
            before: Mutex::default(),
        }
    }

    /// Where they are, each once.
    pub(super) fn places(&self) -> Vec<Place> {
        let all: BTreeSet<Place> = self.folders.values().map(Folder::place).collect();
        all.into_iter().collect()
    }

    /// The file of one school, or that of the estate.
    pub(super) async fn ask_one(&self, school: Option<Laestab>, now: Timestamp) -> Judged {
        let read = match self.read(school, now).await {
            Ok(read) => read,
            Err(trouble) => return told(&trouble),
        };
        let judged = match read.rows.as_slice() {
            [row] if read.slipped.is_empty() => self.with_time(self.reading.judge(row), &read),
            rows => Judged::unknown(
                crate::model::health::Reason::Malformed,
                format!(
                    "file {} holds {} rows where one is meant",
                    read.file.name,
                    rows.len() + read.slipped.len()
                ),
            ),
        };
        self.onto(judged, &read)
    }

    /// One file for all `schools`.
    pub(super) async fn ask_all(
        &self,
        schools: &BTreeSet<Laestab>,
        now: Timestamp,
    ) -> BTreeMap<Laestab, Judged> {
        let all = |judged: &dyn Fn(Laestab) -> Judged| -> BTreeMap<Laestab, Judged> {
            schools.iter().map(|school| (*school, judged(*school))).collect()
        };
        let read = match self.read(None, now).await {
            Ok(read) => read,
            Err(trouble) => return all(&|_| told(&trouble)),
        };
        let Some(keys) = &self.keys else { return BTreeMap::new() };
        let sorted = Sorted::new((&read.rows, &read.slipped), keys, &self.reading);
        self.evaluator.sorted(&sorted);
        all(&|school| {
            let judged = sorted.of(school, self.settings.several, self.settings.absent);
            self.onto(self.with_time(judged, &read), &read)
        })
    }

    /// Data without a time of its own is as old as its file.
    fn with_time(&self, mut judged: Judged, read: &Read) -> Judged {
        if !self.reading.has_time() {
            judged.source_at = Some(SourceTime { at: read.file.at, zone: read.file.zone });
        }
        judged
    }

    fn onto(&self, judged: Judged, read: &Read) -> Judged {
        let mut judged = judged.fact("file", read.file.name.as_str());
        if let Some(waiting) = &read.file.waiting {
            judged = judged.fact("still being written", waiting.as_str());
        }
        if let Some(same) = &read.same_as {
            judged = judged.fact("holds the same as", same.as_str());
        }
        match read.slipped.len() {
            0 => judged,
            n => judged.fact("rows that cannot be read", n.to_string()),
        }
    }

    async fn read(&self, school: Option<Laestab>, now: Timestamp) -> Result<Read, Trouble> {
        self.evaluator.not_paused(now)?;
        let Some(folder) = self.folders.get(&school) else {
            return Err(Trouble::malformed("no file is named for this school"));
        };
        let found = folder.newest(now).await;
        let mut file = found.map_err(|e| Trouble::new(e.reason(), e.to_string()))?;
        if let Some(trace) = &self.trace {
            trace.note(&format!(
                "file {}, {} characters, of {} ({})",
                file.name,
                file.text.chars().count(),
                file.at,
                if file.zone == Zone::Given { "by its name" } else { "when it last changed" }
            ));
        }
        let same_as = self.same_again(school, &mut file);
        let malformed = |why: String| {
            Trouble::malformed(format!("file {}: {why}", file.name))
                .fact("file", file.name.as_str())
        };
        let (rows, slipped) = match &self.how {
            How::Json(program) => {
                let text = file.text.trim_start_matches('\u{feff}');
                serde_json::from_str::<Strict>(text).map_err(|e| {
                    malformed(format!("line {} is not JSON that can be believed", e.line()))
                })?;
                let evaluated = self.evaluator.apply(program, text.as_bytes(), now).await?;
                let rows = evaluated.rows.map_err(|failed| {
                    malformed(format!("rows cannot be read: {}", failed.why))
                        .fact("rows got", failed.got)
                })?;
                (rows, Vec::new())
            }
            How::Csv(columns) => {
                let delimiter = u8::try_from(self.settings.delimiter).unwrap_or(b',');
                let table = csvfile::read(&file.text, delimiter, columns).map_err(malformed)?;
                (table.rows, table.slipped)
            }
            How::Text(words) => (vec![self.text_row(&file.text, words)], Vec::new()),
        };
        Ok(Read { rows, slipped, file, same_as })
    }

    fn text_row(&self, text: &str, words: &BTreeMap<String, String>) -> Row {
        let mut row: Row = words
            .iter()
            .map(|(name, words)| {
                let found = match name.starts_with(NUMBER) {
                    true => textfile::number_after(text, words),
                    false => textfile::after(text, words),
                };
                (name.clone(), found)
            })
            .collect();
        if let Some(words) = self.reading.words() {
            row.insert(HEALTH.to_owned(), textfile::health(text, words));
        }
        row
    }

    /// The file of which `file` is a copy; where that makes it old, its time is that of the first.
    fn same_again(&self, school: Option<Laestab>, file: &mut Dropped) -> Option<Clean> {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let text = print_of(&file.text);
        let first = match before.get(&school) {
            Some(b) if b.text == text => b.first.clone(),
            _ => (file.at, file.name.clone()),
        };
        let is_copy = first.0 != file.at || first.1 != file.name;
        let known = Before { text, first: first.clone() };
        before.insert(school, known);
        if self.settings.same_again == SameAgain::Old {
            file.at = file.at.min(first.0);
        }
        is_copy.then_some(first.1)
    }
}

/// Tells texts apart without keeping them.
fn print_of(text: &str) -> (usize, u64) {
    let mut hasher = std::hash::DefaultHasher::new();
    text.hash(&mut hasher);
    (text.len(), hasher.finish())
}
