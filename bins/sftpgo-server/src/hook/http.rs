//! Calling a URL.

use std::{ffi::OsString, os::unix::ffi::OsStrExt, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use ureq::{Agent, http::Uri};

/// The characters that are encoded: all but those that RFC 3986, 2.3 leaves alone.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// GET, or POST when there is a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) url: String,
    /// Values as they are: a file's name is bytes.
    pub(crate) query: Vec<(&'static str, OsString)>,
    pub(crate) json: Option<String>,
}

impl Request {
    /// Returns the URL without what may be a secret: a name with password before the host, and the configured query.
    pub(crate) fn shown_url(&self) -> String {
        let Ok(uri) = self.url.parse::<Uri>() else {
            return "a URL".to_owned();
        };
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().map(|port| format!(":{port}"));
        let scheme = uri.scheme_str().unwrap_or_default();
        format!(
            "{scheme}://{host}{}{}",
            port.unwrap_or_default(),
            uri.path()
        )
    }

    /// Ready for a URL: bytes that are no UTF-8 are percent-encoded as they are.
    fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.query.iter().map(|(name, value)| {
            let encoded = percent_encode(value.as_bytes(), ENCODED);
            (*name, encoded.to_string())
        })
    }
}

/// Calls URLs. A clone has the same connections.
#[derive(Clone)]
pub(crate) struct Client(Agent);

impl Client {
    /// A client that gives a call up after `time_limit`.
    pub(crate) fn with_time_limit(time_limit: Duration) -> Self {
        Self(
            Agent::config_builder()
                .timeout_global(Some(time_limit))
                .build()
                .new_agent(),
        )
    }

    /// Sends a request and returns the status of its answer; the body is not read.
    ///
    /// # Errors
    /// No answer within the time limit, or one of the status 400 or above.
    pub(crate) fn call(&self, request: &Request) -> Result<u16, ureq::Error> {
        let answer = match &request.json {
            None => {
                let call = self.0.get(&request.url);
                call.query_pairs_raw(request.pairs()).call()?
            }
            Some(json) => self
                .0
                .post(&request.url)
                .query_pairs_raw(request.pairs())
                .content_type("application/json; charset=utf-8")
                .send(json)?,
        };
        Ok(answer.status().as_u16())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let request = Request {
            url: "https://me:secret@example.com:8443/hook?token=secret".into(),
            query: Vec::new(),
            json: None,
        };
        assert_eq!(request.shown_url(), "https://example.com:8443/hook");
    }
}
