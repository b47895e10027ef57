//! `sftpgo_fuzz::rest_user` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::rest_user(data));
