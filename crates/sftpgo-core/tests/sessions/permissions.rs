//! Who may do what, and names nobody may use.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    sync::Arc,
    time::UNIX_EPOCH,
};

use sftpgo_core::{
    EffectiveUser, ErrorKind, Permissions, Result, Rule,
    event::Protocol,
    filesystem::{Replace, SetAttributes},
    policy::Policy,
    session::{AttributeChange, OpenRequest, Session, SetstatMode, UploadMode, UploadPolicy},
};
use sftpgo_test_support::{KEY, NEW, Service, key_blob, path, permissions_without, put};

#[test]
fn each_operation_needs_its_permission() {
    type Operation = fn(&Session) -> Result<()>;
    let operations: &[(&str, &[&str], Operation)] = &[
        ("stat", &["list"], |s| {
            s.metadata(&path("/f"), true).map(drop)
        }),
        ("opendir", &["list"], |s| s.open_dir(&path("/")).map(drop)),
        ("readlink", &["list"], |s| {
            s.read_link(&path("/l")).map(drop)
        }),
        ("download", &["download"], |s| {
            s.open(
                &path("/f"),
                &OpenRequest {
                    read: true,
                    ..OpenRequest::default()
                },
            )?
            .finish()
        }),
        ("upload", &["upload"], |s| put(s, "/new", b"x")),
        ("overwrite", &["upload", "overwrite"], |s| {
            put(s, "/f", b"x")
        }),
        ("remove", &["delete"], |s| s.remove(&path("/f"))),
        ("rmdir", &["delete"], |s| s.remove_dir(&path("/d"))),
        ("rename", &["rename"], |s| {
            s.rename(&path("/f"), &path("/g"), Replace::No)
        }),
        ("replace", &["rename", "overwrite"], |s| {
            s.rename(&path("/f"), &path("/f2"), Replace::Yes)
        }),
        ("mkdir", &["create_dirs"], |s| {
            s.create_dir(&path("/e"), None)
        }),
        ("symlink", &["create_symlinks"], |s| {
            s.symlink(b"f", &path("/k"))
        }),
        ("hard link", &["create_symlinks"], |s| {
            s.hard_link(&path("/f"), &path("/k"))
        }),
        ("chmod", &["chmod"], |s| {
            let mut change = AttributeChange::default();
            change.other.mode = Some(0o600);
            s.set_attributes(&path("/f"), &change, true)
        }),
        ("chown", &["chown"], |s| {
            let mut change = AttributeChange::default();
            change.other.owner = Some((u32::MAX, u32::MAX));
            s.set_attributes(&path("/f"), &change, true)
        }),
        ("chtimes", &["chtimes"], |s| {
            let mut change = AttributeChange::default();
            change.other.times = Some((UNIX_EPOCH, UNIX_EPOCH));
            s.set_attributes(&path("/f"), &change, true)
        }),
        ("chmod and chtimes", &["chmod", "chtimes"], |s| {
            let mut change = AttributeChange::default();
            change.other.mode = Some(0o600);
            change.other.times = Some((UNIX_EPOCH, UNIX_EPOCH));
            s.set_attributes(&path("/f"), &change, true)
        }),
        ("chmod by a download", &["download", "chmod"], |s| {
            let reading = OpenRequest {
                read: true,
                ..OpenRequest::default()
            };
            let mut download = s.open(&path("/f"), &reading)?;
            let mut change = AttributeChange::default();
            change.other.mode = Some(0o600);
            download.set_attributes(&change)
        }),
        ("truncate", &["upload", "overwrite"], |s| {
            s.set_attributes(
                &path("/f"),
                &AttributeChange {
                    size: Some(1),
                    ..AttributeChange::default()
                },
                true,
            )
        }),
    ];
    for (name, needed, operation) in operations {
        for missing in std::iter::once(None).chain(needed.iter().copied().map(Some)) {
            let granted: Vec<String> = needed
                .iter()
                .filter(|needed| Some(**needed) != missing)
                .map(|needed| (*needed).to_owned())
                .collect();
            // A user has at least one permission; one that the operation does not need must not help.
            let spare = permissions_without(needed).into_iter().next();
            let service = Service::with_bob(|draft| {
                draft.permissions = granted.into_iter().chain(spare).collect()
            });
            let logged_in = service.log_in();
            fs::write(service.home().join("f"), b"old").unwrap();
            fs::write(service.home().join("f2"), b"old").unwrap();
            fs::create_dir(service.home().join("d")).unwrap();
            std::os::unix::fs::symlink("f", service.home().join("l")).unwrap();
            let outcome = operation(&service.session(&logged_in, UploadMode::Standard));
            match missing {
                None => outcome.unwrap_or_else(|error| panic!("{name} with all it needs: {error}")),
                Some(missing) => {
                    assert_eq!(
                        outcome.unwrap_err().kind(),
                        ErrorKind::PermissionDenied,
                        "{name} without {missing}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_size_that_is_sent_back_is_no_change() {
    let times = |size| AttributeChange {
        size: Some(size),
        other: SetAttributes {
            times: Some((UNIX_EPOCH, UNIX_EPOCH)),
            ..SetAttributes::default()
        },
    };
    for (granted, knows_sizes) in [(&["chtimes", "list"][..], true), (&["chtimes"], false)] {
        let service = Service::with_bob(|draft| {
            draft.permissions = granted.iter().map(|name| (*name).to_owned()).collect();
        });
        let logged_in = service.log_in();
        let session = service.session(&logged_in, UploadMode::Standard);
        fs::write(service.home().join("f"), b"old").unwrap();
        fs::create_dir(service.home().join("d")).unwrap();
        for name in ["f", "d"] {
            let on_disk = service.home().join(name);
            let size = fs::metadata(&on_disk).unwrap().len();
            let sent_back = session.set_attributes(&path(name), &times(size), true);
            assert_eq!(sent_back.is_ok(), knows_sizes, "{name}");
            let is_changed = fs::metadata(&on_disk).unwrap().modified().unwrap() == UNIX_EPOCH;
            assert_eq!(is_changed, knows_sizes, "{name}");
            let other = session.set_attributes(&path(name), &times(size + 1), true);
            assert_eq!(
                other.unwrap_err().kind(),
                ErrorKind::PermissionDenied,
                "{name}"
            );
        }
    }
}

fn everything(size: Option<u64>) -> AttributeChange {
    let mut change = AttributeChange {
        size,
        ..AttributeChange::default()
    };
    change.other.mode = Some(0o604);
    change.other.owner = Some((u32::MAX, u32::MAX));
    change.other.times = Some((UNIX_EPOCH, UNIX_EPOCH));
    change
}

/// `/shown` may be read and `/put` may be written to; `/fixed` is a link whose name has fewer permissions than where it
/// leads.
fn session_with_directories(service: &Service, mode: UploadMode) -> Session {
    let mut logged_in = service.log_in();
    let read = Permissions::LIST | Permissions::DOWNLOAD;
    let policy = Policy::uniform(Permissions::all())
        .with_directory(&path("/shown"), read)
        .with_directory(&path("/fixed"), read);
    let user = EffectiveUser {
        policy,
        ..(*logged_in.user).clone()
    };
    logged_in.user = Arc::new(user);
    let home = service.home();
    for directory in ["shown", "put"] {
        fs::create_dir(home.join(directory)).unwrap();
        fs::write(home.join(directory).join("f"), b"1234").unwrap();
    }
    for (target, link) in [
        ("shown", "put/to-shown"),
        ("../shown/f", "put/to-file"),
        ("../shown/none", "put/to-none"),
        ("put", "fixed"),
    ] {
        symlink(target, home.join(link)).unwrap();
    }
    fs::rename(home.join("put/to-shown"), home.join("to-shown")).unwrap();
    service.session(&logged_in, mode)
}

#[test]
fn through_a_link_the_stricter_permissions_hold() {
    for mode in [UploadMode::Standard, UploadMode::Atomic] {
        let service = Service::with_bob(|_| {});
        let session = session_with_directories(&service, mode);
        let chmod = |name: &str, follow| {
            let mut change = AttributeChange::default();
            change.other.times = Some((UNIX_EPOCH, UNIX_EPOCH));
            session.set_attributes(&path(name), &change, follow)
        };
        let rename = |from: &str, to: &str| session.rename(&path(from), &path(to), Replace::Yes);
        for refused in [
            put(&session, "/shown/new", b"x"),
            put(&session, "/to-shown/new", b"x"),
            put(&session, "/to-shown/f", b"x"),
            put(&session, "/put/to-file", b"x"),
            put(&session, "/put/to-none", b"x"),
            put(&session, "/fixed/new", b"x"),
            put(&session, "/fixed/f", b"x"),
            session.remove(&path("/to-shown/f")),
            session.create_dir(&path("/to-shown/d"), None),
            session.create_dir(&path("/fixed/d"), None),
            rename("/to-shown/f", "/f"),
            rename("/put/f", "/to-shown/f"),
            rename("/shown", "/hidden"),
            session.hard_link(&path("/to-shown/f"), &path("/f")),
            session.symlink(b"/put", &path("/to-shown/l")),
            chmod("/put/to-file", true),
        ] {
            let refused = refused.unwrap_err();
            assert!(
                matches!(refused.rule(), Some(Rule::Permission(_))),
                "{refused}"
            );
        }
        assert_eq!(fs::read(service.home().join("shown/f")).unwrap(), b"1234");
        assert_eq!(
            fs::read_dir(service.home().join("shown")).unwrap().count(),
            1
        );
        // Reading is allowed on both ways, and a link's own name is where the link is.
        session.metadata(&path("/put/to-file"), true).unwrap();
        session.open_dir(&path("/to-shown")).map(drop).unwrap();
        session.open_dir(&path("/fixed")).map(drop).unwrap();
        chmod("/put/to-file", false).unwrap();
        rename("/put/to-file", "/put/moved").unwrap();
        session.remove(&path("/put/moved")).unwrap();
        put(&session, "/put/f", b"x").unwrap();
        put(&session, "/put/new", b"x").unwrap();
    }
}

#[test]
fn upload_alone_is_enough_on_the_own_upload() {
    for mode in [
        UploadMode::Standard,
        UploadMode::Atomic,
        UploadMode::AtomicWithResume,
    ] {
        let service = Service::with_bob(|draft| draft.permissions = vec!["upload".to_owned()]);
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        let mut upload = session.open(&path("/new"), &NEW).unwrap();
        upload.write_at(b"more", 0).unwrap();
        upload.set_attributes(&everything(Some(2))).unwrap();
        upload.finish().unwrap();
        let found = fs::metadata(service.home().join("new")).unwrap();
        assert_eq!(
            (found.len(), found.permissions().mode() & 0o777),
            (2, 0o604)
        );
        assert_eq!(found.modified().unwrap(), UNIX_EPOCH);
        let refused = session.set_attributes(&path("/new"), &everything(None), true);
        let message = refused.unwrap_err().to_string();
        assert!(
            message.ends_with("needs chmod and chown and chtimes"),
            "{message}"
        );
    }
}

#[test]
fn what_is_not_permitted_changes_nothing_or_is_left_out() {
    for setstat in [SetstatMode::Refuse, SetstatMode::Ignore] {
        let service = Service::with_bob(|draft| {
            draft.permissions = vec!["chtimes".to_owned(), "list".to_owned()]
        });
        let logged_in = service.log_in();
        let listed = service.list(&logged_in, Protocol::Sftp);
        let uploads = UploadPolicy::default();
        let session = Session::with_setstat_mode(
            &logged_in,
            listed,
            service.events.clone(),
            uploads,
            setstat,
        );
        let file = service.home().join("f");
        fs::write(&file, b"1234").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(&file).unwrap().modified().unwrap();
        let changed = session.set_attributes(&path("/f"), &everything(None), true);
        let found = fs::metadata(&file).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o640);
        match setstat {
            SetstatMode::Refuse => {
                assert_eq!(changed.unwrap_err().kind(), ErrorKind::PermissionDenied);
                assert_eq!(found.modified().unwrap(), before);
            }
            SetstatMode::Ignore => {
                changed.unwrap();
                assert_eq!(found.modified().unwrap(), UNIX_EPOCH);
            }
        }
        let cut = session.set_attributes(&path("/f"), &everything(Some(1)), true);
        assert_eq!(cut.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(fs::read(&file).unwrap(), b"1234");
    }
}

#[test]
fn temporaries_cannot_be_opened_or_made_by_name() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    let hidden = path("/.sftpgo-upload.x");
    fs::write(service.home().join(".sftpgo-upload.x"), b"x").unwrap();
    assert_eq!(
        session.metadata(&hidden, true).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        session.remove(&hidden).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        session.open(&hidden, &NEW).map(drop).unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        session.create_dir(&hidden, None).unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
}

#[test]
fn the_last_session_goes_to_one_of_two_racing_logins() {
    let service = Service::with_bob(|draft| draft.max_sessions = 1);
    let kept: Vec<_> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| service.authenticator.with_public_key("bob", &key_blob(KEY))))
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .filter_map(std::result::Result::ok)
            .collect()
    });
    assert_eq!(kept.len(), 1);
    assert_eq!(service.connections.login_count(), 1);
    drop(kept);
    drop(service.log_in());
}

#[test]
fn special_bits_are_refused_in_words_and_stay_where_they_are() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    let chmod = |name: &str, mode| {
        let mut change = AttributeChange::default();
        change.other.mode = Some(mode);
        session.set_attributes(&path(name), &change, true)
    };
    fs::write(service.home().join("f"), b"x").unwrap();
    fs::create_dir(service.home().join("d")).unwrap();
    let set = |name: &str, mode| {
        fs::set_permissions(service.home().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let mode_of = |name: &str| {
        let found = fs::metadata(service.home().join(name)).unwrap();
        found.permissions().mode() & 0o7777
    };
    set("f", 0o600);
    set("d", 0o2750);
    for (name, mode) in [
        ("/f", 0o4755),
        ("/f", 0o2755),
        ("/f", 0o104_755),
        ("/d", 0o1777),
        ("/d", 0o6755),
    ] {
        let refused = chmod(name, mode).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        assert!(refused.message().contains("cannot be set"), "{refused}");
    }
    assert_eq!((mode_of("f"), mode_of("d")), (0o600, 0o2750));
    // The type of the file is no permission, and what is there already is no change.
    for (name, mode, left) in [
        ("f", 0o100_644, 0o644),
        ("d", 0o42_755, 0o2755),
        ("d", 0o700, 0o2700),
    ] {
        chmod(&format!("/{name}"), mode).unwrap();
        assert_eq!(mode_of(name), left);
    }
    let mut upload = session.open(&path("/new"), &NEW).unwrap();
    let mut change = AttributeChange::default();
    change.other.mode = Some(0o4755);
    upload.set_attributes(&change).unwrap_err();
    upload.finish().unwrap();
}
