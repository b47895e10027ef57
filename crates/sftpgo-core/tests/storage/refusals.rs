//! What a storage cannot do is refused with [`ErrorKind::Unsupported`] and changes nothing; what it can do is done.
//!
//! The storage in memory panics when it is asked for what it does not declare, so it is not by luck that it is refused.

use sftpgo_core::{
    ErrorKind,
    filesystem::{Ownership, Replace, SetAttributes},
    session::{AttributeChange, OpenRequest},
};
use sftpgo_test_support::{NEW, PART, READ, kind, path, put};

use crate::storages::{POLICIES, Storage, get, names, plain_session};

const UNSUPPORTED: Option<ErrorKind> = Some(ErrorKind::Unsupported);

fn sized(size: u64) -> AttributeChange {
    AttributeChange {
        size: Some(size),
        ..AttributeChange::default()
    }
}

pub(crate) fn writes_at_offsets(storage: Storage) {
    let service = storage.service();
    let (session, can) = plain_session(&service);
    let mut upload = session.open(&path("/a"), &NEW).unwrap();
    upload.write_at(b"one", 0).unwrap();
    let (ahead, behind) = (upload.write_at(b"x", 4), upload.write_at(b"y", 0));
    let asked = upload.check_write(1, 9);
    let expected: &[u8] = match can.random_writes {
        true => b"yne\0x",
        false => b"one",
    };
    let refused = (!can.random_writes).then_some(ErrorKind::Unsupported);
    assert_eq!([kind(ahead), kind(behind), kind(asked)], [refused; 3]);
    // What is in order goes on; a file that lacks a part is stored only where the others are already.
    upload.write_at(b"!", expected.len() as u64).unwrap();
    assert_eq!(kind(upload.finish()), refused);
    if can.random_writes {
        assert_eq!(get(&session, "/a").unwrap(), [expected, b"!"].concat());
        assert_eq!(service.stored_usage(), (expected.len() as i64 + 1, 1));
    } else {
        assert!(names(&session, "/").unwrap().is_empty());
        assert_eq!(service.stored_usage(), (0, 0));
    }
}

pub(crate) fn copies(storage: Storage) {
    let service = storage.service();
    let (session, can) = plain_session(&service);
    put(&session, "/a", b"content").unwrap();
    let mut source = session.open(&path("/a"), &READ).unwrap();
    let mut copy = session.open(&path("/b"), &NEW).unwrap();
    assert_eq!(copy.copy_from(&mut source, 0, 3, 0).unwrap(), 3);
    let ahead = copy.copy_from(&mut source, 3, 4, 9);
    let refused = (!can.random_writes).then_some(ErrorKind::Unsupported);
    assert_eq!(kind(ahead), refused);
    assert_eq!(copy.copy_from(&mut source, 3, 4, 3).unwrap(), 4);
    assert_eq!(kind(copy.finish()), refused);
    if can.random_writes {
        let content = get(&session, "/b").unwrap();
        assert_eq!((&content[..7], content.len()), (&b"content"[..], 13));
    }
    let mut copy = session.open(&path("/c"), &NEW).unwrap();
    assert_eq!(copy.copy_from(&mut source, 0, 9, 0).unwrap(), 7);
    copy.finish().unwrap();
    assert_eq!(get(&session, "/c").unwrap(), b"content");
}

pub(crate) fn sizes(storage: Storage) {
    let service = storage.service();
    let (session, can) = plain_session(&service);
    put(&session, "/a", b"content").unwrap();
    let refused = (!can.random_writes).then_some(ErrorKind::Unsupported);
    let cut = session.set_attributes(&path("/a"), &sized(3), true);
    assert_eq!(kind(cut), refused);
    let left: &[u8] = if can.random_writes {
        b"con"
    } else {
        b"content"
    };
    assert_eq!(get(&session, "/a").unwrap(), left);
    let mut upload = session.open(&path("/b"), &NEW).unwrap();
    upload.write_at(b"12", 0).unwrap();
    // As clients do that say at the end how long the file is.
    let end = upload.metadata().unwrap().size;
    upload.set_attributes(&sized(end)).unwrap();
    upload.finish().unwrap();
    assert_eq!(get(&session, "/b").unwrap().len() as u64, end);
    let mut upload = session.open(&path("/b"), &NEW).unwrap();
    upload.write_at(b"12", 0).unwrap();
    assert_eq!(kind(upload.set_attributes(&sized(9))), refused);
    assert_eq!(kind(upload.finish()), refused);
    let end = get(&session, "/b").unwrap().len() as u64;
    session
        .set_attributes(&path("/a"), &sized(0), true)
        .unwrap();
    assert_eq!(get(&session, "/a").unwrap(), b"");
    assert_eq!(service.stored_usage(), (end as i64, 2));
}

pub(crate) fn kept_content(storage: Storage) {
    let service = storage.service();
    let (session, can) = plain_session(&service);
    put(&session, "/a", b"one").unwrap();
    let append = OpenRequest {
        append: true,
        ..PART
    };
    let made_or_kept = OpenRequest {
        truncate: false,
        ..NEW
    };
    for request in [PART, append, made_or_kept] {
        let opened = session.open(&path("/a"), &request);
        if !can.random_writes {
            assert_eq!(kind(opened.map(drop)), UNSUPPORTED, "{request:?}");
            continue;
        }
        let mut upload = opened.unwrap();
        upload.write_at(b"two", 3).unwrap();
        upload.finish().unwrap();
    }
    let expected: &[u8] = match can.random_writes {
        true => b"onetwotwo",
        false => b"one",
    };
    assert_eq!(get(&session, "/a").unwrap(), expected);
    assert_eq!(service.stored_usage(), (expected.len() as i64, 1));
}

/// As scp does: the old content is cut at the end of the new one, unless the file begins anew.
pub(crate) fn written_over(storage: Storage) {
    for policy in POLICIES {
        let service = storage.service();
        let session = service.session_with(&service.log_in(), policy);
        put(&session, "/a", b"a long content").unwrap();
        let request = OpenRequest {
            truncate: session.begins_anew(&path("/a")),
            ..NEW
        };
        let mut upload = session.open(&path("/a"), &request).unwrap();
        upload.write_at(b"new", 0).unwrap();
        upload.set_attributes(&sized(3)).unwrap();
        upload.finish().unwrap();
        assert_eq!(get(&session, "/a").unwrap(), b"new", "{policy:?}");
        assert_eq!(service.stored_usage(), (3, 1));
    }
}

pub(crate) fn links(storage: Storage) {
    let service = storage.service();
    let (session, can) = plain_session(&service);
    put(&session, "/a", b"content").unwrap();
    let symbolic = session.symlink(b"a", &path("/symbolic"));
    let hard = session.hard_link(&path("/a"), &path("/hard"));
    let target = session.read_link(&path("/symbolic"));
    if can.links {
        symbolic.unwrap();
        hard.unwrap();
        assert_eq!(target.unwrap(), b"a");
        assert_eq!(get(&session, "/symbolic").unwrap(), b"content");
        assert_eq!(session.metadata(&path("/hard"), true).unwrap().links, 2);
    } else {
        assert_eq!([kind(symbolic), kind(hard), kind(target)], [UNSUPPORTED; 3]);
        assert_eq!(names(&session, "/").unwrap(), ["a"]);
    }
    assert_eq!(service.stored_usage(), (7, 1));
}

pub(crate) fn owners(storage: Storage) {
    let service = storage.service();
    let (session, can) = plain_session(&service);
    put(&session, "/a", b"1").unwrap();
    let change = AttributeChange {
        size: None,
        other: SetAttributes {
            owner: Some((4711, 4712)),
            mode: Some(0o600),
            ..SetAttributes::default()
        },
    };
    let before = session.metadata(&path("/a"), true).unwrap();
    let by_name = session.set_attributes(&path("/a"), &change, true);
    let mut download = session.open(&path("/a"), &READ).unwrap();
    let by_handle = download.set_attributes(&change);
    let after = session.metadata(&path("/a"), true).unwrap();
    let refused = (can.ownership == Ownership::Absent).then_some(ErrorKind::Unsupported);
    assert_eq!([kind(by_name), kind(by_handle)], [refused; 2]);
    let expected = match can.ownership {
        Ownership::Changeable => (4711, 4712, 0o600),
        Ownership::Fixed => (before.uid, before.gid, 0o600),
        // Nothing of the change is made, nor the mode that came with it.
        Ownership::Absent => (before.uid, before.gid, before.mode & 0o777),
    };
    assert_eq!((after.uid, after.gid, after.mode & 0o777), expected);
}

pub(crate) fn replaced(storage: Storage) {
    let service = storage.service();
    let (session, can) = plain_session(&service);
    put(&session, "/a", b"1").unwrap();
    put(&session, "/b", b"22").unwrap();
    let renamed = session.rename(&path("/a"), &path("/b"), Replace::Yes);
    if can.atomic_rename {
        renamed.unwrap();
        assert_eq!(get(&session, "/b").unwrap(), b"1");
        assert_eq!(service.stored_usage(), (1, 1));
    } else {
        assert_eq!(kind(renamed), UNSUPPORTED);
        assert_eq!(get(&session, "/a").unwrap(), b"1");
        assert_eq!(get(&session, "/b").unwrap(), b"22");
        assert_eq!(service.stored_usage(), (3, 2));
    }
    // A free name may be taken in either case.
    session
        .rename(&path("/b"), &path("/c"), Replace::Yes)
        .unwrap();
}
