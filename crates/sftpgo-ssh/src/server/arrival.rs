//! From an accepted connection to its thread: who is let in, when, and where it waits until then.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use sftpgo_core::{event::ConnectionProtocol, registry::Admission};
use sftpgo_proxy_protocol::{Received, receive};
use tokio::{net::TcpStream, sync::mpsc::Sender};

use crate::{
    connection::{self, Opening, ServerContext, UntilLogin},
    unauthenticated_limiter::{Entrance, Permit},
};

/// Stack of a connection's thread; touched pages only are in memory.
const STACK: usize = 2 * 1024 * 1024;

/// A connection of which nobody knows yet whether it is let in.
pub(super) struct Arrived {
    pub(super) context: Arc<ServerContext>,
    pub(super) stream: TcpStream,
    pub(super) alive: Sender<()>,
}

impl Arrived {
    /// Lets it in, or not, once a proxy has said who its client is.
    pub(super) async fn admit_after_header(mut self, peer: SocketAddr, required: bool) {
        let received = tokio::select! {
            received = receive(&mut self.stream, required) => received,
            () = self.context.close_all.cancelled() => return,
        };
        match received {
            Ok(Received { client, rest }) => self.admit(Opening {
                remote: client.unwrap_or(peer),
                received: rest,
                passes_header_over: false,
            }),
            Err(error) => {
                log::debug!("the connection from the proxy {peer} was closed: {error}");
            }
        }
    }

    /// Lets it in, or not.
    pub(super) fn admit(self, opening: Opening) {
        let Self {
            context,
            stream,
            alive,
        } = self;
        let address = opening.remote.ip();
        // A client that is refused sees its connection closed before a greeting.
        let (gate, connections) = (&context.gate, &context.connections);
        let Ok(admission) = gate.admit(connections, address, ConnectionProtocol::Ssh) else {
            return;
        };
        let Ok(wait) = gate.pace(address, ConnectionProtocol::Ssh) else {
            return;
        };
        let accepted = Accepted {
            context: Arc::clone(&context),
            stream,
            opening,
            admission,
            alive,
        };
        if wait.is_zero() {
            accepted.enter();
        } else {
            tokio::spawn(accepted.enter_after(wait));
        }
    }
}

/// A connection that is let in, when there is room for its login.
struct Accepted {
    context: Arc<ServerContext>,
    stream: TcpStream,
    opening: Opening,
    admission: Admission,
    alive: Sender<()>,
}

impl Accepted {
    async fn enter_after(self, wait: Duration) {
        if self.is_open_after(wait).await {
            self.enter();
        }
    }

    fn enter(self) {
        let limits = &self.context.config.limits;
        let (unauthenticated, address) = (&self.context.unauthenticated, self.opening.remote.ip());
        match unauthenticated.enter(address, limits, Instant::now()) {
            Entrance::Permitted(permit) => self.start(permit),
            Entrance::Later(wait) => {
                tokio::spawn(self.start_after(wait));
            }
            Entrance::Refused => self.refuse(),
        }
    }

    async fn start_after(self, wait: Duration) {
        if !self.is_open_after(wait).await {
            return;
        }
        let limits = &self.context.config.limits;
        match self
            .context
            .unauthenticated
            .enter_in_turn(self.opening.remote.ip(), limits)
        {
            Some(permit) => self.start(permit),
            None => self.refuse(),
        }
    }

    /// Waits; does the server go on serving then?
    async fn is_open_after(&self, wait: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = self.context.close_all.cancelled() => false,
        }
    }

    fn refuse(&self) {
        log::debug!(
            "the connection from {} was refused, because too many others are logging in",
            self.opening.remote
        );
    }

    fn start(self, permit: Permit) {
        let Self {
            context,
            stream,
            opening,
            mut admission,
            alive,
        } = self;
        let remote = opening.remote;
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
        let until_login = UntilLogin::new(permit, admission.take_room_for_home());
        tokio::spawn(warden);
        let serving = Arc::clone(&control);
        let run = move || {
            connection::serve(&context, &serving, opening, until_login);
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
