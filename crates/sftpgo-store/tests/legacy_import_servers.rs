//! Tables of SFTPGo 0.9.x on PostgreSQL and MariaDB, and what becomes of them.
#![cfg(any(feature = "postgres", feature = "mysql"))]
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use common::{Place, on_each};
use sftpgo_core::{
    ErrorKind, Permissions, StoredUser,
    provider::{UserQuery, Users},
    storage_usage::Usage,
    user::UserFilters,
};
use sftpgo_databases::{
    Database, Kind,
    old::{self, Form},
};
use sftpgo_store::{DatabaseProvider, drop_takeover_copy};

on_each!(
    every_form_keeps_its_rows,
    names_that_were_alike_for_the_old_server_are_told_apart,
    a_row_that_says_more_is_kept_and_its_user_shut_out,
    many_rows_are_taken_over_a_part_at_a_time,
    the_old_table_is_copied_once_before_anything_changes,
    the_copy_is_dropped_when_that_is_asked_for,
    a_take_over_that_was_cut_off_is_made_up_for,
    a_table_of_something_else_is_left_alone,
    servers_that_start_at_once_do_not_disturb_each_other,
    ids_go_on_where_they_were,
);

struct Old(Place);

impl Old {
    fn new(kind: Kind, form: Form) -> Self {
        let old = Self(Place::server(kind));
        old.run(&old::table(kind, form));
        old
    }

    fn database(&self) -> &Database {
        match &self.0 {
            Place::Server(database) => database,
            Place::File(_) => unreachable!(),
        }
    }

    fn run(&self, sql: &str) -> String {
        self.database().sql(sql)
    }

    fn open(&self) -> DatabaseProvider {
        self.0.open().unwrap()
    }

    fn user(&self, username: &str) -> StoredUser {
        self.open().user_by_name(username).unwrap().unwrap()
    }
}

fn is_shut_out(user: &StoredUser) -> bool {
    !user.enabled && user.permissions.is_empty()
}

fn every_form_keeps_its_rows(kind: Kind) {
    for form in Form::ALL {
        let old = Old::new(kind, form);
        old.run(&old::user(form, "bob", &[]));
        old.run(&old::user(form, "alice", &[("public_keys", "NULL")]));
        let bob = old.user("bob");
        let expected = StoredUser {
            enabled: true,
            username: "bob".to_owned(),
            expiration_date: 0,
            password: Some("$2a$14$abc".to_owned()),
            public_keys: vec!["ssh-ed25519 AAAA".to_owned()],
            home_dir: "/srv/home".into(),
            uid: 1,
            gid: 2,
            max_sessions: 3,
            quota_size: 4,
            quota_files: 5,
            permissions: Permissions::LIST | Permissions::DOWNLOAD,
            usage: Usage {
                size: 6,
                files: 7,
                updated_at: 8,
            },
            upload_bandwidth: 9,
            download_bandwidth: 10,
            last_login: if form == Form::Oldest { 0 } else { 11 },
            filters: UserFilters::default(),
            spent_steps: 0,
            id: bob.id,
        };
        assert!(bob == expected, "{form:?}");
        assert!(old.user("alice").public_keys.is_empty());
        // Like a new one.
        let provider = old.open();
        let carol = StoredUser {
            username: "carol".to_owned(),
            ..bob
        };
        let added = provider.add_user(&carol).unwrap();
        assert!(provider.user_by_id(added.id).unwrap().unwrap() == added);
        let twice = provider.add_user(&carol).unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::AlreadyExists);
    }
}

fn names_that_were_alike_for_the_old_server_are_told_apart(kind: Kind) {
    let old = Old::new(kind, Form::Reordered);
    old.run(&old::user(Form::Reordered, "bob", &[]));
    let provider = old.open();
    for other in ["Bob", "bób", "bob ", "a", "_", "B"] {
        let bob = old.user("bob");
        assert!(provider.user_by_name(other).unwrap().is_none(), "{other}");
        let user = StoredUser {
            username: other.to_owned(),
            password: Some("Hash".to_owned()),
            ..bob
        };
        let added = provider.add_user(&user).unwrap();
        // A hash that differs in case is another hash.
        assert!(
            !provider
                .replace_password_hash(added.id, "hash", "x")
                .unwrap()
        );
    }
    let names: Vec<_> = provider
        .list_users(&UserQuery::default())
        .unwrap()
        .into_iter()
        .map(|user| user.username)
        .collect();
    assert_eq!(names, ["B", "Bob", "_", "a", "bob", "bob ", "bób"]);
}

fn a_row_that_says_more_is_kept_and_its_user_shut_out(kind: Kind) {
    let everything = r#"'{"/":["*"]}'"#;
    let cases: [&[(&str, &str)]; 8] = [
        &[("permissions", r#"'{"/":["*"],"/private":["list"]}'"#)],
        &[("permissions", "'not json'")],
        &[
            ("permissions", everything),
            ("filters", r#"'{"denied_ip":["10.0.0.0/8"]}'"#),
        ],
        &[
            ("permissions", everything),
            ("filesystem", r#"'{"provider":1}'"#),
        ],
        &[
            ("permissions", everything),
            ("virtual_folders", r#"'[{"virtual_path":"/v"}]'"#),
        ],
        &[("permissions", everything), ("uid", "-1")],
        &[("permissions", everything), ("expiration_date", "-1")],
        &[
            ("permissions", r#"'["*"]'"#),
            ("filters", r#"'{"allowed_ip":["10.0.0.0/8"]}'"#),
        ],
    ];
    let old = Old::new(kind, Form::Newest);
    for (number, different) in cases.iter().enumerate() {
        old.run(&old::user(Form::Newest, &format!("u{number}"), different));
    }
    old.run(&old::user(
        Form::Newest,
        "harmless",
        &[
            ("permissions", r#"'{"/":["upload","chmod"]}'"#),
            ("filters", r#"'{"allowed_ip":[]}'"#),
            ("filesystem", r#"'{"provider":0}'"#),
            ("virtual_folders", "'[]'"),
        ],
    ));
    // And after the next start as well.
    for _ in 0..2 {
        let provider = old.open();
        for (number, different) in cases.iter().enumerate() {
            let user = provider.user_by_name(&format!("u{number}")).unwrap();
            assert!(is_shut_out(&user.unwrap()), "{different:?}");
        }
        let harmless = provider.user_by_name("harmless").unwrap().unwrap();
        assert!(harmless.enabled);
        assert_eq!(
            harmless.permissions,
            Permissions::UPLOAD | Permissions::CHMOD
        );
    }
}

fn many_rows_are_taken_over_a_part_at_a_time(kind: Kind) {
    let old = Old::new(kind, Form::Newest);
    let rows: String = (0..2500)
        .map(|number| old::user(Form::Newest, &format!("u{number}"), &[]))
        .collect();
    old.run(&rows);
    let mut seen = 0;
    old.open()
        .for_each_user(&mut |user| {
            assert!(user.enabled, "{}", user.username);
            seen += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, 2500);
}

fn the_old_table_is_copied_once_before_anything_changes(kind: Kind) {
    let old = Old::new(kind, Form::Newest);
    old.run(&old::user(Form::Newest, "bob", &[("filters", "'{}'")]));
    let bob = old.user("bob");
    old.open().delete_user(bob.id).unwrap();
    old.open();
    assert_eq!(
        old.run("SELECT username, permissions, filters FROM users_before_takeover"),
        "bob\t{\"/\":[\"list\",\"download\"]}\t{}"
    );
}

fn the_copy_is_dropped_when_that_is_asked_for(kind: Kind) {
    let old = Old::new(kind, Form::Newest);
    old.run(&old::user(Form::Newest, "bob", &[]));
    let config = old.0.config(0);
    let refused = drop_takeover_copy(&config).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    old.open();
    assert_eq!(drop_takeover_copy(&config).unwrap(), Some(1));
    assert_eq!(drop_takeover_copy(&config).unwrap(), None);
    assert!(old.user("bob").enabled);
}

fn a_take_over_that_was_cut_off_is_made_up_for(kind: Kind) {
    let old = Old::new(kind, Form::Newest);
    old.run(&old::user(Form::Newest, "bob", &[]));
    old.run(&old::user(
        Form::Newest,
        "eve",
        &[("filters", r#"'{"denied_ip":["::/0"]}'"#)],
    ));
    // Of a start that died while it copied.
    old.run("CREATE TABLE users_before_takeover_unfinished (id integer)");
    old.open();
    // And as if it had died before it wrote down that it was done, and before what later versions add.
    old.run("ALTER TABLE users DROP COLUMN user_filters");
    old.run("ALTER TABLE users DROP COLUMN spent_steps");
    old.run("DELETE FROM __diesel_schema_migrations");
    let bob = old.user("bob");
    assert!(bob.enabled);
    assert_eq!(bob.permissions, Permissions::LIST | Permissions::DOWNLOAD);
    assert!(is_shut_out(&old.user("eve")));
    assert_eq!(
        old.run("SELECT permissions FROM users_before_takeover WHERE username = 'bob'"),
        r#"{"/":["list","download"]}"#
    );
}

fn a_table_of_something_else_is_left_alone(kind: Kind) {
    let whole = old::table(kind, Form::Reordered);
    for (tables, reason) in [
        (
            "CREATE TABLE users (id integer, username varchar(10))".to_owned(),
            "is missing",
        ),
        (
            format!("{whole} ALTER TABLE users ADD COLUMN additional_info text"),
            "additional_info",
        ),
        (
            format!("{whole} CREATE TABLE folders_mapping (id integer)"),
            "folders_mapping",
        ),
        (
            whole.replace("quota_size bigint", "quota_size varchar(20)"),
            "quota_size is of type",
        ),
    ] {
        let old = Old(Place::server(kind));
        old.run(&tables);
        let error = old.0.open().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(reason), "{error}");
        let made = "SELECT COUNT(*) FROM information_schema.tables \
                    WHERE table_name IN ('users_before_takeover', 'unsettled_users') AND table_schema IN (";
        let schema = match kind {
            Kind::Postgres => "'public')",
            Kind::Mariadb => "DATABASE())",
        };
        assert_eq!(old.run(&format!("{made}{schema}")), "0");
    }
}

fn servers_that_start_at_once_do_not_disturb_each_other(kind: Kind) {
    let old = Old::new(kind, Form::Newest);
    for name in ["alice", "bob"] {
        old.run(&old::user(Form::Newest, name, &[]));
    }
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(old.user("bob").enabled));
        }
    });
    let empty = Place::server(kind);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| empty.open().map(drop).unwrap());
        }
    });
}

fn ids_go_on_where_they_were(kind: Kind) {
    let old = Old::new(kind, Form::Oldest);
    for name in ["alice", "bob"] {
        old.run(&old::user(Form::Oldest, name, &[]));
    }
    let bob = old.user("bob");
    let provider = old.open();
    provider.delete_user(bob.id).unwrap();
    let again = provider.add_user(&bob).unwrap();
    assert!(again.id > bob.id);
}
