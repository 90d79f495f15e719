//! Text from outside in Markdown: no vendor's word, note or name becomes a link, a heading or a cell.

/// Text as it stands in Markdown. A backslash before ASCII punctuation makes it plain text
/// (CommonMark 0.31, 2.4); a colon and a dot are escaped where an address would become a link.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let link = rest.starts_with("://") || (c == '.' && ends_in_www(&out));
        if link
            || matches!(
                c,
                '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '@' | '#' | '!'
            )
        {
            out.push('\\');
        }
        out.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

fn ends_in_www(text: &str) -> bool {
    text.len() >= 3 && text.get(text.len() - 3..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(
            plain("a|b [x](http://e.example) <b> *c*"),
            "a\\|b \\[x\\](http\\://e.example) \\<b\\> \\*c\\*"
        );
        assert_eq!(plain("see www.e.example"), "see www\\.e.example");
        assert_eq!(
            plain("no data since Sat 03:02; limit 50 h."),
            "no data since Sat 03:02; limit 50 h."
        );
    }
}
