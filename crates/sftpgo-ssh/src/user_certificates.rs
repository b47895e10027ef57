//! Certificates of users (OpenSSH PROTOCOL.certkeys): which authorities are trusted, what they signed that passes no more, and
//! which certificates let their users in.
//!
//! What SFTPGo refuses is refused here: a certificate without principals, `force-command`, `verify-required`. Of its extensions
//! only `no-touch-required` means something where there are no shells.

use std::{
    fmt::Display,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use ring::digest::{SHA256, digest};
use sftpgo_core::{
    Error, ErrorKind, Result,
    credential::public_key::{AuthorizedKey, KeyOptions},
    sync::lock,
};
use sftpgo_ssh_proto::{Certificate, CertificateProblem, PublicKey, RevocationList};

/// Bytes of a file of authorities; a line has some hundred.
const MOST_OF_AUTHORITIES: u64 = 1024 * 1024;
/// Bytes of a list of what was revoked: some million certificates.
const MOST_REVOKED: u64 = 16 * 1024 * 1024;
/// Each fingerprint of a list begins so.
const FINGERPRINT: &str = "SHA256:";

/// The authorities whose certificates log users in, and what is revoked of those. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct UserCertificates {
    authorities: Vec<PathBuf>,
    revoked: Option<PathBuf>,
    trust: Arc<Mutex<Arc<Trust>>>,
}

/// As it was read last, in one piece: no login meets new keys with an old list.
#[derive(Debug, Default)]
struct Trust {
    /// Blobs of keys.
    authorities: Vec<Vec<u8>>,
    revoked: RevocationList,
}

impl UserCertificates {
    /// Trusts the keys in `authorities`, each a file of lines as `ssh-keygen` writes them.
    ///
    /// # Errors
    /// A file cannot be read, or is none; names it.
    pub fn of(authorities: Vec<PathBuf>) -> Result<Self> {
        let certificates = Self {
            authorities,
            ..Self::default()
        };
        certificates.reload()?;
        Ok(certificates)
    }

    /// The same without what is `revoked`: by a list of OpenSSH (`ssh-keygen -k`), or by SFTPGo's, a JSON array of fingerprints
    /// of the keys in certificates.
    ///
    /// # Errors
    /// The file cannot be read, or is none; names it.
    pub fn without(self, revoked: PathBuf) -> Result<Self> {
        let list = revoked_by(&revoked)?;
        let authorities = lock(&self.trust).authorities.clone();
        *lock(&self.trust) = Arc::new(Trust {
            authorities,
            revoked: list,
        });
        Ok(Self {
            revoked: Some(revoked),
            ..self
        })
    }

    /// Reads the files again. Logins from then on go by what they say.
    ///
    /// # Errors
    /// As for [`UserCertificates::of`] and [`UserCertificates::without`]; then everything stays as it was.
    pub fn reload(&self) -> Result<()> {
        let mut trust = Trust::default();
        for path in &self.authorities {
            trust.authorities.extend(authorities_of(path)?);
        }
        if let Some(path) = &self.revoked {
            trust.revoked = revoked_by(path)?;
        }
        *lock(&self.trust) = Arc::new(trust);
        Ok(())
    }

    /// May who has `key`, which comes in `certificate`, log in as `user` from there? The options say what its signature has to
    /// be like.
    ///
    /// # Errors
    /// Why not, and which certificate it is: for the operator's log.
    pub(crate) fn check(
        &self,
        key: &PublicKey<'_>,
        certificate: &Certificate<'_>,
        user: &[u8],
        remote: IpAddr,
    ) -> Result<KeyOptions, String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let trust = Arc::clone(&lock(&self.trust));
        match trust.problem(key, certificate, user, remote, now) {
            None => Ok(KeyOptions {
                no_touch_required: certificate.allows_no_touch(),
                verify_required: false,
            }),
            Some(problem) => Err(format!(
                "{problem} (key id \"{}\", serial {}, signed by {})",
                certificate.key_id().escape_ascii(),
                certificate.serial(),
                fingerprint(certificate.authority()),
            )),
        }
    }
}

impl Trust {
    /// The first rule that the certificate breaks. What is cheap comes first: signatures of strangers are not verified.
    fn problem(
        &self,
        key: &PublicKey<'_>,
        certificate: &Certificate<'_>,
        user: &[u8],
        remote: IpAddr,
        now: u64,
    ) -> Option<String> {
        let is_trusted = |blob: &Vec<u8>| blob == certificate.authority();
        let problem = |text: &str| Some(text.to_owned());
        if !self.authorities.iter().any(is_trusted) {
            return problem("the certificate's authority is not trusted");
        }
        if self.revoked.revokes(key) {
            return problem("the certificate is revoked");
        }
        if let Err(broken) = certificate.check_user(user, now) {
            return Some(match broken {
                CertificateProblem::UnknownOption => unknown_option(certificate),
                broken => broken.to_string(),
            });
        }
        if certificate.force_command().is_some() {
            return problem("force-command of the certificate cannot be enforced here");
        }
        if certificate.requires_verification() {
            return problem("verify-required of the certificate cannot be enforced here");
        }
        if !certificate.source_address_allows(remote) {
            return problem("the certificate may not be used from this address");
        }
        None
    }
}

fn unknown_option(certificate: &Certificate<'_>) -> String {
    const KNOWN: [&[u8]; 3] = [b"force-command", b"source-address", b"verify-required"];
    let mut names = certificate.critical_options().map(|(name, _)| name);
    let name = names
        .find(|name| !KNOWN.contains(name))
        .unwrap_or_default()
        .escape_ascii()
        .to_string();
    format!("the certificate has the unknown critical option \"{name}\"")
}

fn authorities_of(path: &Path) -> Result<Vec<Vec<u8>>> {
    let problem = |what: &dyn Display| unusable(path, what);
    let text = read(path, MOST_OF_AUTHORITIES).map_err(|error| problem(&error))?;
    let text = String::from_utf8(text).map_err(|_| problem(&"it is not a text"))?;
    let mut keys = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = AuthorizedKey::parse(line)
            .map_err(|error| problem(&format_args!("line {}: {error}", at + 1)))?;
        if key.options() != KeyOptions::default() {
            return Err(problem(&format_args!(
                "line {}: an authority has no options",
                at + 1
            )));
        }
        keys.push(key.blob().to_vec());
    }
    if keys.is_empty() {
        return Err(problem(&"there is no key in it"));
    }
    Ok(keys)
}

fn revoked_by(path: &Path) -> Result<RevocationList> {
    let problem = |what: &dyn Display| unusable(path, what);
    let bytes = read(path, MOST_REVOKED).map_err(|error| problem(&error))?;
    if RevocationList::is_one(&bytes) {
        return RevocationList::parse(&bytes).map_err(|error| problem(&error));
    }
    let listed: Vec<String> = serde_json::from_slice(&bytes).map_err(|error| {
        problem(&format_args!(
            "it is neither a key revocation list of OpenSSH nor a JSON array of fingerprints: {error}"
        ))
    })?;
    let mut hashes = Vec::with_capacity(listed.len());
    for text in &listed {
        let hash = hash_of(text).ok_or_else(|| {
            problem(&format_args!(
                "{text:?} is not a fingerprint, {FINGERPRINT}…"
            ))
        })?;
        hashes.push(hash);
    }
    Ok(RevocationList::of_fingerprints(hashes))
}

fn unusable(path: &Path, what: &dyn Display) -> Error {
    Error::new(ErrorKind::Invalid, format!("{}: {what}", path.display()))
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    if found.len() > most {
        return Err(format!("it has more than {most} bytes"));
    }
    fs::read(path).map_err(|error| error.to_string())
}

fn hash_of(text: &str) -> Option<[u8; 32]> {
    let encoded = text.strip_prefix(FINGERPRINT)?;
    let hash = STANDARD_NO_PAD
        .decode(encoded)
        .or_else(|_| STANDARD.decode(encoded));
    hash.ok()?.try_into().ok()
}

fn fingerprint(blob: &[u8]) -> String {
    let hash = STANDARD_NO_PAD.encode(digest(&SHA256, blob));
    format!("{FINGERPRINT}{hash}")
}
