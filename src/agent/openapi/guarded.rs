//! The routes of the guard: plans, actions, accounts, the audit.

use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::{Route, get, parameter, post};
use crate::wire::account::{AskAccount, FindAccounts, FoundAccounts, ShownAccount};
use crate::wire::action::{
    Actions, Approval, Arm, Armed, Audit, AuditEntry, Confirmed, Digest, EmergencyView, Erase,
    PlanPage, PlanRequest, Told, Why,
};
use crate::wire::reconcile::Reconciliation;

/// The routes of plans.
pub(super) fn plans(
    answers: &mut SchemaGenerator,
    requests: &mut SchemaGenerator,
) -> Vec<Route<'static>> {
    let plan = parameter("plan", "path", true, "The plan's id");
    let page = answers.subschema_for::<PlanPage>().to_value();
    let confirmed = answers.subschema_for::<Confirmed>().to_value();
    let asked = requests.subschema_for::<PlanRequest>().to_value();
    let digest = requests.subschema_for::<Digest>().to_value();
    let approval = requests.subschema_for::<Approval>().to_value();
    vec![
        post("/v1/plans", "Makes a plan; nothing is sent", None, Some(asked), page.clone()),
        Route {
            parameters: vec![plan.clone()],
            problems: &[404, 409],
            ..get(
                "/v1/plans/{plan}",
                "A plan of your own, as long as it can be confirmed; or one that waits for a second \
                 person, its targets read again",
                page,
            )
        },
        post(
            "/v1/plans/{plan}/confirm",
            "Confirms a plan by its digest: it runs, or waits for a second person",
            Some(&plan),
            Some(digest),
            confirmed.clone(),
        ),
        post(
            "/v1/plans/{plan}/approve",
            "Approves somebody else's plan by its digest; it runs",
            Some(&plan),
            Some(approval),
            confirmed,
        ),
        post(
            "/v1/plans/{plan}/cancel",
            "Takes back a plan that has not begun",
            Some(&plan),
            None,
            json!({"type": "object"}),
        ),
    ]
}

/// The routes of actions.
pub(super) fn acts(
    answers: &mut SchemaGenerator,
    requests: &mut SchemaGenerator,
) -> Vec<Route<'static>> {
    let key = parameter("key", "path", true, "The action's key");
    let nothing = json!({"type": "object"});
    let why = requests.subschema_for::<Why>().to_value();
    let told = requests.subschema_for::<Told>().to_value();
    vec![
        get(
            "/v1/actions",
            "What is possible for whoever asks, what waits, runs, needs a look, and is done",
            answers.subschema_for::<Actions>().to_value(),
        ),
        post(
            "/v1/actions/{key}/told",
            "A person saw what became of a step",
            Some(&key),
            Some(told),
            nothing.clone(),
        ),
        post(
            "/v1/actions/{key}/close",
            "A person closes an action as it is",
            Some(&key),
            Some(why.clone()),
            nothing,
        ),
        post(
            "/v1/emergency",
            "Declares an emergency, where the policy knows one",
            None,
            Some(why),
            answers.subschema_for::<EmergencyView>().to_value(),
        ),
        post(
            "/v1/arm",
            "Opens your own actions for a while, where the policy asks for that, or closes them",
            None,
            Some(requests.subschema_for::<Arm>().to_value()),
            answers.subschema_for::<Armed>().to_value(),
        ),
    ]
}

/// The routes of accounts.
pub(super) fn accounts(
    answers: &mut SchemaGenerator,
    requests: &mut SchemaGenerator,
) -> [Route<'static>; 2] {
    let post = |path, summary, body: Value, answer: Value| Route {
        method: "post",
        body: Some(body),
        problems: &[400, 404, 413],
        ..get(path, summary, answer)
    };
    [
        post(
            "/v1/accounts/find",
            "Accounts of one school by a part of a name; masked unless their showing is recorded",
            requests.subschema_for::<FindAccounts>().to_value(),
            answers.subschema_for::<FoundAccounts>().to_value(),
        ),
        post(
            "/v1/accounts/page",
            "Why the owner of an account cannot sign in",
            requests.subschema_for::<AskAccount>().to_value(),
            answers.subschema_for::<ShownAccount>().to_value(),
        ),
    ]
}

/// The routes of the audit.
pub(super) fn audits(
    answers: &mut SchemaGenerator,
    requests: &mut SchemaGenerator,
) -> [Route<'static>; 5] {
    let optional = |name, description| parameter(name, "query", false, description);
    let number = || vec![parameter("number", "path", true, "The entry's number")];
    let entry = answers.subschema_for::<AuditEntry>().to_value();
    let why = requests.subschema_for::<Why>().to_value();
    let erase = requests.subschema_for::<Erase>().to_value();
    let post = |path, summary, body, answer| Route {
        method: "post",
        parameters: number(),
        body: Some(body),
        problems: &[400, 404, 409, 413],
        ..get(path, summary, answer)
    };
    [
        Route {
            parameters: vec![
                optional("from", "From this entry on, oldest first"),
                optional("limit", "At most this many, 1000 at most"),
                optional("since", "Not before this time"),
                optional("until", "Before this time"),
                optional("by", "Of this person"),
                optional("kind", "Of this kind, such as `step`"),
                optional("about", "About what begins so, such as a LAESTAB"),
            ],
            problems: &[400, 404],
            ..get(
                "/v1/audit",
                "Entries of the audit, newest first",
                answers.subschema_for::<Audit>().to_value(),
            )
        },
        Route {
            parameters: vec![optional("since", "Not before this time; the last day if absent")],
            problems: &[400, 404],
            ..get(
                "/v1/audit/reconcile",
                "The vendor's own audit held against ours, for a lead or an auditor: what came \
                 through us, and what did not",
                answers.subschema_for::<Reconciliation>().to_value(),
            )
        },
        Route {
            parameters: number(),
            problems: &[400, 404],
            ..get(
                "/v1/audit/{number}",
                "One entry, and which of its personal details are still kept",
                entry.clone(),
            )
        },
        post(
            "/v1/audit/{number}/reveal",
            "The same with the details' values, for a lead or an auditor; recorded first",
            why,
            entry,
        ),
        post(
            "/v1/audit/{number}/erase",
            "Erases one personal detail, for a lead or an auditor; the chain stays whole",
            erase,
            json!({"type": "object"}),
        ),
    ]
}
