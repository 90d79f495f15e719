//! The desk's words: templates whose names are filled with values.

use crate::model::text::Clean;
use crate::ports::tickets::{Letter, Matter};
use crate::tickets::fields::{self, Piece};
use crate::tickets::settings::Wrong;

/// Lines that a letter has at most; what is more is left out, and that is said.
const MOST_LINES: usize = 1_000;

/// What a template can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Place,
    Service,
    Action,
    By,
    Ticket,
    Reason,
}

const NAMES: [(&str, Name); 6] = [
    ("place", Name::Place),
    ("service", Name::Service),
    ("action", Name::Action),
    ("by", Name::By),
    ("ticket", Name::Ticket),
    ("reason", Name::Reason),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Row {
    Pieces(Vec<Piece<Name>>),
    Lines,
}

/// A subject and a text with names in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    subject: Vec<Piece<Name>>,
    body: Vec<Row>,
}

impl Template {
    /// Reads both.
    pub(super) fn new(subject: &str, body: &str) -> Result<Self, Wrong> {
        if subject.contains('\n') || subject.trim().is_empty() {
            return Err(Wrong { key: "subject", why: "write one line".into() });
        }
        let body: Vec<Row> = body.lines().map(row).collect::<Result<_, _>>()?;
        if !body.contains(&Row::Lines) {
            let why = "put {lines} on a line of its own, or a ticket says nothing".into();
            return Err(Wrong { key: "body", why });
        }
        Ok(Self { subject: pieces("subject", subject)?, body })
    }

    /// A letter about `matter`. Values are put in as they are: a `{name}` in one stays text.
    pub(super) fn write(&self, matter: &Matter) -> Letter {
        let mut body = Vec::new();
        for row in &self.body {
            match row {
                Row::Lines => body.extend(matter.lines.iter().cloned()),
                Row::Pieces(pieces) => body.extend(filled(pieces, matter)),
            }
        }
        if body.len() > MOST_LINES {
            let more = body.len() - MOST_LINES;
            body.truncate(MOST_LINES);
            body.push(Clean::new(&format!("and {more} lines more, which are left out")));
        }
        let subject: String = self.subject.iter().map(|piece| text(piece, matter)).collect();
        let subject = Clean::new(subject.trim_matches([' ', ':', ',']));
        Letter { subject, body, about: matter.about() }
    }
}

/// A line; none where one of its names has nothing to give.
fn filled(pieces: &[Piece<Name>], matter: &Matter) -> Option<Clean> {
    let empty = |piece: &Piece<Name>| matches!(piece, Piece::Value(name) if value(*name, matter).is_empty());
    if pieces.iter().any(empty) {
        return None;
    }
    let line: String = pieces.iter().map(|piece| text(piece, matter)).collect();
    Some(Clean::new(&line))
}

fn text<'a>(piece: &'a Piece<Name>, matter: &'a Matter) -> &'a str {
    match piece {
        Piece::Text(text) => text,
        Piece::Value(name) => value(*name, matter).as_str(),
    }
}

fn value(name: Name, matter: &Matter) -> &Clean {
    match name {
        Name::Place => &matter.place,
        Name::Service => &matter.service,
        Name::Action => &matter.action,
        Name::By => &matter.by,
        Name::Ticket => &matter.ticket,
        Name::Reason => &matter.reason,
    }
}

fn row(line: &str) -> Result<Row, Wrong> {
    if line.trim() == "{lines}" {
        return Ok(Row::Lines);
    }
    pieces("body", line).map(Row::Pieces)
}

fn pieces(key: &'static str, line: &str) -> Result<Vec<Piece<Name>>, Wrong> {
    fields::pieces(key, line, &NAMES).map_err(|wrong| {
        let why = format!("{}; and {{lines}} on a line of its own", wrong.why);
        Wrong { why, ..wrong }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matter() -> Matter {
        Matter {
            action: "Ask for a restore".into(),
            place: "Fernhollow Primary (999 1001)".into(),
            service: "Redstor Backup".into(),
            school: "9991001".into(),
            lines: vec!["Data: SIMS".into(), "".into(), "Of: 2026-03-03".into()],
            by: "asha".into(),
            reason: "for J. Smith in 4B".into(),
            ticket: Clean::default(),
        }
    }

    fn lines(letter: &Letter) -> Vec<&str> {
        letter.body.iter().map(Clean::as_str).collect()
    }

    #[test]
    fn a_line_without_its_value_goes_and_the_operators_words_only_come_when_asked_for() {
        let body = "Where: {place}\nOurs: {ticket}\n\n{lines}\nby {by}";
        let letter = Template::new("{service}: {action}", body).unwrap().write(&matter());
        assert_eq!(letter.subject.as_str(), "Redstor Backup: Ask for a restore");
        let wanted = [
            "Where: Fernhollow Primary (999 1001)",
            "",
            "Data: SIMS",
            "",
            "Of: 2026-03-03",
            "by asha",
        ];
        assert_eq!(lines(&letter), wanted);
        assert!(!format!("{letter:?}").contains("Smith"));
        let asks = Template::new("x", "{lines}\nWhy: {reason}").unwrap().write(&matter());
        assert_eq!(lines(&asks).last(), Some(&"Why: for J. Smith in 4B"));
        let none = Matter { service: Clean::default(), ..matter() };
        let letter = Template::new("{service}: {place}", "{lines}").unwrap().write(&none);
        assert_eq!(letter.subject.as_str(), "Fernhollow Primary (999 1001)");
        assert_eq!(Letter::of(&letter.lines(), &letter.about), letter);
    }

    #[test]
    fn a_template_that_cannot_work_is_refused_with_what_would() {
        let why = |subject, body| Template::new(subject, body).unwrap_err().to_string();
        assert!(why("x\ny", "{lines}").contains("one line"));
        assert!(why("", "{lines}").contains("one line"));
        assert!(why("x", "no lines").contains("{lines}"));
        assert!(why("x {pupil}", "{lines}").contains("there is no {pupil}"), "and which there are");
        assert!(why("x", "{lines}\n{by").contains("without its }"));
        let braces = Template::new("{{x} {by}", "{lines}").unwrap().write(&matter());
        assert_eq!(braces.subject.as_str(), "{x} asha");
    }

    #[test]
    fn what_is_too_long_is_cut_and_said_to_be() {
        let lines = vec![Clean::new("x"); MOST_LINES + 5];
        let letter = Template::new("x", "{lines}").unwrap().write(&Matter { lines, ..matter() });
        assert_eq!(letter.body.len(), MOST_LINES + 1);
        assert!(letter.body.last().unwrap().as_str().contains("5 lines more"));
    }

    proptest::proptest! {
        #[test]
        fn a_value_is_never_read_as_a_template_and_never_breaks_a_line(
            place in ".{0,60}", service in ".{0,60}", says in "[{}a-z\r\n%\\\\\"']{0,60}",
        ) {
            let template = Template::new("{service}: {place}", "a {place} b\n{lines}").unwrap();
            let matter = Matter {
                place: Clean::new(&place),
                service: Clean::new(&service),
                lines: vec![Clean::new(&says), Clean::new("{place}")],
                ..Matter::default()
            };
            let letter = template.write(&matter);
            for line in letter.lines() {
                proptest::prop_assert!(!line.as_str().contains(['\r', '\n', '\0']));
            }
            let n = letter.body.len();
            proptest::prop_assert_eq!(letter.body[n - 1].as_str(), "{place}");
            proptest::prop_assert_eq!(&letter.body[n - 2], &Clean::new(&says));
            proptest::prop_assert_eq!(n, if matter.place.is_empty() { 2 } else { 3 });
        }
    }
}
