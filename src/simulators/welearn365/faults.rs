//! What can go wrong with Microsoft besides what can go wrong with every vendor, each by a name.
//!
//! Source: the vendor notes on Graph, way by way.

use crate::simulators::ways::Way;

/// One way in which Microsoft's answers go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GraphFault {
    /// The client secret has expired (AADSTS7000222).
    SecretExpired,
    /// The client secret is taken for a wrong one (AADSTS7000215).
    SecretWrong,
    /// The tenant knows no such app (AADSTS700016).
    AppUnknown,
    /// The certificate is not registered any more (AADSTS700027).
    CertificateUnknown,
    /// The app is switched off (AADSTS7000112).
    AppDisabled,
    /// Signing in is throttled (429).
    SignInThrottled,
    /// Tokens are refused by Graph as soon as they are given.
    TokenRefused,
    /// Exchange is degraded, by an incident.
    HealthDegraded,
    /// The identity service is down, by an incident.
    HealthInterrupted,
    /// Every status is written in lower camel.
    HealthLowerCamel,
    /// Every status is written in upper camel.
    HealthUpperCamel,
    /// Teams has a status that nobody has seen.
    HealthNewWord,
    /// Teams has a status that is reserved.
    HealthReservedWord,
    /// Teams has the sentinel of evolvable enumerations.
    HealthSentinel,
    /// `$expand` brings no issues.
    IssuesLeftOut,
    /// An incident is open at a service that is called operational.
    HealthContradiction,
    /// The last sync was 85 minutes ago.
    SyncLate,
    /// The last sync was 41 hours ago.
    SyncStale,
    /// Directory sync is switched off.
    SyncOff,
    /// The tenant was never synced.
    SyncNever,
    /// Directory sync is on and has never run.
    SyncUnrun,
    /// The last sync is an hour ahead.
    SyncAhead,
    /// The subscription of the staff's licences has ended, in its grace period.
    LicencesWarning,
    /// The same, suspended.
    LicencesSuspended,
    /// More licences for pupils are in use than there are.
    LicencesUsedUp,
    /// A page without rows stands between two others.
    EmptyPage,
    /// The next page is at another host.
    ForeignLink,
    /// The next page is the first.
    LoopingLink,
    /// What was selected is left out.
    PropertiesLeftOut,
    /// The number of rows is left out in silence.
    CountLeftOut,
    /// The list ends before its end, without a link.
    ListCutShort,
    /// Changes can no longer be told (410, with a `Location`).
    DeltaGone,
    /// The same, as 400 with `syncStateNotFound`.
    DeltaStateLost,
    /// There is no delta query of accounts.
    DeltaUnsupported,
    /// Changes come twice, the older one first.
    DeltaReplay,
    /// 429 with `Retry-After: 0.249`.
    RetryAfterDecimal,
    /// 429 with an HTTP date twenty seconds ahead.
    RetryAfterDate,
    /// 429 without `Retry-After`.
    RetryAfterAbsent,
    /// 503 with `Retry-After: 20`.
    Busy,
    /// 509 with `Retry-After: 9`.
    Bandwidth,
    /// 502 and a proxy's page.
    Gateway,
    /// Errors say `innererror`.
    InnerErrorLower,
    /// Errors have no `innerError`.
    InnerErrorAbsent,
    /// Errors have no body.
    ErrorEmpty,
    /// An account is as the directory has it already, says the sync, and skips it.
    SyncSkips,
    /// The sync could not take an account: a failure, by a 200.
    SyncFails,
    /// The sync calls it a success, and one of its steps has failed.
    SyncHalfFails,
    /// The sync calls it a success, and nothing has happened.
    SyncIdles,
    /// What the sync says of an account is no JSON.
    SyncGarbled,
    /// Sites are locked (423).
    SitesLocked,
    /// Sites are archived.
    SitesArchived,
    /// The app was granted no site (403).
    SitesDenied,
}

impl Way for GraphFault {
    const ALL: &'static [Self] = &[
        Self::SecretExpired,
        Self::SecretWrong,
        Self::AppUnknown,
        Self::CertificateUnknown,
        Self::AppDisabled,
        Self::SignInThrottled,
        Self::TokenRefused,
        Self::HealthDegraded,
        Self::HealthInterrupted,
        Self::HealthLowerCamel,
        Self::HealthUpperCamel,
        Self::HealthNewWord,
        Self::HealthReservedWord,
        Self::HealthSentinel,
        Self::IssuesLeftOut,
        Self::HealthContradiction,
        Self::SyncLate,
        Self::SyncStale,
        Self::SyncOff,
        Self::SyncNever,
        Self::SyncUnrun,
        Self::SyncAhead,
        Self::LicencesWarning,
        Self::LicencesSuspended,
        Self::LicencesUsedUp,
        Self::EmptyPage,
        Self::ForeignLink,
        Self::LoopingLink,
        Self::PropertiesLeftOut,
        Self::CountLeftOut,
        Self::ListCutShort,
        Self::DeltaGone,
        Self::DeltaStateLost,
        Self::DeltaUnsupported,
        Self::DeltaReplay,
        Self::RetryAfterDecimal,
        Self::RetryAfterDate,
        Self::RetryAfterAbsent,
        Self::Busy,
        Self::Bandwidth,
        Self::Gateway,
        Self::InnerErrorLower,
        Self::InnerErrorAbsent,
        Self::ErrorEmpty,
        Self::SyncSkips,
        Self::SyncFails,
        Self::SyncHalfFails,
        Self::SyncIdles,
        Self::SyncGarbled,
        Self::SitesLocked,
        Self::SitesArchived,
        Self::SitesDenied,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_a_name_of_its_own() {
        crate::simulators::ways::names_are_their_own::<GraphFault>(&["sync_late", "sites_denied"]);
    }
}
