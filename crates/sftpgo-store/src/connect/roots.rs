//! Which authorities may have signed a server's certificate.

use std::path::{Path, PathBuf};

use sftpgo_core::{Error, ErrorKind, Result};

use crate::Server;

/// Where systems keep the certificates of the authorities they know: Debian and Arch, Red Hat, SUSE, Alpine and BSDs.
const OF_SYSTEMS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The file of certificates to hold a server's against, as text.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) when there is none.
pub(super) fn for_server(server: &Server) -> Result<String> {
    let invalid = |reason: String| Error::new(ErrorKind::Invalid, reason);
    let path = match &server.root_certificates {
        Some(path) if path.is_file() => path.clone(),
        Some(path) => return Err(invalid(format!("{} is not a file", path.display()))),
        None => of_the_system().ok_or_else(|| {
            invalid("this system's root certificates are not found; name a file of them".to_owned())
        })?,
    };
    path.into_os_string()
        .into_string()
        .map_err(|path| invalid(format!("{} is not UTF-8", Path::new(&path).display())))
}

fn of_the_system() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let known = OF_SYSTEMS.iter().map(PathBuf::from);
    named.into_iter().chain(known).find(|path| path.is_file())
}
