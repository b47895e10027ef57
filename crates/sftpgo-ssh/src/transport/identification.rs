//! The exchange of identification lines (RFC 4253 section 4.2), ahead of the library.
//!
//! What is offered depends on who asks: MACs of encrypt-and-MAC go to clients that are known to have nothing better,
//! and to nobody else. A client cannot be moved to them from outside: both lines are part of what the key exchange signs.

use std::{io, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep},
};

/// The longest line, its end included.
const MAX_LINE: usize = 255;
/// A line that came in parts is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A client that takes longer over its line is not worth waiting for: it is offered the defaults.
const WAIT: Duration = Duration::from_secs(2);

/// What the software version of a client that knows neither encrypt-then-MAC nor AEAD ciphers starts with: libssh2 before
/// 1.11 (Debian 12's curl), JSch before its fork, and what else is still met.
const ONLY_ENCRYPT_AND_MAC: &[&str] = &[
    "JSCH-0.1",
    "JSCH_0.1",
    "dropbear",
    "libssh-0.",
    "libssh2_0.",
    "libssh2_1.0",
    "libssh2_1.1.",
    "libssh2_1.10",
    "libssh2_1.2",
    "libssh2_1.3",
    "libssh2_1.4",
    "libssh2_1.5",
    "libssh2_1.6",
    "libssh2_1.7",
    "libssh2_1.8",
    "libssh2_1.9",
    "paramiko_1.",
    "phpseclib_1.",
    "phpseclib_2.",
    "Ruby/Net::SSH_2.",
    "Ruby/Net::SSH_3.",
    "Ruby/Net::SSH_4.",
];

/// Sends our line and answers the client's without taking it from the stream; less when it does not come in time.
///
/// # Errors
/// What the network says.
pub(super) async fn exchange(stream: &mut TcpStream, ours: &str) -> io::Result<Vec<u8>> {
    stream.write_all(line(ours).as_bytes()).await?;
    let until = Instant::now() + WAIT;
    let mut seen = vec![0; MAX_LINE];
    loop {
        let length = tokio::select! {
            length = stream.peek(&mut seen) => length?,
            () = tokio::time::sleep_until(until) => 0,
        };
        let whole = seen.get(..length).unwrap_or_default();
        if whole.is_empty()
            || whole.contains(&b'\n')
            || length == MAX_LINE
            || Instant::now() > until
        {
            return Ok(whole.to_vec());
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Is this the line of a client that has nothing better than encrypt-and-MAC?
pub(super) fn knows_only_encrypt_and_mac(line: &[u8]) -> bool {
    let Some(software) = line.strip_prefix(b"SSH-2.0-") else {
        return false;
    };
    ONLY_ENCRYPT_AND_MAC
        .iter()
        .any(|name| software.starts_with(name.as_bytes()))
}

/// Our line as it goes out.
pub(super) fn line(ours: &str) -> String {
    format!("{ours}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_clients_are_known_by_their_line() {
        for (line, old) in [
            ("SSH-2.0-libssh2_1.10.0\r\n", true),
            ("SSH-2.0-libssh2_1.9.0_DEV\r\n", true),
            ("SSH-2.0-libssh2_1.1.0\r\n", true),
            ("SSH-2.0-libssh2_1.11.0\r\n", false),
            ("SSH-2.0-JSCH-0.1.54\r\n", true),
            ("SSH-2.0-JSCH_0.2.20\r\n", false),
            ("SSH-2.0-OpenSSH_9.2p1\r\n", false),
            ("SSH-2.0-PuTTY_Release_0.78\r\n", false),
            ("SSH-1.99-libssh2_1.10.0\r\n", false),
            ("", false),
        ] {
            assert_eq!(knows_only_encrypt_and_mac(line.as_bytes()), old, "{line}");
        }
    }
}
