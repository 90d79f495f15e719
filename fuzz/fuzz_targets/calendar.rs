//! iCalendar files and lists of bank holidays.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| caretaker::fuzz::calendar(data));
