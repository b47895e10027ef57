//! The listener: one thread for each connection.
//!
//! A connection's file operations run on its own thread, where they can wait for a disk without
//! holding up anybody else and need no hop to another thread and back for every packet.

mod arrival;

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use sftpgo_core::{
    Error, Result,
    auth::Logins,
    event::Events,
    fair_pool::FairPool,
    gate::Gate,
    registry::{AcceptFailures, Connections},
    sync::lock,
};
use sftpgo_proxy_protocol::Treatment;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{
        Semaphore,
        mpsc::{self, Sender},
    },
};
use tokio_util::sync::CancellationToken;

use self::arrival::Arrived;
use crate::{
    config::ServerConfig,
    connection::{self, Opening, ServerContext},
    offered::Offered,
};

/// The time after which accepting is tried again when it failed, mostly because no descriptor is left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// The time after which a stopping server looks again whether transfers still run.
const SHUTDOWN_POLL: Duration = Duration::from_millis(50);
/// Connections get this long to say goodbye once they have been told to close.
pub const GOODBYE: Duration = Duration::from_secs(2);

/// What an SSH server needs of the rest of the program.
pub struct Services {
    /// Lets users in. One for all protocols of a process, so that what is counted and waits in line is so for all.
    pub logins: Arc<Logins>,
    /// Says who may connect.
    pub gate: Arc<Gate>,
    /// Lists sessions.
    pub connections: Arc<Connections>,
    /// Hears what happens.
    pub events: Events,
}

/// A port where clients connect.
pub struct Binding {
    /// It listens.
    pub listener: TcpListener,
    /// Connections may come from proxies, as [`ServerConfig::proxies`] says; else who connects is the client.
    pub goes_by_proxies: bool,
}

impl From<TcpListener> for Binding {
    fn from(listener: TcpListener) -> Self {
        Self {
            listener,
            goes_by_proxies: true,
        }
    }
}

/// An SSH server that is not listening yet.
pub struct Server {
    context: Arc<ServerContext>,
    /// Places for connections that are to begin with a PROXY header.
    headers: Arc<Semaphore>,
}

/// A server that serves.
pub struct ServerHandle(Arc<ServerContext>);

impl ServerHandle {
    /// Reads the certificates of the host keys again. Connections that begin then get them.
    ///
    /// # Errors
    /// One cannot be used, and those that were read before stay.
    pub fn reload_host_certificates(&self) -> Result<()> {
        let engine = connection::engine_config(&self.0.config)?;
        *lock(&self.0.engine) = engine;
        Ok(())
    }
}

impl Server {
    /// A server with these settings.
    ///
    /// # Errors
    /// No host key, or an unknown algorithm name.
    pub fn new(config: ServerConfig, services: Services) -> Result<Self> {
        if config.host_keys.is_empty() {
            return Err(Error::invalid("keys", "at least one host key is needed"));
        }
        let engine = connection::engine_config(&config)?;
        let exchanges = FairPool::start(
            "key exchange",
            config.limits.dear_exchanges.max(1),
            config.limits.unauthenticated.max(1),
        )?;
        let config = Arc::new(config);
        Ok(Self {
            headers: Arc::new(Semaphore::new(config.limits.unauthenticated)),
            context: Arc::new(ServerContext {
                offer: Box::new(Offered::new(Arc::clone(&config))),
                config,
                engine: Mutex::new(engine),
                logins: services.logins,
                exchanges,
                gate: services.gate,
                connections: services.connections,
                events: services.events,
                unauthenticated: Arc::default(),
                close_all: CancellationToken::new(),
            }),
        })
    }

    /// What can be asked of the server while it serves.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle(Arc::clone(&self.context))
    }

    /// Serves whoever connects to one of `bindings` until `shutdown` fires; then running transfers may finish within the
    /// configured grace.
    pub async fn serve(self, bindings: Vec<Binding>, shutdown: CancellationToken) {
        let stop_accepting = shutdown.child_token();
        self.serve_until(bindings, stop_accepting, shutdown).await;
    }

    /// Serves as [`Server::serve`] does. When `stop_accepting` fires alone, nobody can connect any more, and whoever is
    /// connected goes on until the last has left or the configured time to drain is over.
    pub async fn serve_until(
        self,
        bindings: Vec<Binding>,
        stop_accepting: CancellationToken,
        shutdown: CancellationToken,
    ) {
        let mut bindings = VecDeque::from(bindings);
        let (alive, mut all_gone) = mpsc::channel::<()>(1);
        let mut failures = AcceptFailures::of("SFTP");
        loop {
            let accepted = tokio::select! {
                accepted = accept(&mut bindings) => accepted,
                () = stop_accepting.cancelled() => break,
            };
            match accepted {
                Ok((stream, remote, goes_by_proxies)) => {
                    failures.accepted();
                    self.accept(stream, plain(remote), goes_by_proxies, alive.clone());
                }
                Err(error) => {
                    failures.failed(&error);
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
        drop((bindings, alive));
        let drain_time = self.context.config.drain_time;
        let is_over = async {
            match drain_time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => self.await_transfers().await,
            // Nobody sends: it ends with the last connection.
            _ = all_gone.recv() => return,
            () = is_over => {}
        }
        self.context.close_all.cancel();
        let _ = tokio::time::timeout(GOODBYE, all_gone.recv()).await;
    }

    /// Running transfers may finish within the configured grace.
    async fn await_transfers(&self) {
        let finished = async {
            while self.context.connections.transfer_count() > 0 {
                tokio::time::sleep(SHUTDOWN_POLL).await;
            }
        };
        let _ = tokio::time::timeout(self.context.config.shutdown_grace, finished).await;
    }

    fn accept(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        goes_by_proxies: bool,
        alive: Sender<()>,
    ) {
        let opening = |passes_header_over| Opening {
            remote: peer,
            received: Vec::new(),
            passes_header_over,
        };
        let arrived = Arrived {
            context: Arc::clone(&self.context),
            stream,
            alive,
        };
        let treatment = if goes_by_proxies {
            self.context.config.proxies.treatment(Some(peer.ip()))
        } else {
            Treatment::Direct
        };
        match treatment {
            Treatment::Direct => arrived.admit(opening(false)),
            Treatment::PassedOver => arrived.admit(opening(true)),
            Treatment::Refused => log::debug!(
                "the connection from {peer} was refused, because a PROXY header is required and {peer} is no allowed proxy"
            ),
            Treatment::Believed { required } => self.await_header(arrived, peer, required),
        }
    }

    /// Costs no thread, and no client its place: proxies have so many connections without a header as there may be without
    /// a login.
    fn await_header(&self, arrived: Arrived, peer: SocketAddr, required: bool) {
        let Ok(place) = Arc::clone(&self.headers).try_acquire_owned() else {
            log::warn!(
                "the connection from the proxy {peer} was refused, because too many others have not sent their PROXY header"
            );
            return;
        };
        tokio::spawn(async move {
            arrived.admit_after_header(peer, required).await;
            drop(place);
        });
    }
}

/// The next connection to one of them, which goes behind the others then; and whether that one goes by proxies.
async fn accept(bindings: &mut VecDeque<Binding>) -> io::Result<(TcpStream, SocketAddr, bool)> {
    let mut at = 0;
    let accepted = poll_fn(|context| {
        for (index, binding) in bindings.iter().enumerate() {
            if let Poll::Ready(accepted) = binding.listener.poll_accept(context) {
                at = index;
                let goes_by_proxies = binding.goes_by_proxies;
                return Poll::Ready(accepted.map(|(stream, peer)| (stream, peer, goes_by_proxies)));
            }
        }
        Poll::Pending
    })
    .await;
    bindings.rotate_left((at + 1) % bindings.len().max(1));
    accepted
}

/// An IPv4 client of a socket for both kinds is known by its IPv4 address, which operators ban and allow.
fn plain(remote: SocketAddr) -> SocketAddr {
    SocketAddr::new(remote.ip().to_canonical(), remote.port())
}
