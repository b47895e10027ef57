//! Opening ports, and saying what to do when one cannot be opened.

use std::{env, io, net::SocketAddr};

use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::config::{Problem, settings::Endpoint};

/// An open port and where it is.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Sockets that whoever started this process listens on already (systemd's socket activation, sd_listen_fds(3)).
pub(crate) struct PassedSockets {
    sockets: ListenFd,
    /// By position; `FileDescriptorName=` of the unit.
    names: Vec<String>,
}

impl PassedSockets {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        Self {
            sockets: ListenFd::from_env(),
            names: names.split(':').map(str::to_owned).collect(),
        }
    }

    /// Those for `section`: with the name `httpd` for that section, and all others for `sftpd`.
    ///
    /// # Errors
    /// One of them is no TCP socket that listens.
    pub(crate) fn take(&mut self, section: &str) -> Result<Vec<Listening>, Problem> {
        let mut taken = Vec::new();
        for position in 0..self.sockets.len() {
            let name = self.names.get(position).map(String::as_str);
            if (name == Some("httpd")) != (section == "httpd") {
                continue;
            }
            let listening = self
                .sockets
                .take_tcp_listener(position)
                .and_then(|socket| socket.map(of_system).transpose())
                .map_err(|error| {
                    let reason = format!("socket number {position} cannot be listened on: {error}");
                    Problem::new("LISTEN_FDS", reason)
                })?;
            taken.extend(listening);
        }
        Ok(taken)
    }
}

fn of_system(socket: std::net::TcpListener) -> io::Result<Listening> {
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let listener = TcpListener::from_std(socket)?;
    Ok(Listening { listener, address })
}

/// Listens where `section` of the configuration says.
///
/// # Errors
/// Names the key, and what to do.
pub(crate) async fn listen(section: &str, endpoint: &Endpoint) -> Result<Listening, Problem> {
    let opened = bind(endpoint).await.and_then(|listener| {
        let address = listener.local_addr()?;
        Ok(Listening { listener, address })
    });
    opened.map_err(|error| problem(section, endpoint, &error))
}

/// Opens a port of this machine.
pub(crate) async fn bind(endpoint: &Endpoint) -> io::Result<TcpListener> {
    if !endpoint.address.is_empty() {
        return TcpListener::bind((endpoint.address.as_str(), endpoint.port)).await;
    }
    match TcpListener::bind(("::", endpoint.port)).await {
        Err(error) if !is_about_port(&error) => {
            // A system without IPv6.
            TcpListener::bind(("0.0.0.0", endpoint.port)).await
        }
        bound => bound,
    }
}

fn is_about_port(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

fn problem(section: &str, endpoint: &Endpoint, error: &io::Error) -> Problem {
    let Endpoint { address, port } = endpoint;
    let variable = format!("SFTPGO_{}__BIND_PORT", section.to_ascii_uppercase());
    let (key, reason) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "bind_port",
            format!(
                "port {port} is in use by another program: stop that one, or choose another port with {variable}"
            ),
        ),
        io::ErrorKind::PermissionDenied => (
            "bind_port",
            format!(
                "this user may not listen on port {port}: choose a port above 1023 with {variable}, or grant CAP_NET_BIND_SERVICE"
            ),
        ),
        _ => (
            "bind_address",
            format!(
                "{address:?} cannot be listened on: {error}; use an address of this machine, or leave it empty"
            ),
        ),
    };
    Problem::new(&format!("{section}.{key}"), reason)
}
