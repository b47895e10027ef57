//! The stream that the library reads and writes: the socket, with what this server knows about it.

use std::{
    io::{self, IoSliceMut},
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

use crate::channel::Budget;

/// What is read beyond what was asked for: the length of the next packet, a page of data with all that is around it, or many
/// small packets with one call. What is read ahead is copied once more, so this is much less than a large packet.
const READ_AHEAD: usize = 5 * 1024;

/// A socket.
///
/// - It is read only while the sessions can take more. The library opens the windows of channels by itself, so a
///   client that sends faster than its data is stored is held back here: by the network, for all channels of the connection
///   alike. The library itself is not held up, so that what the sessions answer goes out meanwhile.
/// - It lets no client wait for a delayed acknowledgement. A client that writes a packet in two parts with Nagle's
///   algorithm on, as Node's ssh2 does, sends the second one when the first is acknowledged: 40 ms later by Linux' habit, for
///   every request.
/// - A packet goes to where it is wanted, and what follows it to a small buffer, with one call.
pub(super) struct Wire {
    stream: TcpStream,
    budget: Arc<Budget>,
    ahead: Box<[u8]>,
    unread: Range<usize>,
}

impl Wire {
    /// Reads and writes `stream`.
    pub(super) fn new(stream: TcpStream, budget: Arc<Budget>) -> Self {
        Self {
            stream,
            budget,
            ahead: vec![0; READ_AHEAD].into(),
            unread: 0..0,
        }
    }

    /// Gives out what was read ahead.
    fn take_ahead(&mut self, buffer: &mut ReadBuf<'_>) {
        let unread = self.ahead.get(self.unread.clone()).unwrap_or_default();
        let wanted = unread.get(..buffer.remaining()).unwrap_or(unread);
        buffer.put_slice(wanted);
        self.unread.start += wanted.len();
    }

    /// Fills the buffer, then reads ahead.
    fn fill(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let wanted = buffer.initialize_unfilled();
        let (wanted_len, room) = (wanted.len(), wanted.len() + self.ahead.len());
        let count = self
            .stream
            .try_read_vectored(&mut [IoSliceMut::new(wanted), IoSliceMut::new(&mut self.ahead)])?;
        if count < room {
            // There was no more: saves the call that would find nothing. The connection's own thread has not looked for
            // events since, so what has come after the read is still to be told.
            let _ = self.stream.try_io(Interest::READABLE, || {
                Err::<(), _>(io::ErrorKind::WouldBlock.into())
            });
        }
        buffer.advance(count.min(wanted_len));
        self.unread = 0..count.saturating_sub(wanted_len);
        Ok(())
    }

    /// Is there something to read? Asks for a wake-up otherwise.
    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let readable = self.stream.poll_read_ready(context);
        if readable.is_pending() {
            // The kernel goes back to its habit by itself (tcp(7), TCP_QUICKACK), so this is said before each wait.
            let _ = self.stream.set_quickack(true);
        }
        readable
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            self.take_ahead(buffer);
            return Poll::Ready(Ok(()));
        }
        ready!(self.budget.poll_may_read(context));
        loop {
            ready!(self.poll_readable(context))?;
            match self.fill(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
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
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::config::Limits;

    /// A wire, and its other end.
    async fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap());
        let (accepted, other) = tokio::join!(listener.accept(), other);
        let budget = Arc::new(Budget::new(&Limits::default()));
        (Wire::new(accepted.unwrap().0, budget), other.unwrap())
    }

    #[tokio::test]
    async fn everything_comes_in_order_whatever_is_asked_for() {
        let (mut wire, mut other) = pair().await;
        let sent: Vec<u8> = (0..400_000_u32).map(|at| (at / 7 * 31) as u8).collect();
        let expected = sent.clone();
        let sending = tokio::spawn(async move {
            for (number, piece) in sent.chunks(9_973).enumerate() {
                other.write_all(piece).await.unwrap();
                if number % 5 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut got = Vec::new();
        let mut sizes = [4, 32_000, 1, READ_AHEAD, 17, 70_000].iter().cycle();
        loop {
            let mut buffer = vec![0; *sizes.next().unwrap()];
            match wire.read(&mut buffer).await.unwrap() {
                0 => break,
                count => got.extend_from_slice(&buffer[..count]),
            }
        }
        sending.await.unwrap();
        assert!(got == expected);
    }

    #[tokio::test]
    async fn what_comes_after_a_pause_is_noticed() {
        let (mut wire, mut other) = pair().await;
        for round in 0..50_u8 {
            other.write_all(&[round; 100]).await.unwrap();
            let mut buffer = [0; 100];
            wire.read_exact(&mut buffer).await.unwrap();
            assert_eq!(buffer, [round; 100]);
            let nothing = tokio::time::timeout(std::time::Duration::ZERO, wire.read(&mut buffer));
            assert!(nothing.await.is_err());
        }
    }

    #[tokio::test]
    async fn what_comes_between_two_reads_is_noticed() {
        let (mut wire, mut other) = pair().await;
        let mut buffer = [0; 100];
        for round in 0..5_u8 {
            other.write_all(&[round; 100]).await.unwrap();
            wire.read_exact(&mut buffer).await.unwrap();
            other.write_all(&[round; 100]).await.unwrap();
            // The runtime hears of it before anybody asks.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            let read = wire.read_exact(&mut buffer);
            let read = tokio::time::timeout(std::time::Duration::from_secs(10), read).await;
            read.expect("it came before the read").unwrap();
        }
    }

    #[tokio::test]
    async fn what_comes_while_reading_has_to_wait_is_noticed() {
        let (mut wire, mut other) = pair().await;
        let budget = Arc::clone(&wire.budget);
        let mut buffer = [0; 100];
        other.write_all(&[1; 100]).await.unwrap();
        wire.read_exact(&mut buffer).await.unwrap();
        let most = Limits::default().queued_bytes;
        budget.set_most_moving(0);
        let busy = crate::channel::Inbox::new(Arc::clone(&budget));
        busy.push(b"x").unwrap();
        other.write_all(&[2; 100]).await.unwrap();
        let early = std::time::Duration::from_millis(10);
        let read = tokio::time::timeout(early, wire.read_exact(&mut buffer)).await;
        assert!(read.is_err());
        budget.set_most_moving(most);
        let read = wire.read_exact(&mut buffer);
        let read = tokio::time::timeout(std::time::Duration::from_secs(10), read).await;
        read.expect("it came before the read").unwrap();
        assert_eq!(buffer, [2; 100]);
    }
}
