//! Directories: made, listed, removed, renamed.

use sftpgo_core::{
    ErrorKind,
    filesystem::{FileType, Replace},
};
use sftpgo_test_support::{kind, path, put};

use crate::storages::{Storage, get, names, plain_session};

pub(crate) fn made(storage: Storage) {
    let service = storage.service();
    let (session, _) = plain_session(&service);
    session.create_dir(&path("/d"), None).unwrap();
    session.create_dir(&path("/d/e"), Some(0o700)).unwrap();
    let found = session.metadata(&path("/d/e"), true).unwrap();
    assert_eq!(
        (found.file_type, found.mode & 0o777),
        (FileType::Directory, 0o700)
    );
    put(&session, "/a", b"1").unwrap();
    for (name, expected) in [
        ("/d", ErrorKind::AlreadyExists),
        ("/a", ErrorKind::AlreadyExists),
        ("/none/d", ErrorKind::NotFound),
        ("/a/d", ErrorKind::NotFound),
    ] {
        let made = session.create_dir(&path(name), None);
        assert_eq!(kind(made), Some(expected), "{name}");
    }
    assert_eq!(service.stored_usage(), (1, 1));
}

pub(crate) fn listed(storage: Storage) {
    let service = storage.service();
    let (session, _) = plain_session(&service);
    assert!(names(&session, "/").unwrap().is_empty());
    session.create_dir(&path("/d"), None).unwrap();
    session.create_dir(&path("/d/e"), None).unwrap();
    put(&session, "/d/b", b"22").unwrap();
    put(&session, "/d/a", b"1").unwrap();
    assert_eq!(names(&session, "/").unwrap(), ["d"]);
    assert_eq!(names(&session, "/d").unwrap(), ["a", "b", "e"]);
    let mut listing = session.open_dir(&path("/d")).unwrap();
    while let Some(entry) = listing.next_entry().unwrap() {
        let expected = match entry.name.as_slice() {
            b"a" => (FileType::File, Some(1)),
            b"b" => (FileType::File, Some(2)),
            _ => (FileType::Directory, None),
        };
        let found = entry.metadata;
        assert_eq!(found.file_type, expected.0);
        assert!(expected.1.is_none_or(|size| found.size == size));
    }
    for (name, expected) in [
        ("/none", ErrorKind::NotFound),
        ("/d/a", ErrorKind::NotADirectory),
    ] {
        let listed = session.open_dir(&path(name)).map(drop);
        assert_eq!(kind(listed), Some(expected), "{name}");
    }
}

pub(crate) fn removed(storage: Storage) {
    let service = storage.service();
    let (session, _) = plain_session(&service);
    session.create_dir(&path("/d"), None).unwrap();
    put(&session, "/d/a", b"1").unwrap();
    let refused = session.remove_dir(&path("/d"));
    assert_eq!(kind(refused), Some(ErrorKind::DirectoryNotEmpty));
    assert_eq!(get(&session, "/d/a").unwrap(), b"1");
    session.remove(&path("/d/a")).unwrap();
    session.remove_dir(&path("/d")).unwrap();
    assert!(names(&session, "/").unwrap().is_empty());
    let again = session.remove_dir(&path("/d"));
    assert_eq!(kind(again), Some(ErrorKind::NotFound));
}

pub(crate) fn renamed(storage: Storage) {
    let service = storage.service();
    let (session, _) = plain_session(&service);
    session.create_dir(&path("/d"), None).unwrap();
    session.create_dir(&path("/d/e"), None).unwrap();
    // Its name begins as the directory's does, and it is not in it.
    session.create_dir(&path("/d2"), None).unwrap();
    put(&session, "/d/e/a", b"content").unwrap();
    session
        .rename(&path("/d"), &path("/new"), Replace::No)
        .unwrap();
    assert_eq!(names(&session, "/").unwrap(), ["d2", "new"]);
    assert_eq!(get(&session, "/new/e/a").unwrap(), b"content");
    assert_eq!(kind(get(&session, "/d/e/a")), Some(ErrorKind::NotFound));
    assert_eq!(service.stored_usage(), (7, 1));
}
