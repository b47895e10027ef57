//! From whom a request comes, and by which way.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// How a request came to the server. Every request has one as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The client that sends it.
    pub client: ClientAddress,
    /// Who can reach the binding that it came by.
    pub reach: Reach,
    /// Can nobody on the way read it? It came by TLS then, or a trusted proxy says that it came to the proxy so.
    pub is_encrypted: bool,
}

/// The address of a client. Everything that logs, counts or limits clients goes by this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAddress {
    /// The other end of the connection.
    Peer(SocketAddr),
    /// The address that a trusted proxy says of the client.
    Told(IpAddr),
    /// A program on this machine, by a Unix socket, of which no proxy said anything.
    Local,
}

/// Who can reach a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Programs that may open the socket's file.
    UnixSocket,
    /// Programs of this machine.
    Loopback,
    /// Other machines too.
    Network,
}

impl ClientAddress {
    /// The address; a program of this machine has loopback's.
    pub fn ip(self) -> IpAddr {
        match self {
            Self::Peer(peer) => peer.ip(),
            Self::Told(ip) => ip,
            Self::Local => Ipv4Addr::LOCALHOST.into(),
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(peer) => peer.fmt(f),
            Self::Told(ip) => ip.fmt(f),
            Self::Local => f.write_str("local"),
        }
    }
}

impl Reach {
    /// Returns who can reach what listens on `address`; loopback is known in IPv6's notation of IPv4 too.
    pub fn of(address: IpAddr) -> Self {
        if address.to_canonical().is_loopback() {
            Self::Loopback
        } else {
            Self::Network
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_every_notation() {
        for (address, expected) in [
            ("127.0.0.1", Reach::Loopback),
            ("127.1.2.3", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("::ffff:192.0.2.1", Reach::Network),
            ("::", Reach::Network),
            ("0.0.0.0", Reach::Network),
        ] {
            assert_eq!(Reach::of(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_client_is_logged_with_its_port_where_that_is_known() {
        let peer = "192.0.2.1:40000".parse().unwrap();
        let told = "2001:db8::1".parse().unwrap();
        for (client, text) in [
            (ClientAddress::Peer(peer), "192.0.2.1:40000"),
            (ClientAddress::Told(told), "2001:db8::1"),
            (ClientAddress::Local, "local"),
        ] {
            assert_eq!(client.to_string(), text);
        }
        assert!(ClientAddress::Local.ip().is_loopback());
    }
}
