//! The line between a server and the one that follows it: a pair of Unix sockets that keeps messages apart, which are JSON.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
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
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::listen::Handed;

/// A message is shorter: the longest has some connections, or says why a server does not start.
const LONGEST: usize = 64 * 1024;
/// The most descriptors that the system takes along with one message (`SCM_MAX_FD` of Linux).
pub(super) const MOST_DESCRIPTORS: usize = 253;
/// Whoever does not read for so long has stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server tells the next one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromOld {
    /// The first message, with the descriptors of these sockets, and behind them so many lines to servers before.
    Sockets { sockets: Vec<Handed>, lines: usize },
    /// Some of the connections that it still has. They are known when `is_last`, and replace those before.
    Connections {
        is_first: bool,
        is_last: bool,
        connections: Vec<Connected>,
    },
}

/// What the next server tells those before.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromNew {
    /// It serves.
    Ready,
    /// It does not, for this reason.
    Failed(String),
    /// An operator has closed the connection with this id.
    Close(String),
    /// An operator has ended all sessions of this user.
    CloseUser(i32),
    /// The service is to stop.
    Stop,
}

/// A connection that goes on in the server before, as core lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Connected {
    pub(super) username: String,
    pub(super) connection_id: String,
    pub(super) client_version: String,
    pub(super) remote: std::net::SocketAddr,
    pub(super) connected_at: i64,
    pub(super) last_activity: i64,
    pub(super) is_scp: bool,
    pub(super) transfers: Vec<Moving>,
}

/// A transfer of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moving {
    pub(super) is_upload: bool,
    pub(super) path: String,
    pub(super) started_at: i64,
    pub(super) size: u64,
    pub(super) last_activity: i64,
}

/// One end.
pub(super) struct Line(OwnedFd);

/// What came.
pub(super) enum Received<T> {
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
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (here, there) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(here), there))
    }

    pub(super) fn of(end: OwnedFd) -> Self {
        Self(end)
    }

    pub(super) fn end(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The other end is closed, or does not read.
    pub(super) fn send<T: Serialize>(&self, message: &T) -> io::Result<()> {
        self.send_with(message, &[])
    }

    /// Sends a message, and descriptors along with it.
    ///
    /// # Errors
    /// As [`Line::send`].
    pub(super) fn send_with<T: Serialize>(
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
    pub(super) fn receive<T: DeserializeOwned>(&self, within: Duration) -> io::Result<Received<T>> {
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

/// Where the program is that this process was started from, by the name that it was started by: a package that is upgraded
/// puts another file there, and what the process runs has no name any more.
pub(super) fn program() -> io::Result<PathBuf> {
    let name = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    if name.components().count() > 1 {
        return std::path::absolute(name);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|directory| directory.join(&name))
        .find(|file| file.is_file());
    found.map_or_else(std::env::current_exe, Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_apart_and_descriptors_go_along() {
        let (here, there) = Line::pair().unwrap();
        let there = Line::of(there);
        assert!(matches!(
            there.receive::<FromOld>(Duration::ZERO).unwrap(),
            Received::Nothing
        ));
        let sockets = FromOld::Sockets {
            sockets: Vec::new(),
            lines: 2,
        };
        here.send_with(&sockets, &[here.end(), there.end()])
            .unwrap();
        here.send(&FromNew::Ready).unwrap();
        match there.receive(Duration::ZERO).unwrap() {
            Received::Message(FromOld::Sockets { lines: 2, .. }, descriptors) => {
                assert_eq!(descriptors.len(), 2);
            }
            _ => panic!("another message"),
        }
        assert!(matches!(
            there.receive(Duration::ZERO).unwrap(),
            Received::Message(FromNew::Ready, _)
        ));
        drop(here);
        assert!(matches!(
            there.receive::<FromOld>(Duration::ZERO).unwrap(),
            Received::Ended
        ));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let (here, _there) = Line::pair().unwrap();
        here.send(&FromNew::Failed("x".repeat(LONGEST)))
            .unwrap_err();
    }
}
