//! One line in the log and one count for each request, whatever became of it.

use std::{sync::Arc, time::Instant};

use hyper::body::Body as _;
use sftpgo_core::{event::Events, random};
use warp::{
    http::{Request, Uri, header},
    reply::Response,
};

use crate::{arrival::ClientAddress, metrics::Metrics, path_kind, refusal};

/// Logged for a request whose client went away before the answer, as nginx does.
const CLIENT_GONE: u16 = 499;

/// Bytes that are logged of a target. One of 64 KiB, which nobody has to be logged in for, is not to push the others out of the log.
const MOST_OF_URI: usize = 2048;
/// The same of the name of a client's program.
const MOST_OF_USER_AGENT: usize = 512;

/// A request as it came, until it is answered or its client goes away.
pub(crate) struct Entry {
    client: ClientAddress,
    proto: String,
    method: String,
    user_agent: String,
    uri: String,
    id: String,
    started: Instant,
    metrics: Arc<Metrics>,
    status: u16,
    size: u64,
}

impl Entry {
    pub(crate) fn open<B>(
        request: &Request<B>,
        client: ClientAddress,
        metrics: Arc<Metrics>,
    ) -> Self {
        let user_agent = request
            .headers()
            .get(header::USER_AGENT)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Self {
            client,
            proto: format!("{:?}", request.version()),
            method: request.method().to_string(),
            user_agent: cut(user_agent.unwrap_or_default(), MOST_OF_USER_AGENT),
            uri: cut(logged(request.uri()), MOST_OF_URI),
            id: random::hex_id(),
            started: Instant::now(),
            metrics,
            status: CLIENT_GONE,
            size: 0,
        }
    }

    /// Ends with the response, of which observers hear if it is a refusal.
    pub(crate) fn close(mut self, response: &Response, events: &Events) {
        let path = self.uri.split('?').next().unwrap_or_default();
        refusal::tell(events, response, (&self.method, path), self.client.ip());
        self.status = response.status().as_u16();
        self.size = response.body().size_hint().exact().unwrap_or(0);
    }
}

/// So much of a text, with a mark where there is more.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}

/// The target of a request without the setup code, by which whoever reads the log could make the first admin.
fn logged(uri: &Uri) -> String {
    match uri.query() {
        Some(_) if path_kind::is_setup(uri.path()) => uri.path().to_owned(),
        _ => uri.to_string(),
    }
}

impl Drop for Entry {
    /// Writes the line when the request is dropped: nobody waits for the answer of a client that is gone, while what it
    /// asked for may be done.
    fn drop(&mut self) {
        self.metrics.count_request(self.status);
        let elapsed = self.started.elapsed().as_millis();
        // In the order of SFTPGo 0.9.4, by which parsers go.
        log::info!(
            target: "httpd",
            method = self.method,
            proto = self.proto,
            remote_addr = self.client.to_string(),
            request_id = self.id,
            uri = self.uri,
            user_agent = self.user_agent,
            resp_status = self.status,
            resp_size = self.size,
            elapsed_ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
            ""
        );
    }
}
