//! The listener: one thread for each connection.
//!
//! A connection's file operations run on its own thread, where they can wait for a disk without
//! holding up anybody else and need no hop to another thread and back for every packet.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use sftpgo_core::{
    Error, Result,
    auth::Logins,
    event::Events,
    fair_pool::FairPool,
    registry::{AcceptFailures, Admission, Connections},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Sender},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::ServerConfig,
    connection::{self, ServerContext},
    offered::Offered,
    unauthenticated_limiter::{Entrance, Permit},
};

/// Stack of a connection's thread; touched pages only are in memory.
const STACK: usize = 2 * 1024 * 1024;
/// After a failed accept (no file handle left, mostly) the next is tried this much later.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// How often a stopping server looks whether transfers still run.
const SHUTDOWN_POLL: Duration = Duration::from_millis(50);
/// Connections get this long to say goodbye once they have been told to close.
const GOODBYE: Duration = Duration::from_secs(2);

/// What an SSH server needs of the rest of the program.
pub struct Services {
    /// Lets users in. One for all protocols of a process, so that what is counted and waits in line is so for all.
    pub logins: Arc<Logins>,
    /// Lists sessions.
    pub connections: Arc<Connections>,
    /// Hears what happens.
    pub events: Events,
}

/// An SSH server that is not listening yet.
pub struct Server {
    context: Arc<ServerContext>,
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
            context: Arc::new(ServerContext {
                offer: Box::new(Offered::new(Arc::clone(&config))),
                config,
                engine,
                logins: services.logins,
                exchanges,
                connections: services.connections,
                events: services.events,
                unauthenticated: Arc::default(),
                close_all: CancellationToken::new(),
            }),
        })
    }

    /// Serves whoever connects to one of `listeners` until `shutdown` fires; then running transfers may finish within the
    /// configured grace.
    pub async fn serve(self, listeners: Vec<TcpListener>, shutdown: CancellationToken) {
        let mut listeners = VecDeque::from(listeners);
        let (alive, mut all_gone) = mpsc::channel::<()>(1);
        let mut failures = AcceptFailures::of("SFTP");
        loop {
            let accepted = tokio::select! {
                accepted = accept(&mut listeners) => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, remote)) => {
                    failures.accepted();
                    self.accept(stream, plain(remote), alive.clone());
                }
                Err(error) => {
                    failures.failed(&error);
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
        drop((listeners, alive));
        let finished = async {
            while self.context.connections.transfer_count() > 0 {
                tokio::time::sleep(SHUTDOWN_POLL).await;
            }
        };
        let _ = tokio::time::timeout(self.context.config.shutdown_grace, finished).await;
        self.context.close_all.cancel();
        let _ = tokio::time::timeout(GOODBYE, all_gone.recv()).await;
    }

    fn accept(&self, stream: TcpStream, remote: SocketAddr, alive: Sender<()>) {
        let context = &self.context;
        // A client that is refused sees its connection closed before a greeting.
        let Ok(admission) = context.connections.admit(remote.ip()) else {
            return;
        };
        let (address, limits) = (remote.ip(), context.config.limits);
        let accepted = Accepted {
            context: Arc::clone(context),
            stream,
            remote,
            admission,
            alive,
        };
        match context
            .unauthenticated
            .enter(address, &limits, Instant::now())
        {
            Entrance::Permitted(permit) => accepted.start(permit),
            Entrance::Later(wait) => {
                tokio::spawn(accepted.start_after(wait));
            }
            Entrance::Refused => accepted.refuse(),
        }
    }
}

/// The next connection to one of them, which goes behind the others then.
async fn accept(listeners: &mut VecDeque<TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    let mut at = 0;
    let accepted = poll_fn(|context| {
        for (index, listener) in listeners.iter().enumerate() {
            if let Poll::Ready(accepted) = listener.poll_accept(context) {
                at = index;
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await;
    listeners.rotate_left((at + 1) % listeners.len().max(1));
    accepted
}

/// A connection that nothing was read from yet.
struct Accepted {
    context: Arc<ServerContext>,
    stream: TcpStream,
    remote: SocketAddr,
    admission: Admission,
    alive: Sender<()>,
}

impl Accepted {
    async fn start_after(self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.context.close_all.cancelled() => return,
        }
        let limits = &self.context.config.limits;
        match self
            .context
            .unauthenticated
            .enter_in_turn(self.remote.ip(), limits)
        {
            Some(permit) => self.start(permit),
            None => self.refuse(),
        }
    }

    fn refuse(&self) {
        log::debug!(
            "the connection from {} was refused, because too many others are logging in",
            self.remote
        );
    }

    fn start(self, permit: Permit) {
        let Self {
            context,
            stream,
            remote,
            admission,
            alive,
        } = self;
        let control = match stream.into_std().and_then(connection::control) {
            Ok(control) => control,
            Err(error) => {
                log::warn!("the connection from {remote} could not be served: {error}");
                return;
            }
        };
        let warden = connection::watch(
            Arc::clone(&context),
            Arc::clone(&control),
            permit.close_requested(),
        );
        tokio::spawn(warden);
        let serving = Arc::clone(&control);
        let run = move || {
            connection::serve(&context, &serving, remote, permit);
            drop((admission, alive));
        };
        if let Err(error) = std::thread::Builder::new()
            .name("ssh".to_owned())
            .stack_size(STACK)
            .spawn(run)
        {
            log::error!(
                "the connection from {remote} is closed, because no thread could be started for it: {error}"
            );
            control.end();
        }
    }
}

/// An IPv4 client of a socket for both kinds is known by its IPv4 address, which operators ban and allow.
fn plain(remote: SocketAddr) -> SocketAddr {
    SocketAddr::new(remote.ip().to_canonical(), remote.port())
}
