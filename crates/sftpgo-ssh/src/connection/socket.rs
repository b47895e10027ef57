//! A connection's socket: waiting for it, receiving into a buffer of the connection's own thread, and sending.

use std::{
    io,
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};

/// Room for what is received: two of most clients' packets of data.
const BUFFER: usize = 64 * 1024;
/// Room at first. Logins and most requests are smaller, and what a connection takes up is not always given back to the system
/// when it is not needed any more.
const FIRST: usize = 8 * 1024;

#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::DONTWAIT;

/// What woke a thread that waits for the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// So many bytes were added to the input.
    Bytes(usize),
    /// The client sends no more, or the connection is shut down here.
    End,
    /// There was nothing to receive.
    Nothing,
}

/// The socket, which may be shut down from another thread.
pub(super) struct Socket(TcpStream);

impl Socket {
    /// A socket whose receiving waits no longer than `quiet`.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new(stream: TcpStream, quiet: Duration) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(quiet))?;
        // Without it every sequential request waits for a delayed acknowledgement.
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Has receiving end, at once if a thread waits for it.
    pub(super) fn stop_receiving(&self) {
        let _ = self.0.shutdown(Shutdown::Read);
    }

    /// Tells the client that nothing more comes.
    pub(super) fn stop_sending(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }

    /// Ends the connection whatever its thread is at.
    pub(super) fn stop(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }

    /// Sends what the system takes of `data` now.
    ///
    /// # Errors
    /// The system's: nothing more can be sent.
    pub(super) fn send(&self, data: &[u8]) -> io::Result<usize> {
        match send(&self.0, data, SEND) {
            Ok(count) => Ok(count),
            Err(Errno::AGAIN | Errno::INTR | Errno::NOBUFS) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Receives what is there.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn receive_now(&self, input: &mut Input) -> io::Result<Received> {
        self.receive(input, RecvFlags::DONTWAIT)
    }

    /// Waits for something to receive, no longer than it was set up for.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn receive_soon(&self, input: &mut Input) -> io::Result<Received> {
        self.receive(input, RecvFlags::empty())
    }

    fn receive(&self, input: &mut Input, flags: RecvFlags) -> io::Result<Received> {
        match recv(&self.0, input.room(), flags) {
            Ok((_, 0)) => Ok(Received::End),
            Ok((_, count)) => {
                input.add(count);
                Ok(Received::Bytes(count))
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(Received::Nothing),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until there is something to receive or to send, as asked for, or the connection is over; at the longest until
    /// then. Says whether the connection is over, which matters to who does not receive.
    pub(super) fn wait(&self, receives: bool, sends: bool, until: Option<Instant>) -> bool {
        let mut events = PollFlags::empty();
        if receives {
            events |= PollFlags::IN;
        }
        if sends {
            events |= PollFlags::OUT;
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut sockets = [PollFd::new(&self.0, events)];
        // Interrupted or not: whoever waits looks again.
        let _ = poll(&mut sockets, timeout.as_ref());
        let [socket] = sockets;
        socket.revents().intersects(PollFlags::HUP | PollFlags::ERR)
    }

    /// Lets no client wait for a delayed acknowledgement of what is not answered. One that writes a packet in two parts, or
    /// two packets, with Nagle's algorithm on, as Node's ssh2 does and OpenSSH before it is logged in, sends the second one
    /// when the first is acknowledged: 40 ms later by Linux' habit. The kernel goes back to that by itself (tcp(7),
    /// TCP_QUICKACK), so this is said before each wait.
    pub(super) fn acknowledge_at_once(&self) {
        #[cfg(target_os = "linux")]
        let _ = rustix::net::sockopt::set_tcp_quickack(&self.0, true);
    }
}

/// What was received and not taken yet.
#[derive(Default)]
pub(super) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Was all the room used the last time?
    was_full: bool,
}

impl Input {
    /// Makes the input with what was received before.
    pub(super) fn starting_with(bytes: Vec<u8>) -> Self {
        Self {
            end: bytes.len(),
            buffer: bytes,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Returns what was received and not consumed.
    pub(super) fn unread(&mut self) -> &mut [u8] {
        self.buffer
            .get_mut(self.start..self.end)
            .unwrap_or_default()
    }

    /// Drops bytes that are done with.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// The next packet is `wanted` bytes long. Where the buffer is full before it is whole, it grows: to no more than twice
    /// what has come.
    pub(super) fn grow(&mut self, wanted: usize) {
        let len = self.end.saturating_sub(self.start);
        if len > 0 && len == self.buffer.len() {
            let more = len.saturating_add(1)..=len.saturating_mul(2);
            self.buffer
                .resize(wanted.clamp(*more.start(), *more.end()), 0);
        }
    }

    /// Gives the buffer back to the allocator, unless there is something in it.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Adds bytes that came into the room.
    fn add(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.buffer.len());
        self.was_full = self.end == self.buffer.len();
    }

    /// Room for more, behind what is unread.
    fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.buffer.len() > BUFFER && self.end < BUFFER {
                self.buffer.truncate(BUFFER);
                self.buffer.shrink_to_fit();
            }
        }
        let least = if self.was_full { BUFFER } else { FIRST };
        if self.buffer.len() < least {
            self.buffer.resize(least, 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::Arc,
        thread,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn pair(quiet: Duration) -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (
            Socket::new(listener.accept().unwrap().0, quiet).unwrap(),
            other,
        )
    }

    #[test]
    fn everything_comes_in_order_however_it_is_taken() {
        let (socket, mut other) = pair(LONG);
        let sent: Vec<u8> = (0..600_000_u32).map(|at| (at / 7 * 31) as u8).collect();
        let expected = sent.clone();
        let sending = thread::spawn(move || {
            for piece in sent.chunks(9_973) {
                other.write_all(piece).unwrap();
            }
        });
        let (mut input, mut got) = (Input::default(), Vec::new());
        let mut sizes = [4, 32_000, 1, 17, 70_000, 200_000].iter().cycle();
        let mut wanted = *sizes.next().unwrap();
        while socket.receive_soon(&mut input).unwrap() != Received::End {
            while input.unread().len() >= wanted {
                got.extend_from_slice(&input.unread()[..wanted]);
                input.consume(wanted);
                wanted = *sizes.next().unwrap();
            }
            input.grow(wanted);
            assert!(input.buffer.len() <= 200_000);
        }
        got.extend_from_slice(input.unread());
        sending.join().unwrap();
        assert!(got == expected);
    }

    #[test]
    fn the_buffer_is_no_larger_than_usual_once_a_long_packet_is_over() {
        let (socket, mut other) = pair(LONG);
        let mut input = Input::default();
        let sending = thread::spawn(move || {
            other.write_all(&[1; 200_000]).unwrap();
            other
        });
        while input.unread().len() < 200_000 {
            input.grow(200_000);
            socket.receive_soon(&mut input).unwrap();
        }
        input.consume(200_000);
        assert_eq!(input.room().len(), BUFFER);
        input.shrink();
        assert_eq!(input.buffer.capacity(), 0);
        drop(sending.join().unwrap());
        assert_eq!(socket.receive_soon(&mut input).unwrap(), Received::End);
    }

    #[test]
    fn who_sends_little_has_little_room_and_who_fills_it_more() {
        let (socket, mut other) = pair(LONG);
        let mut input = Input::default();
        other.write_all(&[1; FIRST - 1]).unwrap();
        socket.receive_soon(&mut input).unwrap();
        input.consume(FIRST);
        assert_eq!(input.room().len(), FIRST);
        other.write_all(&[1; FIRST]).unwrap();
        while input.unread().len() < FIRST {
            socket.receive_soon(&mut input).unwrap();
        }
        input.consume(FIRST);
        assert_eq!(input.room().len(), BUFFER);
    }

    #[test]
    fn a_thread_that_waits_is_woken_when_receiving_is_stopped() {
        for blocking in [true, false] {
            let (socket, _other) = pair(LONG);
            let socket = Arc::new(socket);
            let stopping = Arc::clone(&socket);
            let start = Instant::now();
            let other = thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                stopping.stop_receiving();
            });
            let mut input = Input::default();
            if blocking {
                assert_eq!(socket.receive_soon(&mut input).unwrap(), Received::End);
            } else {
                socket.wait(true, false, None);
                assert_eq!(socket.receive_now(&mut input).unwrap(), Received::End);
            }
            other.join().unwrap();
            assert!(start.elapsed() < LONG);
        }
    }

    #[test]
    fn nothing_comes_within_the_time_and_nothing_waits_longer() {
        let (socket, mut other) = pair(Duration::from_millis(20));
        let mut input = Input::default();
        assert_eq!(socket.receive_soon(&mut input).unwrap(), Received::Nothing);
        assert_eq!(socket.receive_now(&mut input).unwrap(), Received::Nothing);
        socket.wait(
            true,
            false,
            Some(Instant::now() + Duration::from_millis(20)),
        );
        other.write_all(b"x").unwrap();
        socket.wait(true, false, None);
        assert_eq!(socket.receive_now(&mut input).unwrap(), Received::Bytes(1));
    }

    #[test]
    fn what_the_system_does_not_take_can_be_sent_later() {
        let (socket, mut other) = pair(LONG);
        let data = vec![7; 1 << 20];
        let mut sent = 0;
        loop {
            match socket.send(&data).unwrap() {
                0 => break,
                count => sent += count,
            }
        }
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            other.read_to_end(&mut all).unwrap();
            all.len()
        });
        socket.wait(false, true, None);
        sent += socket.send(&data).unwrap();
        socket.stop_sending();
        assert_eq!(reading.join().unwrap(), sent);
    }
}
