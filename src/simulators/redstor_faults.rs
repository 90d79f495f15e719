//! What can go wrong with Redstor besides what can go wrong with every vendor.
//!
//! Source: the vendor notes on Redstor, way by way.

use crate::simulators::ways::Way;

/// One way in which a school's backups, or an answer of either API, go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RedstorFault {
    /// The last run failed.
    Failed,
    /// The last three runs failed.
    FailedThrice,
    /// The last run of the SIMS data failed.
    SimsFailed,
    /// The last run ended with warnings.
    Warnings,
    /// The last run ended with errors.
    Errors,
    /// The last run has a state that nobody has seen.
    CodeUnknown,
    /// The last run's text says the opposite of its state.
    TextContradicts,
    /// The last run has a text that nobody has seen.
    TextUnknown,
    /// No run ever.
    NeverRan,
    /// No run for nine days.
    NotForAWeek,
    /// No run for 24 days.
    NotForWeeks,
    /// The last run was 28 hours ago.
    Late,
    /// The last run was four days ago.
    Old,
    /// The time of the last run is ten minutes ahead.
    TimeAhead,
    /// Times have no zone.
    TimeUnzoned,
    /// The time of the last run is no time.
    TimeUnreadable,
    /// A run with a time and without a state.
    RunHalfTold,
    /// The account is not active.
    NotActive,
    /// Its backup is switched off.
    BackupOff,
    /// Its group is disabled.
    GroupDisabled,
    /// Its company is disabled (RedAPI).
    CompanyDisabled,
    /// Its storage server is offline.
    ServerOffline,
    /// More is stored than its limit.
    OverLimit,
    /// Its agent was last seen three days ago, whatever its runs say.
    AgentSilent,
    /// Its backup holds a third of what it did.
    Shrunk,
    /// Its backup holds nothing.
    Emptied,
    /// How much its backup holds is not told.
    SizeMissing,
    /// The accounts of the school are not listed.
    NotListed,
    /// Each account of the school is listed twice, with different ids.
    NameTwice,
    /// Its runs are listed twice (RedAPI).
    RunsTwice,
    /// It holds a mailbox as well, whose last run failed (RedAPI).
    MailboxFailed,
    /// The list is a bare array (Storage Platform).
    BareArray,
    /// `$skip` is ignored (Storage Platform).
    SkipIgnored,
    /// Pages lead back to the first one (RedAPI).
    PagesCircle,
    /// The service account is refused (RedAPI).
    ClientRefused,
    /// Tokens are refused as soon as they are given (RedAPI).
    TokenRefused,
    /// A token is good for two calls (RedAPI).
    TokenEndsEarly,
    /// Only `Authentication: Bearer` is read (RedAPI).
    HeaderAuthentication,
    /// Only `X-Api-Key` is read (RedAPI).
    HeaderApiKey,
    /// The company itself is disabled (RedAPI).
    PartnerDisabled,
    /// Companies are not shown to us: 403 (RedAPI).
    CompaniesDenied,
}

impl Way for RedstorFault {
    const ALL: &'static [Self] = &[
        Self::Failed,
        Self::FailedThrice,
        Self::SimsFailed,
        Self::Warnings,
        Self::Errors,
        Self::CodeUnknown,
        Self::TextContradicts,
        Self::TextUnknown,
        Self::NeverRan,
        Self::NotForAWeek,
        Self::NotForWeeks,
        Self::Late,
        Self::Old,
        Self::TimeAhead,
        Self::TimeUnzoned,
        Self::TimeUnreadable,
        Self::RunHalfTold,
        Self::NotActive,
        Self::BackupOff,
        Self::GroupDisabled,
        Self::CompanyDisabled,
        Self::ServerOffline,
        Self::OverLimit,
        Self::AgentSilent,
        Self::Shrunk,
        Self::Emptied,
        Self::SizeMissing,
        Self::NotListed,
        Self::NameTwice,
        Self::RunsTwice,
        Self::MailboxFailed,
        Self::BareArray,
        Self::SkipIgnored,
        Self::PagesCircle,
        Self::ClientRefused,
        Self::TokenRefused,
        Self::TokenEndsEarly,
        Self::HeaderAuthentication,
        Self::HeaderApiKey,
        Self::PartnerDisabled,
        Self::CompaniesDenied,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_a_name_of_its_own() {
        crate::simulators::ways::names_are_their_own::<RedstorFault>(&[
            "never_ran",
            "header_api_key",
        ]);
    }
}
