//! Words in pages: what a person would see of HTML, and whether a name stands in it.

/// Text folded for searching: lower case, every run of white space one space.
#[must_use]
pub fn folded(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a page shows: without comments, scripts, styles, tags and their attributes; the usual
/// entities read; folded as in [`folded`].
#[must_use]
pub fn visible(html: &str) -> String {
    let lower = html.to_lowercase();
    let mut rest = lower.as_str();
    let mut out = String::with_capacity(rest.len() / 2);
    while let Some((text, tag)) = rest.split_once('<') {
        out.push_str(text);
        out.push(' ');
        let end = if tag.starts_with("!--") {
            "-->"
        } else if tag.starts_with("script") {
            "</script>"
        } else if tag.starts_with("style") {
            "</style>"
        } else {
            ">"
        };
        rest = tag.split_once(end).map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    for (entity, text) in [
        ("&nbsp;", " "),
        ("&#160;", " "),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&rsquo;", "'"),
        ("&#8217;", "'"),
        ("&quot;", "\""),
        ("&ndash;", "-"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, text);
    }
    folded(&out)
}

/// Whether `name` stands in `visible` text as whole words; apostrophes, full stops and commas do
/// not matter, hyphens do, so that an address echoed by an error page is not taken for a name.
/// A name without any letter or digit stands nowhere.
#[must_use]
pub fn names(visible: &str, name: &str) -> bool {
    let name = plain(name);
    !name.is_empty() && format!(" {} ", plain(visible)).contains(&format!(" {name} "))
}

fn plain(text: &str) -> String {
    let kept: String = text
        .to_lowercase()
        .replace('&', " and ")
        .chars()
        .filter(|c| !matches!(c, '\'' | '’' | '‘' | '.'))
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '/' | '_') { c } else { ' ' })
        .collect();
    let words: Vec<_> = kept.split_whitespace().filter(|w| *w != "-").collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_what_a_person_sees() {
        let html = "<p title='Hidden School'>St Mary&#39;s  C of E</p><!-- Old School --><script>\
                    var s = 'Script School';</script><b>&amp; Nursery</b>";
        assert_eq!(visible(html), "st mary's c of e & nursery");
        assert!(names(&visible(html), "St. Mary’s C of E"));
        assert!(names(&visible(html), "Nursery"));
        for absent in ["Hidden School", "Old School", "Script School", "Mary", "Nurse", "", "'"] {
            assert!(!names(&visible(html), absent), "{absent}");
        }
    }

    #[test]
    fn an_address_that_a_page_echoes_is_not_the_name() {
        assert!(!names("no school elm-tree-primary here", "Elm Tree Primary"));
        let page = visible("<p>No school at /sch/elm-tree-primary</p><a href='elm tree primary'>");
        assert!(!names(&page, "Elm Tree Primary"));
        assert!(names(&visible("Welcome, Elm-Tree Primary!"), "Elm-Tree Primary"));
    }
}
