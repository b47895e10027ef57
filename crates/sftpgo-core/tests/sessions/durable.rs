//! What is on stable storage before an upload is acknowledged.

use std::{fs, sync::Arc};

use sftpgo_core::{
    filesystem::Replace,
    session::{UploadMode, UploadPolicy},
};
use sftpgo_test_support::{Service, path, put};

use crate::recorded::{Record, Recorded};

const ATOMIC: [UploadMode; 2] = [UploadMode::Atomic, UploadMode::AtomicWithResume];

/// Uploads over an old file and answers what was done, whether that was acknowledged, and what is there then.
fn upload(mode: UploadMode, sync: bool, record: &Record) -> (Vec<String>, bool, Vec<u8>) {
    let service = Service::with_bob(|_| {});
    let mut logged_in = service.log_in();
    logged_in.filesystem = Arc::new(Recorded {
        home: Arc::clone(&logged_in.filesystem),
        record: record.clone(),
    });
    fs::write(service.home().join("f"), b"old").unwrap();
    let session = service.session_with(&logged_in, UploadPolicy { mode, sync });
    let acknowledged = put(&session, "/f", b"new").is_ok();
    assert_eq!(service.names().len(), 1, "a temporary is left");
    let left = fs::read(service.home().join("f")).unwrap();
    (record.take(), acknowledged, left)
}

#[test]
fn data_then_name_then_directory_are_on_stable_storage_before_the_acknowledgement() {
    for mode in ATOMIC {
        let (done, acknowledged, left) = upload(mode, true, &Record::default());
        assert_eq!(done, ["sync file", "rename", "sync directory"]);
        assert!(acknowledged && left == b"new");
    }
    // An old file has its name already.
    let (done, acknowledged, left) = upload(UploadMode::Standard, true, &Record::default());
    assert_eq!(done, ["sync file"]);
    assert!(acknowledged && left == b"new");
}

#[test]
fn where_no_directory_is_held_the_name_is_on_stable_storage_too() {
    for mode in [UploadMode::Standard, UploadMode::Atomic] {
        let record = Record::holding_no_directories();
        let (done, acknowledged, left) = upload(mode, true, &record);
        assert_eq!(done, ["sync file", "sync directory"], "{mode:?}");
        assert!(acknowledged && left == b"new");
    }
}

#[test]
fn without_sync_nothing_is_waited_for() {
    for mode in ATOMIC {
        assert_eq!(upload(mode, false, &Record::default()).0, ["rename"]);
    }
    let (done, ..) = upload(UploadMode::Standard, false, &Record::default());
    assert_eq!(done, [""; 0]);
}

#[test]
fn what_cannot_be_made_durable_is_not_acknowledged_and_the_old_file_stands() {
    for mode in ATOMIC {
        for step in ["sync file", "close", "rename"] {
            let (_, acknowledged, left) = upload(mode, true, &Record::failing_at(step));
            assert!(!acknowledged && left == b"old", "{mode:?} {step}");
        }
        let (_, acknowledged, left) = upload(mode, true, &Record::failing_at("sync directory"));
        assert!(!acknowledged && left == b"new", "{mode:?}");
    }
}

#[test]
fn a_rename_is_done_when_the_directory_that_it_left_has_gone() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let (mode, sync) = (UploadMode::Atomic, true);
    let session = service.session_with(&logged_in, UploadPolicy { mode, sync });
    session.create_dir(&path("d"), None).unwrap();
    put(&session, "/d/f", b"new").unwrap();
    session.symlink(b"d", &path("l")).unwrap();
    // By its words the file was in what it replaces.
    session
        .rename(&path("l/f"), &path("l"), Replace::Yes)
        .unwrap();
    assert_eq!(fs::read(service.home().join("l")).unwrap(), b"new");
}
