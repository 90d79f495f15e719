//! Moments as they are printed.

use jiff::Timestamp;

use crate::wire::london;

/// `Tue 24 Nov 2026 03:02`, London.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%a %-d %b %Y %H:%M").to_string()
}
