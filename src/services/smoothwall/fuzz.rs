//! Reads any bytes as what web filters write, for fuzzing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::services::declared::dropped::decode;
use crate::services::declared::mailbox::each_reading;
use crate::services::fuzz::now;
use crate::services::smoothwall::alerts::{Alert, alerts_in};
use crate::services::smoothwall::describe::{Syslog, SyslogZone, Words};
use crate::services::smoothwall::message::{message, shown, shown_host};
use crate::services::smoothwall::syslog::lines;

pub(super) fn read(bytes: &[u8]) {
    let words = Words::default();
    for mail in each_reading(bytes, now()) {
        let mut all: BTreeSet<Alert> = BTreeSet::new();
        for report in message(&mail).reports {
            drop(report.host.as_deref().map(shown_host));
            drop(report.alerts.iter().map(|alert| shown(alert)).collect::<Vec<_>>());
            all.extend(alerts_in(&report, now(), &words));
        }
        drop(all);
    }
    let Some(text) = decode(bytes) else { return };
    for (zone, any_line_is_heartbeat) in [(SyslogZone::London, false), (SyslogZone::Utc, true)] {
        let settings = Syslog {
            file: PathBuf::new(),
            programs: vec!["smoothmonitor".to_owned()],
            zone,
            any_line_is_heartbeat,
            max_bytes: u64::MAX,
        };
        drop(lines(&[("alerts.log", &text)], &settings, now()));
    }
}
