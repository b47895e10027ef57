//! `sftpgo_fuzz::sftp_codec` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::sftp_codec(data));
