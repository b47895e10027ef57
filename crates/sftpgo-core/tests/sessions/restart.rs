//! A server that is killed, and the start of the next one.

use std::{process::Command, sync::Arc};

use sftpgo_core::{
    StoredUser,
    provider::{QuotaLedger as _, Users as _},
    recovery,
    upload_cleanup::sweep_uploads,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{Service, Settings};

/// What there would be if the server were killed now: its disk and its ledger, and nothing of its memory.
pub(crate) fn killed(service: &Service) -> Service {
    let provider = Arc::new(MemoryProvider::default());
    let restarted = Service::new(Settings {
        provider: provider.clone(),
        ..Settings::default()
    });
    if service.home().exists() {
        let copied = Command::new("cp")
            .arg("-a")
            .args([service.home(), restarted.home()])
            .status();
        assert!(copied.unwrap().success());
    }
    let bob = service.bob();
    let moved = StoredUser {
        home_dir: restarted.home(),
        ..bob.clone()
    };
    let moved = provider.add_user(&moved).unwrap();
    let usage = service.provider.usage(bob.id).unwrap();
    provider.set_usage(moved.id, usage).unwrap();
    for dirty in service.provider.dirty_users().unwrap() {
        provider.set_dirty(dirty, true).unwrap();
    }
    restarted
}

/// What a server does when it starts; returns how many temporaries there were.
pub(crate) fn tidy_up(service: &Service) -> u64 {
    let dirty = service.usage.left_dirty().unwrap();
    let counted = recovery::rescan_dirty(service.provider.as_ref(), &service.scans, &dirty);
    assert_eq!(counted, dirty.len());
    sweep_uploads(service.provider.as_ref(), &service.homes).unwrap()
}
