//! Calling a URL.

use std::{ffi::OsString, os::unix::ffi::OsStrExt, thread, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use ureq::{
    Agent, RequestBuilder,
    http::{HeaderName, HeaderValue, Uri},
    tls::{Certificate, ClientCert, PemItem, PrivateKey, TlsConfig, parse_pem},
};

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

/// How URLs are called.
#[derive(Debug, Clone)]
pub(crate) struct ClientSettings {
    /// For each try.
    pub(crate) time_limit: Duration,
    /// Between the first two tries; it doubles with each further one.
    pub(crate) shortest_pause: Duration,
    pub(crate) longest_pause: Duration,
    /// Tries after the first.
    pub(crate) retries: u32,
    /// Authorities that are believed in the place of those that are built in; none for these.
    pub(crate) authorities: Vec<Certificate<'static>>,
    /// Shown to servers that ask for it.
    pub(crate) identity: Option<ClientCert>,
    /// Have servers to prove who they are?
    pub(crate) verifies: bool,
    pub(crate) headers: Vec<Header>,
}

/// A header that requests to some URLs have.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    name: HeaderName,
    value: HeaderValue,
    /// What the URLs begin with; empty is all.
    url: String,
}

impl Header {
    /// None when there is no such name or value.
    pub(crate) fn new(name: &str, value: &str, url: &str) -> Option<Self> {
        Some(Self {
            name: name.parse().ok()?,
            value: value.parse().ok()?,
            url: url.to_owned(),
        })
    }
}

/// The certificates in a file of PEM.
///
/// # Errors
/// There is none, or one that is broken; for a person.
pub(crate) fn certificates_of(pem: &[u8]) -> Result<Vec<Certificate<'static>>, String> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| error.to_string())? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    Ok(certificates)
}

/// A client's certificates and key, each from a file of PEM.
///
/// # Errors
/// One of them is missing or broken; for a person.
pub(crate) fn identity_of(certificates: &[u8], key: &[u8]) -> Result<ClientCert, String> {
    let key = PrivateKey::from_pem(key).map_err(|error| error.to_string())?;
    Ok(ClientCert::new_with_certs(
        &certificates_of(certificates)?,
        key,
    ))
}

/// Calls URLs. A clone has the same connections.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    settings: ClientSettings,
}

impl Client {
    pub(crate) fn new(settings: ClientSettings) -> Self {
        let mut tls = TlsConfig::builder()
            .client_cert(settings.identity.clone())
            .disable_verification(!settings.verifies);
        if !settings.authorities.is_empty() {
            tls = tls.root_certs(settings.authorities.iter().cloned().into());
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(settings.time_limit))
            .tls_config(tls.build())
            .build()
            .new_agent();
        Self { agent, settings }
    }

    /// Sends a request and returns the status of its answer; the body is not read. What no server has answered, or with a
    /// status of 500 or above, is tried again.
    ///
    /// # Errors
    /// No answer, or one with the status 400 or above; the last one.
    pub(crate) fn call(&self, request: &Request) -> Result<u16, ureq::Error> {
        let mut pause = self.settings.shortest_pause;
        for _ in 0..self.settings.retries {
            match self.try_once(request) {
                Err(error) if may_pass(&error) => log::debug!(
                    "calling {} has failed and is tried again in {} seconds: {error}",
                    request.shown_url(),
                    pause.as_secs()
                ),
                done => return done,
            }
            thread::sleep(pause);
            pause = pause.saturating_mul(2).min(self.settings.longest_pause);
        }
        self.try_once(request)
    }

    fn try_once(&self, request: &Request) -> Result<u16, ureq::Error> {
        let url = &request.url;
        let answer = match &request.json {
            None => {
                let call = self.with_headers(self.agent.get(url), url);
                call.query_pairs_raw(request.pairs()).call()?
            }
            Some(json) => self
                .with_headers(self.agent.post(url), url)
                .query_pairs_raw(request.pairs())
                .content_type("application/json; charset=utf-8")
                .send(json)?,
        };
        Ok(answer.status().as_u16())
    }

    fn with_headers<B>(&self, call: RequestBuilder<B>, url: &str) -> RequestBuilder<B> {
        let headers = self.settings.headers.iter();
        headers
            .filter(|header| url.starts_with(&header.url))
            .fold(call, |call, header| {
                call.header(&header.name, &header.value)
            })
    }
}

/// May the same call succeed later?
fn may_pass(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::StatusCode(status) => *status >= 500,
        ureq::Error::Io(_)
        | ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed => true,
        _ => false,
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
