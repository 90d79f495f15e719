//! Syncs that an administrator of a school starts by hand, at vendors that offer no other way: a check
//! list, and the desk's notes of when each school last did it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model::action::ActionSpec;
use crate::model::calendar::london_date;
use crate::model::ids::Laestab;
use crate::model::observation::Fact;
use crate::model::plan::{Ask, Step};
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::act::{Refused, Seen};
use crate::ports::clock::Boxed;
use crate::services::declared::notes::Notes;
use crate::services::errand::{Errand, Wish};

/// Name in [`Step::with`] of the last sync that was noted when it was planned.
const SYNCED_ON: &str = "synced_on";

/// One vendor's sync by hand.
pub(super) struct SyncByHand {
    /// Its row.
    pub spec: ActionSpec,
    /// What the administrator does, in order.
    pub check_list: &'static [&'static str],
    /// Where the desk notes who did it and when; only the day is read.
    pub notes: Option<Notes>,
}

impl SyncByHand {
    /// The day of the last sync that is noted of a school.
    async fn synced_on(&self, school: Laestab, now: Timestamp) -> Result<Option<Date>, String> {
        let Some(notes) = &self.notes else { return Ok(None) };
        let noted = notes.read(now).await?;
        Ok(noted.schools.get(&school).and_then(|note| note.synced_on))
    }
}

impl Errand for SyncByHand {
    fn spec(&self) -> ActionSpec {
        self.spec
    }

    fn doer(&self) -> &'static str {
        "an administrator of the school"
    }

    fn patience(&self) -> Span {
        Span::from_days(5)
    }

    fn wish<'a>(
        &'a self,
        _: &'a Ask,
        school: Laestab,
        now: Timestamp,
    ) -> Boxed<'a, Result<Wish, Refused>> {
        Box::pin(async move {
            let synced = self.synced_on(school, now).await.map_err(Refused::CannotRead)?;
            let day = synced.map_or_else(|| "never noted".to_owned(), |day| day.to_string());
            Ok(Wish {
                lines: self.check_list.iter().map(|line| Clean::new(line)).collect(),
                now: vec![Fact { name: Clean::new("last sync"), value: Clean::new(&day) }],
                with: synced
                    .map(|day| (SYNCED_ON.to_owned(), Clean::new(&day.to_string())))
                    .into_iter()
                    .collect::<BTreeMap<_, _>>(),
                beware: Vec::new(),
            })
        })
    }

    /// There once a later day is noted, not before that of the request.
    fn look<'a>(
        &'a self,
        school: Laestab,
        step: &'a Step,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> Boxed<'a, Seen> {
        Box::pin(async move {
            if self.notes.is_none() {
                return Seen::NotYet(Clean::new("no notes of syncs are kept: a person tells"));
            }
            let before: Option<Date> =
                step.with.get(SYNCED_ON).and_then(|day| day.as_str().parse().ok());
            match self.synced_on(school, now).await {
                Ok(Some(day)) if Some(day) > before && day >= london_date(sent_at) => {
                    Seen::There(Clean::new(&format!("the notes say synced on {day}")))
                }
                Ok(_) => Seen::NotYet(Clean::new("no later sync is noted")),
                Err(why) => Seen::CannotTell(Clean::new(&why)),
            }
        })
    }
}
