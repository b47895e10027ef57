//! The server's keys: loaded from files an operator names, or made at the first start.

use std::{
    fs::{self, Metadata},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::process::geteuid;
use sftpgo_core::{Error, ErrorKind, Result};
use sftpgo_ssh_proto as proto;
use ssh_key::{
    Algorithm, EcdsaCurve, HashAlg, LineEnding, PrivateKey,
    private::{KeypairData, RsaKeypair},
};

use crate::key_file;

/// Bits of an RSA host key made here, as OpenSSH makes them.
const RSA_BITS: usize = 3072;

/// Files of host keys made here, in the configuration's directory.
const FILES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// A private host key.
#[derive(Clone)]
pub struct HostKey {
    key: PrivateKey,
    path: Option<PathBuf>,
}

impl HostKey {
    /// A new Ed25519 key that is in no file, for tests and embedding.
    ///
    /// # Errors
    /// The system's random generator failed.
    pub fn generate() -> Result<Self> {
        Ok(Self {
            key: make(FILES[0])?,
            path: None,
        })
    }

    /// The file the key is in, if it is in one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// `SHA256:…`, as clients show it.
    pub fn fingerprint(&self) -> String {
        self.key
            .public_key()
            .fingerprint(HashAlg::Sha256)
            .to_string()
    }

    /// The key's type, such as `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.key.algorithm().to_string()
    }

    /// Returns the key as the engine signs with it.
    pub(crate) fn for_engine(&self) -> Result<proto::HostKey> {
        proto::HostKey::from_private(&self.key).map_err(|error| {
            let name = match &self.path {
                Some(path) => path.display().to_string(),
                None => self.algorithm(),
            };
            Error::new(
                ErrorKind::Invalid,
                format!("the host key {name} cannot be used: {error}"),
            )
        })
    }
}

/// The keys as the engine signs with them, each with its certificate if a file of `certificates` has one.
///
/// # Errors
/// One cannot be a host key, or a certificate cannot be read or goes with no key; names it.
pub(crate) fn for_engine(
    keys: &[HostKey],
    certificates: &[PathBuf],
) -> Result<Vec<proto::HostKey>> {
    let keys = keys.iter().map(HostKey::for_engine);
    let mut keys = keys.collect::<Result<Vec<_>>>()?;
    for path in certificates {
        certify(&mut keys, path).map_err(|what| {
            let path = path.display();
            Error::new(
                ErrorKind::Invalid,
                format!("the host certificate {path} cannot be used: {what}"),
            )
        })?;
    }
    Ok(keys)
}

/// Gives the certificate in `path` to the key it is for.
fn certify(keys: &mut Vec<proto::HostKey>, path: &Path) -> std::result::Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let encoded = text.split_ascii_whitespace().nth(1).unwrap_or_default();
    let blob = STANDARD
        .decode(encoded)
        .map_err(|_| "it is not a line of a certificate".to_owned())?;
    let problem = |what: proto::HostCertificateError| what.to_string();
    let certificate = proto::PublicKey::parse(&blob)
        .map_err(|_| problem(proto::HostCertificateError::Malformed))?;
    let plain = certificate.plain_blob();
    let at = keys.iter().position(|key| key.public_blob() == &*plain);
    let at = at.ok_or("it is for none of the host keys")?;
    let certified = keys.remove(at).with_certificate(blob.clone());
    keys.insert(at, certified.map_err(problem)?);
    Ok(())
}

/// Reads a private key in OpenSSH's or a PEM format, without passphrase.
///
/// One that others can read is refused, as OpenSSH does it: whoever has it can pose as this server.
///
/// # Errors
/// Names the path and what is wrong; [`PermissionDenied`](ErrorKind::PermissionDenied) with the command that mends it when
/// others can read it.
pub fn load(path: &Path) -> Result<HostKey> {
    let problem = |what: String| {
        Error::new(
            ErrorKind::Invalid,
            format!("the host key {} cannot be used: {what}", path.display()),
        )
    };
    let found = fs::metadata(path).map_err(|error| problem(error.to_string()))?;
    if is_open_to_others(&found) {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "the host key {path} cannot be used: others can read or change it (its mode is {mode:04o}): chmod 600 {path}",
                path = path.display(),
                mode = found.mode() & 0o7777,
            ),
        ));
    }
    let text = fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    let key = key_file::read(&text).map_err(|what| {
        problem(format!(
            "it is not a private key without passphrase: {what}"
        ))
    })?;
    Ok(HostKey {
        key,
        path: Some(path.to_owned()),
    })
}

/// Can everybody read it, or the group of a file that is this process's own? A file of another's may be readable for a
/// group that this process is in: so do distributions and container platforms hand out a key.
fn is_open_to_others(found: &Metadata) -> bool {
    let others = match found.uid() == geteuid().as_raw() {
        true => 0o077,
        false => 0o007,
    };
    found.mode() & others != 0
}

/// Reads those of `id_ed25519`, `id_ecdsa` and `id_rsa` that are in `directory`, and makes none.
///
/// # Errors
/// Names the path and what is wrong.
pub fn load_made(directory: &Path) -> Result<Vec<HostKey>> {
    FILES
        .iter()
        .map(|name| directory.join(name))
        .filter(|path| is_there(path))
        .map(|path| load(&path))
        .collect()
}

/// Reads `id_ed25519`, `id_ecdsa` and `id_rsa` in `directory`, making those that are missing with mode 0600.
///
/// # Errors
/// Names the path and what is wrong.
pub fn load_or_generate(directory: &Path) -> Result<Vec<HostKey>> {
    FILES
        .iter()
        .map(|name| {
            let path = directory.join(name);
            if is_there(&path) {
                return load(&path);
            }
            let key = make(name)?;
            store(&path, &key)?;
            Ok(HostKey {
                key,
                path: Some(path),
            })
        })
        .collect()
}

/// A link to nothing is there, and is told as one.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn make(name: &str) -> Result<PrivateKey> {
    let mut random = rand::rng();
    let failed = |error: ssh_key::Error| {
        Error::new(
            ErrorKind::Internal,
            format!("a host key could not be made: {error}"),
        )
    };
    match name {
        "id_rsa" => {
            let pair = RsaKeypair::random(&mut random, RSA_BITS).map_err(failed)?;
            PrivateKey::new(KeypairData::Rsa(pair), "").map_err(failed)
        }
        "id_ecdsa" => PrivateKey::random(
            &mut random,
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP256,
            },
        )
        .map_err(failed),
        _ => PrivateKey::random(&mut random, Algorithm::Ed25519).map_err(failed),
    }
}

/// Writes the key whole or not at all, and readable by nobody else from its first byte.
fn store(path: &Path, key: &PrivateKey) -> Result<()> {
    let problem = |error: io::Error| {
        Error::new(
            ErrorKind::Internal,
            format!(
                "the host key {} could not be stored: {error}",
                path.display()
            ),
        )
    };
    let text = key
        .to_openssh(LineEnding::LF)
        .map_err(|error| problem(io::Error::other(error)))?;
    let temporary = path.with_extension("new");
    let _ = fs::remove_file(&temporary);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(problem)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(problem)?;
    fs::rename(&temporary, path).map_err(problem)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_with_mode_0600_and_loaded_again() {
        let directory = tempfile::tempdir().unwrap();
        assert!(load_made(directory.path()).unwrap().is_empty());
        let made = load_or_generate(directory.path()).unwrap();
        let loaded = load_or_generate(directory.path()).unwrap();
        let algorithms: Vec<_> = made.iter().map(HostKey::algorithm).collect();
        assert_eq!(
            algorithms,
            ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]
        );
        for (made, loaded) in made.iter().zip(&loaded) {
            assert_eq!(made.fingerprint(), loaded.fingerprint());
            let mode = fs::metadata(loaded.path().unwrap())
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_what_to_type() {
        let directory = tempfile::tempdir().unwrap();
        load_or_generate(directory.path()).unwrap();
        let path = directory.path().join("id_ecdsa");
        for mode in [0o644, 0o640, 0o620, 0o604] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            for error in [
                load(&path).map(drop).unwrap_err(),
                load_or_generate(directory.path()).map(drop).unwrap_err(),
                load_made(directory.path()).map(drop).unwrap_err(),
            ] {
                let advice = format!("(its mode is {mode:04o}): chmod 600 {}", path.display());
                assert!(error.message().ends_with(&advice), "{error}");
            }
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        load(&path).unwrap();
    }

    #[test]
    fn an_unusable_key_names_its_path() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("id_rsa"), "not a key").unwrap();
        let error = load_or_generate(directory.path())
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(error.contains("id_rsa"), "{error}");
    }
}
