//! A user with a home full of things.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, FileType};
use sftpgo_core::{
    Permissions, Rule,
    explain::{Explainer, Question, Verdict},
    session::{UploadMode, UploadPolicy},
    user::now_ms,
};
use sftpgo_test_support::{KEY, Service, key_blob};

use crate::real;

/// Where things can be, parents first.
pub(crate) const PLACES: [&[u8]; 14] = [
    b"a",
    b"b",
    b"c",
    b"a/x",
    b"a/y",
    b"a/d",
    b"a/d/z",
    b"b/x",
    b"b/d",
    b"b/d/e",
    b"c/x",
    b"\xff\xfe",
    b".sftpgo-upload.1",
    b"a/.sftpgo-upload.2",
];

#[derive(Debug, Clone)]
pub(crate) enum Thing {
    Nothing,
    File(usize),
    Directory,
    Link(&'static [u8]),
    Pipe,
    SecondName(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) permissions: Permissions,
    pub(crate) enabled: bool,
    pub(crate) expiration_date: i64,
    pub(crate) quota_files: i64,
    pub(crate) quota_size: i64,
    pub(crate) mode: UploadMode,
    pub(crate) has_home: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            permissions: Permissions::all(),
            enabled: true,
            expiration_date: 0,
            quota_files: 0,
            quota_size: 0,
            mode: UploadMode::Standard,
            has_home: true,
        }
    }
}

/// The home of `bob`, and what he may do there.
pub(crate) struct Home {
    service: Service,
    explainer: Explainer,
    uploads: UploadPolicy,
}

impl Home {
    /// Things at [`PLACES`], where their parents let them; the stored usage is what a scan counts.
    pub(crate) fn new(settings: &Settings, things: &[Thing]) -> Self {
        let service = Service::with_bob(|draft| {
            draft.status = i64::from(settings.enabled);
            draft.expiration_date = settings.expiration_date;
            draft.quota_files = settings.quota_files;
            draft.quota_size = settings.quota_size;
            let names = settings.permissions.names_on_wire().into_iter();
            draft.permissions = names.map(str::to_owned).collect();
        });
        fs::create_dir(service.directory().join("outside")).unwrap();
        if settings.has_home {
            fs::create_dir(service.home()).unwrap();
            for (place, thing) in PLACES.into_iter().zip(things) {
                put(&service.home(), place, thing);
            }
        }
        service.rescan();
        let uploads = UploadPolicy {
            mode: settings.mode,
            sync: false,
        };
        Self {
            explainer: service.explainer(uploads),
            service,
            uploads,
        }
    }

    pub(crate) fn explain(&self, question: &Question) -> Verdict {
        let bob = self.service.bob();
        self.explainer.explain(&bob, question).unwrap()
    }

    /// Does it, and says which rule refused it; none where that was the disk's.
    pub(crate) fn attempt(&self, question: &Question) -> Result<(), Option<Rule>> {
        let authenticator = &self.service.authenticator;
        let logged_in = authenticator
            .with_public_key("bob", &key_blob(KEY))
            .map_err(|_| {
                let refused = self.service.bob().check_may_log_in(now_ms()).err();
                refused.map_or(Some(Rule::HomeUnusable), |error| error.rule())
            })?;
        let session = self.service.session_with(&logged_in, self.uploads);
        real::attempt(&session, question).map_err(|error| error.rule())
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.service.home()
    }

    /// All that an explanation must leave as it is.
    pub(crate) fn snapshot(&self) -> (BTreeMap<PathBuf, String>, (i64, i32)) {
        let mut found = BTreeMap::new();
        walk(self.service.directory(), &mut found);
        (found, self.service.stored_usage())
    }
}

fn put(home: &Path, place: &[u8], thing: &Thing) {
    let path = home.join(OsStr::from_bytes(place));
    // What cannot be there, because of what its parent came to be, is not.
    let _ = match thing {
        Thing::Nothing => Ok(()),
        // Never what is there already, which may be a pipe behind a link.
        Thing::File(size) => {
            File::create_new(path).and_then(|mut file| file.write_all(&vec![b'f'; *size]))
        }
        Thing::Directory => fs::create_dir(path),
        Thing::Link(target) => std::os::unix::fs::symlink(OsStr::from_bytes(target), path),
        Thing::Pipe => {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(CWD, path, FileType::Fifo, mode, 0).map_err(Into::into)
        }
        Thing::SecondName(first) => fs::hard_link(home.join(&first[1..]), path),
    };
}

fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let seen = format!(
            "{} {:o} {} {}.{} {}.{} {:?}",
            metadata.ino(),
            metadata.mode(),
            metadata.size(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
            fs::read_link(&path).ok(),
        );
        if metadata.is_dir() {
            walk(&path, found);
        }
        found.insert(path, seen);
    }
}
