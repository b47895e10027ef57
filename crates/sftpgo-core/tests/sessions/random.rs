//! Random steps: usage equals a rescan and stays within the limits, whatever happens in whatever order.

use std::{collections::HashMap, thread};

use proptest::prelude::*;
use sftpgo_core::{
    Error, Result,
    filesystem::Replace,
    session::{AttributeChange, OpenRequest, Session, UploadMode},
    transfer::Transfer,
};
use sftpgo_test_support::{APPEND, LOCK, NEW, PART, READ, Service, path, put};

use crate::restart::{killed, tidy_up};

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Append(u8, u8),
    Lose(u8, u8),
    Truncate(u8, u8),
    Remove(u8),
    Rename(u8, u8),
    Link(u8, u8),
    Copy(u8, u8, u8),
    /// An upload that stays open over the next steps, by number.
    Open(u8, u8),
    /// The same for one that writes a part of what is there or being uploaded, and for one that reads.
    Part(u8, u8),
    Read(u8, u8),
    Lock(u8, u8),
    Write(u8, u8, u8),
    Cut(u8, u8),
    Close(u8),
    Drop(u8),
    MoveDirectory,
    Scan,
    /// The server is killed and starts again.
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0_u8..5;
    let handle = 0_u8..3;
    let of = (name.clone(), any::<u8>());
    let two = (name.clone(), name.clone());
    let step = prop_oneof![
        3 => of.clone().prop_map(|(n, size)| Step::Put(n, size)),
        2 => of.clone().prop_map(|(n, size)| Step::Append(n, size)),
        1 => of.clone().prop_map(|(n, size)| Step::Lose(n, size)),
        2 => of.prop_map(|(n, size)| Step::Truncate(n, size)),
        2 => name.clone().prop_map(Step::Remove),
        2 => two.clone().prop_map(|(from, to)| Step::Rename(from, to)),
        2 => two.clone().prop_map(|(from, to)| Step::Link(from, to)),
        2 => (name.clone(), name.clone(), any::<u8>()).prop_map(|(from, to, at)| Step::Copy(from, to, at)),
        3 => (handle.clone(), name.clone()).prop_map(|(handle, name)| Step::Open(handle, name)),
        2 => (handle.clone(), name.clone()).prop_map(|(handle, name)| Step::Part(handle, name)),
        2 => (handle.clone(), name.clone()).prop_map(|(handle, name)| Step::Read(handle, name)),
        1 => (handle.clone(), name).prop_map(|(handle, name)| Step::Lock(handle, name)),
        4 => (handle.clone(), any::<u8>(), any::<u8>()).prop_map(|(h, at, size)| Step::Write(h, at, size)),
        1 => (handle.clone(), any::<u8>()).prop_map(|(handle, size)| Step::Cut(handle, size)),
        2 => handle.clone().prop_map(Step::Close),
        1 => handle.prop_map(Step::Drop),
        1 => Just(Step::MoveDirectory),
        1 => Just(Step::Scan),
        1 => Just(Step::Kill),
    ];
    prop::collection::vec(step, 1..60)
}

/// Two of the names are in a directory that moves to and fro.
fn name(number: u8) -> String {
    match number {
        0 | 1 => format!("/d/f{number}"),
        _ => format!("/f{number}"),
    }
}

fn keep_open(
    session: &Session,
    open: &mut OpenUploads,
    handle: u8,
    n: u8,
    request: &OpenRequest,
) -> Result<()> {
    let transfer = session.open(&path(&name(n)), request)?;
    open.insert(handle, transfer);
    Ok(())
}

fn sized(size: u8) -> AttributeChange {
    AttributeChange {
        size: Some(size.into()),
        ..AttributeChange::default()
    }
}

fn copy(session: &Session, from: &str, to: &str, at: u64) -> Result<()> {
    let mut source = session.open(&path(from), &READ)?;
    let request = OpenRequest {
        truncate: at.is_multiple_of(2),
        ..NEW
    };
    let mut target = session.open(&path(to), &request)?;
    let mut done = 0;
    loop {
        match target.copy_from(&mut source, done, 100, at + done)? {
            0 => break,
            copied => done += copied as u64,
        }
    }
    source.finish()?;
    target.finish()
}

type OpenUploads = HashMap<u8, Transfer>;

fn opened(open: &mut OpenUploads, handle: u8) -> Result<&mut Transfer> {
    open.get_mut(&handle)
        .ok_or_else(|| Error::not_found("not open"))
}

/// Refusals are part of the game; only the figures must hold.
fn take(service: &Service, session: &Session, open: &mut OpenUploads, step: &Step) -> Result<()> {
    match *step {
        Step::Put(n, size) => put(session, &name(n), &vec![1; size.into()]),
        Step::Append(n, size) => {
            let mut upload = session.open(&path(&name(n)), &APPEND)?;
            let end = upload.metadata()?.size;
            upload.write_at(&vec![2; size.into()], end)?;
            upload.finish()
        }
        Step::Lose(n, size) => session
            .open(&path(&name(n)), &NEW)?
            .write_at(&vec![3; size.into()], 0),
        Step::Truncate(n, size) => session.set_attributes(&path(&name(n)), &sized(size), true),
        Step::Remove(n) => session.remove(&path(&name(n))),
        Step::Rename(from, to) => {
            session.rename(&path(&name(from)), &path(&name(to)), Replace::Yes)
        }
        Step::Link(from, to) => session.hard_link(&path(&name(from)), &path(&name(to))),
        Step::Copy(from, to, at) => copy(session, &name(from), &name(to), at.into()),
        Step::Open(handle, n) => {
            let request = if n % 2 == 0 { &NEW } else { &APPEND };
            keep_open(session, open, handle, n, request)
        }
        Step::Part(handle, n) => keep_open(session, open, handle, n, &PART),
        Step::Read(handle, n) => keep_open(session, open, handle, n, &READ),
        Step::Lock(handle, n) => keep_open(session, open, handle, n, &LOCK),
        Step::Write(handle, at, size) => {
            opened(open, handle)?.write_at(&vec![4; size.into()], at.into())
        }
        Step::Cut(handle, size) => opened(open, handle)?.set_attributes(&sized(size)),
        Step::Close(handle) => open.remove(&handle).map_or(Ok(()), Transfer::finish),
        Step::Drop(handle) => {
            open.remove(&handle);
            Ok(())
        }
        Step::MoveDirectory => {
            session.rename(&path("/d"), &path("/e"), Replace::No)?;
            session.rename(&path("/e"), &path("/d"), Replace::No)
        }
        Step::Scan => service.scans.begin(service.bob())?.run().map(drop),
        Step::Kill => Ok(()),
    }
}

fn limited() -> Service {
    Service::with_bob(|draft| {
        draft.quota_size = 600;
        draft.quota_files = 4;
    })
}

fn mode(number: i32) -> UploadMode {
    [
        UploadMode::Standard,
        UploadMode::Atomic,
        UploadMode::AtomicWithResume,
    ][number as usize]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn usage_equals_a_rescan_after_any_steps_and_stays_within_the_limits(steps in steps(), number in 0..3) {
        let mut service = limited();
        let mut session = service.session(&service.log_in(), mode(number));
        let mut open = OpenUploads::new();
        session.create_dir(&path("/d"), None).unwrap();
        for step in &steps {
            if matches!(step, Step::Kill) {
                let restarted = killed(&service);
                tidy_up(&restarted);
                open.clear();
                drop(session);
                service = restarted;
                session = service.session(&service.log_in(), mode(number));
            }
            let _ = take(&service, &session, &mut open, step);
            let (stored, counted) = (service.stored_usage(), service.usage_on_disk());
            prop_assert!(counted.0 <= 600 && counted.1 <= 4, "{:?} after {:?}", counted, step);
            if open.is_empty() {
                prop_assert_eq!(stored, counted, "after {:?}", step);
            }
        }
        drop((open, session));
        let (stored, counted) = (service.stored_usage(), service.usage_on_disk());
        prop_assert_eq!(stored, counted, "at the end");
        prop_assert_eq!(service.provider.dirty_users().unwrap(), []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sessions_that_step_on_each_other_leave_exact_figures(
        of_each in prop::collection::vec(steps(), 2..4),
        number in 0..3,
    ) {
        let service = limited();
        let logged_in = service.log_in();
        service.session(&logged_in, UploadMode::Standard).create_dir(&path("/d"), None).unwrap();
        thread::scope(|scope| {
            for steps in &of_each {
                let (service, logged_in) = (&service, &logged_in);
                scope.spawn(move || {
                    let session = service.session(logged_in, mode(number));
                    let mut open = OpenUploads::new();
                    for step in steps {
                        let _ = take(service, &session, &mut open, step);
                    }
                });
            }
        });
        let (stored, counted) = (service.stored_usage(), service.usage_on_disk());
        prop_assert_eq!(stored, counted);
        prop_assert!(counted.0 <= 600 && counted.1 <= 4, "{:?}", counted);
        let used = logged_in.quota.status();
        prop_assert_eq!((used.size_used, used.files_used), (counted.0, counted.1.into()));
    }
}
