//! Contents of files: written, read, and what is known of them.

use std::time::{Duration, UNIX_EPOCH};

use sftpgo_core::{
    ErrorKind,
    filesystem::{FileType, SetAttributes},
    session::{AttributeChange, OpenRequest, UploadPolicy},
};
use sftpgo_test_support::{APPEND, NEW, READ, kind, path, put};

use crate::storages::{POLICIES, Storage, get, names};

pub(crate) fn written_in_order(storage: Storage) {
    for policy in POLICIES {
        let service = storage.service();
        let session = service.session_with(&service.log_in(), policy);
        let mut upload = session.open(&path("/a"), &NEW).unwrap();
        let pieces: [&[u8]; 4] = [b"one ", b"", b"two ", b"three"];
        let mut end = 0;
        for piece in pieces {
            upload.check_write(piece.len(), end).unwrap();
            upload.write_at(piece, end).unwrap();
            end += piece.len() as u64;
        }
        assert_eq!(upload.metadata().unwrap().size, end);
        // What is stored at the end is not stored before, and goes on.
        let synced = upload.sync();
        assert_eq!(kind(synced), storage.unsupported());
        upload.finish().unwrap();
        let found = session.metadata(&path("/a"), true).unwrap();
        assert_eq!((found.file_type, found.size), (FileType::File, end));
        assert_eq!(get(&session, "/a").unwrap(), b"one two three");
        let mut download = session.open(&path("/a"), &READ).unwrap();
        let mut piece = [0; 3];
        assert_eq!(download.read_at(&mut piece, 4).unwrap(), 3);
        assert_eq!(&piece, b"two");
        assert_eq!(download.read_at(&mut piece, end).unwrap(), 0);
        assert_eq!(download.read_at(&mut piece, end + 9).unwrap(), 0);
        drop(download);
        assert_eq!(service.stored_usage(), (end as i64, 1), "{policy:?}");
    }
}

pub(crate) fn appended(storage: Storage) {
    for policy in POLICIES {
        let service = storage.service();
        let session = service.session_with(&service.log_in(), policy);
        let opened = session.open(&path("/log"), &APPEND);
        if storage == Storage::Memory {
            // Two who append at a time would have each a file of their own.
            assert_eq!(kind(opened.map(drop)), Some(ErrorKind::Unsupported));
            continue;
        }
        let mut upload = opened.unwrap();
        // Where a handle appends, offsets are not looked at.
        upload.write_at(b"one ", 0).unwrap();
        upload.write_at(b"two", 0).unwrap();
        upload.finish().unwrap();
        assert_eq!(get(&session, "/log").unwrap(), b"one two");
    }
}

pub(crate) fn written_anew(storage: Storage) {
    for policy in POLICIES {
        let service = storage.service();
        let session = service.session_with(&service.log_in(), policy);
        put(&session, "/a", b"a long content").unwrap();
        put(&session, "/a", b"short").unwrap();
        assert_eq!(get(&session, "/a").unwrap(), b"short");
        put(&session, "/a", b"").unwrap();
        assert_eq!(get(&session, "/a").unwrap(), b"");
        put(&session, "/a", b"again").unwrap();
        assert_eq!(names(&session, "/").unwrap(), ["a"]);
        assert_eq!(service.stored_usage(), (5, 1));
    }
}

pub(crate) fn opened_in_vain(storage: Storage) {
    let exclusive = OpenRequest {
        exclusive: true,
        truncate: false,
        ..NEW
    };
    for policy in POLICIES {
        let service = storage.service();
        let session = service.session_with(&service.log_in(), policy);
        put(&session, "/a", b"1").unwrap();
        session.create_dir(&path("/d"), None).unwrap();
        for (name, request, expected) in [
            ("/missing", &READ, ErrorKind::NotFound),
            ("/missing/b", &READ, ErrorKind::NotFound),
            ("/missing/b", &NEW, ErrorKind::NotFound),
            ("/a/b", &NEW, ErrorKind::NotADirectory),
            ("/a/b", &READ, ErrorKind::NotADirectory),
            ("/a", &exclusive, ErrorKind::AlreadyExists),
            ("/d", &NEW, ErrorKind::IsADirectory),
        ] {
            let opened = session.open(&path(name), request).map(drop);
            assert_eq!(kind(opened), Some(expected), "{name} {request:?}");
        }
        assert_eq!(get(&session, "/a").unwrap(), b"1");
        assert_eq!(service.stored_usage(), (1, 1));
    }
}

pub(crate) fn attributes(storage: Storage) {
    let service = storage.service();
    let session = service.session_with(&service.log_in(), UploadPolicy::default());
    put(&session, "/a", b"1").unwrap();
    let at = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let change = AttributeChange {
        size: None,
        other: SetAttributes {
            mode: Some(0o640),
            times: Some((at, at)),
            owner: None,
        },
    };
    session.set_attributes(&path("/a"), &change, true).unwrap();
    let found = session.metadata(&path("/a"), true).unwrap();
    assert_eq!((found.mode & 0o777, found.mtime), (0o640, 1_000_000_000));
    let missing = session.set_attributes(&path("/b"), &change, true);
    assert_eq!(kind(missing), Some(ErrorKind::NotFound));
}

/// Where data goes to its name at once, what arrived stays there.
pub(crate) fn lost(storage: Storage) {
    for policy in POLICIES {
        let service = storage.service();
        let logged_in = service.log_in();
        let session = service.session_with(&logged_in, policy);
        let mut upload = session.open(&path("/a"), &NEW).unwrap();
        upload.write_at(b"123", 0).unwrap();
        drop(upload);
        let stored = service.stored_usage();
        match get(&session, "/a") {
            Ok(content) => assert_eq!((content, stored), (b"123".to_vec(), (3, 1))),
            Err(error) => assert_eq!((error.kind(), stored), (ErrorKind::NotFound, (0, 0))),
        }
        service.rescan();
        assert_eq!(service.stored_usage(), stored, "{policy:?}");
    }
}
