//! A server that somebody else started.

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Result};

use super::{Files, Server, banner};
use crate::{client::Endpoint, cpu::Processes};

/// How to reach it: `NAME=HOST:PORT,USER,KEY,HOME,PID`.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    name: String,
    endpoint: Endpoint,
    home: PathBuf,
    pid: i32,
}

impl FromStr for Peer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "NAME=HOST:PORT,USER,KEY,HOME,PID is expected";
        let (name, rest) = text.split_once('=').ok_or(FORM)?;
        let fields: Vec<&str> = rest.split(',').collect();
        let [address, user, key, home, pid] = fields.as_slice() else {
            return Err(FORM);
        };
        let (host, port) = address.rsplit_once(':').ok_or(FORM)?;
        Ok(Self {
            name: name.to_owned(),
            endpoint: Endpoint {
                host: host.trim_matches(['[', ']']).to_owned(),
                port: port.parse().map_err(|_| "PORT is a number up to 65535")?,
                user: (*user).to_owned(),
                key: PathBuf::from(key),
                namespace: None,
            },
            home: PathBuf::from(home),
            pid: pid.parse().map_err(|_| "PID is the number of a process")?,
        })
    }
}

impl Peer {
    /// Watches it from now on.
    pub(crate) fn attach(&self) -> Result<Server> {
        let banner = banner(&self.endpoint.host, self.endpoint.port).with_context(|| {
            format!(
                "{}:{} does not answer",
                self.endpoint.host, self.endpoint.port
            )
        })?;
        Ok(Server {
            name: self.name.clone(),
            banner,
            endpoint: self.endpoint.clone(),
            limited_user: None,
            processes: Processes::attach(self.pid)?,
            program: None,
            files: Files::below(&self.home).context("HOME must be where we can write")?,
            _state: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_form_that_the_help_shows() {
        let peer: Peer = "go=[::1]:2022,alice,/tmp/key,/srv/alice,42"
            .parse()
            .unwrap();
        assert_eq!(
            (
                peer.name.as_str(),
                peer.endpoint.host.as_str(),
                peer.endpoint.port
            ),
            ("go", "::1", 2022)
        );
        assert_eq!((peer.endpoint.user.as_str(), peer.pid), ("alice", 42));
        assert_eq!(peer.home, PathBuf::from("/srv/alice"));
        for wrong in [
            "go",
            "go=host,u,k,h,1",
            "go=host:2022,u,k,h",
            "go=host:x,u,k,h,1",
            "go=host:22,u,k,h,one",
        ] {
            assert!(wrong.parse::<Peer>().is_err(), "{wrong}");
        }
    }
}
