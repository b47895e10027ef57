//! `sftpgo_fuzz::dump` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::dump(data));
