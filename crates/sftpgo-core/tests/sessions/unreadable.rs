//! Directories that the server cannot read: any client can make one by chmod 000.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use sftpgo_core::{
    ErrorKind, VirtualPath,
    filesystem::{FilesystemFactory, Replace, local::LocalHomes},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    session::UploadMode,
};
use sftpgo_test_support::{Service, path, put};

/// Does what mode bits say not to be possible fail here, as it does for a server that is not root?
fn without_privileges<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let none = CapabilitySet::empty();
            let sets = CapabilitySets {
                effective: none,
                permitted: none,
                inheritable: none,
            };
            set_capabilities(None, sets).unwrap();
            work()
        });
        thread.join().unwrap()
    })
}

/// Takes the right to read a directory away, until it is dropped.
struct Closed(PathBuf);

impl Closed {
    fn to(directory: &Path, mode: u32) -> Self {
        fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
        Self(directory.to_owned())
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

fn scans(service: &Service) -> (Arc<UsageManager>, Arc<QuotaScans>) {
    let quotas = UsageManager::new(service.provider.clone(), Tracking::All);
    let scans = QuotaScans::new(Arc::new(LocalHomes::default()), Arc::clone(&quotas));
    (quotas, scans)
}

#[test]
fn a_scan_counts_the_rest_says_what_it_missed_and_lowers_nothing() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    for name in ["a", "a/b", "z"] {
        session.create_dir(&path(name), None).unwrap();
    }
    for (name, size) in [("a/1", 100), ("a/b/2", 20), ("z/3", 3)] {
        put(&session, name, &vec![0; size]).unwrap();
    }
    drop((session, logged_in));
    let usage = || {
        let found = service
            .provider
            .user_by_id(service.bob().id)
            .unwrap()
            .unwrap();
        (found.usage.size, found.usage.files)
    };
    assert_eq!(usage(), (123, 3));
    // Not read, read and not searched, and the home itself.
    for (closed, mode, missed) in [("a/b", 0o000, "/a/b"), ("a", 0o400, "/a"), ("", 0o000, "/")] {
        let _closed = Closed::to(&service.home().join(closed), mode);
        fs::write(service.home().join("z/more"), [0; 7]).ok();
        let (_quotas, scans) = scans(&service);
        let scan = scans.begin(service.bob()).unwrap();
        let report = without_privileges(|| scan.run()).unwrap();
        let missed = [VirtualPath::parse(missed.as_bytes()).unwrap()];
        assert_eq!(report.unreadable, missed);
        let last = scans.last("bob").unwrap();
        assert_eq!(last.outcome, Ok(report));
        assert!(last.start_time <= last.end_time && scans.last("alice").is_none());
        assert_eq!(
            usage().0,
            123,
            "{closed}: what is there may be more, not less"
        );
    }
    // More than what is known counts all the same, and a whole count replaces everything.
    fs::write(service.home().join("z/large"), [0; 1000]).unwrap();
    let scan = || {
        let (_quotas, scans) = scans(&service);
        let scan = scans.begin(service.bob()).unwrap();
        without_privileges(|| scan.run()).unwrap()
    };
    {
        let _closed = Closed::to(&service.home().join("a"), 0o000);
        assert_eq!(scan().unreadable.len(), 1);
        assert_eq!(usage().0, 1010);
    }
    assert!(scan().unreadable.is_empty());
    assert_eq!(usage(), (1130, 5));
}

#[test]
fn a_sweep_goes_on_beside_it() {
    let service = Service::with_bob(|_| {});
    drop(service.log_in());
    for directory in ["a", "m", "z"] {
        fs::create_dir(service.home().join(directory)).unwrap();
        let hidden = format!("{directory}/.sftpgo-upload.x");
        fs::write(service.home().join(hidden), b"x").unwrap();
    }
    let _closed = Closed::to(&service.home().join("m"), 0o000);
    let mut missed = Vec::new();
    let home = LocalHomes::default()
        .existing_home(&service.bob().effective())
        .unwrap()
        .unwrap();
    let removed = without_privileges(|| {
        home.sweep_uploads(&mut |path, error| missed.push((path.clone(), error.to_string())))
    });
    assert_eq!(removed.unwrap(), 2);
    assert_eq!(missed, [(path("/m"), "permission denied".to_owned())]);
}

#[test]
fn a_directory_that_cannot_be_looked_through_for_links_does_not_move_up() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    for name in ["a", "a/b", "a/b/c"] {
        session.create_dir(&path(name), None).unwrap();
    }
    let _closed = Closed::to(&service.home().join("a/b/c"), 0o000);
    let refused = without_privileges(|| session.rename(&path("a/b"), &path("b"), Replace::No));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("cannot be looked for"), "{refused}");
}

#[test]
fn a_link_that_cannot_leave_its_directory_gets_no_second_name() {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    session.create_dir(&path("d"), None).unwrap();
    session.symlink(b"/file", &path("d/l")).unwrap();
    session.symlink(b"old", &path("taken")).unwrap();
    let _closed = Closed::to(&service.home().join("d"), 0o555);
    for (to, replace) in [("l", Replace::No), ("taken", Replace::Yes)] {
        let renamed = without_privileges(|| session.rename(&path("d/l"), &path(to), replace));
        assert_eq!(
            renamed.unwrap_err().kind(),
            ErrorKind::PermissionDenied,
            "{to}"
        );
    }
    assert!(session.read_link(&path("l")).is_err());
    assert_eq!(session.read_link(&path("taken")).unwrap(), b"old");
}
