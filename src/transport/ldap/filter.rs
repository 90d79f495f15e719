//! What is searched for. Values are escaped here and nowhere else, by the LDAP library's own rules.

/// A filter as LDAP writes it. Made of names that stand in the code and of values that are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(String);

impl Filter {
    /// The attribute has a value.
    #[must_use]
    pub fn present(attribute: &'static str) -> Self {
        Self(format!("({attribute}=*)"))
    }

    /// The attribute has this very value.
    #[must_use]
    pub fn equals(attribute: &'static str, value: &str) -> Self {
        Self(format!("({attribute}={})", ldap3::ldap_escape(value)))
    }

    /// The attribute holds `value` somewhere in it. An empty value is held by every attribute.
    #[must_use]
    pub fn holds(attribute: &'static str, value: &str) -> Self {
        match value {
            "" => Self::present(attribute),
            value => Self(format!("({attribute}=*{}*)", ldap3::ldap_escape(value))),
        }
    }

    /// The attribute has these very bytes, each of them escaped.
    #[must_use]
    pub fn bytes(attribute: &'static str, value: &[u8]) -> Self {
        let escaped: String = value.iter().map(|byte| format!("\\{byte:02x}")).collect();
        Self(format!("({attribute}={escaped})"))
    }

    /// The attribute is this number or more.
    #[must_use]
    pub fn at_least(attribute: &'static str, value: i64) -> Self {
        Self(format!("({attribute}>={value})"))
    }

    /// All of these bits are set (1.2.840.113556.1.4.803).
    #[must_use]
    pub fn has_bits(attribute: &'static str, bits: u32) -> Self {
        Self(format!("({attribute}:1.2.840.113556.1.4.803:={bits})"))
    }

    /// All of them.
    #[must_use]
    pub fn and(all: &[Self]) -> Self {
        Self(format!("(&{})", all.iter().map(Self::as_str).collect::<String>()))
    }

    /// One of them, at least.
    #[must_use]
    pub fn or(some: &[Self]) -> Self {
        Self(format!("(|{})", some.iter().map(Self::as_str).collect::<String>()))
    }

    /// Not this one.
    #[must_use]
    pub fn negate(self) -> Self {
        Self(format!("(!{})", self.0))
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A value as it stands in a distinguished name.
#[must_use]
pub fn escape_dn(value: &str) -> String {
    ldap3::dn_escape(value).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that the library sends, out of what it makes of `filter`: the second octet string
    /// of an equality match.
    fn sent(filter: &Filter) -> Vec<u8> {
        let tree = ldap3::parse_filter(filter.as_str()).unwrap();
        let text = format!("{tree:?}");
        let inner: Vec<&str> = text.split("inner: [").skip(3).collect();
        let bytes = inner[0].split(']').next().unwrap();
        bytes.split(", ").filter(|b| !b.is_empty()).map(|b| b.parse().unwrap()).collect()
    }

    #[test]
    fn filters_are_written_as_ldap_writes_them() {
        let both = Filter::and(&[
            Filter::equals("objectCategory", "person"),
            Filter::has_bits("userAccountControl", 2).negate(),
            Filter::or(&[Filter::present("mail"), Filter::at_least("lockoutTime", 1)]),
        ]);
        assert_eq!(
            both.as_str(),
            "(&(objectCategory=person)(!(userAccountControl:1.2.840.113556.1.4.803:=2))\
             (|(mail=*)(lockoutTime>=1)))"
        );
        assert!(ldap3::parse_filter(both.as_str()).is_ok());
        assert_eq!(
            Filter::bytes("objectGUID", &[0, 0x2a, 0xff]).as_str(),
            "(objectGUID=\\00\\2a\\ff)"
        );
        assert_eq!(Filter::holds("cn", "a*b").as_str(), "(cn=*a\\2ab*)");
        assert_eq!(Filter::holds("cn", "").as_str(), "(cn=*)");
    }

    #[test]
    fn what_is_sent_is_the_value_and_nothing_else() {
        for hostile in [
            "*)(objectClass=*",
            "O'Brien, Aoife (Year 4)",
            "\\2a",
            "nul\0nul",
            "Zoë Púpil",
            ")(|(userAccountControl=*)",
            " ",
        ] {
            assert_eq!(sent(&Filter::equals("cn", hostile)), hostile.as_bytes(), "{hostile:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn threat_18_no_name_leaves_its_place(name in "\\PC{0,40}", noise in proptest::collection::vec(proptest::num::u8::ANY, 1..20)) {
            proptest::prop_assert_eq!(sent(&Filter::equals("cn", &name)), name.as_bytes());
            proptest::prop_assert_eq!(sent(&Filter::bytes("objectGUID", &noise)), noise);
        }

        #[test]
        fn threat_18_hostile_signs_stay_values(name in "[*()\\\\\0 ,+\"<>;=#a]{1,20}") {
            proptest::prop_assert_eq!(sent(&Filter::equals("cn", &name)), name.as_bytes());
            let holds = Filter::holds("cn", &name);
            proptest::prop_assert!(ldap3::parse_filter(holds.as_str()).is_ok());
        }
    }
}
