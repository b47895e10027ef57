//! Managing users: what is stored, who is told, and whose sessions end.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use sftpgo_core::{
    ErrorKind, StoredUser, UserDraft, UserId,
    accounts::Accounts,
    credential::password::PasswordHash,
    provider::{Order, PageStart, QuotaLedger, UserQuery, Users},
    quota::{Tracking, UsageManager},
    registry::Connections,
    storage_usage::Usage,
};
use sftpgo_store::MemoryProvider;

use crate::common::{ARGON2ID, Changes, add, draft, empty};

struct Office {
    provider: Arc<MemoryProvider>,
    connections: Arc<Connections>,
    quotas: Arc<UsageManager>,
    changes: Changes,
    accounts: Accounts,
}

impl Office {
    fn new() -> Self {
        Self::with(true, None)
    }

    fn with(manage_users: bool, base: Option<&str>) -> Self {
        let provider = empty();
        let changes = Changes::default();
        let connections = Connections::new(changes.events());
        let quotas = UsageManager::new(provider.clone(), Tracking::All);
        Self {
            accounts: Accounts::new(
                provider.clone(),
                Arc::clone(&connections),
                Arc::clone(&quotas),
                changes.events(),
                manage_users,
                base.map(PathBuf::from),
            ),
            provider,
            connections,
            quotas,
            changes,
        }
    }

    fn stored(&self, id: UserId) -> StoredUser {
        self.provider.user_by_id(id).unwrap().unwrap()
    }
}

#[test]
fn an_added_user_is_stored_and_told() {
    let office = Office::with(true, Some("/srv/users"));
    let homeless = UserDraft {
        home_dir: String::new(),
        ..draft("bob")
    };
    let bob = office.accounts.add(homeless).unwrap();
    assert_eq!(bob.home_dir.to_str(), Some("/srv/users/bob"));
    assert!(office.stored(bob.id) == bob);
    assert!(office.accounts.by_name("bob").unwrap() == bob);
    assert!(office.accounts.by_id(bob.id).unwrap() == bob);
    assert_eq!(office.changes.take(), ["Add bob"]);
}

#[test]
fn a_refused_draft_stores_and_tells_nothing() {
    let office = Office::new();
    office.accounts.add(draft("bob")).unwrap();
    office.changes.take();
    let taken = office.accounts.add(draft("bob")).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    let invalid = office.accounts.add(draft("a/b")).unwrap_err();
    assert_eq!(invalid.kind(), ErrorKind::Invalid);
    let everybody = UserQuery {
        start: PageStart::default(),
        limit: 10,
        order: Order::Ascending,
        username: None,
    };
    assert_eq!(office.accounts.list(&everybody).unwrap().len(), 1);
    assert!(office.changes.take().is_empty());
}

#[test]
fn an_update_changes_what_it_names_only() {
    let office = Office::new();
    let bob = office.accounts.add(draft("bob")).unwrap();
    let usage = Usage {
        size: 1,
        files: 2,
        updated_at: 3,
    };
    office.provider.set_usage(bob.id, usage).unwrap();
    office.provider.record_login(bob.id, 4).unwrap();
    office.changes.take();
    let updated = office
        .accounts
        .update(bob.id, |draft| {
            draft.quota_files = 5;
            Ok(())
        })
        .unwrap();
    let expected = StoredUser {
        quota_files: 5,
        usage,
        last_login: 4,
        ..bob
    };
    assert!(updated == expected);
    assert!(office.stored(expected.id) == expected);
    assert_eq!(expected.password.as_deref(), Some(ARGON2ID));
    assert_eq!(office.changes.take(), ["Update bob"]);
}

#[test]
fn what_another_server_changes_meanwhile_is_kept() {
    let office = Office::new();
    let bob = office.accounts.add(draft("bob")).unwrap();
    let calls = AtomicU32::new(0);
    let change = |draft: &mut UserDraft| {
        if calls.fetch_add(1, Ordering::Relaxed) == 0 {
            let disabled = StoredUser {
                enabled: false,
                ..bob.clone()
            };
            office.provider.update_user(&disabled).unwrap();
        }
        draft.quota_files = 5;
        Ok(())
    };
    let updated = office.accounts.update(bob.id, change).unwrap();
    assert!(!updated.enabled && updated.quota_files == 5);
    assert!(office.stored(bob.id) == updated);

    let always = |draft: &mut UserDraft| {
        let number = calls.fetch_add(1, Ordering::Relaxed);
        let changed = StoredUser {
            max_sessions: number,
            ..bob.clone()
        };
        office.provider.update_user(&changed).unwrap();
        draft.quota_files = 6;
        Ok(())
    };
    let refused = office.accounts.update(bob.id, always).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(office.stored(bob.id).quota_files, bob.quota_files);
}

#[test]
fn a_failing_update_changes_and_tells_nothing() {
    let office = Office::new();
    let alice = office.accounts.add(draft("alice")).unwrap();
    let bob = office.accounts.add(draft("bob")).unwrap();
    office.changes.take();
    let refused = |change: fn(&mut UserDraft)| {
        let outcome = office.accounts.update(bob.id, |draft| {
            change(draft);
            Ok(())
        });
        outcome.unwrap_err().kind()
    };
    assert_eq!(refused(|draft| draft.status = 2), ErrorKind::Invalid);
    assert_eq!(
        refused(|draft| draft.username = "alice".to_owned()),
        ErrorKind::AlreadyExists
    );
    let by_caller = office.accounts.update(bob.id, |_| {
        Err(sftpgo_core::Error::invalid("id", "differs"))
    });
    assert_eq!(by_caller.unwrap_err().message(), "id: differs");
    let nobody = office.accounts.update(UserId(99), |_| Ok(()));
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(office.stored(bob.id) == bob);
    assert!(office.stored(alice.id) == alice);
    assert!(office.changes.take().is_empty());
}

#[test]
fn a_new_password_is_hashed_and_an_unreadable_one_never_becomes_valid() {
    let office = Office::new();
    let bob = office.accounts.add(draft("bob")).unwrap();
    let unreadable = StoredUser {
        password: Some("*".to_owned()),
        ..bob.clone()
    };
    office.provider.update_user(&unreadable).unwrap();
    office
        .accounts
        .update(bob.id, |draft| {
            draft.max_sessions = 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(office.stored(bob.id).password.as_deref(), Some("*"));
    office
        .accounts
        .update(bob.id, |draft| {
            draft.password = Some("new".to_owned());
            Ok(())
        })
        .unwrap();
    let stored = office.stored(bob.id).password.unwrap();
    assert!(PasswordHash::parse(&stored).unwrap().verify(b"new"));
}

#[test]
fn disabling_expiring_and_deleting_end_the_users_sessions_and_no_others() {
    type End = fn(&Office, UserId);
    let ends: [End; 3] = [
        |office, id| {
            office
                .accounts
                .update(id, |draft| {
                    draft.status = 0;
                    Ok(())
                })
                .unwrap();
        },
        |office, id| {
            office
                .accounts
                .update(id, |draft| {
                    draft.expiration_date = 1;
                    Ok(())
                })
                .unwrap();
        },
        |office, id| office.accounts.delete(id).unwrap(),
    ];
    for end in ends {
        let office = Office::new();
        let bob = office.accounts.add(draft("bob")).unwrap();
        let alice = office.accounts.add(draft("alice")).unwrap();
        let of_bob = office.connections.log_in(&bob, &bob.effective()).unwrap();
        let of_alice = office
            .connections
            .log_in(&alice, &alice.effective())
            .unwrap();
        office
            .accounts
            .update(bob.id, |draft| {
                draft.max_sessions = 5;
                Ok(())
            })
            .unwrap();
        assert!(!of_bob.close_requested().is_cancelled());
        end(&office, bob.id);
        assert!(of_bob.close_requested().is_cancelled());
        assert!(!of_alice.close_requested().is_cancelled());
    }
}

#[test]
fn a_deleted_user_is_told_once_with_the_name() {
    let office = Office::new();
    let bob = office.accounts.add(draft("bob")).unwrap();
    office.changes.take();
    office.accounts.delete(bob.id).unwrap();
    let twice = office.accounts.delete(bob.id).unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::NotFound);
    assert_eq!(office.changes.take(), ["Delete bob"]);
}

#[test]
fn new_limits_reach_sessions_that_are_open() {
    let office = Office::new();
    let bob = office.accounts.add(draft("bob")).unwrap();
    let account = office.quotas.account(&bob.effective()).unwrap();
    office
        .accounts
        .update(bob.id, |draft| {
            draft.quota_size = 10;
            draft.quota_files = 2;
            Ok(())
        })
        .unwrap();
    let status = account.status();
    assert_eq!((status.size_limit, status.files_limit), (10, 2));
}

#[test]
fn with_management_off_reading_works_and_nothing_else() {
    let office = Office::with(false, None);
    let bob = add(office.provider.as_ref(), "bob", |_| ());
    for refused in [
        office.accounts.add(draft("alice")).map(drop),
        office.accounts.update(bob.id, |_| Ok(())).map(drop),
        office.accounts.delete(bob.id),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("manage_users"), "{error}");
    }
    assert!(office.accounts.by_id(bob.id).unwrap() == bob);
    assert!(office.changes.take().is_empty());
}

#[test]
fn updates_at_the_same_time_do_not_undo_each_other() {
    let office = Office::new();
    let bob = office.accounts.add(draft("bob")).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let one_more = |draft: &mut UserDraft| {
                        draft.quota_size += 1;
                        // Long enough for the others to read what is about to be replaced.
                        thread::sleep(Duration::from_millis(1));
                        Ok(())
                    };
                    office.accounts.update(bob.id, one_more).unwrap();
                }
            });
        }
    });
    assert_eq!(office.stored(bob.id).quota_size, 40);
}
