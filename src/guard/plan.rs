//! The digest of a plan: what everybody who confirms or approves it agrees to. Pure.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::observation::Fact;
use crate::model::plan::{Aim, Ask, Item, Kind, LeftOut, Plan, Ruling, SecondPerson, Step};
use crate::model::text::Clean;

/// The part of an item that was read or decided; its key is not.
#[derive(Serialize)]
struct Digested<'a> {
    aim: &'a Aim,
    also: &'a [Aim],
    kind: Kind,
    lease: &'a Clean,
    now: &'a [Fact],
    steps: &'a [Step],
    sends: &'a [Clean],
    protective: bool,
    will_not: &'a [Clean],
    beware: &'a [Clean],
    undo: &'a Option<Clean>,
    second_person: &'a Option<SecondPerson>,
}

#[derive(Serialize)]
struct Whole<'a> {
    ask: &'a Ask,
    by: u32,
    items: Vec<Digested<'a>>,
    left_out: &'a [LeftOut],
    ruling: &'a Ruling,
    expires_at: String,
}

/// SHA-256, in hex, over the canonical JSON of everything that is agreed to: what was asked and
/// why, the ticket, the targets as read, the steps, the policy's version, and when it expires.
#[must_use]
pub fn digest(plan: &Plan) -> Clean {
    let whole = Whole {
        ask: &plan.ask,
        by: plan.by.person(),
        items: plan.items.iter().map(digested).collect(),
        left_out: &plan.left_out,
        ruling: &plan.ruling,
        expires_at: plan.expires_at.to_string(),
    };
    // Strings, whole numbers and lists always serialise.
    let bytes = serde_json_canonicalizer::to_vec(&whole).unwrap_or_default();
    Clean::new(&Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>())
}

fn digested(item: &Item) -> Digested<'_> {
    Digested {
        aim: &item.aim,
        also: &item.also,
        kind: item.kind,
        lease: &item.lease,
        now: &item.now,
        steps: &item.steps,
        sends: &item.sends,
        protective: item.protective,
        will_not: &item.will_not,
        beware: &item.beware,
        undo: &item.undo,
        second_person: &item.second_person,
    }
}

/// Whether `fresh`, read just now, is what `planned` was confirmed for.
#[must_use]
pub fn same(planned: &Item, fresh: &Item) -> bool {
    let read = |i: &Item| {
        (i.aim.clone(), i.also.clone(), i.kind, i.lease.clone(), i.now.clone(), i.steps.clone())
    };
    read(planned) == read(fresh)
}
