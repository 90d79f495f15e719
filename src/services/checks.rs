//! The checks of one service while they are described: ids, tuning, and tuning that would do
//! nothing.

use std::collections::BTreeMap;

use crate::model::check::{AgeRule, CheckSpec, Edge, Runs, Scope, ServiceSpec};
use crate::model::ids::ServiceKey;
use crate::model::span::Span;
use crate::services::{CheckTuning, ServiceError, check_id, only_known, tuned};

/// The checks of one service, one after the other.
pub(super) struct Checks<'a> {
    service: &'static str,
    tunings: &'a BTreeMap<String, CheckTuning>,
    specs: Vec<CheckSpec>,
}

impl<'a> Checks<'a> {
    /// None yet. `tunings` is `[services.KEY.checks]`, `known` every check that there may be.
    ///
    /// # Errors
    /// When a check is tuned that does not exist.
    pub(super) fn new(
        service: &'static str,
        tunings: &'a BTreeMap<String, CheckTuning>,
        known: &[(&str, &str)],
    ) -> Result<Self, ServiceError> {
        only_known(service, tunings, known)?;
        Ok(Self { service, tunings, specs: Vec::new() })
    }

    /// One more, as `set` makes it and the config tunes it.
    ///
    /// # Errors
    /// When its tuning would do nothing, or could never be met.
    pub(super) fn add(
        &mut self,
        (name, label): (&str, &str),
        scope: Scope,
        interval: Span,
        set: impl FnOnce(&mut CheckSpec),
    ) -> Result<(), ServiceError> {
        let mut spec = CheckSpec::new(check_id(self.service, name)?, label, scope, interval);
        set(&mut spec);
        if let Some(tuning) = self.tunings.get(name)
            && let Some(why) = senseless(&spec, tuning)
        {
            let key = format!("checks.{name}");
            return Err(ServiceError::Setting { service: self.service, key, why: why.to_owned() });
        }
        self.specs.push(tuned(spec, self.tunings));
        Ok(())
    }

    /// The service with these checks.
    pub(super) fn into_service(
        self,
        key: &ServiceKey,
        (label, code): (&str, &str),
        depends: Vec<Edge>,
    ) -> ServiceSpec {
        let (label, code) = (label.to_owned(), code.to_owned());
        ServiceSpec { key: key.clone(), label, code, checks: self.specs, depends }
    }
}

/// Why a tuning of `spec` makes no sense, if it does not.
fn senseless(spec: &CheckSpec, tuning: &CheckTuning) -> Option<&'static str> {
    if tuning.interval.is_some_and(|i| i.as_secs() == 0) {
        return Some("interval must be at least 1s");
    }
    let aged = tuning.warning.or(tuning.critical).is_some() || tuning.runs.is_some();
    let Some(age) = &spec.age else {
        return aged
            .then_some("warning, critical and runs do not apply: the check has no age rule");
    };
    let warning = tuning.warning.unwrap_or(age.warning);
    let critical = tuning.critical.unwrap_or(age.critical);
    (warning > critical).then_some("warning must not be longer than critical")
}

/// An age rule of a feed that is due every day.
pub(super) fn daily(warning: Span, critical: Span, held_by_closures: bool) -> AgeRule {
    AgeRule { late: None, warning, critical, runs: Runs::Daily, held_by_closures }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(tuning: &str) -> Result<CheckSpec, String> {
        let tunings: BTreeMap<String, CheckTuning> = toml::from_str(tuning).unwrap();
        let known = [("data", "?"), ("page", "?")];
        let mut checks = Checks::new("groupcall", &tunings, &known).map_err(|e| e.to_string())?;
        let minute = Span::from_mins(1);
        checks
            .add(("data", "data"), Scope::School, minute, |s| {
                s.age = Some(daily(Span::from_hours(26), Span::from_hours(50), true));
            })
            .and_then(|()| checks.add(("page", "page"), Scope::Estate, minute, |s| s.tries = 3))
            .map_err(|e| e.to_string())?;
        let key = "groupcall".parse().unwrap();
        let mut spec = checks.into_service(&key, ("Groupcall", "GC"), Vec::new());
        assert_eq!(spec.checks.len(), 2);
        Ok(spec.checks.remove(0))
    }

    #[test]
    fn tuning_changes_what_it_can() {
        let spec = built("data = { interval = \"2m\", warning = \"30h\" }").unwrap();
        assert_eq!((spec.interval, spec.fresh_for), (Span::from_mins(2), Span::from_mins(6)));
        assert_eq!(spec.age.unwrap().warning, Span::from_hours(30));
        assert_eq!(spec.age.unwrap().critical, Span::from_hours(50));
    }

    #[test]
    fn tuning_that_would_do_nothing_is_refused() {
        for (tuning, part) in [
            ("dat = { tries = 2 }", "services.groupcall.checks.dat"),
            ("data = { interval = \"0s\" }", "at least 1s"),
            ("data = { warning = \"51h\" }", "not be longer"),
            ("data = { critical = \"1h\" }", "not be longer"),
            ("page = { warning = \"1h\" }", "services.groupcall.checks.page: warning"),
            ("page = { runs = \"daily\" }", "no age rule"),
        ] {
            let refused = built(tuning).err().unwrap_or_default();
            assert!(refused.contains(part), "{tuning}: {refused}");
        }
    }
}
