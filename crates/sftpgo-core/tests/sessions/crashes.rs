//! What a server that was killed leaves, and what the next start makes of it.

use std::{fs, os::unix::fs::symlink};

use sftpgo_core::{
    filesystem::{FilesystemFactory, local::LocalHomes},
    recovery,
    session::UploadMode,
};
use sftpgo_test_support::{NEW, Service, path, put};

use crate::restart::{killed, tidy_up};

#[test]
fn temporaries_that_nobody_has_open_are_swept_at_once_and_running_uploads_are_not() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    fs::create_dir_all(service.home().join("a/b")).unwrap();
    let left = service.home().join("a/b/.sftpgo-upload.left");
    fs::write(&left, b"x").unwrap();
    let left_link = service.home().join("a/.sftpgo-upload.link");
    symlink("b", &left_link).unwrap();
    let session = service.session(&logged_in, UploadMode::Atomic);
    let mut upload = session.open(&path("/a/f"), &NEW).unwrap();
    upload.write_at(b"new", 0).unwrap();
    assert_eq!(tidy_up(&service), 2);
    assert!(!left.exists() && !left_link.exists());
    upload.finish().unwrap();
    assert_eq!(fs::read(service.home().join("a/f")).unwrap(), b"new");
}

#[test]
fn the_start_after_a_kill_sweeps_counts_and_then_trusts_the_ledger_again() {
    for (mode, left) in [
        (UploadMode::Standard, &b"new"[..]),
        (UploadMode::Atomic, b"old one"),
        (UploadMode::AtomicWithResume, b"old one"),
    ] {
        let service = Service::with_bob(|_| {});
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        put(&session, "/f", b"old one").unwrap();
        let mut upload = session.open(&path("/f"), &NEW).unwrap();
        upload.write_at(b"new", 0).unwrap();

        let restarted = killed(&service);
        tidy_up(&restarted);
        assert_eq!(
            fs::read(restarted.home().join("f")).unwrap(),
            left,
            "{mode:?}"
        );
        assert_eq!(restarted.names().len(), 1, "{mode:?}");
        restarted.assert_exact();
        assert_eq!(restarted.provider.dirty_users().unwrap(), []);
    }
}

#[test]
fn a_login_before_the_files_are_counted_gets_the_right_figures_later() {
    let service = Service::with_bob(|draft| draft.quota_size = 100);
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    let mut upload = session.open(&path("/f"), &NEW).unwrap();
    upload.write_at(&[1; 90], 0).unwrap();

    let restarted = killed(&service);
    let logged_in = restarted.log_in();
    let session = restarted.session(&logged_in, UploadMode::Standard);
    put(&session, "/g", &[2; 5]).unwrap();
    tidy_up(&restarted);
    restarted.assert_exact();
    assert!(put(&session, "/h", &[3; 6]).is_err());
    drop((session, logged_in));
    restarted.assert_exact();
    assert_eq!(restarted.provider.dirty_users().unwrap(), []);
}

#[test]
fn a_home_that_cannot_be_counted_is_counted_at_the_next_start() {
    for is_there in [false, true] {
        cannot_be_counted(is_there);
    }
}

/// The disk of the home is not there, or something else is in its place.
fn cannot_be_counted(is_there: bool) {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    let mut upload = session.open(&path("/f"), &NEW).unwrap();
    upload.write_at(&[1; 90], 0).unwrap();

    let restarted = killed(&service);
    let away = restarted.home().with_extension("away");
    fs::rename(restarted.home(), &away).unwrap();
    if is_there {
        fs::write(restarted.home(), b"not a directory").unwrap();
        assert!(
            LocalHomes::default()
                .existing_home(&restarted.bob().effective())
                .is_err()
        );
    }
    let dirty = restarted.usage.left_dirty().unwrap();
    let counted = recovery::rescan_dirty(restarted.provider.as_ref(), &restarted.scans, &dirty);
    assert_eq!((dirty.len(), counted), (1, 0));
    assert_eq!(restarted.provider.dirty_users().unwrap(), dirty);
    if is_there {
        fs::remove_file(restarted.home()).unwrap();
    }
    fs::rename(&away, restarted.home()).unwrap();
    tidy_up(&restarted);
    restarted.assert_exact();
}
