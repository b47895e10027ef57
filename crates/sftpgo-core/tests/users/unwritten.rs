//! Usage that the ledger does not take.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use sftpgo_core::{
    Error, ErrorKind, Result, StoredUser, UserId,
    filesystem::FileId,
    provider::QuotaLedger,
    quota::{LedgerWriter, Tracking, UsageManager},
    storage_usage::Usage,
    usage::FileChange,
};
use sftpgo_store::MemoryProvider;

use crate::{
    common::{add, empty},
    forward::forward_users,
};

type Callback = Box<dyn FnOnce() + Send>;

/// Takes no usage as often as there are callbacks, and calls one each time.
struct Refusing {
    stored: Arc<MemoryProvider>,
    refusals: Mutex<Vec<Callback>>,
}

impl QuotaLedger for Refusing {
    fn usage(&self, id: UserId) -> Result<Usage> {
        self.stored.usage(id)
    }

    fn set_usage(&self, id: UserId, usage: Usage) -> Result<()> {
        let refusal = self
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match refusal {
            Some(refusal) => {
                refusal();
                Err(Error::new(ErrorKind::Unavailable, "gone"))
            }
            None => self.stored.set_usage(id, usage),
        }
    }

    fn set_dirty(&self, id: UserId, dirty: bool) -> Result<()> {
        self.stored.set_dirty(id, dirty)
    }

    fn dirty_users(&self) -> Result<Vec<UserId>> {
        self.stored.dirty_users()
    }
}

forward_users!(Refusing);

#[test]
fn a_login_while_the_last_session_cannot_write_knows_what_was_used() {
    let stored = empty();
    let bob = add(stored.as_ref(), "bob", |draft| draft.quota_size = 100);
    let provider = Arc::new(Refusing {
        stored: stored.clone(),
        refusals: Mutex::default(),
    });
    let book = UsageManager::new(provider.clone(), Tracking::All);
    let account = book.account(&bob.effective()).unwrap();
    drop(account.lock_namespace());

    let (send, login) = mpsc::channel();
    let (of_login, user) = (Arc::clone(&book), bob.clone());
    let log_in: Callback = Box::new(move || {
        let login = thread::spawn(move || of_login.account(&user.effective()).unwrap());
        // Long enough to be answered, were it not made to wait.
        thread::sleep(Duration::from_millis(50));
        send.send(login).unwrap();
    });
    provider
        .refusals
        .lock()
        .unwrap()
        .extend([log_in, Box::new(|| ())]);
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
    let stored = empty();
    let bob = add(stored.as_ref(), "bob", |draft| draft.quota_size = 100);
    let provider = Arc::new(Refusing {
        stored: stored.clone(),
        refusals: Mutex::new(vec![Box::new(|| ()), Box::new(|| ())]),
    });
    let book = UsageManager::new(provider.clone(), Tracking::All);
    let _writer = LedgerWriter::start(Arc::clone(&book), Duration::ZERO).unwrap();
    let account = book.account(&bob.effective()).unwrap();
    let file = FileChange {
        file_id: FileId::new(1, 1),
        before: None,
        after: Some(90),
    };
    account.commit(account.reserve(file).unwrap()).unwrap();
    while stored.usage(bob.id).unwrap().size != 90 {
        thread::yield_now();
    }
    assert!(provider.refusals.lock().unwrap().is_empty());
}
