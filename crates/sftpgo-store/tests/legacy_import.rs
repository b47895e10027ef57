//! Tables of SFTPGo 0.9.x, made with raw SQL, and what becomes of them.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

use std::{fs, sync::Mutex};

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection,
    sql_query, sql_types::Text,
};
use sftpgo_core::{
    ErrorKind, Permissions, StoredUser,
    provider::{Health, QuotaLedger, Users},
    storage_usage::Usage,
    user::UserFilters,
};
use sftpgo_store::{ConnectOptions, DatabaseProvider, StoreConfig, drop_takeover_copy};
use tempfile::TempDir;

/// Of 2019, before `expiration_date`, `last_login` and `status`.
const OLDEST: &str = r#"CREATE TABLE "users" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "username" varchar(255) NOT NULL UNIQUE, "password" varchar(255) NULL, "public_keys" text NULL,
    "home_dir" varchar(255) NOT NULL, "uid" integer NOT NULL, "gid" integer NOT NULL,
    "max_sessions" integer NOT NULL, "quota_size" bigint NOT NULL, "quota_files" integer NOT NULL,
    "permissions" text NOT NULL, "used_quota_size" bigint NOT NULL, "used_quota_files" integer NOT NULL,
    "last_quota_update" bigint NOT NULL, "upload_bandwidth" integer NOT NULL,
    "download_bandwidth" integer NOT NULL);"#;

/// The same with the columns of 0.9.3 put first, as another installation may have them.
const REORDERED: &str = r#"CREATE TABLE "users" ("status" integer NOT NULL, "last_login" bigint NOT NULL,
    "expiration_date" bigint NOT NULL, "permissions" text NOT NULL, "gid" integer NOT NULL,
    "uid" integer NOT NULL, "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "home_dir" varchar(255) NOT NULL, "public_keys" text NULL, "password" varchar(255) NULL,
    "username" varchar(255) NOT NULL UNIQUE, "download_bandwidth" integer NOT NULL,
    "upload_bandwidth" integer NOT NULL, "quota_files" integer NOT NULL, "quota_size" bigint NOT NULL,
    "max_sessions" integer NOT NULL, "last_quota_update" bigint NOT NULL,
    "used_quota_files" integer NOT NULL, "used_quota_size" bigint NOT NULL);"#;

/// What 0.9.5 and 0.9.6 added.
const OF_0_9_6: &str = r#"ALTER TABLE "users" ADD COLUMN "filters" text NULL;
    ALTER TABLE "users" ADD COLUMN "filesystem" text NULL;
    ALTER TABLE "users" ADD COLUMN "virtual_folders" text NULL;
    CREATE TABLE "schema_version" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "version" integer NOT NULL);
    INSERT INTO schema_version (version) VALUES (3);"#;

struct Old(TempDir);

#[derive(QueryableByName)]
struct Cell {
    #[diesel(sql_type = Text)]
    value: String,
}

impl Old {
    fn new(tables: &[&str]) -> Self {
        let old = Self(tempfile::tempdir().unwrap());
        for sql in tables {
            old.run(sql);
        }
        old
    }

    fn newest() -> Self {
        Self::new(&[REORDERED, OF_0_9_6])
    }

    fn raw(&self) -> SqliteConnection {
        let path = self.0.path().join("sftpgo.db");
        SqliteConnection::establish(path.to_str().unwrap()).unwrap()
    }

    fn run(&self, sql: &str) {
        self.raw().batch_execute(sql).unwrap();
    }

    /// The text that `expression` gives for the one row of `table` called `username`.
    fn cell(&self, table: &str, expression: &str, username: &str) -> String {
        sql_query(format!(
            "SELECT CAST({expression} AS TEXT) AS value FROM {table} WHERE username = ?"
        ))
        .bind::<Text, _>(username)
        .get_result::<Cell>(&mut self.raw())
        .unwrap()
        .value
    }

    /// A row of 0.9.3 with these values in SQL where they differ from the usual.
    fn add(&self, username: &str, different: &[(&str, &str)]) {
        let quoted = format!("'{username}'");
        let mut row = vec![
            ("username", quoted.as_str()),
            ("password", "'$2a$14$abc'"),
            ("public_keys", "'[\"ssh-ed25519 AAAA\"]'"),
            ("home_dir", "'/srv/home'"),
            ("uid", "1"),
            ("gid", "2"),
            ("max_sessions", "3"),
            ("quota_size", "4"),
            ("quota_files", "5"),
            ("permissions", "'[\"list\",\"download\"]'"),
            ("used_quota_size", "6"),
            ("used_quota_files", "7"),
            ("last_quota_update", "8"),
            ("upload_bandwidth", "9"),
            ("download_bandwidth", "10"),
        ];
        for (column, value) in different {
            row.retain(|(name, _)| name != column);
            row.push((column, value));
        }
        let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
        self.run(&format!(
            "INSERT INTO users ({}) VALUES ({})",
            columns.join(","),
            values.join(",")
        ));
    }

    /// A row of 0.9.5 or later: permissions as an object, an active user.
    fn add_newer(&self, username: &str, permissions: &str, different: &[(&str, &str)]) {
        let quoted = format!("'{permissions}'");
        let mut all = vec![
            ("permissions", quoted.as_str()),
            ("status", "1"),
            ("expiration_date", "0"),
            ("last_login", "0"),
        ];
        all.extend(different);
        self.add(username, &all);
    }

    fn open(&self) -> sftpgo_core::Result<DatabaseProvider> {
        DatabaseProvider::open(&StoreConfig {
            connect_options: ConnectOptions::Sqlite(self.0.path().join("sftpgo.db")),
            pool_size: 1,
        })
    }

    fn user(&self, username: &str) -> StoredUser {
        let provider = self.open().unwrap();
        provider.user_by_name(username).unwrap().unwrap()
    }
}

fn is_shut_out(user: &StoredUser) -> bool {
    !user.enabled && user.permissions.is_empty()
}

#[test]
fn the_oldest_table_gets_the_missing_columns_and_keeps_its_rows() {
    let old = Old::new(&[OLDEST]);
    old.add("bob", &[]);
    old.add(
        "alice",
        &[("public_keys", "NULL"), ("permissions", "'[\"*\"]'")],
    );
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
        last_login: 0,
        filters: UserFilters::default(),
        spent_steps: 0,
        id: bob.id,
    };
    assert!(bob == expected);
    let alice = old.user("alice");
    assert!(alice.public_keys.is_empty());
    assert_eq!(alice.permissions, Permissions::all());
}

#[test]
fn the_order_of_columns_does_not_matter() {
    let old = Old::new(&[REORDERED]);
    let dates = [
        ("status", "0"),
        ("last_login", "11"),
        ("expiration_date", "12"),
    ];
    old.add("bob", &dates);
    let bob = old.user("bob");
    assert!(!bob.enabled);
    assert_eq!((bob.last_login, bob.expiration_date), (11, 12));
    assert_eq!((bob.uid, bob.gid, bob.max_sessions), (1, 2, 3));
    assert_eq!(bob.permissions, Permissions::LIST | Permissions::DOWNLOAD);
}

#[test]
fn a_table_taken_over_works_like_a_new_one() {
    for old in [Old::new(&[OLDEST]), Old::newest()] {
        let provider = old.open().unwrap();
        let added = provider
            .add_user(&StoredUser {
                id: sftpgo_core::UserId(0),
                ..new_user("carol")
            })
            .unwrap();
        let usage = Usage {
            size: 5,
            files: 1,
            updated_at: 9,
        };
        provider.set_usage(added.id, usage).unwrap();
        let twice = provider.add_user(&added).unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::AlreadyExists);
        let expected = StoredUser { usage, ..added };
        assert!(provider.user_by_name("carol").unwrap().unwrap() == expected);
    }
}

fn new_user(username: &str) -> StoredUser {
    let old = Old::new(&[OLDEST]);
    old.add(username, &[]);
    StoredUser {
        usage: Usage::default(),
        ..old.user(username)
    }
}

#[test]
fn a_newer_row_that_says_nothing_more_is_taken_over() {
    let old = Old::newest();
    old.add_newer("all", r#"{"/":["*"]}"#, &[]);
    old.add_newer(
        "some",
        r#"{ "/" : ["list", "upload"] }"#,
        &[
            ("filters", "'{\"allowed_ip\":[],\"denied_ip\":[]}'"),
            (
                "filesystem",
                "'{\"provider\":0,\"s3config\":{\"bucket\":\"\"}}'",
            ),
            ("virtual_folders", "'[]'"),
        ],
    );
    old.add_newer("attributes", r#"{"/":["upload","chmod","chown"]}"#, &[]);
    for (username, permissions) in [
        ("all", Permissions::all()),
        ("some", Permissions::LIST | Permissions::UPLOAD),
        (
            "attributes",
            Permissions::UPLOAD | Permissions::CHMOD | Permissions::CHOWN,
        ),
    ] {
        let user = old.user(username);
        assert!(user.enabled, "{username}");
        assert_eq!(user.permissions, permissions, "{username}");
    }
    assert_eq!(
        old.cell("users", "permissions", "some"),
        r#"["list","upload"]"#
    );
}

#[test]
fn a_row_that_says_more_is_kept_and_its_user_shut_out() {
    let everything = r#"{"/":["*"]}"#;
    for (permissions, different) in [
        (r#"{"/":["*"],"/private":["list"]}"#, None),
        (r#"{"/private":["list"]}"#, None),
        ("{}", None),
        (r#"{"/":[]}"#, None),
        (r#"{"/":["list","fly"]}"#, None),
        (r#"{"/":"*"}"#, None),
        ("not json", None),
        (
            everything,
            Some(("filters", r#"'{"denied_ip":["10.0.0.0/8"]}'"#)),
        ),
        (everything, Some(("filters", "'not json'"))),
        (everything, Some(("filesystem", r#"'{"provider":1}'"#))),
        (
            everything,
            Some(("virtual_folders", r#"'[{"virtual_path":"/v"}]'"#)),
        ),
        (everything, Some(("max_sessions", "4294967296"))),
        (everything, Some(("quota_files", "4294967297"))),
        (everything, Some(("quota_size", "'many'"))),
        (everything, Some(("uid", "-1"))),
        (everything, Some(("expiration_date", "-1"))),
        // A list, as in the older table, beside what only the newer has.
        (
            r#"["*"]"#,
            Some(("filters", r#"'{"allowed_ip":["10.0.0.0/8"]}'"#)),
        ),
    ] {
        let old = Old::newest();
        let different: Vec<_> = different.into_iter().collect();
        old.add_newer("bob", permissions, &different);
        old.add_newer("alice", everything, &[]);
        let what = format!("{permissions} {different:?}");
        assert!(is_shut_out(&old.user("bob")), "{what}");
        assert!(old.user("alice").enabled, "{what}");
        if permissions.starts_with('{') {
            assert_eq!(old.cell("users", "permissions", "bob"), permissions);
        }
        for (column, value) in different {
            let stored = old.cell("users", &format!("{column} = {value}"), "bob");
            assert_eq!(stored, "1", "{what}");
        }
        // And after the next start as well.
        assert!(is_shut_out(&old.user("bob")), "{what}");
    }
}

#[test]
fn the_start_says_in_the_log_what_it_did_and_whom_it_shut_out_and_why() {
    let old = Old::newest();
    let filters = ("filters", r#"'{"denied_ip":["::/0"]}'"#);
    old.add_newer("told-of-filters", r#"{"/":["*"]}"#, &[filters]);
    old.add_newer(
        "told-of-home",
        r#"{"/":["*"]}"#,
        &[("home_dir", "'relative'")],
    );
    old.add_newer("not-told-of", r#"{"/":["*"]}"#, &[]);
    static MESSAGES: Messages = Messages(Mutex::new(Vec::new()));
    log::set_logger(&MESSAGES).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    old.open().unwrap().report_flaws().unwrap();
    let first = MESSAGES.about("told-of");
    old.open().unwrap().report_flaws().unwrap();
    let second = MESSAGES.about("told-of");

    let filters_first = r#"WARN the user "told-of-filters" was not taken over and cannot log in: its filters cannot be enforced"#;
    let home =
        r#"WARN the user "told-of-home" cannot log in: its home directory is not an absolute path"#;
    assert_eq!(first, [filters_first, home]);
    let filters_again = r#"WARN the user "told-of-filters" cannot log in: its permissions are not a list of known names"#;
    assert_eq!(second, [filters_first, home, filters_again, home]);
    assert_eq!(
        MESSAGES.about("3 users, 1 of whom"),
        [
            "INFO the table of an SFTPGo 0.9 database was taken over: 3 users, 1 of whom cannot log in; the old rows are in users_before_takeover"
        ]
    );
}

struct Messages(Mutex<Vec<String>>);

impl Messages {
    fn about(&self, what: &str) -> Vec<String> {
        let messages = self.0.lock().unwrap();
        messages
            .iter()
            .filter(|message| message.contains(what))
            .cloned()
            .collect()
    }
}

impl log::Log for Messages {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let message = format!("{} {}", record.level(), record.args());
        self.0.lock().unwrap().push(message);
    }

    fn flush(&self) {}
}

#[test]
fn the_old_table_is_copied_once_before_anything_changes() {
    let old = Old::newest();
    old.add_newer("bob", r#"{"/":["*"]}"#, &[("filters", "'{}'")]);
    let provider = old.open().unwrap();
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    provider.delete_user(bob.id).unwrap();
    drop(provider);
    old.open().unwrap();
    let copied = |column| old.cell("users_before_takeover", column, "bob");
    assert_eq!(copied("permissions"), r#"{"/":["*"]}"#);
    assert_eq!(copied("filters"), "{}");
    assert_eq!(copied("password"), "$2a$14$abc");
}

#[test]
fn a_row_restored_in_the_newer_form_later_is_shut_out_too() {
    let old = Old::newest();
    old.add_newer("bob", r#"{"/":["list"]}"#, &[]);
    assert!(old.user("bob").enabled);
    old.run(r#"UPDATE users SET permissions = '{"/":["*"]}', filters = '{"denied_ip":["::/0"]}'"#);
    assert!(is_shut_out(&old.user("bob")));
}

#[test]
fn the_copy_is_dropped_when_that_is_asked_for_and_nothing_of_it_is_left() {
    let old = Old::newest();
    old.add_newer("bob", r#"{"/":["*"]}"#, &[]);
    let config = StoreConfig {
        connect_options: ConnectOptions::Sqlite(old.0.path().join("sftpgo.db")),
        pool_size: 1,
    };
    let refused = drop_takeover_copy(&config).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    assert!(old.user("bob").enabled);
    old.run("UPDATE users_before_takeover SET password = 'only in the copy'");
    let files_hold = |text: &str| {
        fs::read_dir(old.0.path())
            .unwrap()
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .any(|bytes| {
                bytes
                    .windows(text.len())
                    .any(|some| some == text.as_bytes())
            })
    };
    assert!(files_hold("only in the copy"));
    assert_eq!(drop_takeover_copy(&config).unwrap(), Some(1));
    assert!(!files_hold("only in the copy"));
    assert_eq!(drop_takeover_copy(&config).unwrap(), None);
    assert_eq!(old.cell("users", "password", "bob"), "$2a$14$abc");
    assert!(old.user("bob").enabled);
}

#[test]
fn a_new_database_has_nothing_to_copy() {
    let old = Old::new(&[]);
    old.open().unwrap();
    old.open().unwrap();
    let error = old
        .raw()
        .batch_execute("SELECT * FROM users_before_takeover")
        .unwrap_err();
    assert!(error.to_string().contains("no such table"), "{error}");
}

#[test]
fn a_start_cut_off_after_the_take_over_is_made_up_for() {
    let old = Old::newest();
    old.add_newer("bob", r#"{"/":["list"]}"#, &[]);
    old.open().unwrap();
    // As if the process had died before the migrations.
    old.run("DELETE FROM __diesel_schema_migrations");
    old.run("ALTER TABLE users DROP COLUMN user_filters");
    old.run("ALTER TABLE users DROP COLUMN spent_steps");
    let bob = old.user("bob");
    assert!(bob.enabled);
    assert_eq!(bob.permissions, Permissions::LIST);
    assert_eq!(
        old.cell("users_before_takeover", "permissions", "bob"),
        r#"{"/":["list"]}"#
    );
}

#[test]
fn a_table_of_something_else_is_left_alone() {
    for (tables, reason) in [
        (
            vec!["CREATE TABLE users (id integer PRIMARY KEY, username text)"],
            "missing",
        ),
        (
            vec![OLDEST, "ALTER TABLE users ADD COLUMN additional_info text"],
            "additional_info",
        ),
        (
            vec![REORDERED, "CREATE TABLE folders_mapping (id integer)"],
            "folders_mapping",
        ),
    ] {
        let old = Old::new(&tables);
        let schema = |old: &Old| {
            sql_query("SELECT group_concat(sql, ';') AS value FROM sqlite_master")
                .get_result::<Cell>(&mut old.raw())
                .unwrap()
                .value
        };
        let before = schema(&old);
        let error = old.open().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(reason), "{error}");
        assert_eq!(schema(&old), before);
    }
}

#[test]
fn names_in_old_rows_are_no_sql() {
    let old = Old::newest();
    old.add_newer("bob''; DROP TABLE users; --", r#"{"/":["list"]}"#, &[]);
    let bob = old.user("bob'; DROP TABLE users; --");
    assert_eq!(bob.permissions, Permissions::LIST);
}
