//! Values of a directory's attributes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| caretaker::fuzz::directory_value(data));
