//! What others have stated about personal data, as it is printed.
#![cfg(test)]

use caretaker::cli::{statements_json, statements_markdown, statements_text};
use caretaker::wire::Clean;
use caretaker::wire::statements::{Stated, WHOSE, stated};
use serde_json::Value;

fn all(labels: &[(&str, &str)]) -> Vec<Stated> {
    stated(labels.iter().map(|(key, label)| (key.parse().unwrap(), Clean::new(label))))
}

#[test]
fn each_form_says_whose_words_they_are_and_what_is_not_held() {
    let all = all(&[("redstor", "Redstor"), ("library", "Library")]);
    let (text, page) = (statements_text(&all), statements_markdown(&all));
    for form in [&text, &page] {
        assert!(form.contains(WHOSE), "{form}");
        assert!(form.contains("not held: we have no copy of this document"), "{form}");
        assert!(form.contains("not held: we have no document about this service"), "{form}");
        assert!(form.contains("no date given") && form.contains("the vendor"), "{form}");
    }
    let json: Value = serde_json::from_str(&statements_json(&all).unwrap()).unwrap();
    assert_eq!((json["version"].as_u64(), json["note"].as_str()), (Some(1), Some(WHOSE)));
    let redstor = &json["services"][0];
    assert_eq!(redstor["label"], "Redstor");
    let appendix = redstor["statements"].as_array().unwrap().last().unwrap();
    assert!(appendix["says"].is_null() && appendix["when"].is_null(), "{appendix}");
    assert_eq!(appendix["by"], "not_told");
    assert_eq!(json["services"][1]["statements"], serde_json::json!([]));
}

#[test]
fn a_name_of_the_configuration_opens_no_column_and_no_tag() {
    let page = statements_markdown(&all(&[("redstor", "Red|stor <b>")]));
    assert!(page.contains("## Red\\|stor \\<b\\>\n"), "{page}");
    for line in page.lines().filter(|line| line.starts_with('|')) {
        assert_eq!(line.matches('|').count() - line.matches("\\|").count(), 6, "{line}");
    }
}
