//! "Why can this person not sign in?": accounts of a school by a part of a name, and one account.
//!
//! Both only read. Names are masked; showing them asks for a reason, which is recorded first.

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
}

impl FindScreen {
    /// A search in the school of `cell`; none for the estate, which has no accounts of its own.
    #[must_use]
    pub fn new(cell: CellName) -> Option<Self> {
        let Row::School(school) = cell.row else { return None };
        let field = Field::default();
        Some(Self { school, cell, field, asked: None, answer: None, chosen: 0 })
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
    }

    /// Takes what was found, if it is what it asked for.
    pub fn heard(&mut self, asked: &FindAccounts, answer: Result<Hits, String>) {
        let mine = asked.school == self.school && asked.part == self.part();
        if mine {
            self.asked = Some(Box::new(asked.clone()));
            self.chosen = 0;
            self.answer = Some(answer);
        }
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command) -> Answer {
        let last = self.hits().len().saturating_sub(1);
        match command {
            Command::NextCandidate => self.chosen = (self.chosen + 1).min(last),
            Command::PreviousCandidate => self.chosen = self.chosen.saturating_sub(1),
            Command::Complete if self.part().chars().count() >= FEWEST => {
                let prompt = WordPrompt::reveal_found(self.query());
                return Answer::Wants(vec![Act::Open(Layer::Word(prompt))]);
            }
            _ => {
                return match typing(&mut self.field, command) {
                    Typing::Done => self.accept(),
                    Typing::Left => Answer::Wants(vec![Act::Close]),
                    Typing::Changed => Answer::Consumed,
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

    /// Draws it.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let columns = area.width;
        let names = if self.shows() { "names are shown, and recorded" } else { "names are masked" };
        let title = Line::of(" SIGN-IN   ", Role::Accent)
            .and(row_name(Row::School(self.school), view.rows), Role::Title)
            .and(format!("   {names}; nothing is changed"), Role::Quiet);
        pen.line(0, area.y, columns, &title);
        let hits = if self.is_current() { self.hits() } else { &[] };
        let room = usize::from(area.height.saturating_sub(6)).max(1);
        let from = (self.chosen + 1).saturating_sub(room);
        let mut y = area.y + 2;
        for (n, hit) in hits.iter().enumerate().skip(from).take(room) {
            pen.text(0, y, 1, if n == self.chosen { ">" } else { " " }, Role::Key);
            pen.line(2, y, columns.saturating_sub(3), &hit_line(hit, n == self.chosen));
            y += 1;
        }
        let (words, role) = self.said();
        for (row, text) in
            (y..area.bottom().saturating_sub(2)).zip(wrap(&words, columns.saturating_sub(4)))
        {
            pen.text(2, row, columns.saturating_sub(3), &text, role);
        }
        let bottom = area.bottom();
        let line = Line::of(" part of a name > ", Role::Key)
            .and(self.field.text(), Role::Prompt)
            .and(" ", Role::Cursor);
        pen.line(0, bottom.saturating_sub(2), columns, &line);
        let keys = |name: &str| first_key(view, name);
        let does = if hits.is_empty() { " finds   " } else { " opens   " };
        let hint = Line::of(format!(" {}", keys("accept")), Role::Key)
            .and(does, Role::Quiet)
            .and(format!("{} {}", keys("previous_candidate"), keys("next_candidate")), Role::Key)
            .and(" choose   ", Role::Quiet)
            .and(keys("complete"), Role::Key)
            .and(" shows names, recorded first   ", Role::Quiet)
            .and(keys("cancel"), Role::Key)
            .and(" back", Role::Quiet);
        pen.line(0, bottom.saturating_sub(1), columns, &hint);
        hits.len().min(room)
    }
}

fn hit_line(hit: &Hit, is_chosen: bool) -> Line {
    let name = if is_chosen { Role::Selected } else { Role::Text };
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
        Aimed { account: Some(account), ..Aimed::cell(self.cell.clone()) }
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
