//! Reads any bytes as a scenario file, for fuzzing.

use super::Script;

/// As a scenario file: played from its beginning to long after its end, or refused with a line.
///
/// # Panics
/// When a step that is in force is not there, or a file is refused without a word.
pub fn scenario(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Script::read(&text) {
        Ok(script) => {
            for elapsed in [i64::MIN, -1, 0, 1, 60, 86_400, i64::MAX] {
                for place in script.in_force(elapsed) {
                    assert!(script.step(place).is_some(), "a step that is in force is there");
                }
            }
            drop((script.setting(), script.begins_as()));
        }
        Err(refused) => assert!(!refused.to_string().is_empty(), "refused without a word"),
    }
}
