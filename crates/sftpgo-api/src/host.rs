//! Which host a request is for.
//!
//! A page of another site can have its own name resolve to this server's address: the browser then takes what the page
//! asks of the server for requests to that site (DNS rebinding). Such requests carry the site's name as their host, so
//! only names that nobody else can give to this server are answered.

use std::net::{Ipv4Addr, Ipv6Addr};

use warp::http::{HeaderMap, Request, Version, header, uri::Authority};

use crate::error::ApiError;

/// The names under which the server is reached, besides `localhost` and its addresses.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Answers requests for these names too, without regard to case; a name has neither scheme nor port.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| canonical(&name)).collect())
    }

    /// Refuses a request for another host.
    ///
    /// A request of HTTP/1.0 may have no host; no browser sends one. With HTTP/1.1 there has to be one (RFC 9112, 3.2).
    /// One whose target is a whole URL is for that URL's host too.
    ///
    /// # Errors
    /// What the client is answered.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), ApiError> {
        if request.uri().scheme().is_some()
            && let Some(authority) = request.uri().authority()
        {
            self.check_host(authority.as_str())?;
        }
        match host_header(request.headers())? {
            Some(host) => self.check_host(host),
            None if request.version() <= Version::HTTP_10 => Ok(()),
            None => Err(ApiError::bad_request("the header Host is missing")),
        }
    }

    fn check_host(&self, text: &str) -> Result<(), ApiError> {
        let authority = text.parse::<Authority>().ok();
        let Some(authority) = authority.filter(|_| !text.contains('@')) else {
            return Err(ApiError::bad_request("the header Host is not a host"));
        };
        let host = canonical(authority.host());
        if host == "localhost" || is_address(&host) || self.0.contains(&host) {
            return Ok(());
        }
        Err(ApiError::forbidden(format!(
            "the host {host:?} is not one of this server's: use its address, or add the name to httpd.allowed_hosts"
        )))
    }
}

/// The one host of a request; several are refused, since others on the way may go by another one.
fn host_header(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(ApiError::bad_request("there are several headers Host"));
    }
    first
        .map(|host| {
            host.to_str()
                .map_err(|_| ApiError::bad_request("the header Host is not a host"))
        })
        .transpose()
}

/// A dot at the end says that a name is whole.
fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_address(host: &str) -> bool {
    let in_brackets = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match in_brackets {
        // Behind a `%` is the interface of a link-local address.
        Some(address) => address
            .split('%')
            .next()
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(version: Version, uri: &str, hosts: &[&str]) -> u16 {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let allowed = AllowedHosts::new(["sftp.Example.org".to_owned()]);
        match allowed.check(&request.body(()).unwrap()) {
            Ok(()) => 200,
            Err(error) => error.into_response().status().as_u16(),
        }
    }

    #[test]
    fn addresses_localhost_and_configured_names_are_answered_and_no_others() {
        for (host, expected) in [
            ("127.0.0.1", 200),
            ("127.0.0.1:8080", 200),
            ("192.0.2.1:80", 200),
            ("[::1]", 200),
            ("[::1]:8080", 200),
            ("[2001:db8::1]:8080", 200),
            ("localhost", 200),
            ("LocalHost:8080", 200),
            ("localhost.", 200),
            ("sftp.example.org", 200),
            ("SFTP.example.org:8443", 200),
            ("example.org", 403),
            ("a.sftp.example.org", 403),
            ("sftp.example.org.evil.test", 403),
            ("127.0.0.1.evil.test:8080", 403),
            ("localhost.evil.test", 403),
            ("evil.localhost", 403),
            ("2130706433", 403),
            ("", 400),
            ("localhost@evil.test", 400),
            ("evil.test@localhost", 400),
            ("localhost/x", 400),
            ("[::1", 400),
        ] {
            assert_eq!(
                status_of(Version::HTTP_11, "/", &[host]),
                expected,
                "{host:?}"
            );
        }
    }

    #[test]
    fn a_request_without_host_is_answered_only_in_http_1_0() {
        assert_eq!(status_of(Version::HTTP_10, "/", &[]), 200);
        assert_eq!(status_of(Version::HTTP_10, "/", &["evil.test"]), 403);
        assert_eq!(status_of(Version::HTTP_11, "/", &[]), 400);
    }

    #[test]
    fn every_host_that_a_request_names_counts() {
        let two = ["localhost", "evil.test"];
        assert_eq!(status_of(Version::HTTP_11, "/", &two), 400);
        let url = "http://evil.test/api/v1/user";
        assert_eq!(status_of(Version::HTTP_11, url, &["localhost"]), 403);
        let url = "http://localhost/api/v1/user";
        assert_eq!(status_of(Version::HTTP_11, url, &["evil.test"]), 403);
        assert_eq!(status_of(Version::HTTP_11, url, &["localhost"]), 200);
    }
}
