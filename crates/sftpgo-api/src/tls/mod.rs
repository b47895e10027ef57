//! TLS: a certificate and its key, read again when their files change.

mod files;
mod setup;

use std::{fmt, path::PathBuf, sync::Arc, sync::Mutex, time::Duration};

use rustls::ServerConfig;
use sftpgo_core::sync::lock;
use tokio::{task::spawn_blocking, time};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::files::{Contents, Fingerprint};

/// The time after which the files are looked at again. A change is taken when it has been there twice, so that a
/// certificate is not read between its own change and its key's.
const LOOK: Duration = Duration::from_secs(10);

/// What TLS is to be like.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// PEM: the server's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// PEM: its private key, without a passphrase.
    pub key: PathBuf,
    /// Older clients are not served.
    pub min_version: TlsVersion,
    /// The suites of TLS 1.2, best first; none is all. Those of TLS 1.3 are always there.
    pub cipher_suites: Vec<String>,
    /// Versions of HTTP, best first; none is all.
    pub protocols: Vec<String>,
    /// Clients have to show a certificate that one of these authorities has signed; none where they need not.
    pub clients: Option<ClientCertificates>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2, RFC 5246.
    #[default]
    V12,
    /// TLS 1.3, RFC 8446.
    V13,
}

/// The authorities whose certificates of clients are good.
#[derive(Debug, Clone, Default)]
pub struct ClientCertificates {
    /// PEM: the authorities.
    pub authorities: Vec<PathBuf>,
    /// PEM or DER: which of their certificates are not good any more.
    pub revocation_lists: Vec<PathBuf>,
}

/// The part of TLS that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPart {
    /// The certificate.
    Certificate,
    /// The private key.
    Key,
    /// The authorities of clients.
    Authorities,
    /// The lists of what these have revoked.
    RevocationLists,
    /// The cipher suites.
    CipherSuites,
    /// The versions of HTTP.
    Protocols,
}

/// Why TLS cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError {
    /// The part that cannot be used.
    pub part: TlsPart,
    /// The reason, with the file's name.
    pub reason: String,
}

impl TlsError {
    fn new(part: TlsPart, reason: impl Into<String>) -> Self {
        Self {
            part,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for TlsError {}

/// TLS with the files as they were when they could be used last.
pub struct Tls {
    options: TlsOptions,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    /// The fingerprint of what was read last, whether it could be used or not.
    read: Fingerprint,
    /// The fingerprint of what was there at the last look.
    seen: Fingerprint,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them cannot be read or used, the key is not the certificate's, or a name is unknown.
    pub fn load(options: TlsOptions) -> Result<Self, TlsError> {
        let contents = Contents::read(&options)?;
        let config = setup::server_config(&options, &contents)?;
        let read = Fingerprint::of(&Ok(contents));
        Ok(Self {
            options,
            state: Mutex::new(State {
                config: Arc::new(config),
                read,
                seen: read,
            }),
        })
    }

    /// Do clients have to show a certificate?
    pub fn asks_for_certificates(&self) -> bool {
        self.options.clients.is_some()
    }

    /// Reads the files again. Connections that there are go on as they began.
    ///
    /// # Errors
    /// As [`Tls::load`]; then everything stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let contents = Contents::read(&self.options);
        let read = Fingerprint::of(&contents);
        let config = contents.and_then(|contents| setup::server_config(&self.options, &contents));
        let mut state = lock(&self.state);
        (state.read, state.seen) = (read, read);
        state.config = Arc::new(config?);
        Ok(())
    }

    /// Reads the files again if they hold something else than before, now and at the last look. It does not matter how that
    /// came: files are written, renamed, or links to them changed.
    fn look(&self) {
        let seen = Fingerprint::of(&Contents::read(&self.options));
        {
            let mut state = lock(&self.state);
            let is_steady = state.seen == seen;
            state.seen = seen;
            if seen == state.read || !is_steady {
                return;
            }
        }
        let path = self.options.certificate.display();
        match self.reload() {
            Ok(()) => {
                log::info!("the TLS certificate {path} and what belongs to it were read again")
            }
            Err(error) => log::error!(
                "the changed TLS files of {path} cannot be used, and TLS goes on with what was read before: {error}"
            ),
        }
    }

    /// Returns what makes TLS of a connection from here on.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&lock(&self.state).config))
    }
}

/// Reads the files of `all` again whenever they change, until `shutdown` fires.
pub async fn watch_tls(all: Vec<Arc<Tls>>, shutdown: CancellationToken) {
    if all.is_empty() {
        return;
    }
    let all: Arc<[_]> = all.into();
    while time::timeout(LOOK, shutdown.cancelled()).await.is_err() {
        let all = Arc::clone(&all);
        // A panic would be a defect of ours, and the next look may do better.
        let _ = spawn_blocking(move || all.iter().for_each(|tls| tls.look())).await;
    }
}
