//! Opening ports, and saying what to do when one cannot be opened.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::config::{Problem, settings::Endpoint};

/// An open port and where it is.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
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
