//! Where the API listens, and what holds for the requests that come there.

use std::{net::SocketAddr, sync::Arc};

use sftpgo_core::{Error, Result};
use sftpgo_proxy_protocol::Policy;
use tokio::net::{TcpListener, UnixListener};
use warp::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    arrival::{Arrival, Reach},
    forwarded::Proxies,
    path_kind::is_web,
    tls::Tls,
};

/// A socket that is listened on.
#[derive(Debug)]
pub struct Binding {
    /// The socket.
    pub socket: Socket,
    /// What holds for its requests.
    pub options: BindingOptions,
}

impl Binding {
    /// The address at which other machines reach it without TLS, if they do.
    pub(crate) fn in_clear(&self) -> Option<String> {
        let Socket::Tcp(listener) = &self.socket else {
            return None;
        };
        let is_open = self.options.tls.is_none() && self.socket.reach() == Reach::Network;
        let address = listener.local_addr().ok().filter(|_| is_open)?;
        Some(address.to_string())
    }
}

/// A socket of either kind.
#[derive(Debug)]
pub enum Socket {
    /// A port.
    Tcp(TcpListener),
    /// A file.
    Unix(UnixListener),
}

/// What holds for the requests of one binding.
#[derive(Debug, Clone)]
pub struct BindingOptions {
    /// TLS; none where requests come in clear.
    pub tls: Option<Arc<Tls>>,
    /// The proxies by whose PROXY headers clients are known.
    pub proxy_protocol: Policy,
    /// The proxies whose headers are believed.
    pub proxies: Proxies,
    /// Is the REST API there?
    pub serves_rest: bool,
    /// Is the web admin there?
    pub serves_web: bool,
    /// Is the API's description there?
    pub serves_openapi: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    strict_transport: Option<HeaderValue>,
}

impl Default for BindingOptions {
    fn default() -> Self {
        Self {
            tls: None,
            proxy_protocol: Policy::default(),
            proxies: Proxies::default(),
            serves_rest: true,
            serves_web: true,
            serves_openapi: true,
            headers: Vec::new(),
            strict_transport: None,
        }
    }
}

/// The time for which browsers are to use nothing but TLS (RFC 6797).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrictTransport {
    /// Seconds from each answer on.
    pub seconds: u64,
    /// Names below this one too.
    pub include_subdomains: bool,
    /// Browsers' makers may list the name.
    pub preload: bool,
}

impl BindingOptions {
    /// Adds a header to every answer.
    ///
    /// # Errors
    /// It is not a header, or not a value of one.
    pub fn add_header(&mut self, name: &'static str, value: &str) -> Result<()> {
        let value = HeaderValue::from_str(value)
            .map_err(|_| Error::invalid(name, "the value cannot stand in a header"))?;
        let name = name
            .parse()
            .map_err(|_| Error::invalid(name, "is not the name of a header"))?;
        self.headers.push((name, value));
        Ok(())
    }

    /// Tells browsers, in answers that nobody can read on the way, to use nothing but TLS from now on.
    pub fn set_strict_transport(&mut self, strict: StrictTransport) {
        let mut text = format!("max-age={}", strict.seconds);
        if strict.include_subdomains {
            text += "; includeSubDomains";
        }
        if strict.preload {
            text += "; preload";
        }
        self.strict_transport = HeaderValue::try_from(text).ok();
    }

    /// Returns how a request came over a connection of `peer`, which a Unix socket has none of.
    pub(crate) fn arrival(
        &self,
        reach: Reach,
        peer: Option<SocketAddr>,
        is_tls: bool,
        headers: &HeaderMap,
    ) -> Arrival {
        Arrival {
            client: self.proxies.client(peer, headers),
            reach,
            is_encrypted: is_tls || self.proxies.say_encrypted(peer, headers),
        }
    }

    /// Adds what every answer of the binding has. What an answer has of its own stays.
    pub(crate) fn complete(&self, answer: &mut HeaderMap, arrival: &Arrival) {
        let strict = self
            .strict_transport
            .iter()
            .filter(|_| arrival.is_encrypted);
        let strict = strict.map(|value| (&header::STRICT_TRANSPORT_SECURITY, value));
        let headers = self.headers.iter().map(|(name, value)| (name, value));
        for (name, value) in headers.chain(strict) {
            if !answer.contains_key(name) {
                answer.insert(name, value.clone());
            }
        }
    }

    /// Is this path there at all?
    pub(crate) fn serves(&self, path: &str) -> bool {
        if path.starts_with("/api/v1/openapi") || path.starts_with("/openapi") {
            return self.serves_openapi;
        }
        if is_web(path) {
            return self.serves_web;
        }
        self.serves_rest || !(path == "/api" || path.starts_with("/api/"))
    }
}

impl Socket {
    /// Returns who can reach it.
    pub(crate) fn reach(&self) -> Reach {
        match self {
            // A socket that is open has an address.
            Self::Tcp(listener) => listener
                .local_addr()
                .map_or(Reach::Network, |address| Reach::of(address.ip())),
            Self::Unix(_) => Reach::UnixSocket,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(is_encrypted: bool) -> Arrival {
        BindingOptions::default().arrival(Reach::Network, None, is_encrypted, &HeaderMap::new())
    }

    #[test]
    fn strict_transport_is_told_only_where_nobody_reads_along() {
        let mut options = BindingOptions::default();
        let strict = StrictTransport {
            seconds: 31_536_000,
            include_subdomains: true,
            preload: true,
        };
        options.set_strict_transport(strict);
        for (is_encrypted, expected) in [
            (false, None),
            (true, Some("max-age=31536000; includeSubDomains; preload")),
        ] {
            let mut answer = HeaderMap::new();
            options.complete(&mut answer, &arrived(is_encrypted));
            let told = answer.get("strict-transport-security");
            assert_eq!(told.map(|value| value.to_str().unwrap()), expected);
        }
    }

    #[test]
    fn what_an_answer_says_itself_stays() {
        let mut options = BindingOptions::default();
        options.add_header("cache-control", "no-store").unwrap();
        options
            .add_header("x-content-type-options", "nosniff")
            .unwrap();
        assert!(options.add_header("x-a", "a\nb").is_err());
        let mut answer = HeaderMap::new();
        answer.insert("cache-control", HeaderValue::from_static("max-age=1"));
        options.complete(&mut answer, &arrived(false));
        assert_eq!(answer["cache-control"], "max-age=1");
        assert_eq!(answer["x-content-type-options"], "nosniff");
        assert_eq!(answer.len(), 2);
    }

    #[test]
    fn what_a_binding_does_not_serve_is_not_there() {
        let options = BindingOptions {
            serves_rest: false,
            serves_openapi: true,
            ..BindingOptions::default()
        };
        for (path, expected) in [
            ("/api/v1/user", false),
            ("/api", false),
            ("/api/v2/token", false),
            ("/api/v1/openapi.yaml", true),
            ("/healthz", true),
            ("/metrics", true),
            ("/apis", true),
        ] {
            assert_eq!(options.serves(path), expected, "{path}");
        }
    }
}
