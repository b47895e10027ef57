//! The listener: bounds on every connection, and an end that lets running requests finish.

mod connection;
mod places;
#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hyper::{Request, body::Incoming};
use sftpgo_core::{
    event::ConnectionProtocol,
    fair_pool::source_of,
    gate::{Gate, Refused},
    registry::{AcceptFailures, Admission, Connections},
};
use sftpgo_proxy_protocol::Treatment;
use tokio::time;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use warp::reply::Response;

pub(crate) use self::connection::Peer;
use self::{
    connection::{Accepted, Header, Stream},
    places::Places,
};
use crate::binding::{Binding, BindingOptions, Socket};

/// What one client, or all together, may take up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once; further ones wait to be accepted, unless one on which nothing is asked makes room.
    connections: usize,
    /// Connections at once of one IPv4 address or one IPv6 /64, but for this machine and trusted proxies.
    per_source: usize,
    /// The handshake of TLS has to be over by then.
    handshake_time: Duration,
    /// A request's head has to be there by then; an idle connection ends then.
    head_time: Duration,
    /// A connection on which nothing is asked ends after this, whatever its protocol, and one whose client takes nothing of
    /// an answer.
    silence: Duration,
    /// A connection takes no new request after this. Answers that run go on as long as they move.
    age: Duration,
    /// A running request gets this long once its connection has to end, however little moves.
    grace: Duration,
    /// When the server ends, a connection on which nothing was asked yet has this long to ask.
    moment: Duration,
    /// Bytes of a request's head, and of what is read ahead.
    head_size: usize,
    /// Bytes of the head of one of the many requests that a connection of HTTP/2 has at once.
    stream_head_size: u32,
    /// Header lines of a request.
    headers: usize,
    /// Requests at once on a connection of HTTP/2.
    streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            per_source: 64,
            handshake_time: Duration::from_secs(30),
            head_time: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            age: Duration::from_secs(120),
            grace: Duration::from_secs(10),
            moment: Duration::from_secs(1),
            head_size: 64 * 1024,
            stream_head_size: 16 * 1024,
            headers: 100,
            streams: 32,
        }
    }
}

impl Limits {
    /// The defaults where all that is no client's connection may have so many descriptors: half of them at the most.
    pub(crate) fn within(descriptors: usize) -> Self {
        let limits = Self::default();
        let connections = limits.connections.min(descriptors / 2).max(1);
        Self {
            connections,
            per_source: limits.per_source.min(connections.div_ceil(4)),
            ..limits
        }
    }

    /// The places that all bindings share.
    pub(crate) fn places(&self) -> Arc<Places> {
        Places::new(self.connections, self.per_source)
    }
}

/// The time after which accepting is tried again when it failed, mostly because no descriptor is left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Answers requests with `handler` until `shutdown` fires and no connection is left.
pub(crate) async fn run<H, F>(
    limits: Limits,
    entrance: Entrance,
    places: Arc<Places>,
    binding: Binding,
    shutdown: CancellationToken,
    handler: H,
) where
    H: Fn(Peer, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    let connections = TaskTracker::new();
    let mut failures = AcceptFailures::of("HTTP");
    let options = Arc::new(binding.options.clone());
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&binding.socket) => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => {
                failures.accepted();
                accepted
            }
            Err(error) => {
                failures.failed(&error);
                time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let treatment = binding
            .options
            .proxy_protocol
            .treatment(address.map(|address| address.ip()));
        if treatment == Treatment::Refused {
            log::debug!("an HTTP connection was refused, because it is of no allowed proxy");
            continue;
        }
        // Whose connection it is says a header that comes later.
        let (source, admission) = match treatment {
            Treatment::Believed { .. } => (None, None),
            _ => match entrance.admit(&binding.options, address) {
                Ok(admission) => (bounded_source(&binding.options, address), admission),
                Err(_) => continue,
            },
        };
        let place = tokio::select! {
            biased;
            place = places.enter(source) => place,
            () = shutdown.cancelled() => break,
        };
        let Some(place) = place else {
            log::debug!("an HTTP connection was refused, because its address has too many of them");
            continue;
        };
        let tls = binding.options.tls.as_ref();
        let accepted = Accepted {
            stream,
            address,
            header: Header::of(treatment),
            options: Arc::clone(&options),
            tls: tls.map(|tls| tls.acceptor()),
            entrance: entrance.clone(),
            admission,
            place: Arc::new(place),
        };
        let (handler, shutdown) = (handler.clone(), shutdown.clone());
        connections.spawn(accepted.serve(limits, shutdown, handler));
    }
    // Whoever connects from here on is refused by the system.
    drop(binding);
    connections.close();
    connections.wait().await;
}

/// Says who may connect, and counts those who do.
#[derive(Clone, Default)]
pub(crate) struct Entrance {
    pub(crate) gate: Arc<Gate>,
    /// None where nobody is counted.
    pub(crate) connections: Option<Arc<Connections>>,
}

impl Entrance {
    /// Lets a connection of this address in, and counts it among all. Not counted are those of this machine, whose operator
    /// gets in when everything is full, and those of a trusted proxy, of whose requests each is asked about by its own client.
    fn admit(
        &self,
        options: &BindingOptions,
        address: Option<SocketAddr>,
    ) -> Result<Option<Admission>, Refused> {
        let protocol = ConnectionProtocol::Http;
        let Some(client) = address.filter(|_| !options.proxies.trusts(address)) else {
            return Ok(None);
        };
        let connections = self.connections.as_ref();
        match connections.filter(|_| !client.ip().is_loopback()) {
            Some(connections) => {
                let admitted = self.gate.admit(connections, client.ip(), protocol);
                admitted.map(Some)
            }
            None => self
                .gate
                .check_connection(client.ip(), protocol)
                .map(|()| None),
        }
    }
}

/// Returns the source that bounds connections of this address. Of a trusted proxy's clients each has its own address, and
/// this machine may be one too.
fn bounded_source(options: &BindingOptions, address: Option<SocketAddr>) -> Option<IpAddr> {
    let address = address?;
    let is_of_many = address.ip().is_loopback() || options.proxies.trusts(Some(address));
    (!is_of_many).then(|| source_of(address.ip()))
}

/// The next connection, and where it comes from.
async fn accept(socket: &Socket) -> io::Result<(Box<dyn Stream>, Option<SocketAddr>)> {
    match socket {
        Socket::Tcp(listener) => {
            let (stream, remote) = listener.accept().await?;
            // Answers are small and written at once: there is nothing to wait for.
            stream.set_nodelay(true)?;
            // An IPv4 client of a socket for both kinds is known by its IPv4 address.
            let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
            Ok((Box::new(stream), Some(remote)))
        }
        Socket::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            Ok((Box::new(stream), None))
        }
    }
}
