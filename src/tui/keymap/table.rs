//! The table: every command that exists, its places, keys, words, and when it applies.

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// One down.
    Down,
    /// One up.
    Up,
    /// A cell to the left.
    Left,
    /// A cell to the right.
    Right,
    /// A screenful down.
    PageDown,
    /// A screenful up.
    PageUp,
    /// Half a screenful down.
    HalfDown,
    /// Half a screenful up.
    HalfUp,
    /// To the top; the board sorts again.
    Top,
    /// To the end.
    Bottom,
    /// Into what the cursor stands on.
    Enter,
    /// One step back.
    Back,
    /// On the board: choice of cell and filter away.
    Clear,
    /// The next trouble that nobody has.
    NextTrouble,
    /// The one before.
    PreviousTrouble,
    /// Mark or unmark.
    Mark,
    /// Mark all that is shown, or unmark all.
    MarkAll,
    /// The filter's prompt.
    Filter,
    /// The palette.
    Palette,
    /// The palette at `school`.
    OpenByName,
    /// The palette at `view`.
    Views,
    /// The view of this key's place.
    SavedView,
    /// The palette at `group`.
    Groups,
    /// Ask again now.
    Refresh,
    /// Acknowledge.
    Acknowledge,
    /// Claim.
    Claim,
    /// Acknowledge with an end and a reason.
    AcknowledgeWith,
    /// A hold that a change ends, with an end and a reason.
    AcknowledgeAsIs,
    /// Claim with an end and a reason.
    ClaimWith,
    /// Set a downtime.
    Downtime,
    /// Write a note.
    Note,
    /// Give back what was taken last.
    GiveBack,
    /// Act on it: the menu of actions.
    Act,
    /// Accounts of a school: why can this person not sign in?
    Accounts,
    /// Confirm the plan by what is typed.
    Confirm,
    /// Plans that wait for a second person.
    Approvals,
    /// Actions that need a look.
    Look,
    /// What runs out next.
    Expiring,
    /// What is broken.
    Incidents,
    /// An incident becomes part of another.
    MergeIncident,
    /// Cells part from an incident.
    SplitIncident,
    /// An incident is over.
    ResolveIncident,
    /// The board at a past moment.
    Time,
    /// What is handed over.
    Handover,
    /// How services stood through a period.
    Figures,
    /// In the past: the change before.
    Earlier,
    /// A recording stands still, or goes on.
    PauseReplay,
    /// A recording plays faster.
    Faster,
    /// A recording plays slower.
    Slower,
    /// In the past: the next change.
    Later,
    /// The audit.
    Audit,
    /// What others have stated about personal data.
    Statements,
    /// The brief of the training that runs.
    Training,
    /// One more hint.
    Hint,
    /// What was done in the training so far.
    Debrief,
    /// Take back one's own request.
    TakeBack,
    /// Tell what was seen of a step.
    Tell,
    /// Go on with an action that was partly done.
    ContinueAction,
    /// Close an action as it is.
    CloseAction,
    /// Personal details of an entry of the audit.
    Reveal,
    /// Copy the sentence.
    Copy,
    /// The next school's page.
    NextSchool,
    /// The previous school's page.
    PreviousSchool,
    /// The keys of this place.
    Help,
    /// Leave a prompt; twice on the board: end.
    Interrupt,
    /// Draw everything again.
    Redraw,
    /// Stop, to go on with `fg`.
    Suspend,
    /// End the console.
    Quit,
    /// Take what is typed.
    Accept,
    /// Leave the prompt without it.
    Cancel,
    /// Complete what is typed.
    Complete,
    /// The candidate below.
    NextCandidate,
    /// The candidate above.
    PreviousCandidate,
    /// Rub out a character.
    RubOut,
    /// Rub out a word.
    RubOutWord,
    /// Rub out all that stands before the cursor.
    RubOutLine,
    /// Rub out the character at the cursor.
    RubOutNext,
    /// Typing goes on a character further left.
    TypeLeft,
    /// Typing goes on a character further right.
    TypeRight,
    /// Typing goes on at the beginning.
    TypeStart,
    /// Typing goes on at the end.
    TypeEnd,
}

/// A place where keys have a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The board.
    Board,
    /// A school's page, and the estate's.
    Page,
    /// A text that scrolls: evidence.
    Text,
    /// Where text is typed.
    Prompt,
    /// A plan that waits for its words.
    Confirm,
    /// Plans that wait for a second person.
    Approvals,
    /// Actions that are open.
    Look,
    /// The audit.
    Audit,
    /// One account.
    Account,
    /// Accounts that a search found.
    Found,
    /// What runs out next.
    Expiring,
    /// What is broken.
    Incidents,
    /// One incident.
    Incident,
}

impl Scope {
    /// All.
    pub const ALL: &'static [Self] = &[
        Self::Board,
        Self::Page,
        Self::Text,
        Self::Prompt,
        Self::Confirm,
        Self::Approvals,
        Self::Look,
        Self::Audit,
        Self::Account,
        Self::Found,
        Self::Expiring,
        Self::Incidents,
        Self::Incident,
    ];

    /// Whether printable keys are text there.
    #[must_use]
    pub fn is_typed_in(self) -> bool {
        matches!(self, Self::Prompt | Self::Confirm)
    }

    /// In words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Board => "the board",
            Self::Page => "a page",
            Self::Text => "a text",
            Self::Prompt => "a prompt",
            Self::Confirm => "a plan",
            Self::Approvals => "approvals",
            Self::Look => "open actions",
            Self::Audit => "the audit",
            Self::Account => "an account",
            Self::Found => "found accounts",
            Self::Expiring => "what runs out",
            Self::Incidents => "incidents",
            Self::Incident => "an incident",
        }
    }
}

/// What decides whether a command applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// A board has come.
    pub has_board: bool,
    /// The cursor stands on a row.
    pub has_row: bool,
    /// The line to the agent lives.
    pub connected: bool,
    /// There is a sentence to copy.
    pub has_sentence: bool,
    /// A filter or a chosen cell can be taken away.
    pub can_clear: bool,
    /// There is a cell under the cursor, or schools are marked.
    pub has_cell: bool,
    /// A training runs.
    pub in_training: bool,
    /// What is shown is the past.
    pub in_past: bool,
    /// What is shown is a recording that is played.
    pub in_replay: bool,
}

/// One row of the table.
pub struct Binding {
    /// The command.
    pub command: Command,
    /// Its name in the config and the palette.
    pub name: &'static str,
    /// Where it applies.
    pub scopes: &'static [Scope],
    /// Default keys; the first one stands in hints.
    pub keys: &'static [&'static str],
    /// A word or two.
    pub label: &'static str,
    /// A sentence.
    pub help: &'static str,
    /// Place in the hint line; 0: not there.
    pub hint: u8,
    /// Why it does not apply now; `None` if it does.
    pub why_not: fn(&Facts) -> Option<&'static str>,
}

const LISTS: &[Scope] = &[
    Scope::Board,
    Scope::Page,
    Scope::Text,
    Scope::Approvals,
    Scope::Look,
    Scope::Audit,
    Scope::Account,
    Scope::Found,
    Scope::Expiring,
    Scope::Incidents,
    Scope::Incident,
];
const SCHOOLS: &[Scope] = &[Scope::Board, Scope::Page];
const ALL: &[Scope] = Scope::ALL;
const BOARD: &[Scope] = &[Scope::Board];
const PAGE: &[Scope] = &[Scope::Page];
/// All lists but the board, which is left only by ending the console.
const INNER: &[Scope] = match LISTS {
    [_, inner @ ..] => inner,
    [] => &[],
};
const PROMPT: &[Scope] = &[Scope::Prompt];
const CONFIRM: &[Scope] = &[Scope::Confirm];
const TYPED: &[Scope] = &[Scope::Prompt, Scope::Confirm];
const APPROVALS: &[Scope] = &[Scope::Approvals];
const LOOK: &[Scope] = &[Scope::Look];
const AUDIT: &[Scope] = &[Scope::Audit];
const ACCOUNT: &[Scope] = &[Scope::Account];
const FOUND: &[Scope] = &[Scope::Found];
const EXPIRING: &[Scope] = &[Scope::Expiring];
const INCIDENTS: &[Scope] = &[Scope::Incidents, Scope::Incident];
const GUARD: &[Scope] = &[Scope::Approvals, Scope::Look, Scope::Audit];

/// Why nothing can be done to the past.
pub const IN_PAST: &str = "this is the past, nothing can be done; Esc on the board: back to now";

/// Why nothing can be done in a recording.
pub const IN_REPLAY: &str = "this is a recording: nothing can be done in it";

fn always(_: &Facts) -> Option<&'static str> {
    None
}
fn with_board(facts: &Facts) -> Option<&'static str> {
    (!facts.has_board).then_some("no board has come from the agent yet")
}
fn with_row(facts: &Facts) -> Option<&'static str> {
    (!facts.has_row).then_some("the cursor stands on nothing")
}
fn reachable(facts: &Facts) -> Option<&'static str> {
    (!facts.connected).then_some("the agent cannot be reached")
}
fn connected(facts: &Facts) -> Option<&'static str> {
    facts.in_past.then_some(IN_PAST).or_else(|| of_agent(facts))
}
fn of_agent(facts: &Facts) -> Option<&'static str> {
    facts.in_replay.then_some(IN_REPLAY).or_else(|| reachable(facts))
}
fn not_in_past(facts: &Facts) -> Option<&'static str> {
    facts.in_past.then_some(IN_PAST).or_else(|| reachable(facts))
}
fn in_replay(facts: &Facts) -> Option<&'static str> {
    (!facts.in_replay).then_some("no recording is played").or_else(|| reachable(facts))
}
fn in_past(facts: &Facts) -> Option<&'static str> {
    (!facts.in_past && !facts.in_replay)
        .then_some("this is the present")
        .or_else(|| reachable(facts))
}
fn with_cell(facts: &Facts) -> Option<&'static str> {
    connected(facts).or((!facts.has_cell).then_some("the cursor stands on no cell"))
}
fn in_training(facts: &Facts) -> Option<&'static str> {
    connected(facts).or((!facts.in_training)
        .then_some("no training runs; `caretaker demo --scenario list` names those there are"))
}
fn with_sentence(facts: &Facts) -> Option<&'static str> {
    (!facts.has_sentence).then_some("there is no sentence yet")
}
fn can_clear(facts: &Facts) -> Option<&'static str> {
    (!facts.can_clear).then_some("no filter is set")
}

macro_rules! table {
    ($($command:ident $name:literal $scopes:ident [$($key:literal)*] $label:literal $help:literal
       $hint:literal $when:ident;)*) => {
        /// Every command.
        pub static BINDINGS: &[Binding] = &[$(Binding {
            command: Command::$command,
            name: $name,
            scopes: $scopes,
            keys: &[$($key),*],
            label: $label,
            help: $help,
            hint: $hint,
            why_not: $when,
        },)*];
    };
}

#[rustfmt::skip]
table! {
    Down "down" LISTS ["j" "down"] "down" "One row down." 0 always;
    Up "up" LISTS ["k" "up"] "up" "One row up." 0 always;
    Left "left" BOARD ["h" "left"] "cell" "The cell to the left; the peek follows." 0 with_row;
    Right "right" BOARD ["l" "right"] "cell" "The cell to the right; the peek follows." 0 with_row;
    PageDown "page_down" LISTS ["pgdn"] "page down" "A screenful down." 0 always;
    PageUp "page_up" LISTS ["pgup"] "page up" "A screenful up." 0 always;
    HalfDown "half_down" LISTS ["ctrl-d"] "half down" "Half a screenful down." 0 always;
    HalfUp "half_up" LISTS ["ctrl-u"] "half up" "Half a screenful up." 0 always;
    Top "top" LISTS ["g" "home"] "top" "To the top; on the board it also sorts again, worst first." 0 always;
    Bottom "bottom" LISTS ["G" "end"] "end" "To the end." 0 always;
    Enter "open" SCHOOLS ["enter"] "open" "Opens the school's page, a folded line, or the evidence of a service." 1 with_row;
    Back "back" INNER ["esc" "q" "backspace"] "back" "One step back; place and filter are kept." 2 always;
    Clear "clear" BOARD ["esc" "backspace"] "clear" "Takes the choice of a cell away, then the filter, then the groups; in the past: back to now." 3 can_clear;
    NextTrouble "next_trouble" BOARD ["n"] "next bad" "Sorts again and goes to the next trouble that nobody has." 3 with_board;
    PreviousTrouble "previous_trouble" BOARD ["N"] "previous bad" "Sorts again and goes to the trouble before that nobody has." 0 with_board;
    Mark "mark" BOARD ["space"] "mark" "Marks the school, or takes its mark away." 12 with_row;
    MarkAll "mark_all" BOARD ["V"] "mark all" "Marks every school that is shown; if all are marked, takes the marks away." 0 with_board;
    Filter "filter" BOARD ["/"] "filter" "Shows only the schools that match, while you type." 4 with_board;
    OpenByName "school" SCHOOLS ["o"] "school" "Opens a school by a few letters of its name, or its number." 8 with_board;
    Views "views" BOARD ["v"] "views" "Another view: a filter and groups under a name, from the configuration or kept with `:keep NAME`." 13 with_board;
    SavedView "saved_view" BOARD ["1" "2" "3" "4" "5" "6" "7" "8" "9"] "view 1-9" "The first to ninth view." 0 with_board;
    Groups "groups" BOARD [] "groups" "Puts schools together: by service, town, trust, phase or open incident; each group says how it stands." 0 with_board;
    NextSchool "next_school" PAGE ["]"] "next" "The next school's page, in the order of the board." 4 always;
    PreviousSchool "previous_school" PAGE ["["] "previous" "The previous school's page." 5 always;
    Acknowledge "acknowledge" SCHOOLS ["a"] "ack" "Known, no need to call out: until the end of the shift, for the cell under the cursor or the marked schools." 4 with_cell;
    Claim "claim" SCHOOLS ["c"] "claim" "You work on it: until the end of the shift." 4 with_cell;
    AcknowledgeWith "acknowledge_with" SCHOOLS ["A"] "ack, why" "The same with an end and a reason, which are asked for; each may be left out." 0 with_cell;
    AcknowledgeAsIs "acknowledge_as_is" SCHOOLS [] "ack as is" "Known as it is: ends when the cell changes, at the latest at the end that you give or of the shift. Asks for both." 0 with_cell;
    ClaimWith "claim_with" SCHOOLS ["C"] "claim, why" "The same with an end and a reason, which are asked for; each may be left out." 0 with_cell;
    Downtime "downtime" SCHOOLS ["d"] "downtime" "Planned work: asks until when and why; a vendor's announced work is filled in." 6 with_cell;
    Note "note" SCHOOLS ["m"] "note" "A line for whoever comes next, without any pupil's name." 6 with_cell;
    GiveBack "give_back" SCHOOLS ["u"] "give back" "Undoes what you last acknowledged, claimed or set, or strikes out the note that you wrote last; without that, gives back the cell under the cursor. Says first where; the same key once more does it." 8 connected;
    Act "act" SCHOOLS ["x"] "act" "Acts on the cell under the cursor or on the marked schools: a menu, then a plan. Nothing is sent by this key." 7 with_cell;
    Accounts "accounts" SCHOOLS ["w"] "sign-in" "Why can this person not sign in? Finds accounts of the school by a part of a name, masked; nothing is changed." 8 with_cell;
    Act "act_on_account" ACCOUNT ["x"] "act" "Acts on this account: a menu, then a plan. Nothing is sent by this key." 3 connected;
    Reveal "show_names" ACCOUNT ["p"] "show names" "Shows the whole names; asks why, and records that first." 4 connected;
    Copy "copy_account" ACCOUNT ["y"] "copy" "Sends the sentence to the terminal's clipboard (OSC 52); it holds no name." 5 always;
    Refresh "read_account" ACCOUNT ["r"] "read again" "Reads the account again; names are masked then." 6 connected;
    Enter "open_account" FOUND ["enter"] "open" "Opens the account at the cursor." 1 always;
    Mark "mark_account" FOUND ["space"] "mark" "Marks the account, or takes its mark away; marks stay when something else is searched for." 3 always;
    MarkAll "mark_accounts" FOUND ["V"] "mark all" "Marks every account of the list; if all are marked, takes these marks away." 4 always;
    Act "act_on_accounts" FOUND ["x"] "act" "Acts on all marked accounts, those of other searches too, or on the one at the cursor: a menu, then one plan. Nothing is sent by this key." 5 connected;
    Filter "search_again" FOUND ["/"] "search" "Back to the line: another part of a name." 6 always;
    Reveal "show_found" FOUND ["p" "tab"] "show names" "Shows the whole names of the list; asks why, and records that first." 7 connected;
    Approvals "approvals" LISTS [] "approvals" "Plans that wait for a second person." 0 connected;
    Look "look" LISTS [] "needs a look" "Open actions: what is under way, and what somebody has to look at." 0 connected;
    Enter "open_ending" EXPIRING ["enter"] "open" "Opens the school's page, or the plans that wait." 1 always;
    Expiring "expiring" LISTS [] "runs out" "What runs out next: who has what until when, plans that wait, what is open for a while." 0 with_board;
    Incidents "incidents" SCHOOLS ["i"] "incidents" "What is broken: incidents with their root, reach, cells and time line; what nobody has first." 7 not_in_past;
    Enter "open_of_incident" INCIDENTS ["enter"] "open" "Opens the incident, or the page of its root." 1 not_in_past;
    Claim "claim_incident" INCIDENTS ["c"] "claim" "You work on it: its roots in trouble are yours until the end of the shift." 3 connected;
    Note "note_incident" INCIDENTS ["m"] "note" "A line for whoever comes next and for the review, without any pupil's name." 4 connected;
    GiveBack "give_back_incident" INCIDENTS ["u"] "give back" "Nobody has it any more. Says first which; the same key once more does it." 6 connected;
    MergeIncident "merge" INCIDENTS [] "merge" "It becomes part of another incident: asks for its number and why." 0 connected;
    SplitIncident "split" INCIDENTS [] "split" "Cells of it, with what follows from them, become an incident of their own: asks which, and why." 0 connected;
    ResolveIncident "resolve" INCIDENTS [] "resolve" "It is over: asks why. While a cell of it is in trouble, only anyway." 0 connected;
    Refresh "read_incidents" INCIDENTS ["r"] "read again" "Reads it again." 7 not_in_past;
    Time "time" SCHOOLS ["t"] "time" "The whole board as it was at a past moment: asks for when. Nothing can be done there; Esc goes back to now." 11 reachable;
    Handover "handover" LISTS [] "handover" "What broke since your last shift, what was done, what is open and whose." 0 of_agent;
    Figures "report" LISTS [] "report" "How available each service was, how fresh, and how long trouble took: the last 30 days, or those you name." 0 of_agent;
    Earlier "earlier" BOARD ["["] "earlier" "In the past and in a recording: to the change before, wherever it was." 1 in_past;
    Later "later" BOARD ["]"] "later" "In the past and in a recording: to the next change, wherever it was." 1 in_past;
    PauseReplay "pause_replay" SCHOOLS ["p"] "pause" "A recording stands still, or goes on." 1 in_replay;
    Faster "faster" SCHOOLS ["+"] "faster" "A recording plays faster." 1 in_replay;
    Slower "slower" SCHOOLS ["-"] "slower" "A recording plays slower." 1 in_replay;
    Audit "audit" LISTS [] "audit" "Who did what, on whose word." 0 connected;
    Enter "open_entry" GUARD ["enter"] "open" "Opens what the cursor stands on." 1 always;
    Statements "statements" LISTS [] "statements" "What vendors and ICTDS have stated about personal data: who, where, when, and what is not held." 0 with_board;
    Training "training" LISTS [] "training" "What the desk was told at the start of the training, and the hints so far." 0 in_training;
    Hint "hint" LISTS [] "hint" "One more hint of the training; the debrief counts them." 0 in_training;
    Debrief "debrief" LISTS [] "debrief" "What was done in the training so far, and when." 0 in_training;
    TakeBack "take_back" APPROVALS ["u"] "take back" "Takes back your own request, which has sent nothing. Says first which; the same key once more does it." 3 connected;
    Tell "tell" LOOK ["t"] "tell" "Tells what you saw of the step at the cursor: whether its effect is there, and how you know." 3 connected;
    ContinueAction "continue_action" LOOK ["c"] "continue" "Plans what is missing of an action that was partly done; nothing is sent before that plan is confirmed." 4 connected;
    CloseAction "close_action" LOOK ["e"] "close" "Closes the action as it is, with a reason; nothing more is done about it by itself." 4 connected;
    Filter "audit_filter" AUDIT ["/"] "filter" "Shows only the entries that match: by:asha kind:step about:937 since:2d" 3 connected;
    Reveal "reveal" AUDIT ["p"] "personal" "Shows an entry's personal details to a lead or an auditor; asks why, and records that first." 4 connected;
    Refresh "read_again" GUARD ["r"] "read again" "Reads the list again." 5 connected;
    Confirm "confirm" CONFIRM ["enter"] "confirm" "Confirms the plan, once what it asks for is typed; until then it does nothing." 1 always;
    Cancel "leave_plan" CONFIRM ["esc"] "leave, nothing sent" "Leaves the plan; nothing is sent." 2 always;
    PageDown "plan_on" CONFIRM ["tab" "pgdn"] "scroll" "Shows more of the plan." 3 always;
    PageUp "plan_back" CONFIRM ["shift-tab" "pgup"] "scroll back" "Shows the plan from further up." 0 always;
    Down "plan_down" CONFIRM ["down"] "down" "One line down." 0 always;
    Up "plan_up" CONFIRM ["up"] "up" "One line up." 0 always;
    Help "plan_help" CONFIRM ["f1"] "what the words mean" "The keys of a plan, and what its words mean." 4 always;
    Copy "copy" PAGE ["y"] "copy" "Sends the sentence to the terminal's clipboard (OSC 52)." 3 with_sentence;
    Copy "copy_here" BOARD ["y"] "copy" "Sends the sentence about the school at the cursor to the terminal's clipboard (OSC 52)." 12 with_sentence;
    Refresh "refresh" SCHOOLS ["r"] "ask now" "Asks the vendors again now, within their limits, and sorts again." 10 connected;
    Palette "palette" LISTS [":"] "commands" "All commands by name." 6 always;
    Help "help" LISTS ["?" "f1"] "keys" "The keys of this place, with a search." 5 always;
    Quit "quit" BOARD ["q"] "quit" "Ends the console; the agent of a service goes on." 6 always;
    Interrupt "interrupt" ALL ["ctrl-c"] "leave" "Leaves a prompt; twice on the board ends the console." 0 always;
    Redraw "redraw" ALL ["ctrl-l"] "redraw" "Draws the whole screen again." 0 always;
    Suspend "suspend" ALL ["ctrl-z"] "suspend" "Stops the console; `fg` brings it back." 0 always;
    Accept "accept" PROMPT ["enter"] "take" "Takes what is typed." 1 always;
    Cancel "cancel" PROMPT ["esc"] "leave" "Leaves without it." 2 always;
    Complete "complete" PROMPT ["tab"] "complete" "Completes to the chosen candidate." 3 always;
    NextCandidate "next_candidate" PROMPT ["down"] "next" "The candidate below." 0 always;
    PreviousCandidate "previous_candidate" PROMPT ["up" "shift-tab"] "previous" "The candidate above." 0 always;
    RubOut "rub_out" TYPED ["backspace"] "rub out" "Rubs out a character; on an empty line it leaves." 0 always;
    RubOutWord "rub_out_word" TYPED ["ctrl-w"] "rub out word" "Rubs out a word." 0 always;
    RubOutLine "rub_out_line" PROMPT ["ctrl-u"] "rub out line" "Rubs out all that stands before the cursor." 0 always;
    RubOutNext "rub_out_next" PROMPT ["del"] "rub out next" "Rubs out the character at the cursor." 0 always;
    TypeLeft "type_left" PROMPT ["left"] "left" "The cursor of the line to the left." 0 always;
    TypeRight "type_right" PROMPT ["right"] "right" "The cursor of the line to the right." 0 always;
    TypeStart "type_start" PROMPT ["home"] "start" "To the beginning of the line." 0 always;
    TypeEnd "type_end" PROMPT ["end"] "end of line" "To the end of the line." 0 always;
}
