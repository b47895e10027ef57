//! What observers hear of requests that are refused.

use std::{fs, os::unix::fs::symlink};

use sftpgo_core::{
    Result,
    filesystem::{Replace, SetAttributes},
    session::{AttributeChange, Session, UploadMode},
};
use sftpgo_test_support::{NEW, READ, Service, begin, path, put};

const CHMOD: AttributeChange = AttributeChange {
    size: None,
    other: SetAttributes {
        mode: Some(0o600),
        times: None,
        owner: None,
    },
};

/// A request, and what is told of it when it is refused.
type Refused = (fn(&Session) -> Result<()>, &'static str);

fn service(permission: &str) -> Service {
    let service = Service::with_bob(|bob| bob.permissions = vec![permission.to_owned()]);
    fs::create_dir_all(service.path("d")).unwrap();
    fs::write(service.path("f"), "x").unwrap();
    fs::write(service.directory().join("outside"), "x").unwrap();
    symlink("../outside", service.path("out")).unwrap();
    service
}

fn each_is_told(service: &Service, refused: &[Refused]) {
    let session = service.session(&service.log_in(), UploadMode::Standard);
    for (request, told) in refused {
        assert!(request(&session).is_err(), "{told}");
        assert_eq!(service.recorder.take_refusals(), [*told]);
    }
}

#[test]
fn what_permissions_refuse_is_told_with_its_paths() {
    each_is_told(
        &service("chown"),
        &[
            (
                |s| s.metadata(&path("/f"), true).map(drop),
                "stat f by permission",
            ),
            (
                |s| s.open_dir(&path("/d")).map(drop),
                "list d by permission",
            ),
            (
                |s| s.open(&path("/f"), &READ).map(drop),
                "download f by permission",
            ),
            (
                |s| s.open_content(&path("/f")).map(drop),
                "download f by permission",
            ),
            (|s| put(s, "/new", b"x"), "upload new by permission"),
            (
                |s| s.open_to_vouch(&path("/f")).map(drop),
                "download f by permission",
            ),
            (
                |s| s.upload_target(&path("/new")).map(drop),
                "upload new by permission",
            ),
            (|s| s.remove(&path("/f")), "remove f by permission"),
            (|s| s.remove_dir(&path("/d")), "rmdir d by permission"),
            (|s| s.create_dir(&path("/e"), None), "mkdir e by permission"),
            (
                |s| s.rename(&path("/f"), &path("/g"), Replace::No),
                "rename f to g by permission",
            ),
            (|s| s.symlink(b"f", &path("/k")), "symlink k by permission"),
            (
                |s| s.link_can_be_made(&path("/k")).map(drop),
                "symlink k by permission",
            ),
            (
                |s| s.hard_link(&path("/f"), &path("/k")),
                "hardlink f to k by permission",
            ),
            (
                |s| s.read_link(&path("/out")).map(drop),
                "readlink out by permission",
            ),
            (
                |s| s.space(&path("/d")).map(drop),
                "statvfs d by permission",
            ),
            (
                |s| s.set_attributes(&path("/f"), &CHMOD, true),
                "setstat f by permission",
            ),
        ],
    );
}

#[test]
fn what_the_wall_reserved_names_and_quotas_refuse_is_told() {
    let service = service("*");
    each_is_told(
        &service,
        &[
            (
                |s| s.open(&path("/out"), &READ).map(drop),
                "download out by outside_home",
            ),
            (
                |s| s.real_path(b"/out").map(drop),
                "realpath out by outside_home",
            ),
            (
                |s| s.open(&path("/.sftpgo-upload.x.y"), &READ).map(drop),
                "download .sftpgo-upload.x.y by reserved_name",
            ),
            (
                |s| s.create_dir(&path("/.sftpgo-upload.x.y"), None),
                "mkdir .sftpgo-upload.x.y by reserved_name",
            ),
        ],
    );
    let full = Service::with_bob(|bob| {
        bob.quota_files = 1;
        bob.quota_size = 10;
    });
    let session = full.session(&full.log_in(), UploadMode::Standard);
    put(&session, "/one", b"x").unwrap();
    assert!(put(&session, "/two", b"x").is_err());
    assert_eq!(full.recorder.take_refusals(), ["upload two by quota_files"]);
    let longer = AttributeChange {
        size: Some(11),
        ..AttributeChange::default()
    };
    assert!(
        session
            .set_attributes(&path("/one"), &longer, true)
            .is_err()
    );
    assert_eq!(full.recorder.take_refusals(), ["setstat one by quota_size"]);
}

#[test]
fn what_is_refused_by_a_handle_is_told_and_a_transfer_by_its_own_end() {
    let service = service("download");
    let session = service.session(&service.log_in(), UploadMode::Standard);
    let mut download = session.open(&path("/f"), &READ).unwrap();
    assert!(download.set_attributes(&CHMOD).is_err());
    assert_eq!(
        service.recorder.take_refusals(),
        ["setstat f by permission"]
    );

    let full = Service::with_bob(|bob| bob.quota_size = 10);
    let session = full.session(&full.log_in(), UploadMode::Standard);
    let mut upload = begin(&session, "/new", &NEW, b"0123456789");
    assert!(upload.write_at(b"more", 10).is_err());
    drop(upload);
    assert!(full.recorder.take_refusals().is_empty());
    let (name, error) = full.recorder.transfers().remove(0);
    assert_eq!(
        (name.as_str(), error.as_deref()),
        ("new", Some("quota exceeded"))
    );
}

#[test]
fn what_is_allowed_or_is_not_there_is_no_refusal() {
    let service = service("*");
    let session = service.session(&service.log_in(), UploadMode::Standard);
    session.metadata(&path("/f"), true).unwrap();
    put(&session, "/new", b"x").unwrap();
    assert!(session.metadata(&path("/missing"), true).is_err());
    assert!(session.remove_dir(&path("/f")).is_err());
    assert!(service.recorder.take_refusals().is_empty());
}
