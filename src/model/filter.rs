//! The one filter language. Exact: what a filter shows does not depend on how it is ranked.
//!
//! `gc:c age>2d has:nobody kind:primary oak`: every term must hold. Bare words match by substring
//! in name, LAESTAB and postcode; a minus before a term turns it round; quotes keep a text whole.
//! Terms about cells speak of the same cell: `gc:c age>2d` is a critical Groupcall for more than
//! two days. Exact everywhere: fuzziness may rank what was matched, never match by itself.

use std::fmt;

use crate::model::health::Health;
use crate::model::span::Span;
use crate::model::text::Clean;

/// The most terms of a filter.
const MAX_TERMS: usize = 24;
/// The longest value of a term, in characters.
const MAX_VALUE: usize = 60;
/// The keys that are not a service's.
const KEYS: &[&str] =
    &["health", "age", "has", "kind", "town", "la", "trust", "postcode", "pupils"];

/// What one cell tells a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellFacts<'a> {
    /// The service's key.
    pub service: &'a str,
    /// Its two letters.
    pub code: &'a str,
    /// Health as judged.
    pub health: Health,
    /// Seconds since the trouble began.
    pub age_s: Option<u64>,
    /// Who has it.
    pub by: Option<&'a str>,
    /// Whether it only follows from another cell.
    pub follows: bool,
}

/// What a row tells a filter. Texts are empty where nothing is known.
pub trait Subject {
    /// Name.
    fn name(&self) -> &str;
    /// LAESTAB, seven digits.
    fn laestab(&self) -> u32;
    /// Phase of education.
    fn kind(&self) -> &str;
    /// Town.
    fn town(&self) -> &str;
    /// Trust.
    fn trust(&self) -> &str;
    /// Postcode.
    fn postcode(&self) -> &str;
    /// Pupils on roll.
    fn pupils(&self) -> Option<u32>;
    /// The cell of a column; `None` past the last.
    fn cell(&self, column: usize) -> Option<CellFacts<'_>>;
}

/// Who should have a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Has {
    /// Trouble of its own that nobody has.
    Nobody,
    /// Somebody, whoever it is.
    Somebody,
    /// An operator whose account contains this.
    Name(String),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// Substring of name, LAESTAB or postcode.
    Word(String),
    /// A service, by key or by its letters, stands in one of these.
    Service(String, Vec<Health>),
    /// Some cell stands in one of these.
    Health(Vec<Health>),
    /// Trouble older (`true`) or younger than this.
    Age(bool, Span),
    /// Who has it.
    Has(Has),
    /// Substring of the phase.
    Kind(String),
    /// Substring of the town.
    Town(String),
    /// Substring of the trust.
    Trust(String),
    /// Substring of the postcode.
    Postcode(String),
    /// The LA code.
    La(u16),
    /// More (`true`) or fewer pupils than this.
    Pupils(bool, u32),
}

/// A filter: every term holds. The empty one matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    terms: Vec<(bool, Term)>,
}

/// Why a filter was refused; names the term and what would be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{term}`: {why}")]
pub struct FilterError {
    /// The term as written.
    pub term: String,
    /// What is wrong and what to write.
    pub why: String,
}

fn error(term: &str, why: impl Into<String>) -> FilterError {
    FilterError { term: Clean::new(term).as_str().chars().take(40).collect(), why: why.into() }
}

/// One written term: turned round, key with its operator, value.
struct Written {
    not: bool,
    key: Option<(String, char)>,
    value: String,
    raw: String,
}

fn split(text: &str) -> Vec<Written> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&first) = chars.peek() {
        if first.is_whitespace() {
            chars.next();
            continue;
        }
        let (mut raw, mut value, mut key, mut quoted, mut was_quoted) =
            (String::new(), String::new(), None, false, false);
        let mut not = false;
        while let Some(&c) = chars.peek() {
            if c.is_whitespace() && !quoted {
                break;
            }
            chars.next();
            if c == '-' && raw.is_empty() && chars.peek().is_some_and(|n| !n.is_whitespace()) {
                not = true;
                raw.push(c);
                continue;
            }
            raw.push(c);
            match c {
                '"' => (quoted, was_quoted) = (!quoted, true),
                ':' | '<' | '>' if !quoted && key.is_none() && !was_quoted && !value.is_empty() => {
                    key = Some((std::mem::take(&mut value), c));
                }
                _ => value.push(c),
            }
        }
        out.push(Written { not, key, value: Clean::new(&value).as_str().to_lowercase(), raw });
    }
    out
}

/// The healths of `c,w`, `critical`, `bad`; letters as on the board, `.` ok and `-` not taken.
fn healths(written: &Written) -> Result<Vec<Health>, FilterError> {
    let mut out = Vec::new();
    for word in written.value.split(',') {
        let more: &[Health] = match word {
            "c" | "critical" => &[Health::Critical],
            "u" | "unknown" => &[Health::Unknown],
            "w" | "warning" => &[Health::Warning],
            "." | "o" | "ok" => &[Health::Ok],
            "-" | "none" | "not_subscribed" => &[Health::NotSubscribed],
            "bad" => &[Health::Critical, Health::Unknown, Health::Warning],
            _ => {
                let why = format!("{word:?} is not a health; write c, u, w, ok, none or bad");
                return Err(error(&written.raw, why));
            }
        };
        for health in more {
            if !out.contains(health) {
                out.push(*health);
            }
        }
    }
    Ok(out)
}

fn term(written: &Written) -> Result<Term, FilterError> {
    let raw = &written.raw;
    if written.value.is_empty() {
        return Err(error(raw, "needs a value"));
    }
    if written.value.chars().count() > MAX_VALUE {
        return Err(error(raw, format!("is longer than {MAX_VALUE} characters")));
    }
    let Some((key, op)) = &written.key else { return Ok(Term::Word(written.value.clone())) };
    let key = key.to_lowercase();
    let value = written.value.clone();
    let compared = matches!(key.as_str(), "age" | "pupils");
    if compared == (*op == ':') && KEYS.contains(&key.as_str()) {
        let want = if compared { "is compared with < or >" } else { "is written with a colon" };
        return Err(error(raw, format!("`{key}` {want}")));
    }
    match key.as_str() {
        "health" => Ok(Term::Health(healths(written)?)),
        "age" => {
            let span = value.parse::<Span>().map_err(|e| error(raw, e.to_string()))?;
            Ok(Term::Age(*op == '>', span))
        }
        "pupils" => {
            let n = value.parse().map_err(|_| error(raw, "needs a whole number"))?;
            Ok(Term::Pupils(*op == '>', n))
        }
        "has" => Ok(Term::Has(match value.as_str() {
            "nobody" => Has::Nobody,
            "somebody" => Has::Somebody,
            _ => Has::Name(value),
        })),
        "kind" => Ok(Term::Kind(value)),
        "town" => Ok(Term::Town(value)),
        "trust" => Ok(Term::Trust(value)),
        "postcode" => Ok(Term::Postcode(value)),
        "la" => match value.parse() {
            Ok(code @ 100..=999) => Ok(Term::La(code)),
            _ => Err(error(raw, "an LA code has three digits")),
        },
        _ if *op == ':' && is_word(&key) => Ok(Term::Service(key, healths(written)?)),
        _ => Err(error(
            raw,
            format!("there is no term `{key}`; there are {}, and services", KEYS.join(", ")),
        )),
    }
}

fn is_word(key: &str) -> bool {
    (1..=32).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The first term that is not understood, and what would be.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let written = split(text);
        if let Some(last) = written.get(MAX_TERMS) {
            return Err(error(&last.raw, format!("a filter has at most {MAX_TERMS} terms")));
        }
        let terms = written.iter().map(|w| Ok((w.not, term(w)?))).collect::<Result<_, _>>()?;
        Ok(Self { terms })
    }

    /// Whether everything matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The error of the first service term whose service `known` (key or letters) does not know.
    ///
    /// # Errors
    /// When there is such a term.
    pub fn check_services(&self, known: impl Fn(&str) -> bool) -> Result<(), FilterError> {
        for (_, t) in &self.terms {
            if let Term::Service(name, _) = t
                && !known(name)
            {
                let why =
                    format!("there is no service or term `{name}`; terms are {}", KEYS.join(", "));
                return Err(error(&format!("{name}:"), why));
            }
        }
        Ok(())
    }

    /// Whether a row matches. Costs one look at each cell per term about cells.
    pub fn matches(&self, row: &impl Subject) -> bool {
        let wanted = |n: bool| self.terms.iter().filter(move |(not, _)| *not == n).map(|(_, t)| t);
        if wanted(true).any(|t| holds_alone(t, row)) || !wanted(false).all(|t| row_holds(t, row)) {
            return false;
        }
        let about: Vec<&Term> = wanted(false)
            .filter(|t| matches!(t, Term::Health(_) | Term::Age(..) | Term::Has(_)))
            .collect();
        let some_cell = |service: Option<&Term>| {
            cells(row).any(|c| {
                service.is_none_or(|s| cell_holds(s, &c)) && about.iter().all(|t| cell_holds(t, &c))
            })
        };
        let mut services = wanted(false).filter(|t| matches!(t, Term::Service(..))).peekable();
        if services.peek().is_some() {
            services.all(|s| some_cell(Some(s)))
        } else {
            about.is_empty() || some_cell(None)
        }
    }

    /// What the filter says, in words; `label` gives a service its displayed name.
    #[must_use]
    pub fn words(&self, label: impl Fn(&str) -> String) -> String {
        if self.is_empty() {
            return "everything".to_owned();
        }
        let say = |(not, t): &(bool, Term)| {
            let text = in_words(t, &label);
            if *not { format!("not ({text})") } else { text }
        };
        self.terms.iter().map(say).collect::<Vec<_>>().join(", ")
    }
}

fn cells<'a>(row: &'a impl Subject) -> impl Iterator<Item = CellFacts<'a>> {
    (0..).map_while(|n| row.cell(n))
}

fn holds_alone(t: &Term, row: &impl Subject) -> bool {
    match t {
        Term::Service(..) | Term::Health(_) | Term::Age(..) | Term::Has(_) => {
            cells(row).any(|c| cell_holds(t, &c))
        }
        Term::Word(_)
        | Term::Kind(_)
        | Term::Town(_)
        | Term::Trust(_)
        | Term::Postcode(_)
        | Term::La(_)
        | Term::Pupils(..) => row_holds(t, row),
    }
}

fn row_holds(t: &Term, row: &impl Subject) -> bool {
    match t {
        Term::Word(w) => {
            contains(row.name(), w)
                || format!("{:07}", row.laestab()).contains(w.as_str())
                || contains(row.postcode(), w)
        }
        Term::Kind(w) => contains(row.kind(), w),
        Term::Town(w) => contains(row.town(), w),
        Term::Trust(w) => contains(row.trust(), w),
        Term::Postcode(w) => contains(row.postcode(), w),
        Term::La(code) => row.laestab() / 10_000 == u32::from(*code),
        Term::Pupils(more, n) => row.pupils().is_some_and(|p| if *more { p > *n } else { p < *n }),
        Term::Service(..) | Term::Health(_) | Term::Age(..) | Term::Has(_) => true,
    }
}

fn cell_holds(t: &Term, cell: &CellFacts<'_>) -> bool {
    match t {
        Term::Service(name, healths) => {
            (cell.service == name || cell.code.eq_ignore_ascii_case(name))
                && healths.contains(&cell.health)
        }
        Term::Health(healths) => healths.contains(&cell.health),
        Term::Age(more, span) => {
            let longer = |age: u64| if *more { age > span.as_secs() } else { age < span.as_secs() };
            cell.health.is_trouble() && cell.age_s.is_some_and(longer)
        }
        Term::Has(Has::Nobody) => cell.health.is_trouble() && cell.by.is_none() && !cell.follows,
        Term::Has(Has::Somebody) => cell.by.is_some(),
        Term::Has(Has::Name(name)) => cell.by.is_some_and(|by| contains(by, name)),
        Term::Word(_)
        | Term::Kind(_)
        | Term::Town(_)
        | Term::Trust(_)
        | Term::Postcode(_)
        | Term::La(_)
        | Term::Pupils(..) => true,
    }
}

/// Whether `hay` holds `needle`, which is in lower case.
fn contains(hay: &str, needle: &str) -> bool {
    if hay.is_ascii() && needle.is_ascii() {
        let (hay, needle) = (hay.as_bytes(), needle.as_bytes());
        return hay.windows(needle.len().max(1)).any(|w| w.eq_ignore_ascii_case(needle));
    }
    hay.to_lowercase().contains(needle)
}

fn in_words(t: &Term, label: &impl Fn(&str) -> String) -> String {
    let or = |list: &[Health]| {
        list.iter().map(|h| h.word().replace('_', " ")).collect::<Vec<_>>().join(" or ")
    };
    match t {
        Term::Word(w) => format!("has \"{w}\""),
        Term::Service(name, h) => format!("{} {}", label(name), or(h)),
        Term::Health(h) => format!("a service {}", or(h)),
        Term::Age(true, span) => format!("for more than {span}"),
        Term::Age(false, span) => format!("for less than {span}"),
        Term::Has(Has::Nobody) => "nobody has it".to_owned(),
        Term::Has(Has::Somebody) => "somebody has it".to_owned(),
        Term::Has(Has::Name(name)) => format!("{name} has it"),
        Term::Kind(w) => format!("of kind \"{w}\""),
        Term::Town(w) => format!("in \"{w}\""),
        Term::Trust(w) => format!("of trust \"{w}\""),
        Term::Postcode(w) => format!("postcode has \"{w}\""),
        Term::La(code) => format!("of LA {code}"),
        Term::Pupils(true, n) => format!("more than {n} pupils"),
        Term::Pupils(false, n) => format!("fewer than {n} pupils"),
    }
}

/// A value as it must be written to be read back: quoted where it could be taken for something else.
fn quoted(value: &str) -> String {
    let plain = !value.starts_with('-')
        && !value.chars().any(|c| c.is_whitespace() || matches!(c, ':' | '<' | '>' | '"'));
    if plain { value.to_owned() } else { format!("\"{value}\"") }
}

fn letters(list: &[Health]) -> String {
    let letter = |h: &Health| match h {
        Health::Critical => "c",
        Health::Unknown => "u",
        Health::Warning => "w",
        Health::Ok => ".",
        Health::NotSubscribed => "-",
    };
    list.iter().map(letter).collect::<Vec<_>>().join(",")
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = |more: bool| if more { '>' } else { '<' };
        match self {
            Self::Word(w) => f.write_str(&quoted(w)),
            Self::Service(name, h) => write!(f, "{name}:{}", letters(h)),
            Self::Health(h) => write!(f, "health:{}", letters(h)),
            Self::Age(more, span) => write!(f, "age{}{span}", sign(*more)),
            Self::Has(Has::Nobody) => f.write_str("has:nobody"),
            Self::Has(Has::Somebody) => f.write_str("has:somebody"),
            Self::Has(Has::Name(w)) => write!(f, "has:{}", quoted(w)),
            Self::Kind(w) => write!(f, "kind:{}", quoted(w)),
            Self::Town(w) => write!(f, "town:{}", quoted(w)),
            Self::Trust(w) => write!(f, "trust:{}", quoted(w)),
            Self::Postcode(w) => write!(f, "postcode:{}", quoted(w)),
            Self::La(code) => write!(f, "la:{code}"),
            Self::Pupils(more, n) => write!(f, "pupils{}{n}", sign(*more)),
        }
    }
}

impl fmt::Display for Filter {
    /// The shortest writing that is read back as the same filter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (not, t)) in self.terms.iter().enumerate() {
            let (gap, minus) = (if n > 0 { " " } else { "" }, if *not { "-" } else { "" });
            write!(f, "{gap}{minus}{t}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row {
        name: &'static str,
        cells: Vec<CellFacts<'static>>,
    }
    impl Subject for Row {
        fn name(&self) -> &str {
            self.name
        }
        fn laestab(&self) -> u32 {
            9_992_041
        }
        fn kind(&self) -> &str {
            "Primary"
        }
        fn town(&self) -> &str {
            "Stow Green"
        }
        fn trust(&self) -> &str {
            ""
        }
        fn postcode(&self) -> &str {
            "ZZ9 1AB"
        }
        fn pupils(&self) -> Option<u32> {
            Some(214)
        }
        fn cell(&self, column: usize) -> Option<CellFacts<'_>> {
            self.cells.get(column).copied()
        }
    }
    fn row() -> Row {
        let cell = |service, code, health, age_s, by| CellFacts {
            service,
            code,
            health,
            age_s: Some(age_s),
            by,
            follows: false,
        };
        Row {
            name: "Éclat Oak Primary",
            cells: vec![
                cell("groupcall", "GC", Health::Critical, 3 * 86_400, None),
                cell("redstor", "RS", Health::Warning, 3_600, Some("asha")),
                cell("smoothwall", "SW", Health::Ok, 900_000, None),
            ],
        }
    }

    #[test]
    fn every_term_must_hold_and_cell_terms_speak_of_one_cell() {
        for yes in [
            "",
            "oak",
            "ÉCLAT",
            "2041",
            "zz9",
            "gc:c",
            "GC:bad age>2d",
            "groupcall:c has:nobody",
            "rs:w age<2h has:ash",
            "gc:c rs:w",
            "kind:prim la:999",
            "town:\"stow green\"",
            "-gc:ok",
            "-has:tomr",
            "pupils>200 pupils<215",
            "health:w has:somebody",
            "sw:.,c",
        ] {
            assert!(Filter::parse(yes).unwrap().matches(&row()), "{yes}");
        }
        for no in [
            "elm",
            "gc:w",
            "rs:w age>2d",
            "rs:w has:nobody",
            "gc:c rs:c",
            "health:ok age>1d",
            "-oak",
            "la:998",
            "-gc:c",
            "has:tomr",
            "pupils>214",
            "gc:c has:asha",
            "\"gc:c\"",
        ] {
            assert!(!Filter::parse(no).unwrap().matches(&row()), "{no}");
        }
    }

    #[test]
    fn a_bad_term_is_explained() {
        for (text, part) in [
            ("gc:x", "not a health"),
            ("age>soon", "not a duration"),
            ("age:2d", "compared"),
            ("kind>2", "colon"),
            ("nonsense>1", "no term"),
            ("la:12", "three digits"),
            ("town:", "needs a value"),
            ("\"\"", "needs a value"),
        ] {
            let said = Filter::parse(text).unwrap_err().to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
        let service = Filter::parse("qq:c").unwrap();
        assert!(service.check_services(|s| s == "gc").is_err());
        assert!(service.check_services(|s| s == "qq").is_ok());
        assert!(Filter::parse(&"a ".repeat(25)).is_err());
    }

    #[test]
    fn says_itself_back_in_words() {
        let filter = Filter::parse("gc:c,u age>2d -has:nobody oak").unwrap();
        assert_eq!(
            filter.words(|_| "Groupcall".to_owned()),
            "Groupcall critical or unknown, for more than 2d, not (nobody has it), has \"oak\""
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,300}") {
            if let Ok(filter) = Filter::parse(&text) {
                filter.matches(&row());
                proptest::prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
        }

        #[test]
        fn what_is_printed_reads_the_same(terms in proptest::collection::vec(
            "(-)?(gc:(c|w|bad|c,u)|age[<>][0-9]{1,4}[smhd]|has:(nobody|\"[a-zİΣ :-]{1,9}\"|x)\
             |(kind|town|trust|postcode):\"?[-a-zß<>:]{1,9}|la:[1-9][0-9]{2}|pupils>[0-9]{1,4}|\"?[-:<a-z]{1,9})", 0..8))
        {
            if let Ok(filter) = Filter::parse(&terms.join(" ")) {
                proptest::prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
        }
    }
}
