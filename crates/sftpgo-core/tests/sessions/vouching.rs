//! Who vouches for what files hold: which uploads are told, and whose content a session may have vouched for.

use std::{
    fs,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

use sftpgo_core::{
    Error, ErrorKind, VirtualPath,
    content::{Content, UploadWitness, Uploaded},
    filesystem::Replace,
    session::{AttributeChange, OpenRequest, Session, UploadMode},
};
use sftpgo_test_support::{
    APPEND, KEY, NEW, PART, Service, add, begin, key_blob, kind, path, permissions_without, put,
};

const ALL: [UploadMode; 3] = [
    UploadMode::Standard,
    UploadMode::Atomic,
    UploadMode::AtomicWithResume,
];

/// Keeps what it is told.
#[derive(Default)]
struct Witness {
    uploads: Mutex<Vec<Uploaded>>,
    unreadable: Mutex<Vec<(String, ErrorKind)>>,
}

impl UploadWitness for Witness {
    fn uploaded(&self, upload: Uploaded) {
        self.uploads.lock().unwrap().push(upload);
    }

    fn unreadable(&self, _: &str, path: &VirtualPath, why: &Error) {
        let path = path.to_string_lossy().into_owned();
        self.unreadable.lock().unwrap().push((path, why.kind()));
    }
}

impl Witness {
    fn take(&self) -> Vec<Uploaded> {
        assert_eq!(*self.unreadable.lock().unwrap(), []);
        std::mem::take(&mut *self.uploads.lock().unwrap())
    }

    fn take_one(&self) -> Uploaded {
        let mut uploads = self.take();
        assert_eq!(uploads.len(), 1);
        uploads.remove(0)
    }
}

/// What a file holds, once a change of it would show.
fn read(content: &mut Content) -> Vec<u8> {
    while let Some(wait) = content.wait_to_read().unwrap() {
        thread::sleep(wait);
    }
    let mut read = vec![0; 1024];
    let count = content.read_at(&mut read, 0).unwrap();
    read.truncate(count);
    read
}

/// Bob, without these permissions, and a session of his that is vouched for.
fn vouched(mode: UploadMode, without: &[&str]) -> (Service, Arc<Witness>, Session) {
    let service = Service::with_bob(|draft| draft.permissions = permissions_without(without));
    let witness = Arc::new(Witness::default());
    let session = service.session(&service.log_in(), mode);
    let session = session.vouched_for(true, Some(Arc::clone(&witness) as _));
    (service, witness, session)
}

#[test]
fn each_upload_that_is_done_is_told_and_holds_what_came() {
    for mode in ALL {
        let (_service, witness, session) = vouched(mode, &[]);
        put(&session, "/a", b"content").unwrap();
        let mut upload = witness.take_one();
        assert!(upload.is_whole);
        assert_eq!(upload.username, "bob");
        assert_eq!(*upload.content.path(), path("/a"));
        // As clients do behind an upload.
        session
            .rename(&path("/a"), &path("/b"), Replace::No)
            .unwrap();
        assert_eq!(read(&mut upload.content), b"content");
        assert!(upload.content.is_unchanged().unwrap() && upload.content.is_as_at_first());
        // What is overwritten is whole again; what is added is not.
        put(&session, "/b", b"other").unwrap();
        assert!(witness.take_one().is_whole);
        begin(&session, "/b", &APPEND, b"+").finish().unwrap();
        let mut upload = witness.take_one();
        assert!(!upload.is_whole);
        assert_eq!(read(&mut upload.content), b"other+");
        // One that is lost is none.
        drop(begin(&session, "/c", &NEW, b"lost"));
        assert!(witness.take().is_empty());
    }
}

#[test]
fn of_several_handles_the_last_one_ends_the_upload() {
    for mode in ALL {
        let (_service, witness, session) = vouched(mode, &[]);
        let first = begin(&session, "/a", &NEW, b"12");
        let second = begin(&session, "/a", &PART, b"3");
        first.finish().unwrap();
        assert!(witness.take().is_empty(), "{mode:?}");
        second.finish().unwrap();
        let mut upload = witness.take_one();
        assert!(!upload.is_whole);
        assert_eq!(read(&mut upload.content), b"32");
    }
}

#[test]
fn a_file_that_somebody_writes_to_is_not_vouched_for() {
    let (service, witness, session) = vouched(UploadMode::Standard, &[]);
    put(&session, "/a", b"content").unwrap();
    let mut upload = witness.take_one();
    read(&mut upload.content);
    // Another user of the same home.
    add(service.provider.as_ref(), "eve", |draft| {
        draft.home_dir = service.home().to_str().unwrap().to_owned();
        draft.permissions = vec!["*".to_owned()];
    });
    let key = key_blob(KEY);
    let eve = service.authenticator.with_public_key("eve", &key).unwrap();
    let of_eve = service.session(&eve, UploadMode::Standard);
    let writing = of_eve.open(&path("/a"), &PART).unwrap();
    assert!(!upload.content.is_as_at_first() && !upload.content.is_unchanged().unwrap());
    let refused = session.open_to_vouch(&path("/a"));
    assert_eq!(kind(refused.map(drop)), Some(ErrorKind::Conflict));
    writing.finish().unwrap();
    assert!(!upload.content.is_as_at_first());
    let mut content = session.open_to_vouch(&path("/a")).unwrap();
    assert_eq!(read(&mut content), b"content");
    assert!(content.is_unchanged().unwrap());
    of_eve
        .set_attributes(
            &path("/a"),
            &AttributeChange {
                size: Some(3),
                ..AttributeChange::default()
            },
            true,
        )
        .unwrap();
    assert!(!content.is_unchanged().unwrap());
}

#[test]
fn a_change_from_outside_shows_however_soon_it_comes() {
    let (service, _, session) = vouched(UploadMode::Standard, &[]);
    put(&session, "/a", b"content").unwrap();
    for number in 0..50 {
        fs::write(service.path("a"), format!("before {number:3}")).unwrap();
        let mut content = session.open_to_vouch(&path("/a")).unwrap();
        read(&mut content);
        fs::write(service.path("a"), format!("behind {number:3}")).unwrap();
        assert!(!content.is_unchanged().unwrap(), "{number}");
    }
}

#[test]
fn what_comes_from_outside_before_the_reading_is_of_no_upload() {
    for (without, expected) in [(&["download"][..], false), (&[], true)] {
        let (service, _, session) = vouched(UploadMode::Standard, without);
        put(&session, "/a", b"content").unwrap();
        // The time of modification is another one, whatever the step of the system's times.
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        let mut content = session.open_to_vouch(&path("/a")).unwrap();
        let file = fs::File::options()
            .write(true)
            .open(service.path("a"))
            .unwrap();
        file.write_all_at(b"other's", 0).unwrap();
        file.set_modified(long_ago).unwrap();
        assert_eq!(read(&mut content), b"other's");
        assert_eq!(content.is_unchanged().unwrap(), expected);
    }
}

#[test]
fn what_is_no_file_is_not_vouched_for() {
    let (_service, _, session) = vouched(UploadMode::Standard, &[]);
    session.create_dir(&path("/d"), None).unwrap();
    for (name, expected) in [
        ("/d", ErrorKind::IsADirectory),
        ("/none", ErrorKind::NotFound),
        ("/../../etc/passwd", ErrorKind::NotFound),
    ] {
        let refused = session.open_to_vouch(&path(name));
        assert_eq!(kind(refused.map(drop)), Some(expected), "{name}");
    }
}

#[test]
fn who_may_not_download_has_only_whole_uploads_of_the_session_vouched_for() {
    for mode in ALL {
        let (service, witness, session) = vouched(mode, &["download"]);
        let refused = |name: &str| {
            let refused = session.open_to_vouch(&path(name));
            kind(refused.map(drop)) == Some(ErrorKind::PermissionDenied)
        };
        fs::write(service.path("secret"), "of others").unwrap();
        assert!(refused("/secret"));
        // Opened to write to it, and left as it is, or added to.
        session
            .open(&path("/secret"), &PART)
            .unwrap()
            .finish()
            .unwrap();
        assert!(refused("/secret"));
        begin(&session, "/secret", &APPEND, b"+").finish().unwrap();
        assert!(refused("/secret"));
        assert!(witness.take().iter().all(|upload| !upload.is_whole));
        put(&session, "/own", b"mine").unwrap();
        let mut content = session.open_to_vouch(&path("/own")).unwrap();
        assert_eq!(read(&mut content), b"mine");
        // Another session of the same user has nothing of it.
        let other = service
            .session(&service.log_in(), mode)
            .vouched_for(true, None);
        let of_other = other.open_to_vouch(&path("/own"));
        assert_eq!(kind(of_other.map(drop)), Some(ErrorKind::PermissionDenied));
        // What others put there is not the session's.
        fs::write(service.path("own"), "theirs").unwrap();
        assert!(refused("/own"));
        put(&session, "/own", b"mine again").unwrap();
        assert!(session.open_to_vouch(&path("/own")).is_ok());
        fs::write(service.path("other"), "others' ").unwrap();
        fs::rename(service.path("other"), service.path("own")).unwrap();
        assert!(refused("/own"));
        let empty = OpenRequest {
            exclusive: true,
            ..NEW
        };
        session
            .open(&path("/empty"), &empty)
            .unwrap()
            .finish()
            .unwrap();
        assert!(session.open_to_vouch(&path("/empty")).is_ok());
    }
}
