//! Reads any bytes as what a ticket system answers, for fuzzing.

use jiff::Timestamp;

use crate::model::text::Clean;
use crate::ports::act::{Answer, Seen};
use crate::tickets::api::{answered, found};
use crate::tickets::settings::ApiSettings;
use crate::transport::Reply;

/// Where numbers, rows and keys stand, as in the guide's example.
const SETTINGS: &str = "\
endpoint = { url = \"https://tickets.example\" }
create = { path = \"tickets\", body = { text = \"{key}\" }, number = \"/ticket/id\" }
search = { path = \"tickets\", query = { q = \"{key}\" }, rows = \"/tickets\", key = \"/text\", number = \"/id\", none_status = [404] }
";

/// As answers to raising a ticket and to searching for one, of each status that means something.
///
/// # Panics
/// When a ticket is believed to be there, or not to be there, on the word of what is no JSON.
pub fn answers(bytes: &[u8]) {
    let Ok(settings) = toml::from_str::<ApiSettings>(SETTINGS) else { return };
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(
        bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
    )
    .is_ok();
    for status in [200, 201, 302, 404, 409, 422, 500] {
        let reply = Reply::of_bytes(status, bytes, Timestamp::UNIX_EPOCH);
        let raised = answered(&reply, &settings.create);
        assert!(is_json || !matches!(raised, Answer::Took { .. }), "taken, and no JSON");
        let searched = found(&reply, &settings.search, &Clean::new("CT-0000-0001"));
        let none = settings.search.none_status.contains(&status);
        assert!(is_json || none || searched.is_err(), "told, and no JSON");
        assert!(!none || matches!(searched, Ok(Seen::NotThere(_))), "the status says it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_read() {
        assert!(toml::from_str::<ApiSettings>(SETTINGS).is_ok());
    }
}
