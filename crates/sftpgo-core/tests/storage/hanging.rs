//! A storage that does not answer: whoever has other work to do comes back, and nobody who leaves waits for it.

use std::sync::Arc;

use sftpgo_core::{
    session::{AttributeChange, Session},
    transfer::Transfer,
};
use sftpgo_test_support::{MemoryHomes, NEW, READ, Service, path, put, wait_for};

use crate::storages::{POLICIES, get, names, service_at};

struct Fixture {
    homes: Arc<MemoryHomes>,
    service: Service,
}

impl Fixture {
    fn new() -> Self {
        let homes = Arc::new(MemoryHomes::default());
        Self {
            service: service_at(homes.clone(), |_| {}),
            homes,
        }
    }

    fn session(&self) -> Session {
        self.service
            .session_with(&self.service.log_in(), POLICIES[0])
    }
}

#[test]
fn a_write_that_the_storage_is_at_is_waited_for_elsewhere_and_made_once() {
    let fixture = Fixture::new();
    let (session, other) = (fixture.session(), fixture.session());
    let mut upload = session.open(&path("/a"), &NEW).unwrap();
    fixture.homes.hang();
    for _ in 0..2 {
        assert!(upload.wait_to_write(b"hello", 0).is_some());
        assert_eq!(upload.being_written(), Some(5));
    }
    other.create_dir(&path("/d"), None).unwrap();
    assert!(other.wait_to_change_names().is_none());
    fixture.homes.answer();
    wait_for("the storage to take it", || {
        upload.wait_to_write(b"hello", 0).is_none()
    });
    upload.write_at(b"hello", 0).unwrap();
    assert_eq!(upload.being_written(), None);
    upload.write_at(b" world", 5).unwrap();
    upload.finish().unwrap();
    assert_eq!(get(&other, "/a").unwrap(), b"hello world");
    assert_eq!(fixture.service.stored_usage(), (11, 1));
}

#[test]
fn while_the_storage_finishes_an_upload_names_are_waited_for_and_reading_goes_on() {
    let fixture = Fixture::new();
    let (session, other) = (fixture.session(), fixture.session());
    let mut upload = session.open(&path("/a"), &NEW).unwrap();
    upload.write_at(b"hello", 0).unwrap();
    fixture.homes.hang();
    let finishing = upload.begin_to_finish();
    assert!(finishing.wait().is_some());
    assert!(other.wait_to_change_names().is_some());
    assert!(other.wait_to_open(&NEW).is_some() && other.wait_to_open(&READ).is_none());
    assert!(names(&other, "/").unwrap().is_empty());
    fixture.homes.answer();
    finishing.outcome().unwrap();
    assert!(other.wait_to_change_names().is_none());
    assert_eq!(get(&other, "/a").unwrap(), b"hello");
}

#[test]
fn whoever_leaves_does_not_wait_and_what_was_closed_is_finished() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let mut closed = session.open(&path("/closed"), &NEW).unwrap();
    closed.write_at(b"hello", 0).unwrap();
    let lost = session.open(&path("/lost"), &NEW).unwrap();
    fixture.homes.hang();
    assert!(lost.wait_to_write(b"hello", 0).is_some());
    let finishing = closed.begin_to_finish();
    assert!(finishing.wait().is_some());
    drop((lost, finishing, session));
    assert_eq!(fixture.homes.unfinished(), 2);
    fixture.homes.answer();
    wait_for("both to end", || fixture.homes.unfinished() == 0);
    wait_for("the usage to be stored", || {
        fixture.service.stored_usage() == (5, 1)
    });
    assert_eq!(names(&fixture.session(), "/").unwrap(), ["closed"]);
}

#[test]
fn while_the_storage_begins_an_upload_names_are_waited_for_and_the_rest_goes_on() {
    let fixture = Fixture::new();
    let (session, other) = (fixture.session(), fixture.session());
    put(&other, "/there", b"hello").unwrap();
    fixture.homes.hang_at_beginnings();
    let opening = session.begin_to_open(&path("/a"), &NEW);
    assert!(opening.wait().is_some());
    wait_for("the storage to begin", || fixture.homes.unfinished() == 1);
    assert!(other.wait_to_open(&NEW).is_some() && other.wait_to_open(&READ).is_none());
    other.create_dir(&path("/d"), None).unwrap();
    assert_eq!(get(&other, "/there").unwrap(), b"hello");
    fixture.homes.answer();
    let mut upload = opening.outcome().unwrap();
    assert!(other.wait_to_open(&NEW).is_none());
    upload.write_at(b"hello", 0).unwrap();
    upload.finish().unwrap();
    assert_eq!(fixture.service.stored_usage(), (10, 2));
}

#[test]
fn an_upload_that_begins_when_its_client_has_left_leaves_nothing() {
    let fixture = Fixture::new();
    let session = fixture.session();
    fixture.homes.hang_at_beginnings();
    let opening = session.begin_to_open(&path("/a"), &NEW);
    assert!(opening.wait().is_some());
    wait_for("the storage to begin", || fixture.homes.unfinished() == 1);
    drop((opening, session));
    fixture.homes.answer();
    wait_for("the upload to end", || fixture.homes.unfinished() == 0);
    assert!(names(&fixture.session(), "/").unwrap().is_empty());
    assert_eq!(fixture.service.stored_usage(), (0, 0));
}

#[test]
fn a_file_is_emptied_behind_the_session_that_asks_for_it() {
    let fixture = Fixture::new();
    let (session, other) = (fixture.session(), fixture.session());
    put(&session, "/a", b"hello").unwrap();
    let empty = AttributeChange {
        size: Some(0),
        ..AttributeChange::default()
    };
    fixture.homes.hang_at_beginnings();
    let emptied = session.begin_to_set_attributes(&path("/a"), &empty, true);
    assert!(emptied.wait().is_some());
    assert_eq!(get(&other, "/a").unwrap(), b"hello");
    fixture.homes.answer();
    emptied.outcome().unwrap();
    assert_eq!(get(&other, "/a").unwrap(), b"");
    assert_eq!(fixture.service.stored_usage(), (0, 1));
}

#[test]
fn a_copy_gives_the_storage_a_piece_at_a_time_and_comes_back() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let content: Vec<u8> = (0..600 * 1024).map(|at: u32| at.to_le_bytes()[1]).collect();
    put(&session, "/a", &content).unwrap();
    let mut source = session.open(&path("/a"), &READ).unwrap();
    let mut target = session.open(&path("/b"), &NEW).unwrap();
    let mut done = 0;
    while done < content.len() {
        fixture.homes.hang();
        let most = content.len() - done;
        let wait = |target: &Transfer| {
            let piece = target.piece_to_copy(most);
            target.wait_to_copy(&source, done as u64, piece, done as u64)
        };
        assert!(wait(&target).is_some() && wait(&target).is_some());
        assert!(target.being_written().is_some_and(|piece| piece <= most));
        fixture.homes.answer();
        wait_for("the storage to take it", || wait(&target).is_none());
        let piece = target.piece_to_copy(most);
        assert!(piece < content.len());
        done += target
            .copy_from(&mut source, done as u64, piece, done as u64)
            .unwrap();
    }
    target.finish().unwrap();
    assert_eq!(get(&session, "/b").unwrap(), content);
}
