//! Purple Mash's pages and the notes of its syncs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| caretaker::fuzz::purple_mash(data));
