//! What the system's own users do to a home while a session resolves paths in it leads nowhere outside.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::UNIX_EPOCH,
};

use rustix::fs::{CWD, RenameFlags};
use sftpgo_core::{
    filesystem::Replace,
    session::{AttributeChange, Session, UploadMode},
};
use sftpgo_test_support::{READ, Service, path, put};

/// Every operation is tried so often.
const ROUNDS: usize = 400;

/// What could have been changed in a directory.
fn snapshot(directory: &Path) -> Vec<(String, Vec<u8>, u32, i64)> {
    let mut entries: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
                metadata.mode(),
                metadata.mtime(),
            )
        })
        .collect();
    entries.sort();
    entries
}

/// Tries every operation at the place that is swapped; whether one is done or refused depends on the moment.
///
/// Answers what was read there, contents and names.
fn try_everything(session: &Session) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    if let Ok(mut reading) = session.open(&path("/place/file"), &READ) {
        let mut content = [0; 16];
        let length = reading.read_at(&mut content, 0).unwrap_or(0);
        seen.push(content[..length].to_vec());
    }
    if let Ok(mut listing) = session.open_dir(&path("/place")) {
        while let Ok(Some(entry)) = listing.next_entry() {
            seen.push(entry.name);
        }
    }
    let _ = put(session, "/place/new", b"of the session");
    let _ = put(session, "/place/file", b"of the session");
    let _ = session.rename(&path("/place/new"), &path("/place/other"), Replace::Yes);
    let _ = session.rename(&path("/mine"), &path("/place/mine"), Replace::Yes);
    let _ = session.rename(&path("/place/mine"), &path("/mine"), Replace::Yes);
    let _ = session.hard_link(&path("/place/file"), &path("/hard"));
    let _ = session.remove(&path("/hard"));
    let _ = session.symlink(b"file", &path("/place/link"));
    let _ = session.remove(&path("/place/link"));
    let _ = session.remove(&path("/place/only-outside"));
    let _ = session.create_dir(&path("/place/directory"), None);
    let _ = session.remove_dir(&path("/place/directory"));
    let mut change = AttributeChange::default();
    change.other.mode = Some(0o606);
    change.other.times = Some((UNIX_EPOCH, UNIX_EPOCH));
    let _ = session.set_attributes(&path("/place/file"), &change, true);
    change.size = Some(1);
    let _ = session.set_attributes(&path("/place/file"), &change, true);
    seen
}

#[test]
fn a_directory_that_becomes_a_link_at_any_moment_leads_nowhere_outside() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    let outside = tempfile::tempdir().unwrap();
    for name in ["file", "only-outside"] {
        fs::write(outside.path().join(name), "outside").unwrap();
    }
    fs::create_dir(service.path("place")).unwrap();
    fs::write(service.path("place/file"), "inside").unwrap();
    fs::write(service.path("mine"), "inside").unwrap();
    symlink(outside.path(), service.path("link")).unwrap();
    let before = snapshot(outside.path());

    let mut seen = HashSet::new();
    let is_over = AtomicBool::new(false);
    let (place, link) = (service.path("place"), service.path("link"));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, &place, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        for _ in 0..ROUNDS {
            seen.extend(try_everything(&session));
        }
        is_over.store(true, Ordering::Relaxed);
    });

    for secret in [&b"outside"[..], b"only-outside"] {
        assert!(!seen.contains(secret), "{seen:?}");
    }
    assert_eq!(snapshot(outside.path()), before);
}
