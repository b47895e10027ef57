//! Opening ports and sockets, and saying what to do when one cannot be opened.

mod handed;
mod unix_socket;

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use sftpgo_api::{Binding, BindingOptions, Reach, Socket};
use tokio::net::{TcpListener, lookup_host};

pub(crate) use self::{
    handed::{Handed, Kept, Section, Sockets},
    unix_socket::SocketFile,
};
use crate::config::{
    Problem,
    settings::{Endpoint, HttpBinding, Place, SftpBinding},
};

/// An open port and where it is.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// An open port or socket of HTTP.
pub(crate) struct HttpListening {
    pub(crate) binding: Binding,
    pub(crate) at: HttpAddress,
    /// Keeps the file of a Unix socket.
    pub(crate) file: Option<SocketFile>,
}

/// Where HTTP listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HttpAddress {
    Port { address: SocketAddr, is_tls: bool },
    Path(PathBuf),
}

fn of_system(socket: std::net::TcpListener) -> io::Result<Listening> {
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let listener = TcpListener::from_std(socket)?;
    Ok(Listening { listener, address })
}

/// Listens at all `bindings` of SFTP, or only at the sockets that were passed, which go by the bindings in order.
///
/// # Errors
/// Names the key, and what to do.
pub(crate) async fn listen_sftp(
    bindings: &[SftpBinding],
    sockets: &mut Sockets,
) -> Result<Vec<(sftpgo_ssh::Binding, SocketAddr)>, Problem> {
    let mut listening = Vec::new();
    let passed = sockets.take_passed(Section::Sftpd)?;
    for (position, passed) in passed.into_iter().enumerate() {
        let goes_by_proxies = bindings
            .get(position)
            .is_none_or(|binding| binding.goes_by_proxies);
        listening.push((passed, goes_by_proxies));
    }
    if listening.is_empty() {
        for binding in bindings {
            let [address, port] = binding.names();
            let opened = listen_at(&address, &port, &binding.endpoint, sockets).await?;
            listening.push((opened, binding.goes_by_proxies));
        }
    }
    let bound = |(Listening { listener, address }, goes_by_proxies)| {
        let binding = sftpgo_ssh::Binding {
            listener,
            goes_by_proxies,
        };
        (binding, address)
    };
    Ok(listening.into_iter().map(bound).collect())
}

/// Listens at all `bindings`. Sockets that were passed are taken in their places, in order, and one of them for itself
/// where there is none.
///
/// # Errors
/// Names the key, and what to do.
pub(crate) async fn listen_http(
    bindings: &[HttpBinding],
    sockets: &mut Sockets,
) -> Result<Vec<HttpListening>, Problem> {
    let mut listening = Vec::new();
    let mut passed = sockets.take_passed(Section::Httpd)?.into_iter();
    for binding in bindings {
        listening.push(match passed.next() {
            Some(passed) => of_port(passed, binding.options.clone()),
            None => listen_binding(binding, sockets).await?,
        });
    }
    if listening.is_empty() {
        let first = passed.next();
        listening.extend(first.map(|passed| of_port(passed, BindingOptions::default())));
    }
    Ok(listening)
}

async fn listen_binding(
    binding: &HttpBinding,
    sockets: &mut Sockets,
) -> Result<HttpListening, Problem> {
    let is_old = !binding.key.ends_with(']');
    let of = |old: &str, new: &str| format!("{}.{}", binding.key, if is_old { old } else { new });
    let options = binding.options.clone();
    let address_key = of("bind_address", "address");
    match &binding.place {
        Place::Port(endpoint) => {
            let port_key = of("bind_port", "port");
            let listening = listen_at(&address_key, &port_key, endpoint, sockets).await?;
            Ok(of_port(listening, options))
        }
        Place::Path(path) => {
            let opened = match sockets.take_path(path) {
                Some(listener) => unix_socket::go_on(listener, path),
                None => unix_socket::listen(path),
            };
            let (listener, file) = opened.map_err(|reason| Problem::new(&address_key, reason))?;
            sockets
                .keep(Handed::Path(path.clone()), &listener)
                .map_err(|error| Problem::new(&address_key, error.to_string()))?;
            Ok(HttpListening {
                binding: Binding {
                    socket: Socket::Unix(listener),
                    options,
                },
                at: HttpAddress::Path(path.clone()),
                file: Some(file),
            })
        }
    }
}

fn of_port(listening: Listening, options: BindingOptions) -> HttpListening {
    let Listening { listener, address } = listening;
    HttpListening {
        at: HttpAddress::Port {
            address,
            is_tls: options.tls.is_some(),
        },
        binding: Binding {
            socket: Socket::Tcp(listener),
            options,
        },
        file: None,
    }
}

impl HttpAddress {
    /// Returns who can reach it.
    pub(crate) fn reach(&self) -> Reach {
        match self {
            Self::Port { address, .. } => Reach::of(address.ip()),
            Self::Path(_) => Reach::UnixSocket,
        }
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { address, .. } => address.fmt(f),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

async fn listen_at(
    address_key: &str,
    port_key: &str,
    endpoint: &Endpoint,
    sockets: &mut Sockets,
) -> Result<Listening, Problem> {
    let opened = match sockets.take_port(&addresses(endpoint).await) {
        Some(listener) => of_system(listener),
        None => bind(endpoint).await.and_then(|listener| {
            let address = listener.local_addr()?;
            Ok(Listening { listener, address })
        }),
    };
    let opened = opened.and_then(|listening| {
        sockets.keep(Handed::Port, &listening.listener)?;
        Ok(listening)
    });
    opened.map_err(|error| problem(address_key, port_key, endpoint, &error))
}

/// Where [`bind`] may listen.
async fn addresses(endpoint: &Endpoint) -> Vec<SocketAddr> {
    let Endpoint { address, port } = endpoint;
    if address.is_empty() {
        let all = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
        return all.map(|all: IpAddr| SocketAddr::new(all, *port)).into();
    }
    let found = lookup_host((address.as_str(), *port)).await;
    found.map(Iterator::collect).unwrap_or_default()
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

fn problem(address_key: &str, port_key: &str, endpoint: &Endpoint, error: &io::Error) -> Problem {
    let Endpoint { address, port } = endpoint;
    let variable = variable(port_key);
    let (key, reason) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            port_key,
            format!(
                "port {port} is in use by another program: stop that one, or choose another port with {variable}"
            ),
        ),
        io::ErrorKind::PermissionDenied => (
            port_key,
            format!(
                "this user may not listen on port {port}: choose a port above 1023 with {variable}, or grant CAP_NET_BIND_SERVICE"
            ),
        ),
        _ => (
            address_key,
            format!(
                "{address:?} cannot be listened on: {error}; use an address of this machine, or leave it empty"
            ),
        ),
    };
    Problem::new(key, reason)
}

/// Returns the variable of a key: of `httpd.bindings[0].port` it is `SFTPGO_HTTPD__BINDINGS__0__PORT`.
fn variable(key: &str) -> String {
    let path = key.replace('[', "__").replace(']', "").replace('.', "__");
    format!("SFTPGO_{}", path.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_variable() {
        for (key, expected) in [
            ("sftpd.bind_port", "SFTPGO_SFTPD__BIND_PORT"),
            (
                "httpd.bindings[12].port",
                "SFTPGO_HTTPD__BINDINGS__12__PORT",
            ),
        ] {
            assert_eq!(variable(key), expected);
        }
    }
}
