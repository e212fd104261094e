#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenkeep::fuzz::device_response(data));
