//! Ways in which only one vendor goes wrong, each by a name, put on one school or on all.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Mutex;

use crate::model::ids::Laestab;
use crate::simulators::stage::lock;

/// A way of one vendor's to go wrong.
pub trait Way: Debug + Copy + Ord + 'static {
    /// Every way.
    const ALL: &'static [Self];

    /// Its name in files: `paused_by_flag`.
    #[must_use]
    fn name(self) -> String {
        let mut out = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        }
        out
    }

    /// The way of this name.
    ///
    /// # Errors
    /// When there is none.
    fn named(name: &str) -> Result<Self, UnknownWay> {
        Self::ALL
            .iter()
            .copied()
            .find(|way| way.name() == name.trim())
            .ok_or_else(|| UnknownWay(name.chars().take(40).collect()))
    }
}

/// Why a way was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the vendor has no way to go wrong that is called {0:?}")]
pub struct UnknownWay(String);

/// The ways in force.
pub(super) struct Ways<W>(Mutex<BTreeSet<(Option<Laestab>, W)>>);

impl<W> Default for Ways<W> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<W: Way> Ways<W> {
    /// Puts `way` on `school`, or on all.
    pub(super) fn put(&self, school: Option<Laestab>, way: W) {
        lock(&self.0).insert((school, way));
    }

    /// Takes it away again.
    pub(super) fn take(&self, school: Option<Laestab>, way: W) {
        lock(&self.0).remove(&(school, way));
    }

    /// Whether `way` is put on `school`, or on all.
    pub(super) fn of(&self, school: Laestab, way: W) -> bool {
        let ways = lock(&self.0);
        ways.contains(&(Some(school), way)) || ways.contains(&(None, way))
    }

    /// Whether `way` is put on all.
    pub(super) fn everywhere(&self, way: W) -> bool {
        lock(&self.0).contains(&(None, way))
    }

    /// The ways in force, to see whether a file must be written anew.
    pub(super) fn in_words(&self) -> String {
        format!("{:?}", lock(&self.0))
    }
}

#[cfg(test)]
pub(super) fn names_are_their_own<W: Way>(known: &[&str]) {
    let names: BTreeSet<String> = W::ALL.iter().map(|w| w.name()).collect();
    assert_eq!(names.len(), W::ALL.len(), "none twice");
    for way in W::ALL {
        assert_eq!(W::named(&way.name()), Ok(*way));
    }
    for name in known {
        assert!(names.contains(*name), "{name}");
    }
    assert!(W::named("no_such_way").is_err() && W::named("").is_err());
}
