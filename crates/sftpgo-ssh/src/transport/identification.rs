//! The exchange of identification lines (RFC 4253 section 4.2), ahead of the library.
//!
//! What is offered depends on who asks: MACs of encrypt-and-MAC go to clients that are known to have nothing better,
//! and to nobody else. A client cannot be moved to them from outside: both lines are part of what the key exchange signs.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
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

fn line(ours: &str) -> String {
    format!("{ours}\r\n")
}

/// A stream on which our line has gone out: the library's own writing of it is dropped.
pub(super) struct Identified<S> {
    stream: S,
    left_of_line: usize,
}

impl<S> Identified<S> {
    pub(super) fn new(stream: S, ours: &str) -> Self {
        Self {
            stream,
            left_of_line: line(ours).len(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Identified<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Identified<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.left_of_line > 0 {
            let dropped = self.left_of_line.min(data.len());
            self.left_of_line -= dropped;
            return Poll::Ready(Ok(dropped));
        }
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
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

    #[tokio::test]
    async fn the_librarys_own_line_is_dropped_and_the_rest_goes_through() {
        let mut stream = Identified::new(Vec::new(), "SSH-2.0-x");
        for part in ["SSH-2", ".0-x\r\n", "and then"] {
            stream.write_all(part.as_bytes()).await.unwrap();
        }
        assert_eq!(stream.stream, b"and then");
    }
}
