//! Kills the guard's process with SIGKILL at every recorded step of every class of action, starts it
//! again, and counts what the vendor really did.
//!
//! Each run is a process of its own over a real ledger; the vendor is a file that outlives it. The
//! clock jumps over every wait, so nothing here depends on speed. `CARETAKER_CRASHES=N` dies at
//! every moment, with N seeds that choose a second death and how long it was dead; without it, at
//! every seventh with one, and with 0 at every thirteenth.
//!
//! The same with everything real but the vendors, and over a real Active Directory, is in
//! `tests/service/deaths.rs` and `tests/service/real.rs`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it fails")]
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test ends where it fails")]
#![expect(clippy::print_stdout, reason = "it prints its counts")]

mod child;
mod disk;
mod parent;
mod vendor;

const TESTS: [(&str, fn()); 2] =
    [("threat_21_a_full_disk", disk::parent), ("threat_22_killed_at_every_step", parent::run)];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|a| a == "--child") {
        child::run(&args[at + 1..]);
        return;
    }
    if let Some(at) = args.iter().position(|a| a == "--full") {
        disk::child(&args[at + 1..]);
        return;
    }
    if args.iter().any(|a| a == "--list") {
        TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    // Words that the test runner hands on choose tests by name.
    let words: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
    for (name, test) in TESTS {
        if words.is_empty() || words.iter().any(|w| name.contains(w.as_str())) {
            test();
        }
    }
}
