//! `sftpgo_fuzz::sftp_engine` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sftpgo_fuzz::sftp_engine(data));
