//! Announcing the service by multicast DNS (RFC 6762 and 6763).

use std::{fs, net::SocketAddr, time::Duration};

use mdns_sd::{ServiceDaemon, ServiceInfo};

use super::user::Login;
use crate::{config::Problem, version};

const SERVICE: &str = "_sftp-ssh._tcp.local.";
/// The goodbye to those who remember the service is on its way after that.
const GOODBYE: Duration = Duration::from_secs(1);

/// The service as it is announced, until [`Announced::end`].
pub(super) struct Announced {
    daemon: ServiceDaemon,
    name: String,
}

/// Announces what listens on `address`, with the user's name and password when `login` is given.
///
/// # Errors
/// Names the flag, and what is wrong.
pub(super) fn announce(address: SocketAddr, login: Option<&Login>) -> Result<Announced, Problem> {
    let problem = |error: mdns_sd::Error| Problem::new("--advertise-service", error.to_string());
    if address.ip().to_canonical().is_loopback() {
        let reason = format!("nobody else reaches {}", address.ip());
        return Err(Problem::new("--advertise-service", reason));
    }
    let host = host_name();
    let mut properties = vec![("version", version::info().version)];
    if let Some(login) = login {
        properties.push(("user", login.draft.username.clone()));
        if let Some(password) = login.password.text() {
            properties.push(("password", password.to_owned()));
        }
    }
    let own = (!address.ip().is_unspecified()).then(|| address.ip().to_string());
    let service = ServiceInfo::new(
        SERVICE,
        &format!("SFTPGo on {host}"),
        &format!("{host}.local."),
        own.as_deref().unwrap_or_default(),
        address.port(),
        &properties[..],
    )
    .map_err(problem)?;
    let service = match own {
        Some(_) => service,
        None => service.enable_addr_auto(),
    };
    let name = service.get_fullname().to_owned();
    let daemon = ServiceDaemon::new().map_err(problem)?;
    daemon.register(service).map_err(problem)?;
    Ok(Announced { daemon, name })
}

impl Announced {
    /// Takes it back. Who cannot be told forgets it in time.
    pub(super) fn end(self) {
        if let Ok(told) = self.daemon.unregister(&self.name) {
            let _ = told.recv_timeout(GOODBYE);
        }
        if let Ok(ended) = self.daemon.shutdown() {
            let _ = ended.recv_timeout(GOODBYE);
        }
    }
}

/// Returns the name that the system calls itself, without the domain.
fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().split('.').next().unwrap_or_default();
    if name.is_empty() {
        "sftpgo".to_owned()
    } else {
        name.to_owned()
    }
}
