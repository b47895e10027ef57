//! Limits that hold, and figures that add up.

use sftpgo_core::{
    ErrorKind,
    filesystem::Replace,
    session::{AttributeChange, OpenRequest, UploadMode},
};
use sftpgo_test_support::{NEW, Service, path, put};

#[test]
fn a_limit_on_bytes_holds_while_data_flows_and_uploads_run_side_by_side() {
    let service = Service::with_bob(|draft| draft.quota_size = 100);
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    let mut first = session.open(&path("/a"), &NEW).unwrap();
    let mut second = session.open(&path("/b"), &NEW).unwrap();
    first.write_at(&[1; 60], 0).unwrap();
    assert_eq!(
        second.write_at(&[2; 41], 0).unwrap_err().kind(),
        ErrorKind::QuotaExceeded
    );
    second.write_at(&[2; 40], 0).unwrap();
    first.write_at(&[3; 60], 0).unwrap();
    assert_eq!(
        first.write_at(&[3; 1], 60).unwrap_err().message(),
        "quota exceeded"
    );
    first.finish().unwrap();
    second.finish().unwrap();
    assert_eq!(service.stored_usage(), (100, 2));
    service.assert_exact();
}

#[test]
fn a_limit_on_files_refuses_the_next_new_file_and_leaves_nothing_behind() {
    for mode in [UploadMode::Standard, UploadMode::Atomic] {
        let service = Service::with_bob(|draft| draft.quota_files = 1);
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        put(&session, "/a", b"1").unwrap();
        assert_eq!(
            session
                .open(&path("/b"), &NEW)
                .map(drop)
                .unwrap_err()
                .kind(),
            ErrorKind::QuotaExceeded
        );
        put(&session, "/a", b"12").unwrap();
        assert_eq!(service.names().len(), 1);
        service.assert_exact();
    }
}

#[test]
fn a_quota_cannot_be_passed_by_renaming_or_removing_what_is_open() {
    let service = Service::with_bob(|draft| {
        draft.quota_size = 1000;
        draft.quota_files = 3;
    });
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Atomic);
    put(&session, "/f", &[1; 1000]).unwrap();
    let mut upload = session.open(&path("/f"), &NEW).unwrap();
    upload.write_at(&[2; 1000], 0).unwrap();
    // Another session sees the old file, and moves it away.
    service
        .session(&logged_in, UploadMode::Atomic)
        .rename(&path("/f"), &path("/g"), Replace::No)
        .unwrap();
    assert_eq!(
        upload.finish().unwrap_err().kind(),
        ErrorKind::QuotaExceeded
    );
    assert_eq!(service.stored_usage(), (1000, 1));
    service.assert_exact();

    session.remove(&path("/g")).unwrap();
    let session = service.session(&logged_in, UploadMode::Standard);
    let mut upload = session.open(&path("/h"), &NEW).unwrap();
    upload.write_at(&[1; 900], 0).unwrap();
    session.remove(&path("/h")).unwrap();
    assert_eq!(
        upload.write_at(&[1; 200], 900).unwrap_err().kind(),
        ErrorKind::QuotaExceeded
    );
    // The storage has the file until it is closed: nothing else may take its room.
    assert!(put(&session, "/i", &[1; 200]).is_err());
    upload.write_at(&[1; 50], 900).unwrap();
    upload.finish().unwrap();
    put(&session, "/i", &[1; 200]).unwrap();
    service.assert_exact();
}

#[test]
fn deltas_that_are_committed_out_of_order_add_up() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    let mut upload = session.open(&path("/a"), &NEW).unwrap();
    upload.write_at(&[1; 1000], 0).unwrap();
    let shrink = AttributeChange {
        size: Some(10),
        ..AttributeChange::default()
    };
    session.set_attributes(&path("/a"), &shrink, true).unwrap();
    upload.finish().unwrap();
    service.assert_exact();
    let mut upload = session.open(&path("/b"), &NEW).unwrap();
    upload.write_at(&[1; 5000], 0).unwrap();
    session.remove(&path("/b")).unwrap();
    upload.finish().unwrap();
    service.assert_exact();
}

#[test]
fn what_one_handle_cuts_off_another_does_not_bring_back_uncounted() {
    let service = Service::with_bob(|draft| draft.quota_size = 100);
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    put(&session, "/f", &[1; 100]).unwrap();
    let rewrite = OpenRequest {
        truncate: false,
        ..NEW
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (session, rewrite) = (&session, &rewrite);
            scope.spawn(move || {
                for round in 0..300_u64 {
                    let mut upload = session.open(&path("/f"), rewrite).unwrap();
                    let size = AttributeChange {
                        size: Some(round % 7),
                        ..AttributeChange::default()
                    };
                    let _ = upload.set_attributes(&size);
                    let _ = upload.write_at(&[2; 50], round % 60);
                    upload.finish().unwrap();
                }
            });
        }
    });
    service.assert_exact();
}

#[test]
fn an_upload_that_replaces_a_file_takes_what_others_do_to_that_into_account() {
    for mode in [UploadMode::Atomic, UploadMode::AtomicWithResume] {
        let service = Service::with_bob(|_| {});
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        put(&session, "/f", &[1; 100]).unwrap();
        let resume = OpenRequest {
            append: true,
            truncate: false,
            ..NEW
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..300 {
                    put(&session, "/f", &vec![2; round % 90]).unwrap();
                }
            });
            scope.spawn(|| {
                for round in 0..300_u64 {
                    let mut upload = session.open(&path("/f"), &resume).unwrap();
                    let _ = upload.write_at(&[3; 40], 100 + round % 200);
                    let size = AttributeChange {
                        size: Some(round % 130),
                        ..AttributeChange::default()
                    };
                    let _ = upload.set_attributes(&size);
                    // The other one may have replaced the file: then this one is told that it wrote in vain.
                    if let Err(error) = upload.finish() {
                        assert_eq!(error.kind(), ErrorKind::Conflict);
                    }
                }
            });
        });
        service.assert_exact();
    }
}
