//! Managing users: what is stored, who is told, and whose sessions end.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use sftpgo_core::{
    ErrorKind, StoredUser, UserDraft, UserId, credential::password::PasswordHash, event::Actor,
    provider::UserQuery, storage_usage::Usage,
};
use sftpgo_test_support::{ARGON2ID, Service, Settings, add, draft};

fn stored(server: &Service, id: UserId) -> StoredUser {
    server.provider.user_by_id(id).unwrap().unwrap()
}

#[test]
fn an_added_user_is_stored_and_told() {
    let server = Service::new(Settings {
        users_base_dir: Some("/srv/users".into()),
        ..Settings::default()
    });
    let homeless = UserDraft {
        home_dir: String::new(),
        ..draft("bob")
    };
    let bob = server.accounts.add(&Actor::program(), homeless).unwrap();
    assert_eq!(bob.home_dir.to_str(), Some("/srv/users/bob"));
    assert!(stored(&server, bob.id) == bob);
    assert!(server.accounts.by_name("bob").unwrap() == bob);
    assert!(server.accounts.by_id(bob.id).unwrap() == bob);
    assert_eq!(server.recorder.take_user_changes(), ["Add bob"]);
    assert_eq!(
        server.recorder.take_changes(),
        ["user added: bob by the server itself"]
    );
}

#[test]
fn a_refused_draft_stores_and_tells_nothing() {
    let server = Service::new(Settings::default());
    server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap();
    server.recorder.take_user_changes();
    let taken = server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    let invalid = server
        .accounts
        .add(&Actor::program(), draft("a/b"))
        .unwrap_err();
    assert_eq!(invalid.kind(), ErrorKind::Invalid);
    assert_eq!(
        server.accounts.list(&UserQuery::default()).unwrap().len(),
        1
    );
    assert!(server.recorder.take_user_changes().is_empty());
    assert_eq!(server.recorder.take_changes().len(), 1);
}

#[test]
fn an_update_changes_what_it_names_only() {
    let server = Service::new(Settings::default());
    let bob = server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap();
    let usage = Usage {
        size: 1,
        files: 2,
        updated_at: 3,
    };
    server.provider.set_usage(bob.id, usage).unwrap();
    server.provider.record_login(bob.id, 4).unwrap();
    server.recorder.take_user_changes();
    let updated = server
        .accounts
        .update(&Actor::program(), bob.id, |draft| {
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
    assert!(stored(&server, expected.id) == expected);
    assert_eq!(expected.password.as_deref(), Some(ARGON2ID));
    assert_eq!(server.recorder.take_user_changes(), ["Update bob"]);
}

#[test]
fn what_another_server_changes_meanwhile_is_kept() {
    let server = Service::new(Settings::default());
    let bob = server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap();
    let calls = AtomicU32::new(0);
    let change = |draft: &mut UserDraft| {
        if calls.fetch_add(1, Ordering::Relaxed) == 0 {
            let disabled = StoredUser {
                enabled: false,
                ..bob.clone()
            };
            server.provider.update_user(&disabled).unwrap();
        }
        draft.quota_files = 5;
        Ok(())
    };
    let updated = server
        .accounts
        .update(&Actor::program(), bob.id, change)
        .unwrap();
    assert!(!updated.enabled && updated.quota_files == 5);
    assert!(stored(&server, bob.id) == updated);

    let always = |draft: &mut UserDraft| {
        let number = calls.fetch_add(1, Ordering::Relaxed);
        let changed = StoredUser {
            max_sessions: number,
            ..bob.clone()
        };
        server.provider.update_user(&changed).unwrap();
        draft.quota_files = 6;
        Ok(())
    };
    let refused = server
        .accounts
        .update(&Actor::program(), bob.id, always)
        .err()
        .unwrap();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(stored(&server, bob.id).quota_files, bob.quota_files);
}

#[test]
fn a_failing_update_changes_and_tells_nothing() {
    let server = Service::new(Settings::default());
    let alice = server
        .accounts
        .add(&Actor::program(), draft("alice"))
        .unwrap();
    let bob = server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap();
    server.recorder.take_user_changes();
    let refused = |change: fn(&mut UserDraft)| {
        let outcome = server.accounts.update(&Actor::program(), bob.id, |draft| {
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
    let by_caller = server.accounts.update(&Actor::program(), bob.id, |_| {
        Err(sftpgo_core::Error::invalid("id", "differs"))
    });
    assert_eq!(by_caller.unwrap_err().message(), "id: differs");
    let nobody = server
        .accounts
        .update(&Actor::program(), UserId(99), |_| Ok(()));
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(stored(&server, bob.id) == bob);
    assert!(stored(&server, alice.id) == alice);
    assert!(server.recorder.take_user_changes().is_empty());
}

#[test]
fn a_new_password_is_hashed_and_an_unreadable_one_never_becomes_valid() {
    let server = Service::new(Settings::default());
    let bob = server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap();
    let unreadable = StoredUser {
        password: Some("*".to_owned()),
        ..bob.clone()
    };
    server.provider.update_user(&unreadable).unwrap();
    server
        .accounts
        .update(&Actor::program(), bob.id, |draft| {
            draft.max_sessions = 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(stored(&server, bob.id).password.as_deref(), Some("*"));
    server
        .accounts
        .update(&Actor::program(), bob.id, |draft| {
            draft.password = Some("new".to_owned());
            Ok(())
        })
        .unwrap();
    let stored = stored(&server, bob.id).password.unwrap();
    assert!(PasswordHash::parse(&stored).unwrap().verify(b"new"));
}

#[test]
fn disabling_expiring_and_deleting_end_the_users_sessions_and_no_others() {
    type End = fn(&Service, UserId);
    let ends: [End; 3] = [
        |server, id| {
            server
                .accounts
                .update(&Actor::program(), id, |draft| {
                    draft.status = 0;
                    Ok(())
                })
                .unwrap();
        },
        |server, id| {
            server
                .accounts
                .update(&Actor::program(), id, |draft| {
                    draft.expiration_date = 1;
                    Ok(())
                })
                .unwrap();
        },
        |server, id| server.accounts.delete(&Actor::program(), id).unwrap(),
    ];
    for end in ends {
        let server = Service::new(Settings::default());
        let bob = server
            .accounts
            .add(&Actor::program(), draft("bob"))
            .unwrap();
        let alice = server
            .accounts
            .add(&Actor::program(), draft("alice"))
            .unwrap();
        let of_bob = server.connections.log_in(&bob, &bob.effective()).unwrap();
        let of_alice = server
            .connections
            .log_in(&alice, &alice.effective())
            .unwrap();
        server
            .accounts
            .update(&Actor::program(), bob.id, |draft| {
                draft.max_sessions = 5;
                Ok(())
            })
            .unwrap();
        assert!(!of_bob.close_requested().is_cancelled());
        end(&server, bob.id);
        assert!(of_bob.close_requested().is_cancelled());
        assert!(!of_alice.close_requested().is_cancelled());
    }
}

#[test]
fn a_deleted_user_is_told_once_with_the_name() {
    let server = Service::new(Settings::default());
    let bob = server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap();
    server.recorder.take_user_changes();
    server.accounts.delete(&Actor::program(), bob.id).unwrap();
    let twice = server
        .accounts
        .delete(&Actor::program(), bob.id)
        .unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::NotFound);
    assert_eq!(server.recorder.take_user_changes(), ["Delete bob"]);
}

#[test]
fn new_limits_reach_sessions_that_are_open() {
    let server = Service::new(Settings::default());
    let bob = server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap();
    let account = server.usage.account(&bob.effective()).unwrap();
    server
        .accounts
        .update(&Actor::program(), bob.id, |draft| {
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
    let server = Service::new(Settings {
        manage_users: false,
        ..Settings::default()
    });
    let bob = add(server.provider.as_ref(), "bob", |_| ());
    for refused in [
        server
            .accounts
            .add(&Actor::program(), draft("alice"))
            .map(drop),
        server
            .accounts
            .update(&Actor::program(), bob.id, |_| Ok(()))
            .map(drop),
        server.accounts.delete(&Actor::program(), bob.id),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("manage_users"), "{error}");
    }
    assert!(server.accounts.by_id(bob.id).unwrap() == bob);
    assert!(server.recorder.take_user_changes().is_empty());
}

#[test]
fn updates_at_the_same_time_do_not_undo_each_other() {
    let server = Service::new(Settings::default());
    let bob = server
        .accounts
        .add(&Actor::program(), draft("bob"))
        .unwrap();
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
                    server
                        .accounts
                        .update(&Actor::program(), bob.id, one_more)
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(stored(&server, bob.id).quota_size, 40);
}
