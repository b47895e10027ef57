//! Sockets that were open before this server was: passed by whoever started it, or handed on by the server that it follows.

use std::{
    env, io,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixListener,
    },
    path::{Path, PathBuf},
};

use listenfd::ListenFd;
use serde::{Deserialize, Serialize};

use super::{Listening, of_system};
use crate::config::Problem;

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Section {
    Sftpd,
    Httpd,
}

/// A socket that one server hands on to the next, which listens on it in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Handed {
    /// It was passed by whoever started the first one.
    Passed(Section),
    /// The server has opened this port itself.
    Port,
    /// The server has made this socket in the file system.
    Path(PathBuf),
}

/// A socket of this server, to be handed on to the next one.
pub(crate) struct Kept {
    pub(crate) handed: Handed,
    pub(crate) socket: OwnedFd,
}

/// Sockets that were open before, and those that are to be handed on.
#[derive(Default)]
pub(crate) struct Sockets {
    passed: Vec<(Section, TcpListener)>,
    ports: Vec<TcpListener>,
    paths: Vec<(PathBuf, UnixListener)>,
    kept: Vec<Kept>,
}

impl Sockets {
    /// Sockets that whoever started this process listens on already (systemd's socket activation, sd_listen_fds(3)): those
    /// with the name `httpd` for that section, and all others for `sftpd`.
    ///
    /// # Errors
    /// One of them is no TCP socket that listens.
    pub(crate) fn passed() -> Result<Self, Problem> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names: Vec<_> = names.split(':').collect();
        let mut found = ListenFd::from_env();
        let mut sockets = Self::default();
        for position in 0..found.len() {
            let section = match names.get(position) {
                Some(&"httpd") => Section::Httpd,
                _ => Section::Sftpd,
            };
            let listener = found.take_tcp_listener(position).map_err(|error| {
                let reason = format!("socket number {position} cannot be listened on: {error}");
                Problem::new("LISTEN_FDS", reason)
            })?;
            let listener = listener.map(|listener| (section, listener));
            sockets.passed.extend(listener);
        }
        Ok(sockets)
    }

    /// Sockets of the server that this one follows.
    pub(crate) fn handed(handed: impl IntoIterator<Item = (Handed, OwnedFd)>) -> Self {
        let mut sockets = Self::default();
        for (handed, socket) in handed {
            match handed {
                Handed::Passed(section) => sockets.passed.push((section, socket.into())),
                Handed::Port => sockets.ports.push(socket.into()),
                Handed::Path(path) => sockets.paths.push((path, socket.into())),
            }
        }
        sockets
    }

    /// Those that were passed for `section`, in order.
    ///
    /// # Errors
    /// One of them cannot be listened on.
    pub(super) fn take_passed(&mut self, section: Section) -> Result<Vec<Listening>, Problem> {
        let mut taken = Vec::new();
        for (of, listener) in std::mem::take(&mut self.passed) {
            if of != section {
                self.passed.push((of, listener));
                continue;
            }
            let listening = of_system(listener)
                .and_then(|listening| {
                    self.keep(Handed::Passed(section), &listening.listener)?;
                    Ok(listening)
                })
                .map_err(|error| {
                    Problem::new("LISTEN_FDS", format!("a socket cannot be used: {error}"))
                })?;
            taken.push(listening);
        }
        Ok(taken)
    }

    /// The one that listens at one of these addresses.
    pub(super) fn take_port(&mut self, addresses: &[SocketAddr]) -> Option<TcpListener> {
        let is_there = |listener: &TcpListener| {
            let address = listener.local_addr();
            address.is_ok_and(|address| addresses.contains(&address))
        };
        let at = self.ports.iter().position(is_there)?;
        Some(self.ports.swap_remove(at))
    }

    /// The one that listens at this path.
    pub(super) fn take_path(&mut self, path: &Path) -> Option<UnixListener> {
        let at = self.paths.iter().position(|(of, _)| of == path)?;
        Some(self.paths.swap_remove(at).1)
    }

    /// Remembers a socket that this server listens on, so that it can be handed on.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub(super) fn keep(&mut self, handed: Handed, socket: &impl AsFd) -> io::Result<()> {
        let socket = socket.as_fd().try_clone_to_owned()?;
        self.kept.push(Kept { handed, socket });
        Ok(())
    }

    /// All that this server listens on. What it does not listen on is closed.
    pub(crate) fn into_kept(self) -> Vec<Kept> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_where_it_listens() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap();
        let passed = TcpListener::bind("127.0.0.1:0").unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let file = UnixListener::bind(&path).unwrap();
        let mut sockets = Sockets::handed([
            (Handed::Passed(Section::Httpd), passed.into()),
            (Handed::Port, port.into()),
            (Handed::Path(path.clone()), file.into()),
        ]);
        let other = "127.0.0.1:1".parse().unwrap();
        assert!(sockets.take_port(&[other]).is_none());
        assert!(sockets.take_port(&[other, address]).is_some());
        assert!(sockets.take_port(&[address]).is_none());
        assert!(sockets.take_path(directory.path()).is_none());
        assert!(sockets.take_path(&path).is_some());
        assert!(sockets.take_passed(Section::Sftpd).unwrap().is_empty());
    }
}
