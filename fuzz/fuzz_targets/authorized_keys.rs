//! `sftpgo_fuzz::authorized_keys` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::authorized_keys(data));
