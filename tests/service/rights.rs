//! What the doctor says of rights at the vendor, asked of the real program: too few, too many, just right.

use serde_json::Value;

use crate::stage::Stage;

/// What the app that watches needs here.
const NEEDED: [&str; 4] =
    ["ServiceHealth.Read.All", "Organization.Read.All", "User.Read.All", "Sites.Selected"];

/// The doctor's findings about rights at Microsoft, by credential: how grave, and in words.
fn found(stage: &Stage, credential: &str) -> Vec<(String, String, String)> {
    stage.vendors.forget_tokens();
    let told = stage.json(&["doctor", "--json"]);
    let all = told["findings"].as_array().unwrap().iter();
    let ours = all.filter(|f| f["area"] == "rights" && f["subject"] == credential);
    let text = |f: &Value, key: &str| f[key].as_str().unwrap_or_default().to_owned();
    ours.map(|f| (text(f, "severity"), text(f, "text"), text(f, "remedy"))).collect()
}

fn has(found: &[(String, String, String)], severity: &str, words: &str) -> bool {
    found.iter().any(|(s, text, remedy)| {
        s == severity && text.contains(words) && (severity == "note" || !remedy.is_empty())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_rights_that_are_missing_and_rights_that_nobody_needs() {
    let stage = Stage::new().await;
    stage.keep();
    let microsoft = stage.vendors.microsoft();
    tokio::task::block_in_place(|| {
        microsoft.consent(&NEEDED);
        let told = found(&stage, "welearn365");
        assert!(
            told.iter().all(|(severity, ..)| severity == "ok" || severity == "note"),
            "{told:?}"
        );

        microsoft.consent(&NEEDED[1..]);
        let told = found(&stage, "welearn365");
        assert!(
            has(&told, "warning", "lacks rights that are needed: ServiceHealth.Read.All"),
            "{told:?}"
        );

        microsoft.consent(&[&NEEDED[..], &["Directory.ReadWrite.All"]].concat());
        let told = found(&stage, "welearn365");
        assert!(
            has(&told, "warning", "can do more than is needed: Directory.ReadWrite.All"),
            "{told:?}"
        );

        // The app that acts is looked at as well, and by itself.
        microsoft.consent_to_act(&["User.Read.All"]);
        let told = found(&stage, "welearn365.act");
        assert!(has(&told, "warning", "lacks rights that are needed"), "{told:?}");
    });
}
