//! The six situations that the console is made for, key by key: played by a test, and recorded by
//! `examples/record.rs`.

/// A situation: what it is called, the demo's scenario, and what is pressed once the screen shows what.
pub struct Situation {
    pub name: &'static str,
    pub title: &'static str,
    pub scenario: &'static str,
    pub steps: &'static [(&'static str, &'static str)],
}

pub const SITUATIONS: &[Situation] = &[
    Situation {
        name: "answer-the-phone",
        title: "A school rings: what is wrong there, and is it only us?",
        scenario: "morning",
        steps: &[
            ("whole estate", "o"),
            (": school", "hampr"),
            ("Hamprel", "\r"),
            ("SAY", "y"),
            ("sent to the terminal", "\x1b"),
            ("nobody", ""),
        ],
    },
    Situation {
        name: "the-morning-round",
        title: "Whose backup failed last night, and who has it?",
        scenario: "morning",
        steps: &[
            ("whole estate", "/"),
            ("everything", "rs:bad has:nobody"),
            ("shown", "\r"),
            ("shown", "V"),
            ("marked", "c"),
            ("until", "\x1b"),
            ("nobody", ":group service\r"),
            ("Groupcall: ", "\r"),
            ("- ", ""),
        ],
    },
    Situation {
        name: "an-account-is-misused",
        title: "A pupil's account is misused: a plan first, then its words",
        scenario: "calm",
        steps: &[
            ("whole estate", "o"),
            (": school", "9992001"),
            ("999 2001", "\r"),
            ("SAY", "w"),
            ("part of a name", "u9992001000\r"),
            ("pupil     open", "\r"),
            ("x act", "x"),
            ("act >", "lock"),
            ("Lock", "\r"),
            ("why", "mail in the pupil's name, a parent rang\r"),
            ("ticket", "INC0041233\r"),
            ("complete", "\r"),
            ("NOTHING HAS BEEN SENT", "\x1b"),
        ],
    },
    Situation {
        name: "bring-it-back",
        title: "From which nights can a school's backup be asked for?",
        scenario: "morning",
        steps: &[
            ("whole estate", "/"),
            ("everything", "rs:bad wl:ok gc:ok"),
            ("shown", "\r"),
            ("shown", "x"),
            ("act >", "ask for a"),
            ("Ask for a restore", "\r"),
            ("missing", "\x1b"),
        ],
    },
    Situation {
        name: "two-in-the-morning",
        title: "What is broken, since when, what is the root, who has it?",
        scenario: "storm",
        steps: &[
            ("whole estate", "i"),
            ("what nobody has first", "\r"),
            ("root", "c"),
            ("claimed", "\x1b"),
            ("INCIDENTS", "\x1b"),
            ("LIVE", ""),
        ],
    },
    Situation {
        name: "handing-over",
        title: "What broke, what was done, what is open and whose",
        scenario: "morning",
        steps: &[
            ("whole estate", "c"),
            ("until", ":handover\r"),
            ("since", "\x06"),
            ("since", "\x1b"),
            ("nobody", ":expiring\r"),
            ("in ", ""),
        ],
    },
];
