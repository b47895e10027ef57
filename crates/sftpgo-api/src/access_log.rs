//! One line in the log and one count for each request, whatever became of it.

use std::{net::SocketAddr, time::Instant};

use hyper::body::Body as _;
use sftpgo_core::random;
use warp::{
    http::{Request, header},
    reply::Response,
};

use crate::metrics::Metrics;

/// A request as it came, until it is answered.
pub(crate) struct Entry {
    remote: SocketAddr,
    proto: String,
    method: String,
    user_agent: String,
    uri: String,
    id: String,
    started: Instant,
}

impl Entry {
    pub(crate) fn open<B>(request: &Request<B>, remote: SocketAddr) -> Self {
        let user_agent = request
            .headers()
            .get(header::USER_AGENT)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Self {
            remote,
            proto: format!("{:?}", request.version()),
            method: request.method().to_string(),
            user_agent: user_agent.unwrap_or_default(),
            uri: request.uri().to_string(),
            id: random::hex_id(),
            started: Instant::now(),
        }
    }

    pub(crate) fn close(self, response: &Response, metrics: &Metrics) {
        metrics.count_request(response.status());
        let elapsed = self.started.elapsed().as_millis();
        log::info!(
            target: "httpd",
            remote_addr = self.remote.to_string(),
            proto = self.proto,
            method = self.method,
            user_agent = self.user_agent,
            uri = self.uri,
            resp_status = response.status().as_u16(),
            resp_size = response.body().size_hint().exact().unwrap_or(0),
            elapsed_ms = u64::try_from(elapsed).unwrap_or(u64::MAX),
            request_id = self.id;
            ""
        );
    }
}
