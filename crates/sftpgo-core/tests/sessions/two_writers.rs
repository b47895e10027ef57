//! Two sessions and one name: between the OPEN and the CLOSE of an upload of the one, the other does something to the name.
//! The cells of the table "Two writers of one name" in `docs/architecture.md`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

use sftpgo_core::{
    ErrorKind, Result,
    filesystem::Replace,
    session::{AttributeChange, OpenRequest, Session, UploadMode},
};
use sftpgo_test_support::{
    APPEND, LOCK, NEW, PART, READ, Service, begin, kind, path, permissions_without, put,
};

const ALL: [UploadMode; 3] = [
    UploadMode::Standard,
    UploadMode::Atomic,
    UploadMode::AtomicWithResume,
];
const ATOMIC: [UploadMode; 2] = [UploadMode::Atomic, UploadMode::AtomicWithResume];

/// A service, and two sessions of its user.
fn two(mode: UploadMode, but: &[&str]) -> (Service, Session, Session) {
    let service = Service::with_bob(|draft| {
        if !but.is_empty() {
            draft.permissions = permissions_without(but);
        }
    });
    let logged_in = service.log_in();
    let one = service.session(&logged_in, mode);
    let other = service.session(&logged_in, mode);
    (service, one, other)
}

fn content(service: &Service, name: &str) -> Vec<u8> {
    fs::read(service.home().join(name)).unwrap()
}

fn names(session: &Session) -> Vec<String> {
    let mut listing = session.open_dir(&path("/")).unwrap();
    let mut names: Vec<_> = std::iter::from_fn(|| listing.next_entry().unwrap())
        .map(|entry| String::from_utf8(entry.name).unwrap())
        .filter(|name| name != "." && name != "..")
        .collect();
    names.sort();
    names
}

#[test]
fn of_two_who_lock_a_name_one_is_told_that_it_is_the_one() {
    for mode in ALL {
        let (service, one, other) = two(mode, &[]);
        let first = begin(&one, "/l", &LOCK, b"first");
        let second = other.open(&path("/l"), &LOCK);
        assert_eq!(
            kind(second.map(drop)),
            Some(ErrorKind::AlreadyExists),
            "{mode:?}"
        );
        first.finish().unwrap();
        assert_eq!(content(&service, "l"), b"first");
        service.assert_exact();
    }
}

#[test]
fn a_name_that_is_being_uploaded_cannot_be_locked_and_a_lock_replaces_nothing() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &[]);
        let upload = begin(&one, "/f", &NEW, b"plain");
        let lock = other.open(&path("/f"), &LOCK);
        assert_eq!(kind(lock.map(drop)), Some(ErrorKind::AlreadyExists));
        upload.finish().unwrap();

        let lock = begin(&one, "/l", &LOCK, b"");
        put(&other, "/l", b"of the other").unwrap();
        assert_eq!(
            kind(lock.finish()),
            Some(ErrorKind::AlreadyExists),
            "{mode:?}"
        );
        assert_eq!(content(&service, "l"), b"of the other");
        // Made by somebody who is no client of this server.
        let lock = begin(&one, "/m", &LOCK, b"late");
        fs::write(service.home().join("m"), b"early").unwrap();
        assert_eq!(kind(lock.finish()), Some(ErrorKind::AlreadyExists));
        assert_eq!(content(&service, "m"), b"early");
        assert_eq!(service.names().len(), 3, "a temporary is left");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_there_for_a_lock_and_leads_uploads_to_where_it_points() {
    for mode in ALL {
        let (service, one, _) = two(mode, &[]);
        one.create_dir(&path("/d"), None).unwrap();
        symlink("d/target", service.home().join("link")).unwrap();
        let lock = one.open(&path("/link"), &LOCK);
        assert_eq!(
            kind(lock.map(drop)),
            Some(ErrorKind::AlreadyExists),
            "{mode:?}"
        );
        put(&one, "/link", b"through").unwrap();
        assert_eq!(content(&service, "d/target"), b"through", "{mode:?}");
        put(&one, "/link", b"again").unwrap();
        assert_eq!(content(&service, "d/target"), b"again");
        assert!(service.home().join("link").is_symlink());
        service.assert_exact();
        symlink("../outside", service.home().join("out")).unwrap();
        assert!(put(&one, "/out", b"x").is_err());
        assert!(!service.home().parent().unwrap().join("outside").exists());
    }
}

#[test]
fn without_overwrite_the_file_that_was_stored_first_stays() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &["overwrite"]);
        let first = begin(&one, "/f", &NEW, b"first");
        let second = begin(&other, "/f", &NEW, b"second");
        second.finish().unwrap();
        let refused = first.finish().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        assert!(refused.message().contains("overwrite"), "{refused}");
        assert_eq!(content(&service, "f"), b"second", "{mode:?}");

        put(&other, "/other", b"other").unwrap();
        let upload = begin(&one, "/g", &NEW, b"upload");
        other
            .rename(&path("/other"), &path("/g"), Replace::No)
            .unwrap();
        assert_eq!(kind(upload.finish()), Some(ErrorKind::PermissionDenied));
        assert_eq!(content(&service, "g"), b"other");
        assert_eq!(service.names().len(), 2, "a temporary is left");
        service.assert_exact();
    }
}

#[test]
fn with_overwrite_the_upload_that_is_closed_last_stays() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &[]);
        put(&one, "/f", b"old").unwrap();
        let first = begin(&one, "/f", &NEW, b"first");
        let second = begin(&other, "/f", &NEW, b"second");
        second.finish().unwrap();
        assert_eq!(content(&service, "f"), b"second");
        first.finish().unwrap();
        assert_eq!(content(&service, "f"), b"first");
        // Renamed onto the name, linked to it, removed from it.
        let upload = begin(&one, "/f", &NEW, b"third");
        put(&other, "/g", b"g").unwrap();
        other
            .rename(&path("/g"), &path("/f"), Replace::Yes)
            .unwrap();
        upload.finish().unwrap();
        assert_eq!(content(&service, "f"), b"third");
        let upload = begin(&one, "/f", &NEW, b"fourth");
        other.remove(&path("/f")).unwrap();
        upload.finish().unwrap();
        assert_eq!(content(&service, "f"), b"fourth", "{mode:?}");
        assert_eq!(service.names().len(), 1);
        service.assert_exact();
    }
}

#[test]
fn what_others_do_to_the_old_file_and_to_the_directory_meanwhile() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &[]);
        one.create_dir(&path("/d"), None).unwrap();
        put(&one, "/d/f", b"old").unwrap();
        let upload = begin(&one, "/d/f", &NEW, b"new");
        let read = other.open(&path("/d/f"), &READ).unwrap();
        assert_eq!(read.metadata().unwrap().size, 3);
        let change = AttributeChange {
            size: Some(1),
            ..AttributeChange::default()
        };
        other.set_attributes(&path("/d/f"), &change, true).unwrap();
        assert_eq!(content(&service, "d/f"), b"o");
        other
            .rename(&path("/d/f"), &path("/moved"), Replace::No)
            .unwrap();
        let removed = other.remove_dir(&path("/d"));
        assert_eq!(
            kind(removed),
            Some(ErrorKind::DirectoryNotEmpty),
            "{mode:?}"
        );
        other.rename(&path("/d"), &path("/e"), Replace::No).unwrap();
        upload.finish().unwrap();
        drop(read);
        assert_eq!(content(&service, "e/f"), b"new");
        assert_eq!(content(&service, "moved"), b"o");
        service.assert_exact();
    }
}

#[test]
fn what_is_no_file_is_not_replaced() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &[]);
        let upload = begin(&one, "/d", &NEW, b"data");
        other.create_dir(&path("/d"), None).unwrap();
        assert_eq!(kind(upload.finish()), Some(ErrorKind::IsADirectory));
        let upload = begin(&one, "/l", &NEW, b"data");
        other.symlink(b"d", &path("/l")).unwrap();
        assert_eq!(kind(upload.finish()), Some(ErrorKind::AlreadyExists));
        assert!(service.home().join("l").is_symlink());
        assert_eq!(service.names().len(), 2, "{mode:?}");
        service.assert_exact();
    }
}

#[test]
fn pipes_are_refused_at_once_in_every_mode() {
    for mode in ALL {
        let (service, one, _) = two(mode, &[]);
        let pipe = service.home().join("pipe");
        make_pipe(&pipe);
        // Somebody waits at the other end: then opening it would work.
        let reader = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        for request in [NEW, PART, APPEND, READ] {
            let opened = one.open(&path("/pipe"), &request);
            assert_eq!(
                kind(opened.map(drop)),
                Some(ErrorKind::Invalid),
                "{mode:?} {request:?}"
            );
        }
        drop(reader);
        for request in [NEW, PART, APPEND] {
            let opened = one.open(&path("/pipe"), &request);
            assert_eq!(
                kind(opened.map(drop)),
                Some(ErrorKind::Invalid),
                "{mode:?} {request:?}"
            );
        }
        assert_eq!(names(&one), ["pipe"]);
    }
}

fn make_pipe(at: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(at).status();
    assert!(made.unwrap().success());
}

#[test]
fn the_rest_of_a_lost_upload_takes_the_place_of_nothing_newer() {
    let (service, one, other) = two(UploadMode::AtomicWithResume, &[]);
    // Nothing newer: it is kept.
    drop(begin(&one, "/f", &NEW, b"rest"));
    assert_eq!(content(&service, "f"), b"rest");
    let lost = begin(&one, "/f", &NEW, b"short");
    put(&other, "/f", b"whole and acknowledged").unwrap();
    drop(lost);
    assert_eq!(content(&service, "f"), b"whole and acknowledged");
    // Made where nothing was.
    let lost = begin(&one, "/g", &NEW, b"short");
    put(&other, "/g", b"whole and acknowledged").unwrap();
    drop(lost);
    assert_eq!(content(&service, "g"), b"whole and acknowledged");
    // Written to in place by somebody else.
    let lost = begin(&one, "/g", &NEW, b"short");
    fs::write(service.home().join("g"), b"whole and acknowledged!").unwrap();
    drop(lost);
    assert_eq!(content(&service, "g"), b"whole and acknowledged!");
    assert_eq!(service.names().len(), 2, "a temporary is left");
}

#[test]
fn parts_of_several_sessions_land_together_when_the_last_is_closed() {
    for mode in ALL {
        let (service, one, other) = two(mode, &[]);
        for old in [false, true] {
            let name = format!("/f{old}");
            if old {
                put(&one, &name, b"old").unwrap();
            }
            let mut first = begin(&one, &name, &NEW, b"aaaa");
            let mut second = other.open(&path(&name), &PART).unwrap();
            second.write_at(b"bbbb", 4).unwrap();
            second.finish().unwrap();
            let mut third = other.open(&path(&name), &PART).unwrap();
            third.write_at(b"cccc", 8).unwrap();
            first.write_at(b"A", 0).unwrap();
            first.finish().unwrap();
            if mode != UploadMode::Standard && old {
                assert_eq!(content(&service, &name[1..]), b"old");
            }
            third.finish().unwrap();
            assert_eq!(
                content(&service, &name[1..]),
                b"Aaaabbbbcccc",
                "{mode:?} {old}"
            );
        }
        assert_eq!(service.names().len(), 2);
        service.assert_exact();
    }
}

#[test]
fn a_part_that_was_acknowledged_does_not_go_with_another_that_is_lost() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &[]);
        let first = begin(&one, "/f", &NEW, b"aaaa");
        let mut second = other.open(&path("/f"), &PART).unwrap();
        second.write_at(b"bbbb", 4).unwrap();
        second.finish().unwrap();
        drop(first);
        assert_eq!(content(&service, "f"), b"aaaabbbb", "{mode:?}");
        service.assert_exact();
    }
}

#[test]
fn who_wrote_to_a_file_that_was_replaced_is_told() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &[]);
        put(&one, "/f", b"0123456789").unwrap();
        let in_place = begin(&one, "/f", &PART, b"AAAA");
        put(&other, "/f", b"new").unwrap();
        assert_eq!(
            kind(in_place.finish()),
            Some(ErrorKind::Conflict),
            "{mode:?}"
        );
        assert_eq!(content(&service, "f"), b"new");
        service.assert_exact();
    }
}

#[test]
fn every_write_of_a_handle_that_appends_goes_to_the_end() {
    for mode in ALL {
        let (service, one, other) = two(mode, &[]);
        for old in [&b""[..], b"old"] {
            let name = format!("/log{}", old.len());
            if !old.is_empty() {
                put(&one, &name, old).unwrap();
            }
            let mut first = one.open(&path(&name), &APPEND).unwrap();
            let mut second = other.open(&path(&name), &APPEND).unwrap();
            for (offset, data) in [(0, b"1"), (0, b"2"), (77, b"3"), (1, b"4")] {
                let upload = if offset == 77 {
                    &mut second
                } else {
                    &mut first
                };
                upload.check_write(1, offset).unwrap();
                upload.write_at(data, offset).unwrap();
            }
            first.finish().unwrap();
            second.finish().unwrap();
            assert_eq!(
                content(&service, &name[1..]),
                [old, b"1234"].concat(),
                "{mode:?}"
            );
        }
        service.assert_exact();
    }
}

#[test]
fn appending_stays_within_the_quota_whatever_offset_the_client_says() {
    for mode in ALL {
        let service = Service::with_bob(|draft| draft.quota_size = 10);
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        let mut log = session.open(&path("/log"), &APPEND).unwrap();
        log.write_at(&[1; 6], 0).unwrap();
        let refused = log.write_at(&[1; 6], 0);
        assert_eq!(kind(refused), Some(ErrorKind::QuotaExceeded), "{mode:?}");
        assert_eq!(kind(log.check_write(5, 0)), Some(ErrorKind::QuotaExceeded));
        log.write_at(&[1; 4], 1 << 40).unwrap();
        log.finish().unwrap();
        assert_eq!(service.stored_usage(), (10, 1));
        service.assert_exact();
    }
}

#[test]
fn the_session_that_uploads_sees_its_file_and_others_see_what_was_there() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &[]);
        put(&one, "/old", b"old").unwrap();
        let new = begin(&one, "/new", &NEW, b"12345");
        let old = begin(&one, "/old", &NEW, b"1234567");
        let size = |session: &Session, name: &str, follow| {
            session
                .metadata(&path(name), follow)
                .map(|found| found.size)
        };
        for follow in [true, false] {
            assert_eq!(size(&one, "/new", follow).unwrap(), 5);
            assert_eq!(size(&one, "/old", follow).unwrap(), 7);
            assert_eq!(
                kind(size(&other, "/new", follow)),
                Some(ErrorKind::NotFound)
            );
            assert_eq!(size(&other, "/old", follow).unwrap(), 3);
        }
        assert_eq!(names(&one), ["new", "old"]);
        assert_eq!(names(&other), ["old"]);
        let mut read = [0; 10];
        let mut download = one.open(&path("/new"), &READ).unwrap();
        assert_eq!(download.read_at(&mut read, 0).unwrap(), 5);
        drop(download);
        assert_eq!(
            kind(one.create_dir(&path("/new"), None)),
            Some(ErrorKind::AlreadyExists)
        );
        assert_eq!(
            kind(one.symlink(b"x", &path("/new"))),
            Some(ErrorKind::AlreadyExists)
        );
        assert_eq!(
            kind(one.hard_link(&path("/old"), &path("/new"))),
            Some(ErrorKind::AlreadyExists)
        );
        let cut = AttributeChange {
            size: Some(2),
            ..AttributeChange::default()
        };
        one.set_attributes(&path("/new"), &cut, true).unwrap();
        assert_eq!(size(&one, "/new", false).unwrap(), 2);
        new.finish().unwrap();
        old.finish().unwrap();
        assert_eq!(content(&service, "new"), b"12");
        assert_eq!(content(&service, "old"), b"1234567");
        service.assert_exact();
    }
}

#[test]
fn an_upload_is_renamed_and_removed_while_it_runs() {
    for mode in ATOMIC {
        let (service, one, other) = two(mode, &[]);
        one.create_dir(&path("/d"), None).unwrap();
        let rename = |from: &str, to: &str, replace| one.rename(&path(from), &path(to), replace);
        // A new one, twice.
        let upload = begin(&one, "/a", &NEW, b"a");
        rename("/a", "/b", Replace::No).unwrap();
        rename("/b", "/d/c", Replace::No).unwrap();
        assert_eq!(names(&one), ["d"]);
        upload.finish().unwrap();
        assert_eq!(content(&service, "d/c"), b"a", "{mode:?}");
        // Over an old one: what others see goes along.
        put(&one, "/old", b"old").unwrap();
        let upload = begin(&one, "/old", &NEW, b"new");
        rename("/old", "/moved", Replace::No).unwrap();
        assert_eq!(names(&other), ["d", "moved"]);
        assert_eq!(content(&service, "moved"), b"old");
        upload.finish().unwrap();
        assert_eq!(content(&service, "moved"), b"new");
        // Onto a name that is there.
        let upload = begin(&one, "/a", &NEW, b"a");
        assert_eq!(
            kind(rename("/a", "/moved", Replace::No)),
            Some(ErrorKind::AlreadyExists)
        );
        rename("/a", "/moved", Replace::Yes).unwrap();
        upload.finish().unwrap();
        assert_eq!(content(&service, "moved"), b"a");
        // Onto a name that is being uploaded.
        let replaced = begin(&one, "/x", &NEW, b"x");
        assert_eq!(
            kind(rename("/moved", "/x", Replace::No)),
            Some(ErrorKind::AlreadyExists)
        );
        rename("/moved", "/x", Replace::Yes).unwrap();
        replaced.finish().unwrap();
        assert_eq!(content(&service, "x"), b"a");
        // Removed: its end is well, and nothing is there.
        put(&one, "/gone", b"old").unwrap();
        let upload = begin(&one, "/gone", &NEW, b"new");
        one.remove(&path("/gone")).unwrap();
        assert_eq!(
            kind(one.metadata(&path("/gone"), true)),
            Some(ErrorKind::NotFound)
        );
        upload.finish().unwrap();
        assert_eq!(names(&one), ["d", "x"], "{mode:?}");
        assert_eq!(service.names().len(), 2, "a temporary is left");
        service.assert_exact();
    }
}

#[test]
fn an_upload_follows_its_directory_when_that_is_renamed() {
    for mode in ALL {
        let service = Service::with_bob(|draft| draft.quota_size = 100);
        let logged_in = service.log_in();
        for (number, ends_well) in [true, false].into_iter().enumerate() {
            let session = service.session(&logged_in, mode);
            let (from, to) = (format!("/d{number}"), format!("/e{number}"));
            session.create_dir(&path(&from), None).unwrap();
            let mut upload = session.open(&path(&format!("{from}/f")), &NEW).unwrap();
            upload.write_at(&[1; 40], 0).unwrap();
            session
                .rename(&path(&from), &path(&to), Replace::No)
                .unwrap();
            if ends_well {
                upload.finish().unwrap();
            } else {
                upload.fail("as told");
            }
            let left = fs::read_dir(service.home().join(&to[1..])).unwrap().count();
            let stays = ends_well || mode == UploadMode::Standard;
            assert_eq!(left, usize::from(stays), "{mode:?} {ends_well}");
            service.assert_exact();
        }
    }
}

#[test]
fn removed_files_that_are_open_take_up_room_until_they_are_closed() {
    for mode in ALL {
        let service = Service::with_bob(|draft| draft.quota_size = 1000);
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        put(&session, "/f", &[1; 600]).unwrap();
        let download = session.open(&path("/f"), &READ).unwrap();
        session.remove(&path("/f")).unwrap();
        assert!(put(&session, "/g", &[1; 600]).is_err(), "{mode:?}");
        let _ = session.remove(&path("/g"));
        download.finish().unwrap();
        put(&session, "/g", &[1; 600]).unwrap();
        service.assert_exact();
    }
}

#[test]
fn one_upload_at_a_time_may_use_the_room_of_the_file_that_it_replaces() {
    for mode in ATOMIC {
        let service = Service::with_bob(|draft| draft.quota_size = 1000);
        let logged_in = service.log_in();
        let sessions: Vec<_> = (0..5).map(|_| service.session(&logged_in, mode)).collect();
        put(&sessions[0], "/f", &[1; 1000]).unwrap();
        let mut uploads: Vec<_> = sessions
            .iter()
            .map(|session| session.open(&path("/f"), &NEW).unwrap())
            .collect();
        let written = uploads
            .iter_mut()
            .map(|upload| upload.write_at(&[2; 1000], 0))
            .filter(Result::is_ok)
            .count();
        assert_eq!(written, 1, "{mode:?}");
        // Cutting the old file off, or removing it, gives nobody the room that its replacement has taken.
        let cut = AttributeChange {
            size: Some(0),
            ..AttributeChange::default()
        };
        let other = service.session(&logged_in, mode);
        other.set_attributes(&path("/f"), &cut, true).unwrap();
        assert!(put(&other, "/g", &[1; 1000]).is_err());
        let _ = other.remove(&path("/g"));
        other.remove(&path("/f")).unwrap();
        assert!(put(&other, "/g", &[1; 1000]).is_err());
        let _ = other.remove(&path("/g"));
        let mut uploads = uploads.into_iter();
        uploads.next().unwrap().finish().unwrap();
        for upload in uploads {
            let _ = upload.finish();
        }
        service.assert_exact();
        assert_eq!(logged_in.quota.status().size_used, 1000);
    }
}

#[test]
fn a_new_content_keeps_the_mode_of_the_old_one() {
    for mode in ALL {
        let (service, one, _) = two(mode, &[]);
        let file = service.home().join("f");
        fs::write(&file, b"old").unwrap();
        for bits in [0o640, 0o600, 0o666, 0o755] {
            fs::set_permissions(&file, fs::Permissions::from_mode(bits)).unwrap();
            let request = OpenRequest {
                mode: Some(0o604),
                ..NEW
            };
            begin(&one, "/f", &request, b"new").finish().unwrap();
            let found = fs::metadata(&file).unwrap();
            assert_eq!(found.mode() & 0o7777, bits, "{mode:?}");
        }
    }
}

#[test]
fn opening_with_creat_makes_the_file_without_write_too() {
    for mode in ALL {
        let (service, one, _) = two(mode, &[]);
        let make = OpenRequest {
            create: true,
            ..READ
        };
        one.open(&path("/f"), &make).unwrap().finish().unwrap();
        assert_eq!(content(&service, "f"), b"");
        service.assert_exact();
        fs::write(service.home().join("f"), b"kept").unwrap();
        one.open(&path("/f"), &make).unwrap().finish().unwrap();
        assert_eq!(content(&service, "f"), b"kept");
        let lock = OpenRequest {
            exclusive: true,
            ..make
        };
        assert_eq!(
            kind(one.open(&path("/f"), &lock).map(drop)),
            Some(ErrorKind::AlreadyExists)
        );
        let empty = OpenRequest {
            truncate: true,
            ..make
        };
        one.open(&path("/f"), &empty).unwrap().finish().unwrap();
        assert_eq!(content(&service, "f"), b"");
    }
    let (service, one, _) = two(UploadMode::Standard, &["upload"]);
    let make = OpenRequest {
        create: true,
        ..READ
    };
    assert_eq!(
        kind(one.open(&path("/f"), &make).map(drop)),
        Some(ErrorKind::PermissionDenied)
    );
    assert_eq!(service.names().len(), 0);
}

#[test]
fn a_failed_sync_is_remembered() {
    use crate::recorded::{Record, Recorded};
    for mode in ALL {
        let service = Service::with_bob(|_| {});
        let mut logged_in = service.log_in();
        logged_in.filesystem = std::sync::Arc::new(Recorded {
            home: std::sync::Arc::clone(&logged_in.filesystem),
            record: Record::failing_once_at("sync file"),
        });
        let session = service.session(&logged_in, mode);
        put(&session, "/f", b"old").unwrap();
        let mut upload = begin(&session, "/f", &NEW, b"new");
        upload.sync().unwrap_err();
        upload.sync().unwrap();
        assert!(upload.finish().is_err(), "{mode:?}");
        if mode != UploadMode::Standard {
            assert_eq!(content(&service, "f"), b"old");
        }
        service.assert_exact();
    }
}

#[test]
fn a_rename_without_overwrite_replaces_nothing_that_another_server_puts_there_meanwhile() {
    use crate::recorded::{Record, Recorded};
    for (permissions, expected) in [
        (
            &["rename"][..],
            (Some(ErrorKind::AlreadyExists), &b"theirs"[..]),
        ),
        (&["rename", "overwrite"], (None, b"mine")),
    ] {
        let service = Service::with_bob(|draft| {
            draft.permissions = permissions.iter().map(|&name| name.to_owned()).collect();
        });
        let place = service.home().join("to");
        let mut logged_in = service.log_in();
        logged_in.filesystem = std::sync::Arc::new(Recorded {
            home: std::sync::Arc::clone(&logged_in.filesystem),
            record: Record::before_renames(move || fs::write(&place, b"theirs").unwrap()),
        });
        fs::write(service.home().join("from"), b"mine").unwrap();
        let session = service.session(&logged_in, UploadMode::Standard);
        let renamed = session.rename(&path("/from"), &path("/to"), Replace::Yes);
        assert_eq!((kind(renamed), &*content(&service, "to")), expected);
    }
}

#[test]
fn an_upload_through_a_link_without_overwrite_writes_to_nothing_that_comes_meanwhile() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use crate::recorded::{Record, Recorded};
    let service = Service::with_bob(|draft| draft.permissions = vec!["upload".to_owned()]);
    let mut logged_in = service.log_in();
    symlink("to", service.home().join("link")).unwrap();
    let place = service.home().join("to");
    let created = AtomicUsize::new(0);
    logged_in.filesystem = Arc::new(Recorded {
        home: Arc::clone(&logged_in.filesystem),
        // The first is that of the link's own name.
        record: Record::before_creates(move || {
            if created.fetch_add(1, Ordering::SeqCst) == 1 {
                fs::write(&place, b"theirs").unwrap();
            }
        }),
    });
    let session = service.session(&logged_in, UploadMode::Standard);
    assert_eq!(
        kind(put(&session, "/link", b"mine")),
        Some(ErrorKind::AlreadyExists)
    );
    assert_eq!(content(&service, "to"), b"theirs");
}
