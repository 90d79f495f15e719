//! What can go wrong with Groupcall besides what can go wrong with every vendor.
//!
//! Source: the vendor notes on Groupcall, way by way.

use crate::simulators::ways::Way;

/// One way in which Groupcall's answers, or what is made of its data, go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GroupcallFault {
    /// The data was taken over 28 hours ago.
    DataLate,
    /// The data was taken over four days ago.
    DataOld,
    /// The data was taken over eight days ago, but the school's row changed this night.
    RowIsNew,
    /// `meta` is empty, as on a second page.
    MetaEmpty,
    /// `meta` holds two rows.
    MetaTwice,
    /// `meta` has no time.
    TimeMissing,
    /// The time of the data is fifty minutes ahead.
    TimeAhead,
    /// The time of the data is five hours ahead.
    TimeFarAhead,
    /// The time of the data has one digit of a fraction.
    TimeShort,
    /// The data names an establishment that nobody knows.
    EstabOther,
    /// The data names another school of the estate.
    EstabOfNeighbour,
    /// The school has paused its authorisation, told by the message alone.
    Paused,
    /// The same, told by a flag as well.
    PausedByFlag,
    /// Paused, but tokens that were given before go on to work.
    PausedOldTokensWork,
    /// The school has yet to approve us.
    ApprovalPending,
    /// The secret is refused: withdrawn, or replaced by a new one.
    Revoked,
    /// The school shares neither pupils nor staff any more.
    ScopesLost,
    /// The school has granted more than we ask for.
    ScopesBeyond,
    /// Calls about pupils are refused for want of a scope.
    ScopeRefused,
    /// Tokens live for ten minutes.
    TokenShort,
    /// Tokens have ended when they are given.
    TokenEnded,
    /// Tokens are written as in 2018: without some fields.
    Token2018,
    /// A token is good for one call, and then has ended.
    TokenEndsAtOnce,
    /// `TokenDetails` names another school.
    TokenOfNeighbour,
    /// Failures come with real status codes: 401 and 403.
    RealCodes,
    /// Every data call answers 500 and an exception in JSON.
    ServerFails,
    /// No pupils.
    PupilsNone,
    /// A fifth of the pupils is gone.
    PupilsFewer,
    /// Five in a hundred pupils go each day.
    PupilsDwindle,
    /// No staff.
    StaffNone,
    /// The counts have no row of pupils.
    CountMissing,
    /// The counts have two rows of pupils.
    CountTwice,
    /// The counts are of last week, whatever the other calls are.
    CountsOld,
    /// The school's health list holds a warning and an error.
    HealthTroubled,
    /// XVault was last loaded three days ago.
    XvaultOld,
    /// XVault's file does not name the school.
    XvaultMissing,
    /// XVault's file names the school twice.
    XvaultTwice,
    /// XVault's file has no time for the school.
    XvaultWithoutTime,
    /// The last CME extract was made sixteen days ago.
    CmeOld,
    /// CME's file does not name the school.
    CmeMissing,
    /// A question with a callback is refused in words.
    FreshRefused,
    /// It is taken, and the answer is a server's failure.
    FreshAnswerLost,
    /// It is taken, and nothing comes of it.
    FreshNever,
    /// It is taken, and takes three hours.
    FreshSlow,
    /// The data comes, and nobody calls.
    FreshNoCallback,
    /// Somebody calls, and no data comes.
    FreshCallbackOnly,
    /// The IDaaS page is another page.
    IdaasOther,
    /// The IDaaS page points to another host.
    IdaasElsewhere,
}

impl Way for GroupcallFault {
    const ALL: &'static [Self] = &[
        Self::DataLate,
        Self::DataOld,
        Self::RowIsNew,
        Self::MetaEmpty,
        Self::MetaTwice,
        Self::TimeMissing,
        Self::TimeAhead,
        Self::TimeFarAhead,
        Self::TimeShort,
        Self::EstabOther,
        Self::EstabOfNeighbour,
        Self::Paused,
        Self::PausedByFlag,
        Self::PausedOldTokensWork,
        Self::ApprovalPending,
        Self::Revoked,
        Self::ScopesLost,
        Self::ScopesBeyond,
        Self::ScopeRefused,
        Self::TokenShort,
        Self::TokenEnded,
        Self::Token2018,
        Self::TokenEndsAtOnce,
        Self::TokenOfNeighbour,
        Self::RealCodes,
        Self::ServerFails,
        Self::PupilsNone,
        Self::PupilsFewer,
        Self::PupilsDwindle,
        Self::StaffNone,
        Self::CountMissing,
        Self::CountTwice,
        Self::CountsOld,
        Self::HealthTroubled,
        Self::XvaultOld,
        Self::XvaultMissing,
        Self::XvaultTwice,
        Self::XvaultWithoutTime,
        Self::CmeOld,
        Self::CmeMissing,
        Self::FreshRefused,
        Self::FreshAnswerLost,
        Self::FreshNever,
        Self::FreshSlow,
        Self::FreshNoCallback,
        Self::FreshCallbackOnly,
        Self::IdaasOther,
        Self::IdaasElsewhere,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_a_name_of_its_own() {
        crate::simulators::ways::names_are_their_own::<GroupcallFault>(&[
            "paused_by_flag",
            "token2018",
        ]);
    }
}
