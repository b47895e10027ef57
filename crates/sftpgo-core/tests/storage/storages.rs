//! Where files are, and sessions of a user whose files are there.

use std::sync::Arc;

use sftpgo_core::{
    ErrorKind, Result, UserDraft,
    filesystem::{Capabilities, FilesystemFactory, local::LocalHomes},
    session::{Session, UploadMode, UploadPolicy},
};
use sftpgo_test_support::{MemoryHomes, READ, Service, Settings, path};

/// Where the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Local,
    Memory,
}

impl Storage {
    /// A server with this storage, and `bob`, who may do everything.
    pub(crate) fn service(self) -> Service {
        self.service_with(|_| {})
    }

    /// The same, with the limits that `change` sets.
    pub(crate) fn service_with(self, change: impl FnOnce(&mut UserDraft)) -> Service {
        match self {
            Self::Local => service_at(Arc::new(LocalHomes::default()), change),
            Self::Memory => service_at(Arc::new(MemoryHomes::default()), change),
        }
    }

    /// How what needs writes at offsets ends.
    pub(crate) fn unsupported(self) -> Option<ErrorKind> {
        (self == Self::Memory).then_some(ErrorKind::Unsupported)
    }
}

/// A server whose files are there, and `bob`.
pub(crate) fn service_at(
    homes: Arc<dyn FilesystemFactory>,
    change: impl FnOnce(&mut UserDraft),
) -> Service {
    let settings = Settings {
        homes,
        ..Settings::default()
    };
    Service::with_settings_and_bob(settings, change)
}

/// How uploads may be stored: promises are kept in each of these.
pub(crate) const POLICIES: [UploadPolicy; 3] = [
    UploadPolicy {
        mode: UploadMode::Standard,
        sync: false,
    },
    UploadPolicy {
        mode: UploadMode::Standard,
        sync: true,
    },
    UploadPolicy {
        mode: UploadMode::Atomic,
        sync: true,
    },
];

/// A session that stores uploads under their names at once, and what its storage can do.
pub(crate) fn plain_session(service: &Service) -> (Session, Capabilities) {
    let logged_in = service.log_in();
    let can = logged_in.filesystem.capabilities();
    (service.session(&logged_in, UploadMode::Standard), can)
}

/// The content of a file.
pub(crate) fn get(session: &Session, name: &str) -> Result<Vec<u8>> {
    let mut download = session.open(&path(name), &READ)?;
    let mut content = Vec::new();
    let mut piece = [0; 7];
    loop {
        match download.read_at(&mut piece, content.len() as u64)? {
            0 => break,
            read => content.extend_from_slice(&piece[..read]),
        }
    }
    download.finish()?;
    Ok(content)
}

/// The names in a directory, in order.
pub(crate) fn names(session: &Session, directory: &str) -> Result<Vec<String>> {
    let mut listing = session.open_dir(&path(directory))?;
    let mut names = Vec::new();
    while let Some(entry) = listing.next_entry()? {
        names.push(String::from_utf8(entry.name).unwrap());
    }
    names.retain(|name| name != "." && name != "..");
    names.sort();
    Ok(names)
}
