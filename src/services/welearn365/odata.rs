//! Values in the filters that Microsoft Graph is asked with (`OData` 4.01, URL conventions 5.1.1.14.1: in a
//! string a single quote stands as two).

/// The filter `property eq 'value'`. The value stays a value whatever it holds; that the filter stays
/// one parameter of the address is the work of [`crate::transport::Request::query`].
pub(super) fn equals(property: &'static str, value: &str) -> String {
    format!("{property} eq '{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The value of the one comparison that a filter is, read as Graph reads it; `None` when it is more
    /// than that.
    fn value(filter: &str) -> Option<String> {
        let mut rest = filter.strip_prefix("id eq '")?.chars();
        let mut value = String::new();
        while let Some(next) = rest.next() {
            match next {
                '\'' if rest.as_str().is_empty() => return Some(value),
                '\'' if rest.next() != Some('\'') => return None,
                next => value.push(next),
            }
        }
        None
    }

    #[test]
    fn threat_18_a_quote_does_not_end_a_filters_value() {
        assert_eq!(equals("id", "O'Hara"), "id eq 'O''Hara'");
        assert_eq!(value("id eq 'a' or id ne 'a'"), None, "the reader tells them apart");
    }

    proptest! {
        #[test]
        fn threat_18_a_filters_value_stays_one(name in "(\\PC|[' or=()&]){0,40}") {
            prop_assert_eq!(value(&equals("id", &name)), Some(name));
        }
    }
}
