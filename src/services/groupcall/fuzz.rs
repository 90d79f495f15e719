//! Reads any bytes as each of Groupcall's answers, for fuzzing.

use jiff::SignedDuration;

use crate::model::text::Clean;
use crate::ports::doorbell::Doorbell;
use crate::services::declared::dropped::Dropped;
use crate::services::fuzz::{Asked, asked, never_well_without_json, now};
use crate::services::groupcall::beside::Beside;
use crate::services::groupcall::body;
use crate::services::groupcall::callback::{CallbackSettings, Callbacks};
use crate::services::groupcall::complaint::complaint;
use crate::services::groupcall::loads::Loads;

/// As the address at which somebody calls back: only who was told it is heard, and who calls once is heard once.
///
/// # Panics
/// When an address is believed that was told to nobody.
fn callback(bytes: &[u8]) {
    let (Ok(listen), Ok(public_url)) = ("127.0.0.1:1".parse(), "https://desk.example/x".parse())
    else {
        return;
    };
    let (certificate_file, key_credential) = (None, None);
    let settings = CallbackSettings { listen, public_url, certificate_file, key_credential };
    let Ok(callbacks) = Callbacks::new(&settings) else { return };
    let told = callbacks.tell("9991001", now());
    let path = String::from_utf8_lossy(bytes);
    assert!(!callbacks.rung(&path, now()), "nobody was told this address");
    assert_eq!(callbacks.said_at("9991001"), None, "and nobody was heard");
    // Whatever stands before it, as a proxy may put it.
    let word = told.path().rsplit('/').next().unwrap_or_default();
    assert!(callbacks.rung(&format!("{path}/{word}"), now()), "the last word counts");
    assert_eq!(callbacks.said_at("9991001"), Some(now()));
}

pub(super) fn read(bytes: &[u8]) {
    callback(bytes);
    for status in [200, 401] {
        let Some(Asked { school, check, bare, reply }) = asked(status, bytes) else { return };
        drop(complaint(&reply));
        drop(body::grant(&reply, SignedDuration::from_hours(24), 0.5));
        drop(body::scopes(&reply));
        let expected = ["School".to_owned(), "Student".to_owned()];
        for seen in [
            body::xporter_data(&reply, (school, |named| named != school), bare.clone()),
            body::authorisation(&reply, (school, &expected), bare.clone()),
            body::counts(&reply, bare.clone()),
            body::students(&reply, bare.clone()),
        ] {
            never_well_without_json(bytes, &seen);
        }
        for beside in [Beside::Health, Beside::Usage] {
            drop(beside.told(bare.clone(), Ok(reply.clone())));
        }
        for name in ["loads.json", "loads.csv"] {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let zone = crate::model::observation::Zone::Ours;
            let file = Dropped { name: Clean::new(name), at: now(), zone, text, waiting: None };
            if let Ok(loads) = Loads::read(&file) {
                drop(loads.observe((&check, school, "load"), now()));
            }
        }
    }
}
