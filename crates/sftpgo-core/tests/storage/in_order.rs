//! Uploads to a storage that takes them in order and shows them as a whole: nothing before, all of it after, and nothing left
//! of what did not come to its end.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use sftpgo_core::{
    ErrorKind, UserDraft,
    filesystem::SetAttributes,
    session::{AttributeChange, OpenRequest, Session, UploadPolicy},
    transfer::Transfer,
};

use sftpgo_test_support::{
    APPEND, FAILS_AT_ITS_END, FAILS_ON_THE_WAY, MemoryHomes, NEW, PART, READ, Service, kind, path,
    put,
};

use crate::storages::{POLICIES, get, names, service_at};

/// A server whose files are in memory.
struct Fixture {
    service: Service,
    homes: Arc<MemoryHomes>,
}

impl Fixture {
    fn new(change: impl FnOnce(&mut UserDraft)) -> Self {
        let homes = Arc::new(MemoryHomes::default());
        Self {
            service: service_at(homes.clone(), change),
            homes,
        }
    }

    fn session(&self, policy: UploadPolicy) -> Session {
        self.service.session_with(&self.service.log_in(), policy)
    }

    fn usage(&self) -> (i64, i32) {
        self.service.stored_usage()
    }

    fn rescan(&self) {
        self.service.rescan();
    }

    fn unfinished(&self) -> usize {
        self.homes.unfinished()
    }
}

fn limited() -> Fixture {
    Fixture::new(|draft| {
        draft.quota_size = 10;
        draft.quota_files = 2;
    })
}

#[test]
fn nothing_is_seen_of_an_upload_before_its_end() {
    for policy in POLICIES {
        let fixture = Fixture::new(|_| {});
        let (one, other) = (fixture.session(policy), fixture.session(policy));
        let mut upload = one.open(&path("/a"), &NEW).unwrap();
        upload.write_at(b"content", 0).unwrap();
        for session in [&one, &other] {
            assert!(names(session, "/").unwrap().is_empty());
            let found = session.metadata(&path("/a"), true);
            assert_eq!(kind(found), Some(ErrorKind::NotFound));
        }
        assert_eq!(
            (upload.metadata().unwrap().size, fixture.usage()),
            (7, (0, 0))
        );
        fixture.rescan();
        assert_eq!(fixture.usage(), (0, 0), "{policy:?}");
        upload.finish().unwrap();
        for session in [&one, &other] {
            assert_eq!(names(session, "/").unwrap(), ["a"]);
            assert_eq!(get(session, "/a").unwrap(), b"content");
        }
        assert_eq!((fixture.usage(), fixture.unfinished()), ((7, 1), 0));
        fixture.rescan();
        assert_eq!(fixture.usage(), (7, 1), "{policy:?}");
    }
}

/// Begins an upload over `name`, which fails as `end` has it: then the old content stands, its user has all the room that
/// there was before, and nothing is left.
fn failing(name: &str, old: bool, end: fn(&Session, Transfer)) {
    for policy in POLICIES {
        let fixture = limited();
        let bob = fixture.session(policy);
        let before = if old {
            // Not there while the storage keeps names that fail.
            put(&bob, "/old", b"old").unwrap();
            (3, 1)
        } else {
            (0, 0)
        };
        let upload = bob.open(&path(name), &NEW).unwrap();
        assert_eq!(fixture.unfinished(), 1);
        end(&bob, upload);
        assert_eq!(fixture.unfinished(), 0, "{name} {policy:?}");
        assert_eq!(fixture.usage(), before, "{name} {policy:?}");
        if old {
            assert_eq!(get(&bob, "/old").unwrap(), b"old");
            bob.remove(&path("/old")).unwrap();
        }
        assert!(names(&bob, "/").unwrap().is_empty());
        put(&bob, "/x", b"12345").unwrap();
        put(&bob, "/y", b"12345").unwrap();
        assert_eq!(fixture.usage(), (10, 2));
        fixture.rescan();
        assert_eq!(fixture.usage(), (10, 2), "{name} {policy:?}");
    }
}

#[test]
fn a_lost_upload_leaves_nothing() {
    for (name, old) in [("/new", false), ("/old", true)] {
        failing(name, old, |_, mut upload| {
            upload.write_at(b"1234567", 0).unwrap();
            drop(upload);
        });
    }
}

#[test]
fn an_upload_that_its_protocol_calls_failed_leaves_nothing() {
    failing("/old", true, |_, mut upload| {
        upload.write_at(b"123", 0).unwrap();
        upload.fail("the source has gone");
    });
}

#[test]
fn an_upload_that_cannot_be_finished_leaves_nothing() {
    failing(FAILS_AT_ITS_END, false, |_, mut upload| {
        upload.write_at(b"1234567", 0).unwrap();
        assert_eq!(kind(upload.finish()), Some(ErrorKind::Internal));
    });
}

#[test]
fn an_upload_that_the_storage_refuses_on_the_way_leaves_nothing() {
    failing(FAILS_ON_THE_WAY, false, |_, mut upload| {
        upload.write_at(b"123", 0).unwrap();
        let refused = upload.write_at(b"4", 3);
        assert_eq!(kind(refused), Some(ErrorKind::StorageFull));
        assert_eq!(kind(upload.finish()), Some(ErrorKind::StorageFull));
    });
}

#[test]
fn an_upload_past_the_limit_leaves_nothing() {
    failing("/old", true, |_, mut upload| {
        // The three bytes of the old content are lent to the new one.
        upload.write_at(b"1234567890", 0).unwrap();
        let refused = upload.write_at(b"1", 10);
        assert_eq!(kind(refused), Some(ErrorKind::QuotaExceeded));
        assert_eq!(kind(upload.finish()), Some(ErrorKind::QuotaExceeded));
    });
}

#[test]
fn an_upload_out_of_order_leaves_nothing() {
    failing("/old", true, |_, mut upload| {
        upload.write_at(b"123", 0).unwrap();
        for offset in [0, 2, 4, 1 << 40] {
            let refused = upload.write_at(b"9", offset);
            assert_eq!(kind(refused), Some(ErrorKind::Unsupported), "{offset}");
        }
        assert_eq!(kind(upload.finish()), Some(ErrorKind::Unsupported));
    });
}

#[test]
fn a_session_that_ends_takes_its_uploads_along() {
    let fixture = limited();
    let logged_in = fixture.service.log_in();
    let bob = fixture
        .service
        .session_with(&logged_in, UploadPolicy::default());
    let mut uploads: Vec<_> = ["/a", "/b"]
        .map(|name| bob.open(&path(name), &NEW).unwrap())
        .into();
    for upload in &mut uploads {
        upload.write_at(b"12345", 0).unwrap();
    }
    assert_eq!(kind(put(&bob, "/c", b"")), Some(ErrorKind::QuotaExceeded));
    drop((bob, logged_in));
    drop(uploads);
    assert_eq!((fixture.usage(), fixture.unfinished()), ((0, 0), 0));
    let back = fixture.session(UploadPolicy::default());
    assert!(names(&back, "/").unwrap().is_empty());
    put(&back, "/c", b"1234567890").unwrap();
    assert_eq!(fixture.usage(), (10, 1));
}

#[test]
fn a_full_home_takes_a_new_content_for_an_old_one() {
    let fixture = limited();
    let bob = fixture.session(UploadPolicy::default());
    put(&bob, "/a", b"12345").unwrap();
    put(&bob, "/b", b"12345").unwrap();
    put(&bob, "/a", b"54321").unwrap();
    assert_eq!(
        (get(&bob, "/a").unwrap(), fixture.usage()),
        (b"54321".to_vec(), (10, 2))
    );
    let mut upload = bob.open(&path("/a"), &NEW).unwrap();
    upload.write_at(b"1", 0).unwrap();
    upload.finish().unwrap();
    assert_eq!(fixture.usage(), (6, 2));
    put(&bob, "/b", b"123456789").unwrap();
    assert_eq!(fixture.usage(), (10, 2));
    fixture.rescan();
    assert_eq!(fixture.usage(), (10, 2));
}

#[test]
fn two_uploads_of_one_name_end_one_after_the_other() {
    let fixture = Fixture::new(|_| {});
    let bob = fixture.session(UploadPolicy::default());
    let mut uploads = [b"first", b"later"].map(|content| {
        let mut upload = bob.open(&path("/a"), &NEW).unwrap();
        upload.write_at(content, 0).unwrap();
        Some(upload)
    });
    for (index, content) in [(1, b"later"), (0, b"first")] {
        uploads[index].take().unwrap().finish().unwrap();
        assert_eq!(get(&bob, "/a").unwrap(), content);
        assert_eq!(fixture.usage(), (5, 1));
    }
    fixture.rescan();
    assert_eq!(fixture.usage(), (5, 1));
}

#[test]
fn a_name_that_was_taken_meanwhile_is_taken_as_far_as_the_session_may() {
    let exclusive = OpenRequest {
        exclusive: true,
        ..NEW
    };
    let fixture = Fixture::new(|_| {});
    let bob = fixture.session(UploadPolicy::default());
    let mut upload = bob.open(&path("/a"), &exclusive).unwrap();
    upload.write_at(b"mine", 0).unwrap();
    put(&bob, "/a", b"theirs").unwrap();
    assert_eq!(kind(upload.finish()), Some(ErrorKind::AlreadyExists));
    assert_eq!(get(&bob, "/a").unwrap(), b"theirs");
    assert_eq!((fixture.usage(), fixture.unfinished()), ((6, 1), 0));

    let fixture = Fixture::new(|draft| {
        draft.permissions = ["list", "download", "upload"].map(String::from).into();
    });
    let bob = fixture.session(UploadPolicy::default());
    let mut upload = bob.open(&path("/a"), &NEW).unwrap();
    upload.write_at(b"mine", 0).unwrap();
    put(&bob, "/a", b"theirs").unwrap();
    assert_eq!(kind(upload.finish()), Some(ErrorKind::PermissionDenied));
    assert_eq!(get(&bob, "/a").unwrap(), b"theirs");
    assert_eq!((fixture.usage(), fixture.unfinished()), ((6, 1), 0));
}

#[test]
fn what_is_read_while_it_is_replaced_stays_what_it_was() {
    let fixture = Fixture::new(|_| {});
    let bob = fixture.session(UploadPolicy::default());
    put(&bob, "/a", b"old").unwrap();
    let mut download = bob.open(&path("/a"), &READ).unwrap();
    put(&bob, "/a", b"a new one").unwrap();
    let mut content = [0; 9];
    assert_eq!(download.read_at(&mut content, 0).unwrap(), 3);
    assert_eq!(&content[..3], b"old");
    drop(download);
    assert_eq!(fixture.usage(), (9, 1));
}

#[test]
fn whoever_wants_to_read_append_or_write_on_is_told_that_it_is_not_offered() {
    let fixture = Fixture::new(|_| {});
    let bob = fixture.session(UploadPolicy::default());
    put(&bob, "/a", b"old").unwrap();
    let both = OpenRequest { read: true, ..NEW };
    for (name, request) in [
        ("/a", PART),
        ("/a", APPEND),
        ("/b", APPEND),
        ("/a", both),
        ("/b", both),
    ] {
        let opened = bob.open(&path(name), &request).map(drop);
        assert_eq!(
            kind(opened),
            Some(ErrorKind::Unsupported),
            "{name} {request:?}"
        );
    }
    assert_eq!(names(&bob, "/").unwrap(), ["a"]);
    assert_eq!((fixture.usage(), fixture.unfinished()), ((3, 1), 0));
}

#[test]
fn a_file_is_made_and_emptied_without_being_written_to() {
    let fixture = Fixture::new(|_| {});
    let bob = fixture.session(UploadPolicy::default());
    let make = OpenRequest {
        create: true,
        ..READ
    };
    let empty = OpenRequest {
        truncate: true,
        ..READ
    };
    drop(bob.open(&path("/a"), &make).unwrap());
    assert_eq!(fixture.usage(), (0, 1));
    put(&bob, "/a", b"content").unwrap();
    drop(bob.open(&path("/a"), &make).unwrap());
    assert_eq!(fixture.usage(), (7, 1));
    drop(bob.open(&path("/a"), &empty).unwrap());
    assert_eq!((fixture.usage(), fixture.unfinished()), ((0, 1), 0));
}

#[test]
fn attributes_of_an_open_upload_are_those_of_the_file() {
    let fixture = Fixture::new(|_| {});
    let bob = fixture.session(UploadPolicy::default());
    let mut upload = bob.open(&path("/a"), &NEW).unwrap();
    let at = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let change = AttributeChange {
        size: None,
        other: SetAttributes {
            mode: Some(0o640),
            times: Some((at, at)),
            owner: None,
        },
    };
    upload.set_attributes(&change).unwrap();
    let expected = (0o640, 1_000_000_000);
    let found = upload.metadata().unwrap();
    assert_eq!((found.mode & 0o777, found.mtime), expected);
    upload.finish().unwrap();
    let found = bob.metadata(&path("/a"), true).unwrap();
    assert_eq!((found.mode & 0o777, found.mtime), expected);
}
