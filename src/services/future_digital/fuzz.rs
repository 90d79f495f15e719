//! Reads any bytes as a file of stations, for fuzzing.

use crate::services::declared::dropped::decode;
use crate::services::future_digital::stations::{read as stations, version_in};
use crate::services::fuzz::now;

pub(super) fn read(bytes: &[u8]) {
    let Some(text) = decode(bytes) else { return };
    drop(version_in(&text));
    if let Ok(report) = stations(&text, &["chromebook".to_owned()], now()) {
        let rows: usize = report.schools.values().map(|listed| listed.stations.len()).sum();
        assert!(rows <= usize::try_from(report.rows).unwrap_or(usize::MAX), "more than rows");
    }
}
