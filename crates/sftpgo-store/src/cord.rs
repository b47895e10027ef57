//! The socket that a connection hangs on.
//!
//! The databases' libraries wait for an answer as long as it takes, and a connection that the server has closed looks
//! sound until it is used. With a hold on the socket itself a connection can be looked at, and cut.

use std::{
    collections::HashSet,
    fs,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rustix::net::{
    RecvFlags, Shutdown, SocketAddrAny, SocketAddrUnix, getpeername, recv, shutdown,
};

/// Where a socket leads to.
pub(crate) enum Peer {
    /// This TCP port, of whatever machine.
    Port(u16),
    /// This path.
    Socket(Vec<u8>),
}

/// A hold on the socket of a connection.
pub(crate) struct Cord(OwnedFd);

/// What a socket looks like that should be idle.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// Nothing has come.
    Idle,
    /// Something has.
    Talkative,
    /// The other side has closed it.
    Closed,
}

/// Held while a connection is made, so that the new socket is that connection's.
static CONNECTING: Mutex<()> = Mutex::new(());

impl Cord {
    /// Establishes something and finds the socket that it hangs on, if there is one that leads to such a peer.
    pub(crate) fn of<T, E>(
        leads_there: impl Fn(&Peer) -> bool,
        establish: impl FnOnce() -> Result<T, E>,
    ) -> Result<(T, Option<Self>), E> {
        let _alone = CONNECTING.lock().unwrap_or_else(PoisonError::into_inner);
        let before: HashSet<PathBuf> = sockets().into_iter().map(|(_, name)| name).collect();
        let established = establish()?;
        let mut found = sockets()
            .into_iter()
            .filter(|(_, name)| !before.contains(name))
            .filter_map(|(number, _)| hold(number))
            .filter(|socket| peer_of(socket).is_some_and(|peer| leads_there(&peer)));
        let cord = match (found.next(), found.next()) {
            (Some(socket), None) => Some(Self(socket)),
            // It could be another's.
            _ => None,
        };
        Ok((established, cord))
    }

    /// Looks at a connection that nobody uses.
    pub(crate) fn looks(&self) -> Looks {
        let mut byte = [0_u8; 1];
        let peek = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        match recv(&self.0, &mut byte[..], peek) {
            Ok((0, _)) => Looks::Closed,
            Ok(_) => Looks::Talkative,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Looks::Idle,
            Err(_) => Looks::Closed,
        }
    }

    /// Ends the connection; whoever waits for an answer is told that there is none.
    pub(crate) fn cut(&self) {
        // It may have ended by itself.
        let _ = shutdown(&self.0, Shutdown::Both);
    }
}

/// This process's sockets: the number of each, and a name that no other has.
fn sockets() -> Vec<(RawFd, PathBuf)> {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = fs::read_link(entry.path()).ok()?;
            let number = entry.file_name().to_str()?.parse().ok()?;
            name.to_str()?
                .starts_with("socket:")
                .then_some((number, name))
        })
        .collect()
}

/// A file of our own that is the same as the one of this number.
fn hold(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: the number was open a moment ago. Should it have been closed since, the system says so; should it be
    // another file by now, that one is only looked at, and let go unless it leads to the database.
    #[allow(
        unsafe_code,
        reason = "nothing else leads from the library's socket to it"
    )]
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    file.try_clone_to_owned().ok()
}

fn peer_of(socket: impl AsFd) -> Option<Peer> {
    let peer: SocketAddrAny = getpeername(socket).ok()??;
    if let Ok(address) = SocketAddr::try_from(peer.clone()) {
        return Some(Peer::Port(address.port()));
    }
    let unix = SocketAddrUnix::try_from(peer).ok()?;
    unix.path_bytes().map(|path| Peer::Socket(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    fn connected() -> (TcpStream, Cord, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let leads_there = |peer: &Peer| matches!(peer, Peer::Port(port) if *port == address.port());
        let (ours, cord) = Cord::of(leads_there, || TcpStream::connect(address)).unwrap();
        (ours, cord.unwrap(), listener.accept().unwrap().0)
    }

    #[test]
    fn a_socket_is_looked_at_without_taking_what_came() {
        let (mut ours, cord, mut theirs) = connected();
        assert_eq!(cord.looks(), Looks::Idle);
        theirs.write_all(b"x").unwrap();
        ours.peek(&mut [0]).unwrap();
        assert_eq!(cord.looks(), Looks::Talkative);
        let mut byte = [0];
        ours.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
        drop(theirs);
        // Waits for the end to arrive.
        assert_eq!(ours.read(&mut byte).unwrap(), 0);
        assert_eq!(cord.looks(), Looks::Closed);
    }

    #[test]
    fn who_waits_for_an_answer_is_told_when_the_connection_is_cut() {
        let (mut ours, cord, _theirs) = connected();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || ours.read(&mut [0]).unwrap());
            cord.cut();
            assert_eq!(waiting.join().unwrap(), 0);
        });
    }

    #[test]
    fn a_socket_that_leads_elsewhere_is_nobodys() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (_ours, cord) = Cord::of(|_| false, || TcpStream::connect(address)).unwrap();
        assert!(cord.is_none());
    }
}
