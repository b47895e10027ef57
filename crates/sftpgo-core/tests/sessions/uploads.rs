//! What an upload leaves, by its mode and how it ends.

use std::fs;

use sftpgo_core::{ErrorKind, session::UploadMode, transfer::Transfer};
use sftpgo_test_support::{NEW, Service, path, put};

#[test]
fn an_atomic_upload_shows_the_old_file_until_it_is_closed() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Atomic);
    put(&session, "/f", b"old").unwrap();
    let mut upload = session.open(&path("/f"), &NEW).unwrap();
    upload.write_at(b"new content", 0).unwrap();
    assert_eq!(fs::read(service.home().join("f")).unwrap(), b"old");
    let mut listing = session.open_dir(&path("/")).unwrap();
    let names: Vec<_> = std::iter::from_fn(|| listing.next_entry().unwrap())
        .map(|entry| entry.name)
        .collect();
    assert_eq!(
        names
            .iter()
            .filter(|name| *name != b"." && *name != b"..")
            .count(),
        1,
        "{names:?}"
    );
    upload.finish().unwrap();
    assert_eq!(fs::read(service.home().join("f")).unwrap(), b"new content");
    service.assert_exact();
}

/// An upload over an old file ends by `end` before it is whole; what its mode leaves, and that it is told as failed.
fn assert_left(end: impl Fn(Transfer), left_by_mode: [(UploadMode, &[u8]); 3]) {
    for (mode, left) in left_by_mode {
        let service = Service::with_bob(|_| {});
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        put(&session, "/f", b"old").unwrap();
        let mut upload = session.open(&path("/f"), &NEW).unwrap();
        upload.write_at(b"ne", 0).unwrap();
        end(upload);
        assert_eq!(
            fs::read(service.home().join("f")).unwrap(),
            left,
            "{mode:?}"
        );
        assert_eq!(service.names().len(), 1, "{mode:?}");
        assert!(service.recorder.transfers().last().unwrap().1.is_some());
        service.assert_exact();
    }
}

#[test]
fn a_lost_upload_leaves_what_its_mode_says_and_is_told_as_failed() {
    assert_left(
        drop,
        [
            (UploadMode::Standard, b"ne"),
            (UploadMode::Atomic, b"old"),
            (UploadMode::AtomicWithResume, b"ne"),
        ],
    );
}

#[test]
fn an_upload_that_its_protocol_calls_failed_leaves_the_old_file_in_the_atomic_modes() {
    assert_left(
        |upload| upload.fail("the client could not read its own file"),
        [
            (UploadMode::Standard, b"ne"),
            (UploadMode::Atomic, b"old"),
            (UploadMode::AtomicWithResume, b"old"),
        ],
    );
}

#[test]
fn an_atomic_upload_of_which_a_part_was_refused_leaves_the_old_file() {
    for mode in [UploadMode::Atomic, UploadMode::AtomicWithResume] {
        let service = Service::with_bob(|draft| draft.quota_size = 100);
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        put(&session, "/f", &[1; 60]).unwrap();
        let mut upload = session.open(&path("/f"), &NEW).unwrap();
        upload.write_at(&[2; 90], 0).unwrap();
        upload.write_at(&[2; 90], 90).unwrap_err();
        // OpenSSH closes the handle after a failed write.
        assert_eq!(
            upload.finish().unwrap_err().kind(),
            ErrorKind::QuotaExceeded
        );
        assert_eq!(
            fs::read(service.home().join("f")).unwrap(),
            [1; 60],
            "{mode:?}"
        );
        assert_eq!(service.stored_usage(), (60, 1), "{mode:?}");
        service.assert_exact();
    }
}
