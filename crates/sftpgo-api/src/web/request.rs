//! A request as pages see it.

use sftpgo_core::{
    event::{Actor, Identity},
    user::now_ms,
};
use warp::http::{HeaderMap, Method, header};

use crate::arrival::Arrival;

/// All of a request but its body.
pub(super) struct Request {
    pub(super) method: Method,
    /// The path without `/web` and without `/web/admin`, which mean the same; as in `/users`, and empty for the first page.
    pub(super) path: String,
    /// The query as it was sent.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) arrival: Arrival,
    /// When it came, in Unix milliseconds.
    pub(super) now: i64,
}

impl Request {
    pub(super) fn new(
        method: Method,
        path: &str,
        query: String,
        headers: HeaderMap,
        arrival: Arrival,
    ) -> Self {
        Self {
            method,
            path: page_path(path).to_owned(),
            query,
            headers,
            arrival,
            now: now_ms(),
        }
    }

    /// Who asks.
    pub(super) fn actor(&self, identity: Identity) -> Actor {
        Actor {
            identity,
            address: Some(self.arrival.client.ip()),
        }
    }

    /// Is only to be read?
    pub(super) fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// The names between the slashes.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.split('/').skip(1).collect()
    }

    /// The value of a cookie.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let headers = self.headers.get_all(header::COOKIE).into_iter();
        headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Does the browser have what this entity tag is of (RFC 9110, 13.1.2)?
    pub(super) fn has_version(&self, tag: &str) -> bool {
        let headers = self.headers.get_all(header::IF_NONE_MATCH).into_iter();
        let tags = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        tags.map(opaque)
            .any(|known| known == opaque(tag) || known == "*")
    }

    /// May the answer be compressed by gzip?
    pub(super) fn takes_gzip(&self) -> bool {
        let headers = self.headers.get_all(header::ACCEPT_ENCODING).into_iter();
        headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|coding| {
                let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
                let weight = weight.trim().trim_start_matches("q=");
                name.trim() == "gzip" && weight.parse::<f32>().ok() != Some(0.0)
            })
    }
}

fn page_path(path: &str) -> &str {
    let path = path.strip_prefix("/web").unwrap_or("");
    match path.strip_prefix("/admin") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::arrival::{ClientAddress, Reach};

    fn request(headers: &[(&'static str, &'static str)]) -> Request {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let arrival = Arrival {
            client: ClientAddress::Told(IpAddr::from([127, 0, 0, 1])),
            reach: Reach::Loopback,
            is_encrypted: false,
        };
        let headers = headers.collect();
        Request::new(Method::GET, "/web", String::new(), headers, arrival)
    }

    #[test]
    fn web_and_web_admin_are_the_same() {
        for (path, page) in [
            ("/", ""),
            ("/web", ""),
            ("/web/", "/"),
            ("/web/admin", ""),
            ("/web/users", "/users"),
            ("/web/admin/users", "/users"),
            ("/web/admins", "/admins"),
            ("/web/administrators", "/administrators"),
        ] {
            assert_eq!(page_path(path), page, "{path}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let request = request(&[("cookie", "a=1; session=x=y; b=2")]);
        assert_eq!(request.cookie("session"), Some("x=y"));
        assert_eq!(request.cookie("sess"), None);
    }

    #[test]
    fn gzip_is_taken_when_it_is_offered() {
        for (sent, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(request(&[("accept-encoding", sent)]).takes_gzip(), takes);
        }
        assert!(!request(&[]).takes_gzip());
    }
}
