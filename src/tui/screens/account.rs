//! "Why can this person not sign in?": accounts of a school by a part of a name, and one account.
//!
//! Both only read. Names are masked; showing them asks for a reason, which is recorded first. Found
//! accounts can be marked, to act on several.
//!
//! Invariant: an action opened on the search is about all marked accounts and no other, and every mark
//! is on the screen, those that another search found as well.

use ratatui::layout::Rect;

use super::act::menu::first_key;
use super::act::{Account, Aimed};
use super::prompt::{Typing, typing};
use super::word::WordPrompt;
use super::{Act, Answer, Layer, View, row_name, scroll_on, scrolled};
use crate::tui::keymap::{Command, Scope};
use crate::tui::theme::Role;
use crate::tui::widgets::{Field, Line, Pen, hints, wrap};
use crate::tui::wish::Wish;
use crate::wire::account::{AskAccount, FindAccounts};
use crate::wire::board::Row;
use crate::wire::desk::CellName;
use crate::wire::{AccountPage, Aim, Clean, Hit, Hits, Laestab, lock_word, whose};

/// Letters that a search needs.
const FEWEST: usize = 2;
/// Lines in which what is marked is named.
const MARK_LINES: usize = 3;

/// The search.
#[derive(Debug, Clone, PartialEq)]
pub struct FindScreen {
    school: Laestab,
    /// From which it was opened.
    cell: CellName,
    field: Field,
    /// What was asked for last.
    asked: Option<Box<FindAccounts>>,
    answer: Option<Result<Hits, String>>,
    chosen: usize,
    /// Keys are about the list, not text.
    listing: bool,
    /// In the order in which they were marked.
    marks: Vec<Mark>,
}

/// A marked account.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    account: Account,
    /// Its label is a whole name.
    is_whole: bool,
}

impl FindScreen {
    /// A search in the school of `cell`; none for the estate, which has no accounts of its own.
    #[must_use]
    pub fn new(cell: CellName) -> Option<Self> {
        let Row::School(school) = cell.row else { return None };
        Some(Self {
            school,
            cell,
            field: Field::default(),
            asked: None,
            answer: None,
            chosen: 0,
            listing: false,
            marks: Vec::new(),
        })
    }

    /// Whether keys are about the list of what was found.
    #[must_use]
    pub fn is_listing(&self) -> bool {
        self.listing
    }

    fn part(&self) -> &str {
        self.field.text().trim()
    }

    fn hits(&self) -> &[Hit] {
        match &self.answer {
            Some(Ok(found)) => &found.hits,
            _ => &[],
        }
    }

    /// Whether what is listed is what is typed.
    fn is_current(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.part == self.part())
    }

    fn query(&self) -> FindAccounts {
        let part = self.part().to_owned();
        FindAccounts { school: self.school, part, show: false, why: Clean::default() }
    }

    /// Whether it shows whole names.
    #[must_use]
    pub fn shows(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.show)
            || self.marks.iter().any(|mark| mark.is_whole)
    }

    /// Takes what was found, if it is what it asked for. The cursor stays on its account.
    pub fn heard(&mut self, asked: &FindAccounts, answer: Result<Hits, String>) {
        let mine = asked.school == self.school && asked.part == self.part();
        if !mine {
            return;
        }
        let at = self.hits().get(self.chosen).map(|hit| hit.guid.clone());
        self.asked = Some(Box::new(asked.clone()));
        self.answer = Some(answer);
        let place = self.hits().iter().position(|hit| Some(&hit.guid) == at.as_ref());
        self.chosen = place.unwrap_or_default();
        self.listing &= place.is_some();
        let hits = self.hits().to_vec();
        for mark in &mut self.marks {
            if let Some(hit) = hits.iter().find(|hit| hit.guid == mark.account.guid) {
                *mark = Mark { account: account_of(hit), is_whole: asked.show };
            }
        }
    }

    /// What an action opened here is about: every marked account, or the one at the cursor.
    #[must_use]
    pub fn aimed(&self) -> Option<Aimed> {
        let accounts: Vec<Account> = match self.marks.as_slice() {
            [] => vec![account_of(self.hits().get(self.chosen)?)],
            marks => marks.iter().map(|mark| mark.account.clone()).collect(),
        };
        Some(Aimed { accounts, ..Aimed::cell(self.cell.clone()) })
    }

    /// Something was begun about what is marked.
    pub fn acted(&mut self) {
        self.marks.clear();
    }

    fn is_marked(&self, hit: &Hit) -> bool {
        self.marks.iter().any(|mark| mark.account.guid == hit.guid)
    }

    fn mark(&mut self, hit: &Hit) {
        let is_whole = self.asked.as_ref().is_some_and(|asked| asked.show);
        self.marks.push(Mark { account: account_of(hit), is_whole });
    }

    fn mark_one(&mut self) {
        let Some(hit) = self.hits().get(self.chosen).cloned() else { return };
        if self.is_marked(&hit) {
            self.marks.retain(|mark| mark.account.guid != hit.guid);
        } else {
            self.mark(&hit);
        }
    }

    fn mark_all(&mut self) -> Answer {
        let hits = self.hits().to_vec();
        if hits.iter().all(|hit| self.is_marked(hit)) {
            self.marks.retain(|mark| hits.iter().all(|hit| hit.guid != mark.account.guid));
            return Answer::Consumed;
        }
        for hit in &hits {
            if !self.is_marked(hit) {
                self.mark(hit);
            }
        }
        if matches!(&self.answer, Some(Ok(found)) if found.more) {
            let text = "marked what is listed; there are more: type a longer part".to_owned();
            return Answer::Wants(vec![Act::Say(text)]);
        }
        Answer::Consumed
    }

    /// Takes a command of the list.
    fn list_command(&mut self, command: Command) -> Answer {
        let last = self.hits().len().saturating_sub(1);
        match command {
            Command::Down => self.chosen = (self.chosen + 1).min(last),
            Command::Up if self.chosen == 0 => self.listing = false,
            Command::Up => self.chosen -= 1,
            Command::PageDown | Command::HalfDown => self.chosen = (self.chosen + 10).min(last),
            Command::PageUp | Command::HalfUp => self.chosen = self.chosen.saturating_sub(10),
            Command::Top => self.chosen = 0,
            Command::Bottom => self.chosen = last,
            Command::Mark => self.mark_one(),
            Command::MarkAll => return self.mark_all(),
            Command::Back | Command::Filter => self.listing = false,
            Command::Enter => return self.accept(),
            Command::Reveal => return self.reveal(),
            _ => return Answer::Pass,
        }
        Answer::Consumed
    }

    fn reveal(&self) -> Answer {
        let prompt = WordPrompt::reveal_found(self.query());
        Answer::Wants(vec![Act::Open(Layer::Word(prompt))])
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command) -> Answer {
        if self.listing {
            return self.list_command(command);
        }
        let last = self.hits().len().saturating_sub(1);
        match command {
            Command::NextCandidate => {
                self.listing = self.is_current() && !self.hits().is_empty();
                self.chosen = (self.chosen + usize::from(self.listing)).min(last);
            }
            Command::PreviousCandidate => self.chosen = self.chosen.saturating_sub(1),
            Command::Complete if self.part().chars().count() >= FEWEST => return self.reveal(),
            _ => {
                return match typing(&mut self.field, command) {
                    Typing::Done => self.accept(),
                    Typing::Left => Answer::Wants(vec![Act::Close]),
                    Typing::Changed | Typing::Same => Answer::Consumed,
                    Typing::Other => Answer::Pass,
                };
            }
        }
        Answer::Consumed
    }

    fn accept(&mut self) -> Answer {
        if self.part().chars().count() < FEWEST {
            return Answer::Consumed;
        }
        if !self.is_current() || matches!(self.answer, Some(Err(_))) {
            let asked = Box::new(self.query());
            (self.asked, self.answer) = (Some(asked.clone()), None);
            return Answer::Wants(vec![Act::Guard(Wish::FindAccounts(asked))]);
        }
        let Some(hit) = self.hits().get(self.chosen) else { return Answer::Consumed };
        let Some(screen) = AccountScreen::new(self.school, hit, self.cell.clone()) else {
            let text = format!("{} is no id of an account: nothing can be asked of it", hit.guid);
            return Answer::Wants(vec![Act::Say(text)]);
        };
        let wish = screen.reads();
        Answer::Wants(vec![Act::Open(Layer::Account(Box::new(screen))), Act::Guard(wish)])
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        Answer::Consumed
    }

    /// What stands where hits would, or below them.
    fn said(&self) -> (String, Role) {
        match &self.answer {
            _ if !self.is_current() => (
                "a part of the login, the name or the mail address; two letters or more".into(),
                Role::Quiet,
            ),
            None => ("asking the directory ...".into(), Role::Quiet),
            Some(Err(why)) => (format!("not found out: {why}"), Role::Message),
            Some(Ok(found)) if found.hits.is_empty() => {
                (format!("no account of this school fits, says {}", found.by), Role::Text)
            }
            Some(Ok(found)) if found.more => ("and more: type a longer part".into(), Role::Message),
            Some(Ok(found)) => (format!("as {} has them", found.by), Role::Quiet),
        }
    }

    /// What is marked, those of other searches first named: all of them as far as three lines go.
    fn marked(&self, columns: u16) -> Vec<String> {
        let hits = if self.is_current() { self.hits() } else { &[] };
        let is_listed = |mark: &&Mark| hits.iter().any(|hit| hit.guid == mark.account.guid);
        let (here, elsewhere): (Vec<&Mark>, Vec<&Mark>) = self.marks.iter().partition(is_listed);
        if self.marks.is_empty() {
            return Vec::new();
        }
        let labels = |marks: &[&Mark]| {
            let all: Vec<&str> = marks.iter().map(|mark| mark.account.label.as_str()).collect();
            all.join(", ")
        };
        let n = self.marks.len();
        let words = match (here.as_slice(), elsewhere.as_slice()) {
            (here, []) => format!("{n} marked: {}", labels(here)),
            (here, elsewhere) => {
                let (m, others) = (elsewhere.len(), labels(elsewhere));
                let rest = if here.is_empty() {
                    String::new()
                } else {
                    format!("; in it: {}", labels(here))
                };
                format!("{n} marked, {m} of them not in this list: {others}{rest}")
            }
        };
        let mut lines = wrap(&words, columns.saturating_sub(4));
        let left = lines.len().saturating_sub(MARK_LINES);
        lines.truncate(MARK_LINES);
        if let Some(last) = lines.last_mut().filter(|_| left > 0) {
            last.push_str(" ... ; the plan names all");
        }
        lines
    }

    /// Draws it.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let columns = area.width;
        let names = if self.shows() { "names are shown, and recorded" } else { "names are masked" };
        let title = Line::of(" SIGN-IN   ", Role::Accent)
            .and(row_name(Row::School(self.school), view.rows), Role::Title)
            .and(format!("   {names}; nothing is changed"), Role::Quiet);
        pen.line(0, area.y, columns, &title);
        let hits = if self.is_current() { self.hits() } else { &[] };
        let marked = self.marked(columns);
        let high = u16::try_from(marked.len()).unwrap_or(0);
        let room = usize::from(area.height.saturating_sub(6 + high)).max(1);
        let from = (self.chosen + 1).saturating_sub(room);
        let mut y = area.y + 2;
        for (n, hit) in hits.iter().enumerate().skip(from).take(room) {
            let is_marked = self.is_marked(hit);
            pen.text(0, y, 1, if n == self.chosen { ">" } else { " " }, Role::Key);
            pen.text(1, y, 1, if is_marked { "*" } else { " " }, Role::Marked);
            let line = hit_line(hit, n == self.chosen, is_marked);
            pen.line(2, y, columns.saturating_sub(3), &line);
            y += 1;
        }
        let bottom = area.bottom();
        let top = bottom.saturating_sub(2 + high);
        let (words, role) = self.said();
        for (row, text) in (y..top).zip(wrap(&words, columns.saturating_sub(4))) {
            pen.text(2, row, columns.saturating_sub(3), &text, role);
        }
        for (row, text) in (top..).zip(&marked) {
            pen.text(1, row, columns.saturating_sub(1), text, Role::Marked);
        }
        let head = Line::of(" part of a name > ", Role::Key);
        let line = match self.listing {
            true => head.and(self.field.text(), Role::Prompt),
            false => self.field.after(head, columns),
        };
        pen.line(0, bottom.saturating_sub(2), columns, &line);
        if self.listing {
            let place = (0, bottom.saturating_sub(1), columns, 1);
            hints(pen, place, view.keymap, Scope::Found, view.facts);
            return hits.len().min(room);
        }
        let keys = |name: &str| first_key(view, name);
        let does = if hits.is_empty() { " finds   " } else { " opens   " };
        let hint = Line::of(format!(" {}", keys("accept")), Role::Key)
            .and(does, Role::Quiet)
            .and(keys("next_candidate"), Role::Key)
            .and(" into the list, to mark   ", Role::Quiet)
            .and(keys("complete"), Role::Key)
            .and(" shows names, recorded   ", Role::Quiet)
            .and(keys("cancel"), Role::Key)
            .and(" back", Role::Quiet);
        pen.line(0, bottom.saturating_sub(1), columns, &hint);
        hits.len().min(room)
    }
}

fn account_of(hit: &Hit) -> Account {
    Account { guid: hit.guid.clone(), label: hit.label.clone() }
}

fn hit_line(hit: &Hit, is_chosen: bool, is_marked: bool) -> Line {
    let name = match (is_chosen, is_marked) {
        (true, _) => Role::Selected,
        (false, true) => Role::Marked,
        (false, false) => Role::Text,
    };
    let shut = hit.disabled || hit.locked_out;
    Line::of(format!("{:<28} ", hit.label.as_str()), name)
        .and(format!("{:<9} ", whose(hit.kind)), Role::Text)
        .and(
            format!("{:<11}", lock_word(hit.disabled, hit.locked_out)),
            if shut { Role::Message } else { Role::Text },
        )
        .and(format!("   {}", hit.folder), Role::Quiet)
}

/// One account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountScreen {
    account: Aim,
    /// From which the search was opened.
    cell: CellName,
    label: Clean,
    guid: Clean,
    page: Option<Box<AccountPage>>,
    error: Option<String>,
    /// Its names are whole.
    shows: bool,
    /// Something was begun after it was read.
    is_old: bool,
    scroll: usize,
}

impl AccountScreen {
    fn new(school: Laestab, hit: &Hit, cell: CellName) -> Option<Self> {
        Some(Self {
            account: format!("{school}/guid:{}", hit.guid).parse().ok()?,
            cell,
            label: hit.label.clone(),
            guid: hit.guid.clone(),
            page: None,
            error: None,
            shows: false,
            is_old: false,
            scroll: 0,
        })
    }

    fn reads(&self) -> Wish {
        let account = self.account.clone();
        Wish::Account(Box::new(AskAccount { account, show: false, why: Clean::default() }))
    }

    /// Takes its page, if it is this one's.
    pub fn heard(&mut self, asked: &AskAccount, answer: Result<Box<AccountPage>, String>) {
        if self.account != asked.account {
            return;
        }
        match answer {
            Ok(page) => {
                self.label = page.label.clone();
                (self.page, self.error) = (Some(page), None);
                (self.shows, self.is_old) = (asked.show, false);
            }
            Err(why) => self.error = Some(why),
        }
    }

    /// Something was begun from here: what is shown was read before.
    pub fn acted(&mut self) {
        self.is_old = true;
    }

    /// Whether it shows whole names.
    #[must_use]
    pub fn shows(&self) -> bool {
        self.shows
    }

    /// What an action opened here is about.
    #[must_use]
    pub fn aimed(&self) -> Aimed {
        let account = Account { guid: self.guid.clone(), label: self.label.clone() };
        Aimed { accounts: vec![account], ..Aimed::cell(self.cell.clone()) }
    }

    fn lines(&self, columns: u16) -> Vec<Line> {
        let mut lines = Vec::new();
        let whole = columns.saturating_sub(2);
        let mut sentence = |text: &str, role: Role| {
            lines.extend(
                wrap(text, whole).into_iter().map(|part| Line::of(format!(" {part}"), role)),
            );
        };
        if let Some(why) = &self.error {
            sentence(&format!("not read: {why}"), Role::Message);
        }
        if self.is_old {
            sentence("an action was begun after this was read: read it again", Role::Message);
        }
        let Some(page) = &self.page else {
            if self.error.is_none() {
                sentence("asking the directory and Microsoft 365 ...", Role::Quiet);
            }
            return lines;
        };
        sentence(page.says.as_str(), Role::Title);
        lines.push(Line::default());
        let room = columns.saturating_sub(16);
        for (label, text) in page.rows() {
            let role = if label.starts_with("stops") { Role::Message } else { Role::Text };
            for (n, part) in wrap(&text, room).into_iter().enumerate() {
                let label = if n == 0 { label.as_str() } else { "" };
                lines.push(Line::of(format!(" {label:<13} "), Role::Quiet).and(part, role));
            }
        }
        lines
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        match command {
            Command::Back => Answer::Wants(vec![Act::Close]),
            Command::Refresh => Answer::Wants(vec![
                Act::Guard(self.reads()),
                Act::Say("reading again ...".to_owned()),
            ]),
            Command::Reveal => {
                let prompt = WordPrompt::reveal_account(self.account.clone(), &self.label);
                Answer::Wants(vec![Act::Open(Layer::Word(prompt))])
            }
            Command::Copy => {
                let act = match &self.page {
                    Some(page) => Act::Copy(page.says.to_string()),
                    None => Act::Say("there is no sentence yet".to_owned()),
                };
                Answer::Wants(vec![act])
            }
            _ => {
                let room = usize::from(view.size.1.saturating_sub(4));
                let len = self.lines(view.size.0).len();
                scroll_on(command, &mut self.scroll, len, room)
            }
        }
    }

    /// Draws it.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let names = if self.shows { "names are shown, and recorded" } else { "names are masked" };
        let title = Line::of(" SIGN-IN   ", Role::Accent)
            .and(self.label.as_str(), Role::Title)
            .and(format!("   {names}"), Role::Quiet);
        pen.line(0, area.y, area.width, &title);
        let text = Rect { y: area.y + 2, height: area.height.saturating_sub(3), ..area };
        let built = scrolled(pen, text, &self.lines(area.width), self.scroll);
        let bottom = area.bottom().saturating_sub(1);
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Account, view.facts);
        built
    }
}
