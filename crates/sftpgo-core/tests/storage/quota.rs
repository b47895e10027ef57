//! Usage and its limits, whatever tells files apart.

use sftpgo_core::ErrorKind;
use sftpgo_test_support::{NEW, kind, path, put};

use crate::storages::{POLICIES, Storage, plain_session};

pub(crate) fn bytes(storage: Storage) {
    for policy in POLICIES {
        let service = storage.service_with(|draft| draft.quota_size = 10);
        let session = service.session_with(&service.log_in(), policy);
        let mut first = session.open(&path("/a"), &NEW).unwrap();
        first.write_at(b"123456", 0).unwrap();
        let mut second = session.open(&path("/b"), &NEW).unwrap();
        second.write_at(b"1234", 0).unwrap();
        first.finish().unwrap();
        second.finish().unwrap();
        assert_eq!(service.stored_usage(), (10, 2));
        let refused = put(&session, "/c", b"1");
        assert_eq!(kind(refused), Some(ErrorKind::QuotaExceeded), "{policy:?}");
        let refused = put(&session, "/a", b"1234567");
        assert_eq!(kind(refused), Some(ErrorKind::QuotaExceeded), "{policy:?}");
        let counted = service.stored_usage();
        assert!(counted.0 <= 10);
        service.rescan();
        assert_eq!(service.stored_usage(), counted, "{policy:?}");
    }
}

pub(crate) fn files(storage: Storage) {
    for policy in POLICIES {
        let service = storage.service_with(|draft| draft.quota_files = 1);
        let session = service.session_with(&service.log_in(), policy);
        put(&session, "/a", b"1").unwrap();
        let refused = put(&session, "/b", b"1");
        assert_eq!(kind(refused), Some(ErrorKind::QuotaExceeded), "{policy:?}");
        put(&session, "/a", b"12").unwrap();
        assert_eq!(service.stored_usage(), (2, 1));
        let missing = session.metadata(&path("/b"), true);
        assert_eq!(kind(missing), Some(ErrorKind::NotFound));
    }
}

pub(crate) fn freed(storage: Storage) {
    let service = storage.service_with(|draft| {
        draft.quota_size = 10;
        draft.quota_files = 2;
    });
    let (session, _) = plain_session(&service);
    put(&session, "/a", b"1234567890").unwrap();
    session.remove(&path("/a")).unwrap();
    put(&session, "/b", b"1234567890").unwrap();
    put(&session, "/b", b"1").unwrap();
    put(&session, "/c", b"123456789").unwrap();
    assert_eq!(service.stored_usage(), (10, 2));
}

pub(crate) fn rescanned(storage: Storage) {
    let service = storage.service();
    let (session, _) = plain_session(&service);
    session.create_dir(&path("/d"), None).unwrap();
    put(&session, "/a", b"1").unwrap();
    put(&session, "/d/b", b"22").unwrap();
    // Changed while it is counted: by a handle that was open before.
    let mut upload = session.open(&path("/d/c"), &NEW).unwrap();
    upload.write_at(b"333", 0).unwrap();
    service.rescan();
    upload.write_at(b"4", 3).unwrap();
    upload.finish().unwrap();
    let counted = service.stored_usage();
    assert_eq!(counted, (7, 3));
    service.rescan();
    assert_eq!(service.stored_usage(), counted);
}
