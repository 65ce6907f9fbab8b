#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| easypeers::proto::fuzz::payload(bytes));
