//! Whom a line of a scenario file means: all, one school, the nth, or a trust.

use toml::Spanned;

use crate::model::ids::Laestab;
use crate::simulators::invented::Invented;

/// Whom a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    All,
    School(Laestab),
    /// The nth school that takes the service, from 1.
    Nth(usize),
    /// Every school that takes the service, of the nth trust that has one, from 1, in the order of
    /// their first schools.
    Trust(usize),
}

/// The keys by which a line says it; at most one of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) school: Option<&'a Spanned<Laestab>>,
    pub(super) nth: Option<&'a Spanned<usize>>,
    pub(super) trust: Option<&'a Spanned<usize>>,
}

impl Keys<'_> {
    /// Whom they mean, and where in the text that stands; an error with its place.
    pub(super) fn whom(self, section: &str) -> Result<(Whom, Option<usize>), (usize, String)> {
        let counted = |n: &Spanned<usize>, key: &str| match *n.get_ref() {
            0 => Err((n.span().start, format!("{section}.{key}: counts from 1"))),
            n => Ok(n),
        };
        let twice = |at: usize, (one, other): (&str, &str)| {
            Err((at, format!("{section}.{other}: write {one} or {other}, not both")))
        };
        match (self.school, self.nth, self.trust) {
            (None, None, None) => Ok((Whom::All, None)),
            (Some(school), None, None) => {
                Ok((Whom::School(*school.get_ref()), Some(school.span().start)))
            }
            (None, Some(n), None) => Ok((Whom::Nth(counted(n, "nth")?), Some(n.span().start))),
            (None, None, Some(n)) => Ok((Whom::Trust(counted(n, "trust")?), Some(n.span().start))),
            (Some(_), Some(n), _) => twice(n.span().start, ("school", "nth")),
            (Some(_), None, Some(n)) => twice(n.span().start, ("school", "trust")),
            (None, Some(_), Some(n)) => twice(n.span().start, ("nth", "trust")),
        }
    }
}

impl Whom {
    /// The schools that are meant in this estate, `None` for all; an error in words where there are
    /// none.
    pub(super) fn among(
        self,
        section: &str,
        service: &str,
        invented: &Invented,
    ) -> Result<Option<Vec<Laestab>>, String> {
        let mut takers = invented.takers(service).map(|(school, _)| school);
        match self {
            Self::All => Ok(None),
            Self::School(l) => match takers.any(|school| school.laestab == l) {
                true => Ok(Some(vec![l])),
                false => Err(format!("{section}.school: no school {l} takes {service} here")),
            },
            Self::Nth(n) => match takers.nth(n.saturating_sub(1)) {
                Some(school) => Ok(Some(vec![school.laestab])),
                None => Err(format!("{section}.nth: fewer than {n} schools take {service} here")),
            },
            Self::Trust(n) => {
                let mut trusts: Vec<&str> = Vec::new();
                for name in invented.takers(service).map(|(s, _)| s.trust.as_str()) {
                    if !name.is_empty() && !trusts.contains(&name) {
                        trusts.push(name);
                    }
                }
                let Some(trust) = trusts.get(n.saturating_sub(1)) else {
                    let why = format!("{section}.trust: fewer than {n} trusts take {service} here");
                    return Err(why);
                };
                let own = takers.filter(|school| school.trust.as_str() == *trust);
                Ok(Some(own.map(|school| school.laestab).collect()))
            }
        }
    }
}
