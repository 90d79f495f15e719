//! What a test needs of the machine that it runs on: without it the test says so and is skipped, or
//! fails where `CARETAKER_REQUIRE` names it.

/// Whether `what` is here, of which `lacking` says why not.
///
/// # Panics
/// When it is required and not here.
pub fn here(what: &str, lacking: Option<String>) -> bool {
    let Some(why) = lacking else { return true };
    let required = std::env::var("CARETAKER_REQUIRE").unwrap_or_default();
    let required = required.split(',').any(|name| name.trim() == what);
    assert!(!required, "CARETAKER_REQUIRE names {what}, but: {why}");
    eprintln!("skipped: {why}");
    false
}
