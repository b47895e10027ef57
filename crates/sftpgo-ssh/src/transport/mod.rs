//! The SSH transport: with its neighbours `algorithms` and `host_key` the only room that names the SSH library.
//!
//! The library's callbacks run on the connection's own task; channel data is taken where it was
//! decrypted, and replies go back through the library's bounded queue.

mod channels;
mod client;
mod login;
mod out;
mod presence;
mod state;
mod unsigned;
mod window;
mod wire;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use russh::{Disconnect, MethodKind, MethodSet, keys::ssh_key::encoding};
use sftpgo_core::Result;
use tokio::{net::TcpStream, pin, time::timeout};

pub(crate) use self::out::ChannelOut;
use self::{client::Client, state::State, wire::Wire};
use crate::{algorithms, config::ServerConfig, pending::Place, server::Shared};

/// What the library needs, made once.
pub(crate) type Config = Arc<russh::server::Config>;

/// The longest channel packet announced; the library takes no more than this.
const MAX_PACKET: u32 = 65_535;
/// Messages from engines that wait for the connection; each is at most a packet of the client's size.
const QUEUED_MESSAGES: usize = 16;
/// A client that is told to go gets this long to take it in.
const GOODBYE: Duration = Duration::from_millis(500);

/// The library's settings for `config`.
pub(crate) fn config(config: &ServerConfig) -> Result<Config> {
    let version = match config.software_version.as_str() {
        "" => concat!("SFTPGo_", env!("CARGO_PKG_VERSION")),
        version => version,
    };
    let tries = match config.max_auth_tries {
        0 => 6,
        tries => tries,
    };
    Ok(Arc::new(russh::server::Config {
        server_id: russh::SshId::Standard(format!("SSH-2.0-{version}").into()),
        methods: methods(),
        // Refusals are timed where passwords are checked; asking for methods or offering a key need not wait.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: config.host_keys.iter().map(|key| key.key.clone()).collect(),
        window_size: window::FIRST,
        maximum_packet_size: MAX_PACKET,
        event_buffer_size: QUEUED_MESSAGES,
        preferred: algorithms::preferred(config)?,
        // The question for the methods, which clients ask first, counts as one.
        max_auth_attempts: usize::try_from(tries)
            .unwrap_or(usize::MAX)
            .saturating_add(1),
        // Idle sessions are ended here, where the moving bytes of a transfer count as activity.
        inactivity_timeout: None,
        nodelay: true,
        ..russh::server::Config::default()
    }))
}

fn methods() -> MethodSet {
    MethodSet::from(
        [
            MethodKind::PublicKey,
            MethodKind::Password,
            MethodKind::KeyboardInteractive,
        ]
        .as_slice(),
    )
}

/// Serves one connection to its end.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    remote: SocketAddr,
    place: Place,
) {
    // Without it every sequential request waits for a delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("{remote}: {error}");
    }
    let state = Arc::new(State::new());
    let make_room = place.close_requested();
    let client = Client::new(Arc::clone(&shared), Arc::clone(&state), remote, place);
    let (reason, closed_here) = {
        let run = run(&shared, &state, stream, client);
        pin!(run);
        tokio::select! {
            ended = &mut run => (ended, false),
            reason = state.until_closed_here(&shared, make_room) => {
                say_goodbye(&state, reason).await;
                let _ = timeout(GOODBYE, run).await;
                (reason.to_owned(), true)
            }
        }
    };
    log::debug!("the connection from {remote} ended: {reason}");
    if !state.has_tried() {
        shared.logins.nothing_tried(remote, &reason);
    }
    state.finish_sessions(closed_here).await;
}

/// Runs the protocol until the client leaves or breaks it; answers why it ended.
async fn run(shared: &Shared, state: &State, stream: TcpStream, client: Client) -> String {
    let remote = client.remote;
    let config = Arc::clone(&shared.transport);
    let stream = Wire::new(stream, Arc::clone(&client.budget));
    let session = match russh::server::run_stream(config, stream, client).await {
        Ok(session) => session,
        Err(error) => return error.to_string(),
    };
    state.set_handle(session.handle());
    match session.await {
        Ok(()) => "closed by the client".to_owned(),
        // The library reads names and passwords as text, and ends the connection over others without telling what they were.
        Err(russh::Error::SshEncoding(encoding::Error::CharacterEncoding))
            if state.is_logging_in() =>
        {
            state.set_tried();
            shared.logins.not_utf8(remote);
            "the user name or the password is not UTF-8".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

async fn say_goodbye(state: &State, reason: &str) {
    if let Some(handle) = state.handle() {
        let told = handle.disconnect(Disconnect::ByApplication, reason.to_owned(), String::new());
        // A client that reads nothing is not waited for.
        let _ = timeout(GOODBYE, told).await;
    }
}
