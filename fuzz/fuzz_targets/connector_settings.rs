//! Settings of a declared connector.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| caretaker::fuzz::connector_settings(data));
