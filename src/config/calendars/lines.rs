//! An iCalendar file as its events, each property with the line on which it begins.
//!
//! Lines are unfolded here, so that an error can name the line of the file; what stands in one is
//! read by the library.

use icalendar::parser::Property;

/// Events that one file may hold; a school's year has some hundreds.
const MAX_EVENTS: usize = 5_000;
/// Components within components: an alarm stands in an event, which stands in the calendar.
const MAX_DEPTH: usize = 4;
/// Properties that one event may hold.
const MAX_PROPERTIES: usize = 200;

/// What is wrong in a file, at a line from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: usize,
    /// The property or key that is meant.
    pub(super) what: String,
    pub(super) found: String,
    pub(super) remedy: &'static str,
}

impl Wrong {
    pub(super) fn new(
        line: usize,
        what: &str,
        found: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self { line, what: what.to_owned(), found: found.into(), remedy }
    }
}

/// A property with the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prop {
    pub(super) line: usize,
    /// In capitals.
    pub(super) name: String,
    pub(super) value: String,
    /// Names in capitals.
    pub(super) params: Vec<(String, String)>,
}

impl Prop {
    /// The value of a parameter.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Event {
    /// The line of its BEGIN.
    pub(super) line: usize,
    pub(super) props: Vec<Prop>,
}

impl Event {
    /// The property of that name, if it stands once.
    ///
    /// # Errors
    /// When it stands twice: which of the two is meant cannot be known.
    pub(super) fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a Prop>, Wrong> {
        let mut found = self.all(name);
        let first = found.next();
        match found.next() {
            Some(second) => Err(Wrong::new(
                second.line,
                name,
                "stands twice in one event",
                "keep one of them, or export the calendar anew",
            )),
            None => Ok(first),
        }
    }

    /// Every property of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Prop> {
        self.props.iter().filter(move |p| p.name == name)
    }
}

/// The events of a file, in its order.
///
/// # Errors
/// When it is no iCalendar file or is cut off.
pub(super) fn events(text: &str) -> Result<Vec<Event>, Wrong> {
    let lines = unfolded(text);
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    for (number, line) in &lines {
        let number = *number;
        if let Some(name) = keyword(line, "BEGIN:") {
            if open.is_empty() && name != "VCALENDAR" {
                return Err(not_a_calendar(number));
            }
            if open.len() >= MAX_DEPTH {
                let found = format!("{name} stands too deep in other components");
                return Err(Wrong::new(number, "BEGIN", found, "export the calendar anew"));
            }
            if name == "VEVENT" && open.len() == 1 {
                if events.len() >= MAX_EVENTS {
                    let found = format!("more than {MAX_EVENTS} events");
                    return Err(Wrong::new(number, "BEGIN", found, "export fewer years"));
                }
                events.push(Event { line: number, props: Vec::new() });
            }
            open.push((name, number));
        } else if let Some(name) = keyword(line, "END:") {
            match open.pop() {
                Some((begun, _)) if begun == name => {}
                other => {
                    let begun = other.map_or("nothing".to_owned(), |(name, _)| name);
                    let found = format!("{name} ends where {begun} is open");
                    return Err(Wrong::new(number, "END", found, "export the calendar anew"));
                }
            }
        } else if open.is_empty() {
            return Err(not_a_calendar(number));
        } else if let (2, Some((kind, _)), Some(event)) =
            (open.len(), open.last(), events.last_mut())
            && kind == "VEVENT"
        {
            if event.props.len() >= MAX_PROPERTIES {
                let found = format!("more than {MAX_PROPERTIES} properties in one event");
                return Err(Wrong::new(number, "VEVENT", found, "export the calendar anew"));
            }
            event.props.push(prop(number, line)?);
        }
    }
    match open.pop() {
        Some((name, line)) => {
            let found = format!("{name} begins here and never ends: the file is cut off");
            Err(Wrong::new(line, "BEGIN", found, "fetch it again"))
        }
        None if lines.is_empty() => Err(not_a_calendar(1)),
        None => Ok(events),
    }
}

fn not_a_calendar(line: usize) -> Wrong {
    Wrong::new(
        line,
        "",
        "this is no iCalendar file: it does not begin with BEGIN:VCALENDAR",
        "name the .ics file itself, not the page that links to it",
    )
}

/// The name after `word`, in capitals.
fn keyword(line: &str, word: &str) -> Option<String> {
    let (head, name) = line.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then(|| name.trim().to_ascii_uppercase())
}

/// Logical lines with the number of the line on which each begins (RFC 5545, 3.1).
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), out.last_mut()) {
            (Some(rest), Some((_, before))) => before.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => out.push((number, line.to_owned())),
        }
    }
    out
}

fn prop(number: usize, line: &str) -> Result<Prop, Wrong> {
    let text = format!("{line}\n");
    let name: String = line.chars().take_while(|c| !matches!(c, ':' | ';')).take(40).collect();
    let wrong = || {
        let found = "is not a property with a name and a value";
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        Wrong::new(number, name.trim(), found, "mend the line, or export the calendar anew")
    };
    // The library is more lenient than the RFC's grammar.
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || !name.chars().all(is_name) || !line.contains(':') {
        return Err(wrong());
    }
    let read = Property::try_from(text.as_str()).map_err(|_| wrong())?;
    let params = read.params.iter().map(|p| {
        let value = p.val.as_ref().map_or("", |v| v.as_str());
        (p.key.as_str().to_ascii_uppercase(), value.trim_matches('"').to_owned())
    });
    Ok(Prop {
        line: number,
        name: read.name.as_str().to_ascii_uppercase(),
        value: read.val.as_str().trim_end_matches(['\r', '\n']).to_owned(),
        params: params.collect(),
    })
}
