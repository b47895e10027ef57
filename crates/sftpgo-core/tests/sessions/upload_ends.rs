//! How uploads end: what lends them room, who else has their name, and what is left of them when they fail.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    process::Command,
};

use sftpgo_core::{
    ErrorKind,
    auth::LoggedIn,
    filesystem::Replace,
    session::{OpenRequest, Session, UploadMode, UploadPolicy},
};
use sftpgo_test_support::{NEW, PART, READ, Service, begin, kind, path, put};

use crate::restart::tidy_up;

const ATOMIC: UploadMode = UploadMode::Atomic;
fn limited(quota_size: i64) -> Service {
    Service::with_bob(|draft| draft.quota_size = quota_size)
}

fn one(quota_size: i64) -> (Service, LoggedIn, Session) {
    let service = limited(quota_size);
    let logged_in = service.log_in();
    let session = service.session(&logged_in, ATOMIC);
    (service, logged_in, session)
}

/// Is this a user to whom the system refuses things? Root lets one run the test instead.
fn may_be_refused(test: &str) -> bool {
    let own = fs::metadata("/proc/self").unwrap();
    if own.uid() != 0 {
        return true;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("sessions");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let run = Command::new(&program)
        .args(["--exact", &format!("upload_ends::{test}")])
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
    false
}

const NOBODY: u32 = 65_534;

#[test]
fn a_rename_that_fails_leaves_the_upload_that_has_the_name() {
    let (service, _logged_in, session) = one(0);
    let upload = begin(&session, "/x", &NEW, b"data");
    let renamed = session.rename(&path("/missing"), &path("/x"), Replace::Yes);
    assert_eq!(kind(renamed), Some(ErrorKind::NotFound));
    upload.finish().unwrap();
    assert_eq!(fs::read(service.home().join("x")).unwrap(), b"data");
}

#[test]
fn a_directory_is_not_renamed_onto_an_upload() {
    let (service, _logged_in, session) = one(0);
    session.create_dir(&path("/d"), None).unwrap();
    put(&session, "/x", b"old").unwrap();
    let upload = begin(&session, "/x", &NEW, b"data");
    assert!(
        session
            .rename(&path("/d"), &path("/x"), Replace::Yes)
            .is_err()
    );
    upload.finish().unwrap();
    assert_eq!(fs::read(service.home().join("x")).unwrap(), b"data");
}

#[test]
fn who_reads_an_upload_that_ended_has_its_bytes_in_the_count() {
    let (_service, logged_in, session) = one(1000);
    put(&session, "/x", &[1; 1000]).unwrap();
    let mut readers = Vec::new();
    for _ in 0..5 {
        let mut upload = session.open(&path("/x"), &NEW).unwrap();
        if upload.write_at(&[2; 1000], 0).is_ok() {
            readers.push(session.open(&path("/x"), &READ).unwrap());
            let _ = upload.write_at(&[2; 1], 1000);
        }
        let _ = upload.finish();
    }
    let held: u64 = readers.iter().map(|r| r.metadata().unwrap().size).sum();
    assert!(
        held <= 1000,
        "{held} bytes held open by readers besides the 1000 of /x, used {:?}",
        logged_in.quota.status().size_used
    );
}

#[test]
fn an_empty_file_lends_nothing_and_ends_no_loan() {
    let service = limited(1000);
    let logged_in = service.log_in();
    let sessions: Vec<_> = (0..10)
        .map(|_| service.session(&logged_in, ATOMIC))
        .collect();
    put(&sessions[0], "/x", b"").unwrap();
    let blanks: Vec<_> = (0..4)
        .map(|i| sessions[i].open(&path("/x"), &NEW).unwrap())
        .collect();
    // It grows in place, through a link.
    std::os::unix::fs::symlink("x", service.home().join("link")).unwrap();
    let mut inplace = sessions[9].open(&path("/link"), &PART).unwrap();
    inplace.write_at(&[1; 1000], 0).unwrap();
    inplace.finish().unwrap();
    let mut got = Vec::new();
    for (i, blank) in blanks.into_iter().enumerate() {
        let mut e = sessions[4 + i].open(&path("/x"), &NEW).unwrap();
        let ok = e.write_at(&[2; 1000], 0).is_ok();
        if ok {
            got.push(e);
        }
        blank.fail("ends");
    }
    assert!(
        got.len() <= 1,
        "{} uploads of 1000 bytes run besides /x of 1000 with quota 1000",
        got.len()
    );
}

#[test]
fn an_upload_fits_when_the_file_that_lent_it_room_is_removed() {
    let service = limited(1000);
    let logged_in = service.log_in();
    let (a, b) = (
        service.session(&logged_in, ATOMIC),
        service.session(&logged_in, ATOMIC),
    );
    put(&a, "/x", &[1; 600]).unwrap();
    let upload = begin(&a, "/x", &NEW, &[2; 600]);
    b.remove(&path("/x")).unwrap();
    upload.finish().unwrap();
    service.assert_exact();
}

#[test]
fn an_upload_fits_when_the_file_that_lent_it_room_is_replaced() {
    let service = limited(1000);
    let logged_in = service.log_in();
    let (a, b) = (
        service.session(&logged_in, ATOMIC),
        service.session(&logged_in, ATOMIC),
    );
    put(&a, "/x", &[1; 600]).unwrap();
    let one = begin(&a, "/x", &NEW, &[2; 600]);
    let two = begin(&b, "/x", &NEW, &[3; 400]);
    two.finish().unwrap();
    one.finish().unwrap();
    service.assert_exact();
}

#[test]
fn a_sweep_leaves_an_upload_whose_first_handle_is_closed() {
    let service = limited(0);
    let logged_in = service.log_in();
    let (a, b) = (
        service.session(&logged_in, ATOMIC),
        service.session(&logged_in, ATOMIC),
    );
    let first = begin(&a, "/x", &NEW, b"aaaa");
    let mut second = b.open(&path("/x"), &PART).unwrap();
    first.finish().unwrap();
    second.write_at(b"bbbb", 4).unwrap();
    assert_eq!(tidy_up(&service), 0, "swept a running upload");
    second.finish().unwrap();
    assert_eq!(fs::read(service.home().join("x")).unwrap(), b"aaaabbbb");
}

#[test]
fn a_name_stands_for_the_upload_that_began_last() {
    let (_service, _logged_in, session) = one(0);
    let y = begin(&session, "/y", &NEW, b"y");
    let _one = begin(&session, "/x", &NEW, b"1");
    let _two = begin(&session, "/x", &NEW, b"22");
    assert_eq!(session.metadata(&path("/x"), false).unwrap().size, 2);
    y.finish().unwrap();
    assert_eq!(session.metadata(&path("/x"), false).unwrap().size, 2);
}

#[test]
fn of_two_uploads_that_are_renamed_to_one_name_one_gets_it() {
    let service = limited(0);
    let logged_in = service.log_in();
    let (a, b) = (
        service.session(&logged_in, ATOMIC),
        service.session(&logged_in, ATOMIC),
    );
    let one = begin(&a, "/a.tmp", &NEW, b"one");
    let two = begin(&b, "/b.tmp", &NEW, b"two");
    let ra = a.rename(&path("/a.tmp"), &path("/l"), Replace::No).is_ok();
    let rb = b.rename(&path("/b.tmp"), &path("/l"), Replace::No).is_ok();
    let (ca, cb) = (one.finish().is_ok(), two.finish().is_ok());
    assert!(
        !(ra && rb && ca && cb),
        "both told that RENAME without replacing gave them the name"
    );
}

#[test]
fn an_upload_that_was_renamed_without_replacing_replaces_nothing() {
    let service = limited(0);
    let logged_in = service.log_in();
    let (a, b) = (
        service.session(&logged_in, ATOMIC),
        service.session(&logged_in, ATOMIC),
    );
    let one = begin(
        &a,
        "/a.tmp",
        &OpenRequest {
            exclusive: true,
            truncate: false,
            ..NEW
        },
        b"one",
    );
    a.rename(&path("/a.tmp"), &path("/l"), Replace::No).unwrap();
    b.open(
        &path("/l"),
        &OpenRequest {
            exclusive: true,
            truncate: false,
            ..NEW
        },
    )
    .map(drop)
    .unwrap_err();
    put(&b, "/y", b"two").unwrap();
    let rb = b.rename(&path("/y"), &path("/l"), Replace::No).is_ok();
    let ca = one.finish().is_ok();
    assert!(
        !(rb && ca),
        "RENAME of the other was told OK and then replaced"
    );
}

#[test]
fn a_handle_that_wrote_nothing_acknowledges_nothing() {
    let service = limited(0);
    let logged_in = service.log_in();
    let (a, b) = (
        service.session(&logged_in, ATOMIC),
        service.session(&logged_in, ATOMIC),
    );
    put(&a, "/x", b"whole old file").unwrap();
    let upload = begin(&a, "/x", &NEW, b"half");
    b.open(&path("/x"), &OpenRequest { read: true, ..PART })
        .unwrap()
        .finish()
        .unwrap();
    drop(upload);
    assert_eq!(
        fs::read(service.home().join("x")).unwrap(),
        b"whole old file"
    );
}

#[test]
fn a_handle_that_wrote_nothing_does_not_complete_what_another_lost() {
    let service = limited(0);
    let logged_in = service.log_in();
    let (a, b) = (
        service.session(&logged_in, ATOMIC),
        service.session(&logged_in, ATOMIC),
    );
    put(&a, "/x", b"whole old file").unwrap();
    let upload = begin(&a, "/x", &NEW, b"half");
    let idle = b
        .open(&path("/x"), &OpenRequest { read: true, ..PART })
        .unwrap();
    drop(upload);
    let _ = idle.finish();
    assert_eq!(
        fs::read(service.home().join("x")).unwrap(),
        b"whole old file"
    );
}

#[test]
fn an_acknowledged_part_is_no_rest() {
    for mode in [ATOMIC, UploadMode::AtomicWithResume] {
        let service = limited(0);
        let logged_in = service.log_in();
        let (a, b, c) = (
            service.session(&logged_in, mode),
            service.session(&logged_in, mode),
            service.session(&logged_in, mode),
        );
        let upload = begin(&a, "/x", &NEW, b"aaaa");
        put(&c, "/x", b"c").unwrap();
        let mut part = b.open(&path("/x"), &PART).unwrap();
        part.write_at(b"bbbb", 4).unwrap();
        part.finish().unwrap();
        drop(upload);
        assert_eq!(
            fs::read(service.home().join("x")).unwrap(),
            b"aaaabbbb",
            "{mode:?}"
        );
    }
}

#[test]
fn an_upload_that_is_renamed_onto_a_link_is_refused_at_once() {
    let (service, _logged_in, session) = one(0);
    std::os::unix::fs::symlink("nowhere", service.home().join("l")).unwrap();
    let upload = begin(&session, "/x", &NEW, b"data");
    if session
        .rename(&path("/x"), &path("/l"), Replace::Yes)
        .is_ok()
    {
        upload.finish().expect("RENAME was told OK");
    }
}

#[test]
fn truncating_an_upload_by_a_handle_for_reading_empties_it() {
    let (_service, _logged_in, session) = one(0);
    let upload = begin(&session, "/x", &NEW, b"data");
    let r = session
        .open(
            &path("/x"),
            &OpenRequest {
                truncate: true,
                ..READ
            },
        )
        .unwrap();
    assert_eq!(r.metadata().unwrap().size, 0);
    drop(r);
    upload.finish().unwrap();
}

#[test]
fn a_directory_that_may_not_be_read_takes_durable_files() {
    if !may_be_refused("a_directory_that_may_not_be_read_takes_durable_files") {
        return;
    }
    for mode in [UploadMode::Standard, ATOMIC] {
        let service = limited(0);
        let logged_in = service.log_in();
        let session = service.session_with(&logged_in, UploadPolicy { mode, sync: true });
        session.create_dir(&path("/d"), None).unwrap();
        fs::set_permissions(service.home().join("d"), fs::Permissions::from_mode(0o300)).unwrap();
        let r = put(&session, "/d/x", b"data");
        let m = session.create_dir(&path("/d/sub"), None);
        let there = fs::read(service.home().join("d/x")).is_ok();
        fs::set_permissions(service.home().join("d"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(
            r.is_ok() && m.is_ok(),
            "{mode:?}: CLOSE says {r:?}, MKDIR {m:?}, file there: {there}"
        );
    }
}

#[test]
fn hidden_files_that_cannot_be_removed_stay_in_the_count() {
    if !may_be_refused("hidden_files_that_cannot_be_removed_stay_in_the_count") {
        return;
    }
    let (service, logged_in, session) = one(1000);
    session.create_dir(&path("/d"), None).unwrap();
    put(&session, "/d/x", &[1; 1000]).unwrap();
    let d = service.home().join("d");
    let mut stored = 0;
    for _ in 0..5 {
        let mut upload = session.open(&path("/d/x"), &NEW).unwrap();
        if upload.write_at(&[2; 1000], 0).is_ok() {
            stored += 1;
        }
        fs::set_permissions(&d, fs::Permissions::from_mode(0o500)).unwrap();
        let _ = upload.finish();
        fs::set_permissions(&d, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let on_disk: u64 = fs::read_dir(&d)
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().len())
        .sum();
    assert!(
        on_disk <= 2000,
        "{on_disk} bytes in a quota of 1000 ({stored} stored), used {}",
        logged_in.quota.status().size_used
    );
}

#[test]
fn and_beyond_the_last_session() {
    if !may_be_refused("and_beyond_the_last_session") {
        return;
    }
    let service = limited(1000);
    let d = service.home().join("d");
    let mut stored = 0;
    for i in 0..4 {
        let logged_in = service.log_in();
        let session = service.session(&logged_in, ATOMIC);
        let _ = session.create_dir(&path("/d"), None);
        let mut upload = session.open(&path(&format!("/d/x{i}")), &NEW).unwrap();
        if upload.write_at(&[2; 1000], 0).is_ok() {
            stored += 1;
        }
        fs::set_permissions(&d, fs::Permissions::from_mode(0o500)).unwrap();
        let _ = upload.finish();
        fs::set_permissions(&d, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let on_disk: u64 = fs::read_dir(&d)
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().len())
        .sum();
    assert!(
        on_disk <= 1000,
        "{on_disk} bytes hidden in a quota of 1000, {stored} stored"
    );
}

#[test]
fn who_is_over_quota_replaces_a_file_by_a_smaller_one() {
    for mode in [UploadMode::Standard, ATOMIC] {
        let service = limited(500);
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        fs::write(service.home().join("x"), [1; 1000]).unwrap();
        service.rescan();
        assert!(put(&session, "/x", &[2; 100]).is_ok(), "{mode:?}");
    }
}

#[test]
fn space_is_told_of_an_upload_too() {
    for mode in [UploadMode::Standard, ATOMIC] {
        let service = limited(0);
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        let upload = begin(&session, "/x", &NEW, b"data");
        assert!(session.space(&path("/x")).is_ok(), "{mode:?}");
        upload.finish().unwrap();
    }
}

#[test]
fn a_rest_of_nothing_replaces_nothing() {
    let service = limited(0);
    let logged_in = service.log_in();
    let a = service.session(&logged_in, UploadMode::AtomicWithResume);
    put(&a, "/x", b"whole").unwrap();
    drop(a.open(&path("/x"), &NEW).unwrap());
    assert_eq!(fs::read(service.home().join("x")).unwrap(), b"whole");
}

#[test]
fn a_pipe_and_a_directory_that_took_the_name_are_not_replaced() {
    let service = limited(0);
    let logged_in = service.log_in();
    let a = service.session(&logged_in, ATOMIC);
    let upload = begin(&a, "/x", &NEW, b"aaaa");
    std::process::Command::new("mkfifo")
        .arg(service.home().join("x"))
        .status()
        .unwrap();
    assert!(upload.finish().is_err());
    let upload = begin(&a, "/d", &NEW, b"aaaa");
    fs::create_dir(service.home().join("d")).unwrap();
    // join although a directory has the name
    let j = service.session(&logged_in, ATOMIC).open(&path("/d"), &PART);
    assert_eq!(kind(j.map(drop)), Some(ErrorKind::IsADirectory));
    drop(upload);
}

#[test]
fn uploads_over_a_removed_name_stay_within_the_quota_of_files() {
    let service = Service::with_bob(|d| d.quota_files = 2);
    let logged_in = service.log_in();
    let sessions: Vec<_> = (0..6)
        .map(|_| service.session(&logged_in, ATOMIC))
        .collect();
    put(&sessions[0], "/x", b"1").unwrap();
    let uploads: Vec<_> = (0..5)
        .map(|i| begin(&sessions[i], "/x", &NEW, b"2"))
        .collect();
    sessions[5].remove(&path("/x")).unwrap();
    put(&sessions[5], "/a", b"1").unwrap();
    put(&sessions[5], "/b", b"1").unwrap();
    for u in uploads {
        let _ = u.finish();
    }
    service.assert_exact();
    assert!(logged_in.quota.status().files_used <= 2);
}

#[test]
fn a_slash_behind_the_name_of_an_upload_makes_no_directory_there() {
    let (_service, _logged_in, session) = one(0);
    let upload = begin(&session, "/x", &NEW, b"data");
    let made = session.create_dir(&path("/x/"), None);
    assert_eq!(
        (kind(made), kind(upload.finish())),
        (Some(ErrorKind::AlreadyExists), None)
    );
}

#[test]
fn a_rest_sees_that_a_file_changed_whatever_its_times_say() {
    let service = limited(0);
    let logged_in = service.log_in();
    let (a, b) = (
        service.session(&logged_in, UploadMode::AtomicWithResume),
        service.session(&logged_in, UploadMode::AtomicWithResume),
    );
    put(&a, "/x", b"old!").unwrap();
    let t = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000);
    let times = sftpgo_core::session::AttributeChange {
        other: sftpgo_core::filesystem::SetAttributes {
            times: Some((t, t)),
            ..Default::default()
        },
        ..Default::default()
    };
    a.set_attributes(&path("/x"), &times, true).unwrap();
    std::os::unix::fs::symlink("x", service.home().join("l")).unwrap();
    let upload = begin(&a, "/x", &NEW, b"re");
    put(&b, "/l", b"new!").unwrap(); // in place, same size
    b.set_attributes(&path("/x"), &times, true).unwrap();
    drop(upload);
    assert_eq!(fs::read(service.home().join("x")).unwrap(), b"new!");
}
