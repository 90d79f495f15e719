//! Reads any bytes as a policy, for fuzzing. Nothing of it may panic.

use crate::guard::policy::{Policy, PolicySettings};

/// As a policy in TOML, its own examples included.
///
/// # Panics
/// When a promise of the parser is broken: that is what is searched for.
pub fn policy(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(settings) = toml::from_str::<PolicySettings>(&text) else { return };
    let actions = ["welearn365.lock_account".parse(), "desk.raise_ticket".parse()];
    let actions: Vec<_> = actions.into_iter().flatten().collect();
    if let Err(wrong) = Policy::new(settings, "digest", &actions) {
        assert!(!wrong.is_empty(), "refused without a reason");
    }
}
