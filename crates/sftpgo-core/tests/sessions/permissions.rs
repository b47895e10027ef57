//! Who may do what, and names nobody may use.

use std::fs;

use sftpgo_core::{
    ErrorKind, Result,
    filesystem::Replace,
    session::{AttributeChange, OpenRequest, Session, UploadMode},
};

use crate::world::{NEW, World, path, put};

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
