//! The SSH engine, without the computing that hides its decisions from a fuzzer.

mod channels;
mod encrypted;
mod engine;
mod host;
mod identification;
mod inflate;
mod kexinit;
mod login;
mod output;
mod phases;
mod write;

pub use channels::ssh_channels;
pub use encrypted::ssh_encrypted;
pub use identification::ssh_identification;
pub use inflate::ssh_inflate;
pub use kexinit::ssh_kexinit;
pub use login::ssh_login;
pub use phases::ssh_phases;

/// Messages of an input: each has two bytes of length before it, and the last one takes what is left.
fn messages(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(behind.len());
        let (message, behind) = behind.split_at(length);
        rest = behind;
        Some(message)
    })
}
