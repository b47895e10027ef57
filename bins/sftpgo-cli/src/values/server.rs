//! Where the server is.

use std::{fmt, net::IpAddr, str::FromStr};

use ureq::http::Uri;

/// The base of every request's URL: `http://` or `https://`, a host, perhaps a port and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    /// The address without a slash at its end.
    base: String,
    host: String,
}

impl ServerUrl {
    /// Is it this machine, which no proxy can reach for us?
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// Can somebody on the way read what is sent?
    pub(crate) fn is_readable_on_the_way(&self) -> bool {
        let is_tls = self
            .base
            .get(..6)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
        !is_tls && !self.is_loopback()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl FromStr for ServerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXAMPLE: &str = "give a URL such as http://127.0.0.1:8080";
        let base = text.trim_end_matches('/');
        let base = base.strip_suffix("/api/v1").unwrap_or(base);
        let uri: Uri = base.parse().map_err(|_| EXAMPLE)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(EXAMPLE);
        }
        let authority = uri.authority().ok_or(EXAMPLE)?;
        if authority.host().is_empty() || uri.query().is_some() || text.contains('#') {
            return Err(EXAMPLE);
        }
        if authority.as_str().contains('@') {
            return Err("must not hold a user name or password");
        }
        Ok(Self {
            base: base.to_owned(),
            host: authority.host().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_ends_without_a_slash() {
        for (text, base) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/api/v1/", "http://127.0.0.1:8080"),
            (
                "https://files.example.org/sftpgo/",
                "https://files.example.org/sftpgo",
            ),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), base);
        }
    }

    #[test]
    fn refuses_what_is_no_base() {
        for text in [
            "",
            "127.0.0.1:8080",
            "localhost",
            "ftp://localhost",
            "http://",
            "http://host/?a=b",
            "http://host/#a",
            "http://me:secret@host",
            "http://a b",
        ] {
            assert!(text.parse::<ServerUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn knows_this_machine() {
        for (text, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.9.9.9", true),
            ("http://localhost:1", true),
            ("http://LOCALHOST", true),
            ("http://[::1]:8080", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://[::ffff:10.0.0.1]", false),
            ("http://localhost.example.org", false),
            ("http://10.0.0.1", false),
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!(url.is_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn knows_what_can_be_read_on_the_way() {
        for (text, expected) in [
            ("http://127.0.0.1:8080", false),
            ("http://localhost", false),
            ("https://files.example.org", false),
            ("HTTPS://files.example.org", false),
            ("http://files.example.org", true),
            ("HTTP://10.0.0.1:8080", true),
            ("http://https.example.org", true),
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!(url.is_readable_on_the_way(), expected, "{text}");
        }
    }
}
