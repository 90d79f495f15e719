//! Actions on desktop monitoring: whoever cares for the PCs installs or repairs the client. There is
//! no call for it, and never an action on what was captured.

use jiff::Timestamp;

use crate::model::action::{ActionSpec, AimsAt, ChoiceSpec, Class};
use crate::model::ids::Laestab;
use crate::model::plan::Ask;
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::act::Refused;
use crate::ports::clock::Boxed;
use crate::services::errand::{Errand, Wish, needed};

/// Rows of the table.
pub(super) const ACTIONS: &[ActionSpec] = &[CLIENT_CHECK];

const CLIENT_CHECK: ActionSpec = ActionSpec {
    id: "future_digital.client_check",
    label: "Ask for a check of the monitoring client",
    class: Class::HandOff,
    aims_at: AimsAt::School,
    choices: &[
        ChoiceSpec {
            name: "stations",
            help: "names of the PCs, separated by commas: LIB-PC01, LIB-PC02",
            optional: false,
        },
        ChoiceSpec {
            name: "text",
            help: "what the ticket says besides, without any pupil's name",
            optional: true,
        },
    ],
};

/// PCs in one request.
const MOST_STATIONS: usize = 40;

/// What is done at each PC.
const CHECK_LIST: &[&str] = &[
    "1. Is the PC in use, and on the network? If it was taken away, tell the desk: the number of PCs \
     that we expect is then wrong.",
    "2. Is the monitoring client installed, and does its service run?",
    "3. If not, install or repair it as usual, and restart the PC.",
    "4. Tell the desk for each PC what was found. What was captured is nobody's business here.",
];

/// Asks whoever cares for the PCs.
pub(super) struct ClientCheck;

/// The names of the PCs.
fn stations(ask: &Ask) -> Result<Vec<&str>, Refused> {
    let named = needed(ask, &CLIENT_CHECK, "stations")?;
    let names: Vec<&str> =
        named.as_str().split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    // As Windows has it, and the names that DNS allows beside.
    let is_name = |name: &&str| {
        (1..=63).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(odd) => Err(Refused::Choice(format!("stations: {odd:?} is not the name of a PC"))),
        None if names.is_empty() || names.len() > MOST_STATIONS => {
            Err(Refused::Choice(format!("stations: name 1 to {MOST_STATIONS} PCs")))
        }
        None => Ok(names),
    }
}

impl Errand for ClientCheck {
    fn spec(&self) -> ActionSpec {
        CLIENT_CHECK
    }

    fn doer(&self) -> &'static str {
        "whoever cares for the PCs"
    }

    fn patience(&self) -> Span {
        Span::from_days(5)
    }

    fn wish<'a>(
        &'a self,
        ask: &'a Ask,
        _: Laestab,
        _: Timestamp,
    ) -> Boxed<'a, Result<Wish, Refused>> {
        Box::pin(async move {
            let names = stations(ask)?;
            let mut lines = vec![Clean::new(&format!("PCs: {}", names.len()))];
            lines.extend(names.into_iter().map(Clean::new));
            lines.extend(CHECK_LIST.iter().map(|line| Clean::new(line)));
            Ok(Wish { lines, ..Wish::default() })
        })
    }
}
