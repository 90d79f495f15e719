//! What the schools in one trouble share and the others do not: "is it only us?"

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::text::Clean;

/// Something that schools have in common: a trust, an appliance, a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InCommon {
    /// What it is, such as `trust` or `smoothwall.appliance`.
    pub what: Clean,
    /// Which one.
    pub value: Clean,
    /// How many have it.
    #[serde(flatten)]
    pub share: Share,
}

/// How many schools have something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Schools in the trouble that have it.
    pub sick: u32,
    /// Schools that take the service and have it.
    pub all: u32,
}

impl Share {
    /// Schools that share something before it tells anything: fewer may be chance.
    pub const FEWEST: u32 = 3;

    /// Whether it tells anything, where `sick` of `all` are sick: nearly every sick one has it, and among
    /// those that have it being sick is at least twice as common.
    #[must_use]
    pub fn tells(self, sick: u32, all: u32) -> bool {
        self.sick >= Self::FEWEST
            && self.sick * 10 >= sick * 9
            && u64::from(self.sick) * u64::from(all) >= 2 * u64::from(sick) * u64::from(self.all)
    }

    /// The sort key: what most sick ones have first, then what fewest others have.
    #[must_use]
    pub fn strength(self) -> Reverse<(u32, Reverse<u32>)> {
        Reverse((self.sick, Reverse(self.all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_tells_only_if_the_well_do_not_share_it() {
        let share = |sick, all| Share { sick, all };
        assert!(share(6, 7).tells(6, 248));
        assert!(share(9, 20).tells(10, 248), "one that does not have it is let pass");
        assert!(!share(8, 20).tells(10, 248));
        assert!(!share(6, 240).tells(6, 248), "nearly everybody has it");
        assert!(!share(2, 2).tells(2, 248), "two may be chance");
        assert!(!share(200, 220).tells(210, 248), "nearly everybody is sick");
    }
}
