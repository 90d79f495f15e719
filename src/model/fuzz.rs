//! Reads any bytes as what people write, for fuzzing: filters, names, lengths of time, targets.

use jiff::Timestamp;

use crate::model::filter::Filter;
use crate::model::ids::{CheckId, CredentialName, Laestab};
use crate::model::nearest::nearest;
use crate::model::plan::Aim;
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::model::when::{stretch, when};

/// As each of them. What is read of a name is written as it was, and clean text stays as it is.
///
/// # Panics
/// When a promise of the parser is broken: that is what is searched for.
pub fn words(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let clean = Clean::new(&text);
    assert_eq!(Clean::new(clean.as_str()), clean, "cleaned twice it is another");
    drop((Filter::parse(&text).is_ok(), nearest(&text, ["welearn365", "redstor"])));
    drop((when(&text, Timestamp::UNIX_EPOCH), stretch(&text, Timestamp::UNIX_EPOCH)));
    if let Ok(span) = text.parse::<Span>() {
        assert_eq!(span.to_string().parse(), Ok(span), "a length of time is written as another");
    }
    if let Ok(school) = text.parse::<Laestab>() {
        assert_eq!(school.to_string().parse(), Ok(school), "a school is written as another");
    }
    if let Ok(aim) = text.parse::<Aim>() {
        assert_eq!(aim.to_string().parse(), Ok(aim), "a target is written as another");
    }
    drop((text.parse::<CheckId>(), text.parse::<CredentialName>()));
}
