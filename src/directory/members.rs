//! All values of an attribute that has more of them than a server gives at once: 1,500 with Active
//! Directory, then `member;range=1500-*` and so on.

use super::failure::DirectoryFailure;
use crate::transport::ldap::{Filter, Scope, Search, Session, Take};

/// The most ranges that are asked for: at 1,500 values each, 1.5 million.
const MOST_RANGES: usize = 1_000;

/// Every value of `attribute` of the object `dn`: one request for each range.
///
/// # Errors
/// When the object is not there, or the ranges do not fit together.
pub async fn members(
    session: &mut Session,
    dn: &str,
    attribute: &'static str,
) -> Result<Vec<Vec<u8>>, DirectoryFailure> {
    let filter = Filter::present("objectClass");
    let mut out: Vec<Vec<u8>> = Vec::new();
    for _ in 0..MOST_RANGES {
        let wanted = match out.len() {
            0 => attribute.to_owned(),
            n => format!("{attribute};range={n}-*"),
        };
        let attributes = &[wanted.as_str()];
        let search = Search {
            base: dn,
            scope: Scope::Base,
            filter: &filter,
            attributes,
            take: Take::All(1),
        };
        let mut seen = None;
        session.search(&search, &mut |entry| seen = Some(entry)).await?;
        let odd = |why| DirectoryFailure::malformed(session.controller(), why);
        let entry = seen.ok_or_else(|| odd("the object is not in the answer"))?;
        let Some(part) = entry.part(attribute) else {
            return match out.len() {
                0 => Ok(out),
                _ => Err(odd("the rest of a long attribute is missing")),
            };
        };
        let fits = part.last.is_none_or(|last| last + 1 == part.first + part.values.len());
        if part.first != out.len() || !fits || (part.last.is_some() && part.values.is_empty()) {
            return Err(odd("the ranges of a long attribute do not fit together"));
        }
        out.extend_from_slice(part.values);
        if part.last.is_none() {
            return Ok(out);
        }
    }
    Err(DirectoryFailure::malformed(session.controller(), "a long attribute does not end"))
}
