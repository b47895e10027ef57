//! `sftpgo_fuzz::scp_message` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::scp_message(data));
