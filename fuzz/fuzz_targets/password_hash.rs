//! `sftpgo_fuzz::password_hash` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::password_hash(data));
