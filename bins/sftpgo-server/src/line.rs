//! A line to another process of the program: a pair of Unix sockets that keeps messages apart, which are JSON.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
};
use serde::{Serialize, de::DeserializeOwned};

/// A message is shorter: the longest has some connections, or says why a server does not start.
const LONGEST: usize = 64 * 1024;
/// The most descriptors that the system takes along with one message (`SCM_MAX_FD` of Linux).
pub(crate) const MOST_DESCRIPTORS: usize = 253;
/// Whoever does not read for so long has stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// One end.
pub(crate) struct Line(OwnedFd);

/// What came.
pub(crate) enum Received<T> {
    Message(T, Vec<OwnedFd>),
    Nothing,
    /// The other end is closed: its server has ended.
    Ended,
}

impl Line {
    /// Both ends of a new one.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (here, there) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(here), there))
    }

    pub(crate) fn of(end: OwnedFd) -> Self {
        Self(end)
    }

    pub(crate) fn end(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The other end is closed, or does not read.
    pub(crate) fn send<T: Serialize>(&self, message: &T) -> io::Result<()> {
        self.send_with(message, &[])
    }

    /// Sends a message, and descriptors along with it.
    ///
    /// # Errors
    /// As [`Line::send`].
    pub(crate) fn send_with<T: Serialize>(
        &self,
        message: &T,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let bytes = serde_json::to_vec(message)?;
        if bytes.len() > LONGEST {
            return Err(io::Error::other("the message is too long"));
        }
        if !self.is(PollFlags::OUT, PATIENCE)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let rights = SendAncillaryMessage::ScmRights(descriptors);
        let mut space = vec![MaybeUninit::uninit(); rights.size()];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(rights) {
            return Err(io::Error::other("there are too many descriptors"));
        }
        sendmsg(
            &self.0,
            &[IoSlice::new(&bytes)],
            &mut control,
            SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }

    /// Waits for the next message, for so long at the most.
    ///
    /// # Errors
    /// What came is no message.
    pub(crate) fn receive<T: DeserializeOwned>(&self, within: Duration) -> io::Result<Received<T>> {
        if !self.is(PollFlags::IN, within)? {
            return Ok(Received::Nothing);
        }
        let mut bytes = vec![0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = match recvmsg(
            &self.0,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            flags,
        ) {
            Ok(received) => received,
            // A server that has been followed in turn may still read from the same line.
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Received::Nothing),
            Err(Errno::CONNRESET) => return Ok(Received::Ended),
            Err(error) => return Err(error.into()),
        };
        if received.bytes == 0 {
            return Ok(Received::Ended);
        }
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        bytes.truncate(received.bytes);
        Ok(Received::Message(
            serde_json::from_slice(&bytes)?,
            descriptors,
        ))
    }

    fn is(&self, ready: PollFlags, within: Duration) -> io::Result<bool> {
        let within = Timespec::try_from(within).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.0, ready)], Some(&within)) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_apart_and_descriptors_go_along() {
        let (here, there) = Line::pair().unwrap();
        let there = Line::of(there);
        let nothing = there.receive::<String>(Duration::ZERO).unwrap();
        assert!(matches!(nothing, Received::Nothing));
        here.send_with(&"one", &[here.end(), there.end()]).unwrap();
        here.send(&"two").unwrap();
        for (expected, count) in [("one", 2), ("two", 0)] {
            match there.receive::<String>(Duration::ZERO).unwrap() {
                Received::Message(text, descriptors) => {
                    assert_eq!((text.as_str(), descriptors.len()), (expected, count));
                }
                _ => panic!("no message"),
            }
        }
        drop(here);
        let end = there.receive::<String>(Duration::ZERO).unwrap();
        assert!(matches!(end, Received::Ended));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let (here, _there) = Line::pair().unwrap();
        here.send(&"x".repeat(LONGEST)).unwrap_err();
    }
}
