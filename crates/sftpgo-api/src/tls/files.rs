//! What the files of TLS hold.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

use super::{TlsError, TlsOptions, TlsPart};

/// All that is read, with the files' names.
#[derive(Hash)]
pub(super) struct Contents {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) authorities: Vec<(PathBuf, Vec<u8>)>,
    pub(super) revocation_lists: Vec<(PathBuf, Vec<u8>)>,
}

/// Tells contents apart, also those that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(u64);

impl Contents {
    pub(super) fn read(options: &TlsOptions) -> Result<Self, TlsError> {
        let clients = options.clients.as_ref();
        let authorities = clients.map_or(&[][..], |clients| &clients.authorities);
        let revocation_lists = clients.map_or(&[][..], |clients| &clients.revocation_lists);
        Ok(Self {
            certificate: read(TlsPart::Certificate, &options.certificate)?,
            key: read(TlsPart::Key, &options.key)?,
            authorities: read_all(TlsPart::Authorities, authorities)?,
            revocation_lists: read_all(TlsPart::RevocationLists, revocation_lists)?,
        })
    }
}

impl Fingerprint {
    pub(super) fn of(contents: &Result<Contents, TlsError>) -> Self {
        let mut hasher = DefaultHasher::new();
        match contents {
            Ok(contents) => contents.hash(&mut hasher),
            Err(error) => error.reason.hash(&mut hasher),
        }
        Self(hasher.finish())
    }
}

fn read_all(part: TlsPart, paths: &[PathBuf]) -> Result<Vec<(PathBuf, Vec<u8>)>, TlsError> {
    let files = paths
        .iter()
        .map(|path| Ok((path.clone(), read(part, path)?)));
    files.collect()
}

fn read(part: TlsPart, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path)
        .map_err(|error| TlsError::new(part, format!("{} cannot be read: {error}", path.display())))
}
