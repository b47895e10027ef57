//! Quota scans beside running sessions.

use std::{fs, sync::Arc};

use sftpgo_core::{
    filesystem::{Replace, local::LocalHomes},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    session::UploadMode,
};
use sftpgo_test_support::{NEW, Service, path, put};

#[test]
fn a_scan_beside_running_uploads_counts_nothing_twice() {
    for mode in [UploadMode::Standard, UploadMode::Atomic] {
        let service = Service::with_bob(|draft| draft.quota_size = 1000);
        let logged_in = service.log_in();
        let session = service.session(&logged_in, mode);
        put(&session, "/old", &[1; 100]).unwrap();
        let mut upload = session.open(&path("/new"), &NEW).unwrap();
        upload.write_at(&[2; 200], 0).unwrap();
        fs::write(service.home().join("beside"), [3; 50]).unwrap();
        service.rescan();
        assert_eq!(logged_in.quota.status().size_used, 350, "{mode:?}");
        upload.write_at(&[2; 100], 200).unwrap();
        upload.finish().unwrap();
        assert_eq!(service.stored_usage(), (450, 3), "{mode:?}");
        service.assert_exact();
        assert_eq!(logged_in.quota.status().size_used, 450, "{mode:?}");
    }
}

#[test]
fn what_moves_while_a_scan_walks_is_counted_once() {
    const ROUNDS: usize = 150;
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    for directory in ["a", "b", "c"] {
        session.create_dir(&path(directory), None).unwrap();
        for file in 0..20 {
            put(&session, &format!("{directory}/{file}"), &[7; 10]).unwrap();
        }
    }
    std::thread::scope(|scope| {
        let scanner = scope.spawn(|| {
            for _ in 0..ROUNDS {
                service.rescan();
            }
        });
        let mut round = 0;
        while !scanner.is_finished() {
            round += 1;
            let (from, to) = (["a", "b", "c"][round % 3], ["b", "c", "a"][round % 3]);
            let file = round % 20;
            let _ = session.rename(
                &path(&format!("{from}/{file}")),
                &path(&format!("{to}/{file}x")),
                Replace::Yes,
            );
            put(&session, &format!("{to}/{file}"), &vec![1; round % 50]).unwrap();
            let _ = session.hard_link(
                &path(&format!("{to}/{file}")),
                &path(&format!("{from}/{file}l")),
            );
            let _ = session.remove(&path(&format!("{from}/{}l", (round + 7) % 20)));
            if round % 5 == 0 {
                session
                    .rename(&path(from), &path("moved"), Replace::No)
                    .unwrap();
                session
                    .rename(&path("moved"), &path(from), Replace::No)
                    .unwrap();
            }
        }
    });
    service.assert_exact();
    let used = logged_in.quota.status();
    let counted = service.usage_on_disk();
    assert_eq!(
        (used.size_used, used.files_used),
        (counted.0, counted.1.into())
    );
}

#[test]
fn a_scan_of_a_user_who_is_not_tracked_stores_what_it_found() {
    let service = Service::with_bob(|_| {});
    fs::create_dir(service.home()).unwrap();
    fs::write(service.home().join("f"), [1; 9]).unwrap();
    let quotas = UsageManager::new(service.provider.clone(), Tracking::Limited);
    let scans = QuotaScans::new(Arc::new(LocalHomes::default()), quotas);
    scans.begin(service.bob()).unwrap().run().unwrap();
    assert_eq!(service.stored_usage(), (9, 1));
    service.assert_exact();
}

#[cfg(target_os = "linux")]
#[test]
fn who_asks_for_a_scan_keeps_its_priority() {
    let priority = || rustix::process::getpriority_process(None).unwrap();
    let service = Service::with_bob(|_| {});
    let before = priority();
    service.rescan();
    assert_eq!(priority(), before);
}
