//! What strangers can send, and what has to hold whatever it is.
//!
//! A target is a function of bytes that panics when something does not hold. `fuzz_targets/` hands them to
//! libFuzzer, `tests/seeds.rs` runs each of them for a moment in the ordinary tests.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a target fails by panicking"
)]

mod audit_log;
mod command_line;
mod credentials;
mod dump;
mod home;
mod proxy_header;
mod rest_user;
mod scp_message;
mod sftp_codec;
mod sftp_engine;
mod ssh_key;
mod ssh_program;
mod ssh_proto;
mod ssh_revocation_list;
mod virtual_path;

pub use audit_log::audit_log;
pub use command_line::command_line;
pub use credentials::{authorized_keys, password_hash};
pub use dump::dump;
pub use proxy_header::proxy_header;
pub use rest_user::rest_user;
pub use scp_message::scp_message;
pub use sftp_codec::sftp_codec;
pub use sftp_engine::sftp_engine;
pub use ssh_key::ssh_key;
pub use ssh_program::ssh_program;
pub use ssh_proto::{
    ssh_channels, ssh_encrypted, ssh_identification, ssh_inflate, ssh_kexinit, ssh_login,
    ssh_phases,
};
pub use ssh_revocation_list::ssh_revocation_list;
pub use virtual_path::virtual_path;

/// A leading byte, by which an input chooses among cases, and the rest.
fn chosen(data: &[u8]) -> (u8, &[u8]) {
    data.split_first()
        .map_or((0, data), |(first, rest)| (*first, rest))
}

/// What is before the first newline, and what is behind it.
fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, b""),
    }
}
