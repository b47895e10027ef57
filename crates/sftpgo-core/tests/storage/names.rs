//! Names of files: renamed, removed, told apart.

use sftpgo_core::{ErrorKind, filesystem::Replace};
use sftpgo_test_support::{NEW, READ, kind, path, put};

use crate::storages::{Storage, get, names, plain_session};

pub(crate) fn renamed(storage: Storage) {
    let service = storage.service();
    let (session, _) = plain_session(&service);
    session.create_dir(&path("/d"), None).unwrap();
    put(&session, "/a", b"content").unwrap();
    let before = session.metadata(&path("/a"), true).unwrap();
    session
        .rename(&path("/a"), &path("/d/b"), Replace::No)
        .unwrap();
    let after = session.metadata(&path("/d/b"), true).unwrap();
    assert_eq!(before.file_id, after.file_id);
    assert_eq!(get(&session, "/d/b").unwrap(), b"content");
    assert_eq!(kind(get(&session, "/a")), Some(ErrorKind::NotFound));
    let missing = session.rename(&path("/a"), &path("/c"), Replace::No);
    assert_eq!(kind(missing), Some(ErrorKind::NotFound));
    let nowhere = session.rename(&path("/d/b"), &path("/none/b"), Replace::No);
    assert_eq!(kind(nowhere), Some(ErrorKind::NotFound));
    assert_eq!(service.stored_usage(), (7, 1));
}

pub(crate) fn taken(storage: Storage) {
    let service = storage.service();
    let (session, _) = plain_session(&service);
    put(&session, "/a", b"1").unwrap();
    put(&session, "/b", b"22").unwrap();
    let refused = session.rename(&path("/a"), &path("/b"), Replace::No);
    assert_eq!(kind(refused), Some(ErrorKind::AlreadyExists));
    assert_eq!(get(&session, "/a").unwrap(), b"1");
    assert_eq!(get(&session, "/b").unwrap(), b"22");
    assert_eq!(service.stored_usage(), (3, 2));
}

pub(crate) fn removed(storage: Storage) {
    let service = storage.service();
    let (session, _) = plain_session(&service);
    put(&session, "/a", b"content").unwrap();
    session.create_dir(&path("/d"), None).unwrap();
    let mut download = session.open(&path("/a"), &READ).unwrap();
    session.remove(&path("/a")).unwrap();
    assert_eq!(names(&session, "/").unwrap(), ["d"]);
    assert_eq!(service.stored_usage(), (0, 0));
    let mut content = [0; 7];
    assert_eq!(download.read_at(&mut content, 0).unwrap(), 7);
    assert_eq!(&content, b"content");
    for (name, expected) in [
        ("/a", ErrorKind::NotFound),
        ("/d", ErrorKind::IsADirectory),
        ("/none/a", ErrorKind::NotFound),
    ] {
        assert_eq!(kind(session.remove(&path(name))), Some(expected), "{name}");
    }
}

/// Only the storage in memory has two mounts: on the disk, mounting is root's.
#[test]
fn a_rename_to_another_mount_says_so_and_changes_nothing() {
    let service = Storage::Memory.service();
    let (session, _) = plain_session(&service);
    session.create_dir(&path("/mounted"), None).unwrap();
    session.create_dir(&path("/d"), None).unwrap();
    put(&session, "/d/a", b"1").unwrap();
    put(&session, "/mounted/b", b"22").unwrap();
    for (from, to) in [
        ("/d/a", "/mounted/a"),
        ("/d", "/mounted/d"),
        ("/mounted/b", "/d/b"),
    ] {
        let renamed = session.rename(&path(from), &path(to), Replace::No);
        assert_eq!(kind(renamed), Some(ErrorKind::CrossesMounts), "{from} {to}");
    }
    session
        .rename(&path("/mounted/b"), &path("/mounted/c"), Replace::No)
        .unwrap();
    assert_eq!(get(&session, "/d/a").unwrap(), b"1");
    assert_eq!(get(&session, "/mounted/c").unwrap(), b"22");
    assert_eq!(service.stored_usage(), (3, 2));
    service.rescan();
    assert_eq!(service.stored_usage(), (3, 2));
}

pub(crate) fn told_apart(storage: Storage) {
    let service = storage.service();
    let (session, can) = plain_session(&service);
    let id = |name: &str| session.metadata(&path(name), true).unwrap().file_id;
    put(&session, "/a", b"1").unwrap();
    put(&session, "/b", b"1").unwrap();
    session.create_dir(&path("/d"), None).unwrap();
    let ids = [id("/"), id("/a"), id("/b"), id("/d")];
    for (index, one) in ids.iter().enumerate() {
        assert!(!ids[..index].contains(one), "{index}");
    }
    let upload = session.open(&path("/a"), &NEW).unwrap();
    // Written in place it is the same file; a file that appears as a whole is another one.
    let stays = can.random_writes;
    assert_eq!(upload.metadata().unwrap().file_id == ids[1], stays);
    upload.finish().unwrap();
    assert_eq!(id("/a") == ids[1], stays);
}
