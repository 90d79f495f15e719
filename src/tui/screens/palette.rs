//! The palette: every command by name, fuzzy, its key at the right; arguments complete.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;

use super::audit::AuditScreen;
use super::prompt::{Typing, typing};
use super::report::{Asked, ReportScreen};
use super::when::understood;
use super::word::WordPrompt;
use super::{Act, Answer, Layer, View};
use crate::config::{GroupBy, ViewSettings};
use crate::tui::keymap::{BINDINGS, Binding, Command, Scope, WORDS};
use crate::tui::theme::{BUILT_IN, Role};
use crate::tui::widgets::{Field, Line, Pen, width};
use crate::tui::wish::Wish;
use crate::wire::action::Arm;
use crate::wire::board::Row;
use crate::wire::find::{Known, find};
use crate::wire::{Clean, Span};

/// How many candidates are shown at once.
const SHOWN: usize = 8;
/// How many schools are offered at most.
const FOUND: usize = 40;

/// One thing that can be taken.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    /// What the line becomes when it is completed.
    text: String,
    /// What is said of it.
    help: String,
    /// What it does, in order; nothing where it only completes the line.
    acts: Vec<Act>,
}

/// The palette, over the place whose commands it offers.
#[derive(Debug, Clone, PartialEq)]
pub struct PaletteScreen {
    scope: Scope,
    field: Field,
    chosen: usize,
    found: Vec<Candidate>,
}

impl PaletteScreen {
    /// A palette over `scope` that begins with `text`.
    #[must_use]
    pub fn new(scope: Scope, text: &str, view: &View<'_>) -> Self {
        let mut out = Self { scope, field: Field::with(text), chosen: 0, found: Vec::new() };
        out.search(view);
        out
    }

    fn search(&mut self, view: &View<'_>) {
        self.chosen = 0;
        let text = self.field.text();
        self.found = match text.split_once(' ') {
            Some(("school", name)) => schools(name, view),
            Some(("theme", name)) => themes(name),
            Some(("view", name)) => views(name, view),
            Some(("group", by)) => groups(by),
            Some(("keep", name)) => keep(name),
            Some(("filter", filter)) => vec![Candidate {
                text: text.to_owned(),
                help: "shows only the schools that match".to_owned(),
                acts: vec![Act::Filter(filter.to_owned())],
            }],
            Some(("audit", filter)) => audit(filter, view),
            Some(("at", when)) => at(when, view),
            Some(("diff", moments)) => diff(moments, view),
            Some(("handover", since)) => handover(since, view),
            Some(("report", period)) => figures(period, view),
            Some(("emergency", why)) => emergency(why),
            Some(("arm", rest)) => arm(rest),
            _ => self.commands(view),
        };
    }

    /// What this place knows by name alone, then the words of every place, then what has a key.
    fn commands(&self, view: &View<'_>) -> Vec<Candidate> {
        let words = WORDS.iter().map(|word| Candidate {
            text: word.name.to_owned(),
            help: word.help.to_owned(),
            // What takes something is only completed.
            acts: (word.name == "q").then_some(Act::Run(Command::Quit)).into_iter().collect(),
        });
        // Words stand for these, or they lead here.
        let is_word = |b: &&Binding| {
            !matches!(
                b.command,
                Command::Palette
                    | Command::OpenByName
                    | Command::Filter
                    | Command::Views
                    | Command::Groups
                    | Command::SavedView
            )
        };
        let candidate = |b: &Binding| Candidate {
            text: b.name.to_owned(),
            help: (b.why_not)(view.facts)
                .map_or_else(|| b.help.to_owned(), |why| format!("not now: {why}")),
            acts: vec![Act::Run(b.command)],
        };
        let by_name = view.keymap.by_name(self.scope);
        let by_name = by_name.into_iter().filter(|b| is_word(b)).map(candidate);
        let mut by_key: Vec<_> = view.keymap.here(self.scope).map(|(b, _)| b).collect();
        by_key.retain(|b| is_word(b));
        by_key.sort_by_key(|b| b.scopes.len());
        let all = by_name.chain(words).chain(by_key.into_iter().map(candidate)).collect();
        best(all, self.field.text())
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        match typing(&mut self.field, command) {
            Typing::Left => return Answer::Wants(vec![Act::Close]),
            Typing::Changed => {
                self.search(view);
                return Answer::Consumed;
            }
            Typing::Same => return Answer::Consumed,
            Typing::Done | Typing::Other => {}
        }
        match command {
            Command::NextCandidate => {
                self.chosen = (self.chosen + 1).min(self.found.len().saturating_sub(1));
            }
            Command::PreviousCandidate => self.chosen = self.chosen.saturating_sub(1),
            Command::Complete => self.complete(view),
            Command::Accept => return self.accept(view),
            _ => return Answer::Pass,
        }
        Answer::Consumed
    }

    fn complete(&mut self, view: &View<'_>) {
        if let Some(candidate) = self.found.get(self.chosen) {
            self.field.set(&candidate.text.clone());
            self.search(view);
        }
    }

    fn accept(&mut self, view: &View<'_>) -> Answer {
        match self.found.get(self.chosen).map(|c| c.acts.clone()) {
            Some(acts) if acts.is_empty() => {
                self.complete(view);
                Answer::Consumed
            }
            // What is still missing is said, and the line stays.
            Some(acts) if matches!(acts.as_slice(), [Act::Say(_)]) => Answer::Wants(acts),
            Some(acts) => {
                let close = std::iter::once(Act::Close);
                Answer::Wants(close.chain(acts).collect())
            }
            None => {
                Answer::Wants(vec![Act::Say(format!("nothing is called {:?}", self.field.text()))])
            }
        }
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str, view: &View<'_>) -> Answer {
        self.field.insert(text);
        self.search(view);
        Answer::Consumed
    }

    /// Draws the last lines: candidates, then what is typed.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let (columns, rows) = view.size;
        let room = usize::from(rows.saturating_sub(3)).min(SHOWN);
        // Scrolls with the chosen one.
        let from = (self.chosen + 1).saturating_sub(room);
        let shown: Vec<_> = self.found.iter().enumerate().skip(from).take(room).collect();
        let high = u16::try_from(shown.len().max(1)).unwrap_or(1);
        let top = rows.saturating_sub(high + 2);
        pen.blank(Rect::new(0, top, columns, rows.saturating_sub(top)));
        pen.text(0, top, columns, &"-".repeat(usize::from(columns)), Role::Rule);
        if shown.is_empty() {
            pen.text(3, top + 1, columns, "nothing matches", Role::Quiet);
        }
        for (y, (n, candidate)) in (top + 1..).zip(&shown) {
            let is_chosen = *n == self.chosen;
            let mark = if is_chosen { ">" } else { " " };
            pen.text(0, y, 1, mark, Role::Key);
            let role = if is_chosen { Role::Selected } else { Role::Text };
            let name = 26.min(columns / 2);
            pen.text(2, y, name, candidate.text.trim_end(), role);
            let key = self.key_of(candidate, view);
            let right = columns.saturating_sub(width(&key) + 1);
            let help = right.saturating_sub(name + 4);
            pen.text(name + 3, y, help, &candidate.help, Role::Quiet);
            pen.text(right, y, columns, &key, Role::Key);
        }
        let line = self.field.after(Line::of(" : ", Role::Key), columns);
        pen.line(0, rows.saturating_sub(1), columns, &line);
        if self.found.len() > shown.len() {
            let place = format!("{} of {}, arrows go on", self.chosen + 1, self.found.len());
            let right = columns.saturating_sub(width(&place) + 1);
            if right > line.width() {
                pen.text(right, rows.saturating_sub(1), columns, &place, Role::Quiet);
            }
        }
        shown.len()
    }

    fn key_of(&self, candidate: &Candidate, view: &View<'_>) -> String {
        match candidate.acts.as_slice() {
            [Act::Run(command)] => BINDINGS
                .iter()
                .find(|b| b.command == *command && b.scopes.contains(&self.scope))
                .map(|b| view.keymap.keys_of(b.name))
                .unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// The schools that may be meant, the likeliest first; of equals the worst.
fn schools(said: &str, view: &View<'_>) -> Vec<Candidate> {
    let Some(rows) = view.rows else { return Vec::new() };
    let known = rows.order().iter().filter_map(|n| Some((*n, Known::from(rows.school(*n)?))));
    let found = find(said, known).into_iter().take(FOUND).filter_map(|n| {
        let school = rows.school(n)?;
        Some(Candidate {
            text: format!("school {}", school.name),
            help: format!("{}  {}", school.laestab.spaced(), school.town),
            acts: vec![Act::Page(Row::School(school.laestab))],
        })
    });
    found.collect()
}

/// One candidate, or why there is none.
fn single(text: String, understood: Result<(String, Vec<Act>), String>) -> Vec<Candidate> {
    let (help, acts) = match understood {
        Ok((help, acts)) => (help, acts),
        Err(why) => (why.clone(), vec![Act::Say(why)]),
    };
    vec![Candidate { text, help, acts }]
}

fn audit(filter: &str, view: &View<'_>) -> Vec<Candidate> {
    let understood = AuditScreen::open(filter, view.now).map(|(screen, wish)| {
        let acts = vec![Act::Open(Layer::Audit(Box::new(screen))), Act::Guard(wish)];
        ("entries of the audit that match".to_owned(), acts)
    });
    single(format!("audit {filter}"), understood)
}

fn at(text: &str, view: &View<'_>) -> Vec<Candidate> {
    let understood = understood(text, view.present).map(|(at, words)| (words, vec![Act::Then(at)]));
    single(format!("at {text}"), understood)
}

fn diff(text: &str, view: &View<'_>) -> Vec<Candidate> {
    let understood = ReportScreen::compared(text, view.present).map(|(screen, wish)| {
        let acts = vec![Act::Open(Layer::Report(Box::new(screen))), Act::Guard(wish)];
        ("what became worse, better, was worse meanwhile".to_owned(), acts)
    });
    single(format!("diff {text}"), understood)
}

fn handover(text: &str, view: &View<'_>) -> Vec<Candidate> {
    let since = if text.trim().is_empty() {
        Ok((None, "since the end of your last shift".to_owned()))
    } else {
        understood(text, view.present).map(|(at, words)| (Some(at), words))
    };
    let understood = since.map(|(since, words)| {
        let (screen, wish) = ReportScreen::open(Asked::Handover(since));
        (words, vec![Act::Open(Layer::Report(Box::new(screen))), Act::Guard(wish)])
    });
    single(format!("handover {text}"), understood)
}

fn figures(text: &str, view: &View<'_>) -> Vec<Candidate> {
    let understood = ReportScreen::figures(text, view.clock).map(|(screen, wish)| {
        let acts = vec![Act::Open(Layer::Report(Box::new(screen))), Act::Guard(wish)];
        ("how available, how fresh, how long trouble took".to_owned(), acts)
    });
    single(format!("report {text}"), understood)
}

fn emergency(why: &str) -> Vec<Candidate> {
    let clean = Clean::new(why);
    let understood = if clean.is_empty() {
        Err("and why: everybody is shown it".to_owned())
    } else {
        let prompt = Layer::Word(WordPrompt::emergency(clean));
        Ok(("asks for a word first; then everybody is told".to_owned(), vec![Act::Open(prompt)]))
    };
    single(format!("emergency {why}"), understood)
}

fn arm(rest: &str) -> Vec<Candidate> {
    let (span, why) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let wish = |arm| vec![Act::Guard(Wish::Arm(arm))];
    let understood = match span.parse::<Span>() {
        _ if span == "off" => {
            let arm = Arm { span: None, why: Clean::default() };
            Ok(("closes your actions again".to_owned(), wish(arm)))
        }
        Err(_) => Err("for how long, and why: 15m INC0041233 lock an account; or off".to_owned()),
        Ok(_) if why.trim().is_empty() => Err("and why: it stands in the audit".to_owned()),
        Ok(span) => {
            let arm = Arm { span: Some(span), why: Clean::new(why) };
            Ok((format!("opens your actions for {span}"), wish(arm)))
        }
    };
    single(format!("arm {rest}"), understood)
}

fn views(wanted: &str, view: &View<'_>) -> Vec<Candidate> {
    let named = |(n, saved): (usize, &ViewSettings)| {
        let filter = match saved.filter.as_str() {
            "" => "every school".to_owned(),
            filter => filter.to_owned(),
        };
        let group = match saved.group {
            GroupBy::Nothing => String::new(),
            by => format!(", by {}", by.word()),
        };
        let key = view.keymap.key_at("saved_view", n).map_or(String::new(), |k| format!("{k}  "));
        Candidate {
            text: format!("view {}", saved.name),
            help: format!("{key}{filter}{group}"),
            acts: vec![Act::View(saved.clone())],
        }
    };
    let all: Vec<Candidate> = view.views.iter().enumerate().map(named).collect();
    if all.is_empty() {
        let why = "there is none yet: `:keep NAME` keeps what is shown, [[console.views]] for good";
        return single("view ".to_owned(), Err(why.to_owned()));
    }
    best(all, &if wanted.trim().is_empty() { String::new() } else { format!("view {wanted}") })
}

fn keep(name: &str) -> Vec<Candidate> {
    let name = name.trim();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let understood = if name.is_empty() || name.len() > 32 || !name.chars().all(plain) {
        Err("a name of lower-case letters, digits, _ and -, such as backups".to_owned())
    } else {
        let help = "keeps filter and groups of now, while this console runs".to_owned();
        Ok((help, vec![Act::Keep(name.to_owned())]))
    };
    single(format!("keep {name}"), understood)
}

fn groups(wanted: &str) -> Vec<Candidate> {
    let all = GroupBy::ALL.iter().map(|by| Candidate {
        text: format!("group {}", by.word()),
        help: match by {
            GroupBy::Nothing => "worst first; what is had and what is well folded".to_owned(),
            GroupBy::Service => "by the service of a school's worst cell".to_owned(),
            GroupBy::Incident => "by the open incident that a school is part of".to_owned(),
            by => format!("by {}", by.word()),
        },
        acts: vec![Act::Group(*by)],
    });
    all.filter(|c| c.text.starts_with(&format!("group {}", wanted.trim()))).collect()
}

fn themes(wanted: &str) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = BUILT_IN
        .iter()
        .map(|(name, _)| Candidate {
            text: format!("theme {name}"),
            help: "built in".to_owned(),
            acts: vec![Act::Theme((*name).to_owned())],
        })
        .collect();
    let wanted = wanted.trim();
    if !wanted.is_empty() && !BUILT_IN.iter().any(|(n, _)| n.starts_with(wanted)) {
        all = vec![Candidate {
            text: format!("theme {wanted}"),
            help: "from your own folder".to_owned(),
            acts: vec![Act::Theme(wanted.to_owned())],
        }];
    } else {
        all.retain(|c| c.text.contains(wanted));
    }
    all
}

/// The candidates that match fuzzily, the best first; equal ones keep their order.
fn best(all: Vec<Candidate>, wanted: &str) -> Vec<Candidate> {
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return all;
    }
    let pattern = Pattern::parse(wanted, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut room = Vec::new();
    let mut scored: Vec<(u32, Candidate)> = all
        .into_iter()
        .filter_map(|c| {
            let exact = u32::from(c.text == wanted) * 1_000;
            let score = pattern.score(Utf32Str::new(&c.text, &mut room), &mut matcher)?;
            Some((score + exact, c))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, c)| c).collect()
}
