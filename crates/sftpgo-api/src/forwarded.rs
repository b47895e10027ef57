//! What reverse proxies say of the clients that they pass on: who they are, and whether they came by TLS.
//!
//! Anybody can send the headers in which they say so. So they are believed only of addresses that the operator trusts.

use std::net::{IpAddr, SocketAddr};

use sftpgo_core::{Error, Result, network::Networks};
use warp::http::{HeaderMap, HeaderName, HeaderValue};

use crate::arrival::ClientAddress;

/// Which proxies are believed, and what.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Networks,
    client: Option<ClientHeader>,
    encrypted: Vec<(HeaderName, HeaderValue)>,
}

/// A header with clients' addresses, the last one said by the nearest proxy.
#[derive(Debug, Clone)]
struct ClientHeader {
    name: HeaderName,
    /// The number of addresses that stand behind the client's.
    depth: usize,
}

impl Proxies {
    /// Proxies at these addresses are believed; without any nobody is. Of a Unix socket, whoever may open it is, unless
    /// there is no address.
    pub fn at(trusted: Networks) -> Self {
        Self {
            trusted,
            ..Self::default()
        }
    }

    /// Takes the client's address from this header, such as `X-Forwarded-For`. `depth` addresses from its end are those of
    /// further proxies.
    ///
    /// # Errors
    /// It is not a header's name.
    pub fn with_client_header(mut self, name: &str, depth: usize) -> Result<Self> {
        let name = header_name(name)?;
        self.client = Some(ClientHeader { name, depth });
        Ok(self)
    }

    /// A request came to the proxy by TLS when it has this header with this value, such as `X-Forwarded-Proto: https`.
    ///
    /// # Errors
    /// It is not a header, or not a value of one.
    pub fn with_encrypted_header(mut self, name: &str, value: &str) -> Result<Self> {
        let name = header_name(name)?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| Error::invalid(name.as_str(), "is not the value of a header"))?;
        self.encrypted.push((name, value));
        Ok(self)
    }

    /// Returns who sends a request that came over a connection of `peer`; a Unix socket has no peer's address.
    pub(crate) fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> ClientAddress {
        let told = match &self.client {
            Some(header) if self.trusts(peer) => header.client(headers),
            _ => None,
        };
        match (told, peer) {
            (Some(told), _) => ClientAddress::Told(told),
            (None, Some(peer)) => ClientAddress::Peer(peer),
            (None, None) => ClientAddress::Local,
        }
    }

    /// Does a trusted proxy say that the request came to it by TLS?
    pub(crate) fn say_encrypted(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
        self.trusts(peer)
            && self
                .encrypted
                .iter()
                .any(|(name, value)| headers.get(name) == Some(value))
    }

    /// Is `peer` believed?
    pub(crate) fn trusts(&self, peer: Option<SocketAddr>) -> bool {
        match peer {
            Some(peer) => self.trusted.contains(peer.ip()),
            None => !self.trusted.is_empty(),
        }
    }
}

impl ClientHeader {
    /// Several lines are one list (RFC 9110, section 5.2). None when there is no address at its place.
    fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines: Vec<_> = headers.get_all(&self.name).iter().collect();
        let mut from_the_end = lines
            .iter()
            .rev()
            .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        let text = std::str::from_utf8(from_the_end.nth(self.depth)?).ok()?;
        address(text.trim())
    }
}

/// Parses an address, behind which some proxies put the port.
fn address(text: &str) -> Option<IpAddr> {
    let without_brackets = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    without_brackets
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
        .map(|address| address.to_canonical())
}

fn header_name(name: &str) -> Result<HeaderName> {
    name.parse()
        .map_err(|_| Error::invalid(name, "is not the name of a header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1:4711";

    fn proxies(header: &str, depth: usize) -> Proxies {
        let trusted = ["10.0.0.0/8".parse().unwrap()].into_iter().collect();
        Proxies::at(trusted)
            .with_client_header(header, depth)
            .unwrap()
    }

    fn seen(proxies: &Proxies, peer: Option<&str>, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let peer = peer.map(|peer| peer.parse().unwrap());
        proxies.client(peer, &headers).to_string()
    }

    #[test]
    fn the_address_is_counted_from_the_right() {
        let list = "10.0.0.1,11.0.0.1, 12.0.0.1 ,13.0.0.1";
        for (depth, expected) in [
            (0, "13.0.0.1"),
            (1, "12.0.0.1"),
            (3, "10.0.0.1"),
            // Then there is none.
            (4, PROXY),
            (usize::MAX, PROXY),
        ] {
            let proxies = proxies("X-Forwarded-For", depth);
            assert_eq!(seen(&proxies, Some(PROXY), &[list]), expected, "{depth}");
        }
        let two_lines = ["11.0.0.1,12.0.0.1", "13.0.0.1"];
        assert_eq!(
            seen(&proxies("X-Forwarded-For", 1), Some(PROXY), &two_lines),
            "12.0.0.1"
        );
    }

    #[test]
    fn only_what_is_an_address_is_one() {
        let proxies = proxies("X-Forwarded-For", 0);
        for (header, expected) in [
            ("192.0.2.7:1234", "192.0.2.7"),
            ("[2001:db8::1]:1234", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("unknown", PROXY),
            ("", PROXY),
            ("192.0.2.7,", PROXY),
            ("192.0.2.7 192.0.2.8", PROXY),
            ("for=192.0.2.7", PROXY),
        ] {
            assert_eq!(
                seen(&proxies, Some(PROXY), &[header]),
                expected,
                "{header:?}"
            );
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        let header = ["192.0.2.7"];
        let configured = proxies("X-Forwarded-For", 0);
        assert_eq!(seen(&configured, Some("11.0.0.1:1"), &header), "11.0.0.1:1");
        let nobody = Proxies::default()
            .with_client_header("X-Forwarded-For", 0)
            .unwrap();
        assert_eq!(seen(&nobody, Some(PROXY), &header), PROXY);
        let other_header = proxies("X-Real-IP", 0);
        assert_eq!(seen(&other_header, Some(PROXY), &header), PROXY);
        // A Unix socket's users are believed as soon as anybody is.
        assert_eq!(seen(&configured, None, &header), "192.0.2.7");
        assert_eq!(seen(&configured, None, &[]), "local");
        assert_eq!(seen(&nobody, None, &header), "local");
    }

    #[test]
    fn a_trusted_proxy_says_that_a_request_came_by_tls() {
        let proxies = proxies("X-Real-IP", 0)
            .with_encrypted_header("X-Forwarded-Proto", "https")
            .unwrap();
        let mut headers = HeaderMap::new();
        let (trusted, other) = ("10.0.0.1:1".parse().ok(), "11.0.0.1:1".parse().ok());
        assert!(!proxies.say_encrypted(trusted, &headers));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
        assert!(!proxies.say_encrypted(trusted, &headers));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert!(proxies.say_encrypted(trusted, &headers));
        assert!(!proxies.say_encrypted(other, &headers));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let with = |name, value| Proxies::default().with_encrypted_header(name, value);
        assert!(with("X Forwarded", "https").is_err());
        assert!(with("X-Forwarded-Proto", "https\n").is_err());
        assert!(Proxies::default().with_client_header("", 0).is_err());
    }
}
