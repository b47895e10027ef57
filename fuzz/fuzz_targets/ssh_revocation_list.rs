//! `sftpgo_fuzz::ssh_revocation_list` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::ssh_revocation_list(data));
