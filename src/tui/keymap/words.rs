//! Words of the palette that no key has: most take something behind them.

/// One of them.
pub struct Word {
    /// As it is typed; one that takes something ends with a space.
    pub name: &'static str,
    /// What it does, with an example of what it takes.
    pub help: &'static str,
}

/// All, in the order in which the palette offers them.
pub static WORDS: &[Word] = &[
    Word { name: "school ", help: "opens a school by name, town, number, telephone or address" },
    Word { name: "filter ", help: "shows only the schools that match" },
    Word { name: "view ", help: "a filter and groups under a name" },
    Word { name: "keep ", help: "keeps filter and groups of now as a view: a name" },
    Word {
        name: "group ",
        help: "puts schools together: nothing, service, town, trust, phase, incident",
    },
    Word { name: "at ", help: "the board as it was: Mon 22:00, 22:00, -8h, 2026-11-25T22:00" },
    Word { name: "diff ", help: "two moments compared: 22:00 06:00; or since one: Mon 22:00" },
    Word { name: "audit ", help: "who did what: by:asha kind:step about:937 since:2d" },
    Word { name: "theme ", help: "another theme: default, dark, light, cvd, mono, or your own" },
    Word {
        name: "arm ",
        help: "opens your actions for a while, where the policy asks for that: 15m why",
    },
    Word { name: "emergency ", help: "declares an emergency, where the policy knows one: why" },
    Word { name: "q", help: "ends the console" },
];
