//! What went wrong with a directory, as values that become the right unknown.
//!
//! Source of the codes: RFC 4511 A.1 and Microsoft's bind sub-codes, as the vendor's pages give
//! them, read 2026-11.

use crate::model::health::Reason;
use crate::model::text::Clean;
use crate::transport::Failure;

/// Why a domain controller refused a sign-in: the hex number after `data` in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// 525.
    NoSuchUser,
    /// 52e; also what some servers say of a user that does not exist.
    WrongPassword,
    /// 530.
    NotAtThisHour,
    /// 531.
    NotFromThisHost,
    /// 532.
    PasswordExpired,
    /// 533.
    Disabled,
    /// 701.
    AccountExpired,
    /// 773.
    MustChange,
    /// 775.
    LockedOut,
    /// No number, or one that is not known.
    Other,
}

impl SignIn {
    /// From the text of a result 49.
    pub(super) fn of(text: &str) -> (Self, Option<String>) {
        let lower = text.to_ascii_lowercase();
        let Some((_, rest)) = lower.split_once("data ") else { return (Self::Other, None) };
        let code: String = rest.chars().take_while(char::is_ascii_hexdigit).take(8).collect();
        let kind = match code.as_str() {
            "525" => Self::NoSuchUser,
            "52e" => Self::WrongPassword,
            "530" => Self::NotAtThisHour,
            "531" => Self::NotFromThisHost,
            "532" => Self::PasswordExpired,
            "533" => Self::Disabled,
            "701" => Self::AccountExpired,
            "773" => Self::MustChange,
            "775" => Self::LockedOut,
            _ => Self::Other,
        };
        (kind, (!code.is_empty()).then_some(code))
    }

    /// What is the matter, and the remedy.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoSuchUser => "it knows no such account: check bind_as",
            Self::WrongPassword => {
                "name or password is wrong: check bind_as, and store the account's password again"
            }
            Self::NotAtThisHour => "the account may not sign in at this hour: lift its logon hours",
            Self::NotFromThisHost => {
                "the account may not sign in from here: add this host to its workstations"
            }
            Self::PasswordExpired => {
                "the account's password has expired: set a new one that does not expire, and store it"
            }
            Self::Disabled => "the account is disabled: enable it, or name another as bind_as",
            Self::AccountExpired => {
                "the account has expired: extend it, or name another as bind_as"
            }
            Self::MustChange => {
                "the account must change its password first: set a new one without that mark"
            }
            Self::LockedOut => {
                "the account is locked out after too many wrong passwords: unlock it, and store \
                 the right one"
            }
            Self::Other => "it does not say why: check bind_as and the stored password",
        }
    }
}

/// Why a directory brought no usable answer. The text names the controller, never a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LdapFailure {
    /// What can go wrong with any call: no answer, deadline, TLS, breaker, size, shape, throttling.
    #[error(transparent)]
    Call(#[from] Failure),
    /// The account that we sign in with was refused (result 49).
    #[error("{controller} refused our sign-in as {account}: {}{}", why.words(), told(code))]
    SignIn {
        /// Scheme, host and port.
        controller: String,
        /// `bind_as` of the settings.
        account: String,
        /// Why.
        why: SignIn,
        /// The server's sub-code in hex, where it gave one.
        code: Option<String>,
    },
    /// A right is missing (result 50).
    #[error("{controller} refused: our account lacks the right to read there")]
    Denied {
        /// Scheme, host and port.
        controller: String,
    },
    /// There is no such object, or we may not see it (result 32).
    #[error("{controller} knows no {what}: check the name, and that our account may see it")]
    Missing {
        /// Scheme, host and port.
        controller: String,
        /// The DN that was asked for: ours, from the settings.
        what: Clean,
    },
    /// Another result that is not success.
    #[error("{controller} refused with result {code}{}", told(detail))]
    Refused {
        /// Scheme, host and port.
        controller: String,
        /// LDAP's result code.
        code: u32,
        /// The eight hex digits with which Active Directory begins its text, where there are any.
        detail: Option<String>,
    },
}

fn told(code: &Option<String>) -> String {
    code.as_ref().map_or(String::new(), |code| format!(" ({code})"))
}

impl LdapFailure {
    pub(super) fn malformed(controller: &str, why: impl Into<String>) -> Self {
        Self::Call(Failure::Malformed { origin: controller.to_owned(), why: why.into() })
    }

    pub(super) fn no_answer(controller: &str, why: impl Into<String>) -> Self {
        Self::Call(Failure::NoAnswer {
            origin: controller.to_owned(),
            why: why.into(),
            unsent: false,
        })
    }

    /// What a result code that is not success says. `text` is the server's, for its numbers only:
    /// it may hold names, lines and source files. `what` is what was asked for.
    pub(super) fn of_result(controller: &str, code: u32, text: &str, what: &str) -> Self {
        let controller = controller.to_owned();
        match code {
            3 => Self::no_answer(&controller, "the search took longer than the server allows"),
            4 => Self::malformed(&controller, "it is cut short at the server's size limit"),
            10 => Self::malformed(
                &controller,
                "it points to another server, which is never followed: check the names in the \
                 settings",
            ),
            // Administrative limit, busy.
            11 | 51 => Self::Call(Failure::Throttled {
                origin: controller,
                seconds: None,
                headers: Vec::new(),
            }),
            32 => Self::Missing { controller, what: Clean::new(what) },
            50 => Self::Denied { controller },
            52 => Self::no_answer(&controller, "it says that it is unavailable"),
            _ => Self::Refused { controller, code, detail: digits(text) },
        }
    }

    /// The reason of the unknown that this makes of a check.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Call(failure) => failure.reason(),
            Self::SignIn { .. } | Self::Denied { .. } => Reason::Unauthorised,
            // 1 with 000004DC: "a successful bind must be completed"; 8: stronger authentication.
            Self::Refused { code: 1 | 7 | 8 | 13 | 48, .. } => Reason::Unauthorised,
            Self::Missing { .. } | Self::Refused { .. } => Reason::Malformed,
        }
    }

    /// Whether another controller may do better: this one is silent, broken or busy. A refusal, an
    /// object that is not there, or an answer that cannot be read is not the controller's alone.
    #[must_use]
    pub fn moves_on(&self) -> bool {
        matches!(
            self,
            Self::Call(
                Failure::NoAnswer { .. }
                    | Failure::Deadline { .. }
                    | Failure::Tls { .. }
                    | Failure::Open { .. }
                    | Failure::Throttled { .. }
            )
        )
    }
}

/// The eight hex digits in front of Active Directory's text.
fn digits(text: &str) -> Option<String> {
    let digits = text.get(..8)?;
    (digits.bytes().all(|b| b.is_ascii_hexdigit())).then(|| digits.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sub_code_of_a_refused_sign_in_is_read_and_a_new_one_is_not_guessed() {
        let text = |data: &str| {
            format!(
                "80090308: LdapErr: DSID-0C0903C5, comment: AcceptSecurityContext error, {data}, v2580"
            )
        };
        for (data, why) in [
            ("data 525", SignIn::NoSuchUser),
            ("data 52e", SignIn::WrongPassword),
            ("DATA 52E", SignIn::WrongPassword),
            ("data 530", SignIn::NotAtThisHour),
            ("data 531", SignIn::NotFromThisHost),
            ("data 532", SignIn::PasswordExpired),
            ("data 533", SignIn::Disabled),
            ("data 701", SignIn::AccountExpired),
            ("data 773", SignIn::MustChange),
            ("data 775", SignIn::LockedOut),
            ("data 5251", SignIn::Other),
            ("data 7", SignIn::Other),
            ("date 775", SignIn::Other),
        ] {
            assert_eq!(SignIn::of(&text(data)).0, why, "{data}");
        }
        assert_eq!(SignIn::of("data 77f, x"), (SignIn::Other, Some("77f".into())));
        assert_eq!(SignIn::of(""), (SignIn::Other, None));
    }

    #[test]
    fn a_result_becomes_the_reason_that_the_desk_can_act_on() {
        let text = "000004DC: LdapErr: DSID-0C090AAF, comment: bind first\u{1b}[31m CN=Zoe";
        for (code, reason, moves_on) in [
            (1, Reason::Unauthorised, false),
            (3, Reason::NoAnswer, true),
            (4, Reason::Malformed, false),
            (8, Reason::Unauthorised, false),
            (10, Reason::Malformed, false),
            (11, Reason::Throttled, true),
            (12, Reason::Malformed, false),
            (32, Reason::Malformed, false),
            (50, Reason::Unauthorised, false),
            (51, Reason::Throttled, true),
            (52, Reason::NoAnswer, true),
            (53, Reason::Malformed, false),
            (9_999, Reason::Malformed, false),
        ] {
            let failure = LdapFailure::of_result("ldaps://dc1", code, text, "OU=Here");
            assert_eq!((failure.reason(), failure.moves_on()), (reason, moves_on), "{code}");
            let said = failure.to_string();
            assert!(said.contains("ldaps://dc1"), "{said}");
            assert!(!said.contains("Zoe") && !said.contains('\u{1b}'), "{said}");
        }
        let said = LdapFailure::of_result("ldaps://dc1", 53, "0000001f: SvcErr", "").to_string();
        assert_eq!(said, "ldaps://dc1 refused with result 53 (0000001F)");
    }
}
