use super::*;
use crate::error::ErrorKind;

const ALL: [Access; 15] = [
    Access::List,
    Access::Stat,
    Access::Download,
    Access::Upload,
    Access::Overwrite,
    Access::Truncate,
    Access::Delete,
    Access::RenameFrom,
    Access::RenameTo,
    Access::CreateDir,
    Access::CreateLink,
    Access::LinkTarget,
    Access::Chmod,
    Access::Chown,
    Access::Chtimes,
];

fn path(raw: &str) -> VirtualPath {
    VirtualPath::parse(raw.as_bytes()).unwrap()
}

#[test]
fn an_access_is_allowed_by_its_permissions_and_refused_without_any_of_them() {
    for access in ALL {
        let needed = access.permissions();
        assert!(!needed.is_empty());
        let decided = Policy::uniform(needed).decide(access, &path("/a"));
        assert_eq!(decided, Decision::allowed(needed), "{access:?}");
        for missing in needed.iter() {
            let policy = Policy::uniform(Permissions::all() - missing);
            let decided = policy.decide(access, &path("/a"));
            assert_eq!(decided, Decision::refused(Rule::Permission(missing)));
            let refused = decided.check(access).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
            assert_eq!(refused.rule(), Some(Rule::Permission(missing)));
        }
    }
}

#[test]
fn a_reserved_name_is_missing_or_taken() {
    let policy = Policy::uniform(Permissions::all());
    for access in ALL {
        for raw in ["/.sftpgo-upload.1", "/d/.sftpgo-upload.1/x"] {
            let refused = policy.decide(access, &path(raw)).check(access).unwrap_err();
            let kind = match access.makes_name() {
                true => ErrorKind::PermissionDenied,
                false => ErrorKind::NotFound,
            };
            assert_eq!(
                (refused.kind(), refused.rule()),
                (kind, Some(Rule::ReservedName))
            );
        }
    }
}

#[test]
fn the_nearest_directory_decides_alone() {
    let read = Permissions::LIST | Permissions::DOWNLOAD;
    let policy = Policy::uniform(read)
        .with_directory(&path("/in"), Permissions::UPLOAD)
        .with_directory(&path("/in/done/"), read)
        .with_directory(&path("/hidden"), Permissions::empty());
    for (access, raw, allowed) in [
        (Access::List, "/", true),
        (Access::Download, "/f", true),
        (Access::Upload, "/f", false),
        (Access::Upload, "/in/f", true),
        (Access::Upload, "/in/d/f", true),
        (Access::Download, "/in/f", false),
        // The directory's name is its parent's, its entries are its own.
        (Access::Stat, "/in", true),
        (Access::List, "/in", false),
        (Access::List, "/in/done", true),
        (Access::Stat, "/in/done", false),
        (Access::Download, "/in/done/f", true),
        (Access::Upload, "/in/done/f", false),
        // A name that only begins alike.
        (Access::Download, "/in/done2", false),
        (Access::Download, "/input/f", true),
        (Access::Stat, "/hidden/f", false),
    ] {
        let decided = policy.decide(access, &path(raw));
        assert_eq!(decided.allowed, allowed, "{access:?} {raw}");
    }
    let everywhere = policy.with_directory(&path("/"), Permissions::UPLOAD);
    assert!(everywhere.decide(Access::Upload, &path("/f")).allowed);
    assert!(!everywhere.decide(Access::Download, &path("/f")).allowed);
}

#[test]
fn a_directory_is_renamed_only_where_all_permissions_inside_allow_it() {
    let policy = Policy::uniform(Permissions::all())
        .with_directory(&path("/a/b/fixed"), Permissions::LIST)
        .with_directory(&path("/a/free"), Permissions::RENAME);
    for (raw, allowed) in [
        ("/a", false),
        ("/a/b", false),
        ("/a/b/fixed", false),
        ("/a/b/other", true),
        ("/a/free", true),
        ("/ab", true),
    ] {
        let decided = policy.decide(Access::RenameFrom, &path(raw));
        assert_eq!(decided.allowed, allowed, "{raw}");
    }
}

#[test]
fn of_two_decisions_the_stricter_wins() {
    let allowed = |permissions| Decision::allowed(permissions);
    let missing = |permissions| Decision::refused(Rule::Permission(permissions));
    let reserved = Decision::refused(Rule::ReservedName);
    let (list, upload) = (Permissions::LIST, Permissions::UPLOAD);
    for (one, two, both) in [
        (allowed(list), allowed(upload), allowed(list | upload)),
        (missing(list), missing(upload), missing(list | upload)),
        (allowed(list), missing(upload), missing(upload)),
        (missing(list), allowed(upload), missing(list)),
        (allowed(list), reserved, reserved),
        (reserved, allowed(list), reserved),
        (missing(list), reserved, missing(list)),
    ] {
        assert_eq!(one.and(two), both);
    }
}
