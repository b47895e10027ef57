//! Sessions over a real home: permissions, the wall, quota and upload modes.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use sftpgo_core::{
    ErrorKind, Result, User, UserDraft, VirtualPath,
    auth::{Authenticator, LoggedIn},
    event::{Event, Events, Observer},
    filesystem::{Homes, Replace, local::LocalHomes},
    provider::{QuotaLedger, Users},
    quota::{QuotaBook, Tracking},
    registry::{Connections, Protocol},
    scan::QuotaScans,
    session::{AttributeChange, OpenRequest, Session, UploadMode, UploadPolicy},
    sweep::sweep_uploads,
};
use sftpgo_store::MemoryProvider;

struct World {
    directory: tempfile::TempDir,
    provider: Arc<MemoryProvider>,
    connections: Arc<Connections>,
    authenticator: Authenticator,
    user: User,
    transfers: Transfers,
    scans: Arc<QuotaScans>,
}

/// Remembers how transfers ended.
#[derive(Clone, Default)]
struct Transfers(Arc<Mutex<Vec<Option<String>>>>);

impl Observer for Transfers {
    fn notify(&self, event: &Event<'_>) {
        if let Event::Transfer { error, .. } = event {
            self.0.lock().unwrap().push(error.map(str::to_owned));
        }
    }
}

impl World {
    fn new(change: impl FnOnce(&mut UserDraft)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut draft = UserDraft {
            username: "bob".into(),
            public_keys: vec![
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9"
                    .into(),
            ],
            home_dir: directory.path().join("bob").to_string_lossy().into_owned(),
            permissions: vec!["*".into()],
            ..UserDraft::default()
        };
        change(&mut draft);
        let provider = Arc::new(MemoryProvider::default());
        let user = provider.add_user(&draft.validate(None).unwrap()).unwrap();
        let transfers = Transfers::default();
        let connections = Connections::new(Events::default());
        let quotas = QuotaBook::new(provider.clone(), Tracking::All);
        let scans = QuotaScans::new(Arc::new(LocalHomes), quotas.clone());
        let authenticator = Authenticator::new(
            provider.clone(),
            Arc::new(LocalHomes),
            connections.clone(),
            quotas,
            false,
        );
        Self {
            directory,
            provider,
            connections,
            authenticator,
            user,
            transfers,
            scans,
        }
    }

    fn log_in(&self) -> LoggedIn {
        let key =
            sftpgo_core::auth::public_key::AuthorizedKey::parse(&self.user.public_keys[0]).unwrap();
        self.authenticator
            .with_public_key("bob", key.blob())
            .unwrap()
    }

    fn session(&self, logged_in: &LoggedIn, mode: UploadMode) -> Session {
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        let connection = logged_in.login.start("bob", Protocol::Sftp, remote, "test");
        let events = Events::new(vec![Box::new(self.transfers.clone())]);
        Session::new(
            logged_in,
            connection,
            events,
            UploadPolicy { mode, sync: false },
        )
    }

    fn home(&self) -> PathBuf {
        self.directory.path().join("bob")
    }

    /// Stored usage and what counting the home says.
    fn usage_and_rescan(&self) -> [(i64, i32); 2] {
        let stored = self.provider.usage(self.user.id).unwrap();
        let counted = LocalHomes.open_home(&self.user).unwrap().usage().unwrap();
        [(stored.size, stored.files), (counted.size, counted.files)]
    }

    fn assert_exact(&self) {
        let [stored, counted] = self.usage_and_rescan();
        assert_eq!(stored, counted, "stored usage and rescan");
    }
}

fn path(raw: &str) -> VirtualPath {
    VirtualPath::parse(raw.as_bytes()).unwrap()
}

const NEW: OpenRequest = OpenRequest {
    read: false,
    write: true,
    append: false,
    create: true,
    truncate: true,
    exclusive: false,
    mode: None,
};

fn put(session: &Session, name: &str, data: &[u8]) -> Result<()> {
    let mut upload = session.open(&path(name), &NEW)?;
    upload.write_at(data, 0)?;
    upload.finish()
}

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
        ("chmod", &["upload"], |s| {
            let mut change = AttributeChange::default();
            change.other.mode = Some(0o600);
            s.set_attributes(&path("/f"), &change, true)
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
    let all = [
        "list",
        "download",
        "upload",
        "overwrite",
        "delete",
        "rename",
        "create_dirs",
        "create_symlinks",
    ];
    for (name, needed, operation) in operations {
        for missing in std::iter::once(None).chain(needed.iter().copied().map(Some)) {
            let granted: Vec<String> = all
                .iter()
                .filter(|p| needed.contains(p) && Some(**p) != missing)
                .map(|p| (*p).to_owned())
                .collect();
            // A user has at least one permission; one that the operation does not need must not help.
            let spare = all
                .iter()
                .find(|p| !needed.contains(p))
                .map(|p| (*p).to_owned());
            let world =
                World::new(|draft| draft.permissions = granted.into_iter().chain(spare).collect());
            let logged_in = world.log_in();
            fs::write(world.home().join("f"), b"old").unwrap();
            fs::write(world.home().join("f2"), b"old").unwrap();
            fs::create_dir(world.home().join("d")).unwrap();
            std::os::unix::fs::symlink("f", world.home().join("l")).unwrap();
            let outcome = operation(&world.session(&logged_in, UploadMode::Standard));
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
fn a_limit_on_bytes_holds_while_data_flows_and_uploads_run_side_by_side() {
    let world = World::new(|draft| draft.quota_size = 100);
    let logged_in = world.log_in();
    let session = world.session(&logged_in, UploadMode::Standard);
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
    assert_eq!(world.usage_and_rescan(), [(100, 2), (100, 2)]);
}

#[test]
fn a_limit_on_files_refuses_the_next_new_file_and_leaves_nothing_behind() {
    for mode in [UploadMode::Standard, UploadMode::Atomic] {
        let world = World::new(|draft| draft.quota_files = 1);
        let logged_in = world.log_in();
        let session = world.session(&logged_in, mode);
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
        assert_eq!(fs::read_dir(world.home()).unwrap().count(), 1);
        world.assert_exact();
    }
}

#[test]
fn an_atomic_upload_shows_the_old_file_until_it_is_closed() {
    let world = World::new(|_| {});
    let logged_in = world.log_in();
    let session = world.session(&logged_in, UploadMode::Atomic);
    put(&session, "/f", b"old").unwrap();
    let mut upload = session.open(&path("/f"), &NEW).unwrap();
    upload.write_at(b"new content", 0).unwrap();
    assert_eq!(fs::read(world.home().join("f")).unwrap(), b"old");
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
    assert_eq!(fs::read(world.home().join("f")).unwrap(), b"new content");
    world.assert_exact();
}

#[test]
fn a_lost_upload_leaves_what_its_mode_says_and_is_told_as_failed() {
    for (mode, left) in [
        (UploadMode::Standard, &b"ne"[..]),
        (UploadMode::Atomic, b"old"),
        (UploadMode::AtomicWithResume, b"ne"),
    ] {
        let world = World::new(|_| {});
        let logged_in = world.log_in();
        let session = world.session(&logged_in, mode);
        put(&session, "/f", b"old").unwrap();
        let mut upload = session.open(&path("/f"), &NEW).unwrap();
        upload.write_at(b"ne", 0).unwrap();
        drop(upload);
        assert_eq!(fs::read(world.home().join("f")).unwrap(), left, "{mode:?}");
        assert_eq!(fs::read_dir(world.home()).unwrap().count(), 1, "{mode:?}");
        assert!(world.transfers.0.lock().unwrap().last().unwrap().is_some());
        world.assert_exact();
    }
}

#[test]
fn an_atomic_upload_of_which_a_part_was_refused_leaves_the_old_file() {
    for mode in [UploadMode::Atomic, UploadMode::AtomicWithResume] {
        let world = World::new(|draft| draft.quota_size = 100);
        let logged_in = world.log_in();
        let session = world.session(&logged_in, mode);
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
            fs::read(world.home().join("f")).unwrap(),
            [1; 60],
            "{mode:?}"
        );
        assert_eq!(world.usage_and_rescan(), [(60, 1), (60, 1)], "{mode:?}");
    }
}

#[test]
fn a_quota_cannot_be_passed_by_renaming_or_removing_what_is_open() {
    let world = World::new(|draft| {
        draft.quota_size = 1000;
        draft.quota_files = 3;
    });
    let logged_in = world.log_in();
    let session = world.session(&logged_in, UploadMode::Atomic);
    put(&session, "/f", &[1; 1000]).unwrap();
    let mut upload = session.open(&path("/f"), &NEW).unwrap();
    upload.write_at(&[2; 1000], 0).unwrap();
    session
        .rename(&path("/f"), &path("/g"), Replace::No)
        .unwrap();
    assert_eq!(
        upload.finish().unwrap_err().kind(),
        ErrorKind::QuotaExceeded
    );
    assert_eq!(world.usage_and_rescan(), [(1000, 1), (1000, 1)]);

    session.remove(&path("/g")).unwrap();
    let session = world.session(&logged_in, UploadMode::Standard);
    let mut upload = session.open(&path("/h"), &NEW).unwrap();
    upload.write_at(&[1; 10], 0).unwrap();
    session.remove(&path("/h")).unwrap();
    assert_eq!(
        upload.write_at(&[1; 10], 5).unwrap_err().kind(),
        ErrorKind::QuotaExceeded
    );
    upload.finish().unwrap();
    world.assert_exact();
}

#[test]
fn deltas_that_settle_out_of_order_add_up() {
    let world = World::new(|_| {});
    let logged_in = world.log_in();
    let session = world.session(&logged_in, UploadMode::Standard);
    let mut upload = session.open(&path("/a"), &NEW).unwrap();
    upload.write_at(&[1; 1000], 0).unwrap();
    let shrink = AttributeChange {
        size: Some(10),
        ..AttributeChange::default()
    };
    session.set_attributes(&path("/a"), &shrink, true).unwrap();
    upload.finish().unwrap();
    world.assert_exact();
    let mut upload = session.open(&path("/b"), &NEW).unwrap();
    upload.write_at(&[1; 5000], 0).unwrap();
    session.remove(&path("/b")).unwrap();
    upload.finish().unwrap();
    world.assert_exact();
}

#[test]
fn a_resumed_upload_cannot_write_below_the_old_size() {
    let world = World::new(|_| {});
    let logged_in = world.log_in();
    let session = world.session(&logged_in, UploadMode::Standard);
    put(&session, "/f", b"0123").unwrap();
    let resume = OpenRequest {
        write: true,
        append: true,
        create: true,
        ..OpenRequest::default()
    };
    let mut upload = session.open(&path("/f"), &resume).unwrap();
    assert_eq!(
        upload.write_at(b"x", 3).unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    upload.write_at(b"45", 4).unwrap();
    upload.finish().unwrap();
    assert_eq!(fs::read(world.home().join("f")).unwrap(), b"012345");
    world.assert_exact();
}

#[test]
fn a_scan_beside_running_uploads_counts_nothing_twice() {
    for mode in [UploadMode::Standard, UploadMode::Atomic] {
        let world = World::new(|draft| draft.quota_size = 1000);
        let logged_in = world.log_in();
        let session = world.session(&logged_in, mode);
        put(&session, "/old", &[1; 100]).unwrap();
        let mut upload = session.open(&path("/new"), &NEW).unwrap();
        upload.write_at(&[2; 200], 0).unwrap();
        fs::write(world.home().join("beside"), [3; 50]).unwrap();
        world
            .scans
            .begin(world.user.clone())
            .unwrap()
            .run()
            .unwrap();
        assert_eq!(logged_in.quota.status().size_used, 350, "{mode:?}");
        upload.write_at(&[2; 100], 200).unwrap();
        upload.finish().unwrap();
        assert_eq!(world.usage_and_rescan(), [(450, 3), (450, 3)], "{mode:?}");
        assert_eq!(logged_in.quota.status().size_used, 450, "{mode:?}");
    }
}

#[test]
fn temporaries_cannot_be_opened_or_made_by_name() {
    let world = World::new(|_| {});
    let logged_in = world.log_in();
    let session = world.session(&logged_in, UploadMode::Standard);
    let hidden = path("/.sftpgo-upload.x");
    fs::write(world.home().join(".sftpgo-upload.x"), b"x").unwrap();
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
fn old_temporaries_are_swept_and_running_uploads_are_not() {
    let world = World::new(|_| {});
    let logged_in = world.log_in();
    fs::create_dir_all(world.home().join("a/b")).unwrap();
    let left = world.home().join("a/b/.sftpgo-upload.left");
    fs::write(&left, b"x").unwrap();
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(&left)
        .unwrap()
        .set_modified(an_hour_ago)
        .unwrap();
    let session = world.session(&logged_in, UploadMode::Atomic);
    let mut upload = session.open(&path("/a/f"), &NEW).unwrap();
    upload.write_at(b"new", 0).unwrap();
    let started = SystemTime::now() - Duration::from_secs(1800);
    assert_eq!(
        sweep_uploads(world.provider.as_ref(), &LocalHomes, started).unwrap(),
        1
    );
    assert!(!left.exists());
    upload.finish().unwrap();
    assert_eq!(fs::read(world.home().join("a/f")).unwrap(), b"new");
}

#[test]
fn the_last_session_goes_to_one_of_two_racing_logins() {
    let world = World::new(|draft| draft.max_sessions = 1);
    let key =
        sftpgo_core::auth::public_key::AuthorizedKey::parse(&world.user.public_keys[0]).unwrap();
    let kept: Vec<_> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| world.authenticator.with_public_key("bob", key.blob())))
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .filter_map(std::result::Result::ok)
            .collect()
    });
    assert_eq!(kept.len(), 1);
    assert_eq!(world.connections.login_count(), 1);
    drop(kept);
    drop(world.log_in());
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Append(u8, u8),
    Lose(u8, u8),
    Truncate(u8, u8),
    Remove(u8),
    Rename(u8, u8),
    Link(u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0_u8..4;
    let step = prop_oneof![
        (name.clone(), any::<u8>()).prop_map(|(n, size)| Step::Put(n, size)),
        (name.clone(), any::<u8>()).prop_map(|(n, size)| Step::Append(n, size)),
        (name.clone(), any::<u8>()).prop_map(|(n, size)| Step::Lose(n, size)),
        (name.clone(), any::<u8>()).prop_map(|(n, size)| Step::Truncate(n, size)),
        name.clone().prop_map(Step::Remove),
        (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename(from, to)),
        (name.clone(), name).prop_map(|(from, to)| Step::Link(from, to)),
    ];
    prop::collection::vec(step, 1..40)
}

fn take(session: &Session, step: &Step) -> Result<()> {
    let name = |number: u8| path(&format!("/f{number}"));
    match *step {
        Step::Put(n, size) => put(session, &format!("/f{n}"), &vec![1; size.into()]),
        Step::Append(n, size) => {
            let resume = OpenRequest {
                write: true,
                append: true,
                create: true,
                ..OpenRequest::default()
            };
            let mut upload = session.open(&name(n), &resume)?;
            let end = upload.metadata()?.size;
            upload.write_at(&vec![2; size.into()], end)?;
            upload.finish()
        }
        Step::Lose(n, size) => session
            .open(&name(n), &NEW)?
            .write_at(&vec![3; size.into()], 0),
        Step::Truncate(n, size) => session.set_attributes(
            &name(n),
            &AttributeChange {
                size: Some(size.into()),
                ..AttributeChange::default()
            },
            true,
        ),
        Step::Remove(n) => session.remove(&name(n)),
        Step::Rename(from, to) => session.rename(&name(from), &name(to), Replace::Yes),
        Step::Link(from, to) => session.hard_link(&name(from), &name(to)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn usage_equals_a_rescan_after_any_steps_and_stays_within_the_limits(steps in steps(), mode in 0..3) {
        let mode = [UploadMode::Standard, UploadMode::Atomic, UploadMode::AtomicWithResume][mode as usize];
        let world = World::new(|draft| {
            draft.quota_size = 500;
            draft.quota_files = 3;
        });
        let logged_in = world.log_in();
        let session = world.session(&logged_in, mode);
        for step in &steps {
            // Refusals are part of the game; only the figures must hold.
            let _ = take(&session, step);
            let [stored, counted] = world.usage_and_rescan();
            prop_assert_eq!(stored, counted, "after {:?} in mode {:?}", step, mode);
            prop_assert!(counted.0 <= 500 && counted.1 <= 3, "{:?}", counted);
        }
    }
}
