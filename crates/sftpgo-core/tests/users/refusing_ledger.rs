//! Usage that the ledger does not take.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use sftpgo_core::{
    Error, ErrorKind,
    filesystem::FileId,
    provider::QuotaLedger as _,
    quota::{LedgerWriter, Tracking, UsageManager},
    usage::FileChange,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{FaultyProvider, add, wait_for};

type Callback = Box<dyn FnOnce() + Send>;

/// A provider that takes no usage as often as there are callbacks, and calls the last one each time.
fn refusing(refusals: &Arc<Mutex<Vec<Callback>>>) -> Arc<FaultyProvider> {
    let refusals = Arc::clone(refusals);
    FaultyProvider::with_hook(MemoryProvider::new(), move |call| {
        if call != "set_usage" {
            return Ok(());
        }
        let refusal = refusals.lock().unwrap().pop();
        refusal.map_or(Ok(()), |refusal| {
            refusal();
            Err(Error::new(ErrorKind::Unavailable, "gone"))
        })
    })
}

#[test]
fn a_login_while_the_last_session_cannot_write_knows_what_was_used() {
    let refusals = Arc::default();
    let provider = refusing(&refusals);
    let stored = &provider.stored;
    let bob = add(stored.as_ref(), "bob", |draft| draft.quota_size = 100);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let account = manager.account(&bob.effective()).unwrap();
    drop(account.lock_namespace());

    let (send, login) = mpsc::channel();
    let (of_login, user) = (Arc::clone(&manager), bob.clone());
    let log_in: Callback = Box::new(move || {
        let login = thread::spawn(move || of_login.account(&user.effective()).unwrap());
        // Long enough to be answered, were it not made to wait.
        thread::sleep(Duration::from_millis(50));
        send.send(login).unwrap();
    });
    refusals.lock().unwrap().extend([log_in, Box::new(|| ())]);
    let file = FileChange {
        file_id: FileId::new(1, 1),
        before: None,
        after: Some(90),
    };
    let used = account.reserve(file).unwrap();
    assert!(account.commit(used).is_err());
    drop(account);

    let next = login.recv().unwrap().join().unwrap();
    assert_eq!(next.status().size_used, 90);
    drop(next);
    assert_eq!(stored.usage(bob.id).unwrap().size, 90);
    assert_eq!(stored.dirty_users().unwrap(), []);
}

#[test]
fn the_writer_tries_again_what_the_ledger_did_not_take() {
    let twice: Vec<Callback> = vec![Box::new(|| ()), Box::new(|| ())];
    let refusals = Arc::new(Mutex::new(twice));
    let provider = refusing(&refusals);
    let stored = &provider.stored;
    let bob = add(stored.as_ref(), "bob", |draft| draft.quota_size = 100);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let _writer = LedgerWriter::start(Arc::clone(&manager), Duration::ZERO).unwrap();
    let account = manager.account(&bob.effective()).unwrap();
    let file = FileChange {
        file_id: FileId::new(1, 1),
        before: None,
        after: Some(90),
    };
    account.commit(account.reserve(file).unwrap()).unwrap();
    wait_for("the usage to be stored", || {
        stored.usage(bob.id).unwrap().size == 90
    });
    assert!(refusals.lock().unwrap().is_empty());
}
