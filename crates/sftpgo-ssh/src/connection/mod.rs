//! An SSH connection: its thread, which carries the engine's bytes and does what its events ask for, and its warden, which
//! closes it from outside.

mod channels;
mod conduct;
mod control;
mod host;
mod login;
mod passed_header;
mod presence;
mod rekeys;
mod server_context;
mod socket;
mod start;
mod thread;
mod warden;
mod window;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use sftpgo_core::{
    Result, descriptors,
    event::{ConnectionProtocol, Event},
};
use sftpgo_ssh_proto as proto;

pub(crate) use self::{control::Control, server_context::ServerContext, warden::watch};
use self::{socket::Socket, thread::Thread};
use crate::{algorithms, config::ServerConfig, host_key, unauthenticated_limiter::Permit};

/// The longest channel packet announced: room for the 32 KiB of most clients with what is around them, twice.
const MAX_PACKET: u32 = 65_536;
/// A client that is told to go gets this long to take it in.
const GOODBYE: Duration = Duration::from_millis(500);
/// A thread that had nothing to do for this long is taken to stay so.
const QUIET: Duration = Duration::from_secs(1);

/// The engine's settings for `config`.
///
/// # Errors
/// An unknown name of an algorithm, or a host key or its certificate that the engine cannot use.
pub(crate) fn engine_config(config: &ServerConfig) -> Result<Arc<proto::Config>> {
    let mut engine = proto::Config::new(host_key::for_engine(
        &config.host_keys,
        &config.host_certificates,
    )?);
    engine.software = match config.software_version.as_str() {
        "" => concat!("SFTPGo_", env!("CARGO_PKG_VERSION")).to_owned(),
        version => version.to_owned(),
    };
    if config.max_auth_tries > 0 {
        engine.max_auth_failures = config.max_auth_tries;
    }
    engine.methods.retain(|method| match method {
        proto::AuthMethod::Password => config.password_authentication,
        proto::AuthMethod::KeyboardInteractive => config.keyboard_interactive_authentication,
        _ => true,
    });
    algorithms::choose(config, &mut engine)?;
    engine.banner.clone_from(&config.login_banner);
    engine.window = window::FIRST;
    engine.max_packet = MAX_PACKET;
    engine.max_channels = config.limits.sessions_per_connection;
    Ok(Arc::new(engine))
}

/// Makes what the thread and the warden of a connection share.
///
/// # Errors
/// The system's: the socket cannot be used.
pub(crate) fn control(stream: std::net::TcpStream) -> std::io::Result<Arc<Control>> {
    let socket = Socket::new(stream, QUIET)?;
    Ok(Arc::new(Control::new(socket, Instant::now())))
}

/// What a connection begins with.
pub(crate) struct Opening {
    /// The client, as far as anybody says who it is.
    pub(crate) remote: SocketAddr,
    /// Bytes that the client has sent already.
    pub(crate) received: Vec<u8>,
    /// A PROXY header may come first, and says nothing here.
    pub(crate) passes_header_over: bool,
}

/// What a connection gives back when somebody has logged in.
pub(crate) struct UntilLogin {
    permit: Permit,
    /// The descriptor for a handle of the user's home.
    _descriptor: Option<descriptors::Permit>,
}

impl UntilLogin {
    pub(crate) fn new(permit: Permit, room_for_home: Option<descriptors::Permit>) -> Self {
        Self {
            permit,
            _descriptor: room_for_home,
        }
    }
}

/// Serves a connection to its end, on the calling thread.
pub(crate) fn serve(
    server: &Arc<ServerContext>,
    control: &Arc<Control>,
    opening: Opening,
    until_login: UntilLogin,
) {
    let remote = opening.remote;
    let network = UsesNetwork(control);
    let gate = &server.gate;
    if gate
        .ask_hook(remote.ip(), ConnectionProtocol::Ssh, &control.bell)
        .is_err()
    {
        control.socket.stop();
        log::debug!("the connection from {remote} was refused by post_connect_hook");
        return;
    }
    let mut thread = Thread::boxed(
        Arc::clone(server),
        Arc::clone(control),
        opening,
        until_login,
    );
    let ended = thread.run();
    let rest = thread.into_rest();
    control.socket.stop();
    drop(network);
    log::debug!("the connection from {remote} ended: {}", ended.reason);
    if !rest.has_tried {
        server.logins.nothing_tried(remote, &ended.reason);
    }
    if rest.username.is_none() {
        server.logins.not_completed(&rest.steps, remote);
        rest.conduct.tell(&server.logins, remote, &ended);
    }
    rest.channels.finish(ended.is_closed_here);
    server.events.emit(&Event::Disconnected {
        remote,
        protocol: rest.protocol,
        username: rest.username.as_deref().unwrap_or_default(),
        duration: control.since.elapsed(),
    });
}

/// Tells the warden when the thread needs the network no more, in whatever way that came.
struct UsesNetwork<'a>(&'a Control);

impl Drop for UsesNetwork<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
