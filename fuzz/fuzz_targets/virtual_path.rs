//! `sftpgo_fuzz::virtual_path` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::virtual_path(data));
