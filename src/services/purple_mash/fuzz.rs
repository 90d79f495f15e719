//! Reads any bytes as what Purple Mash and those who note its syncs write, for fuzzing.

use crate::services::fuzz::{dropped, statuspage};

pub(super) fn read(bytes: &[u8]) {
    statuspage(bytes);
    dropped(bytes);
}
