//! A database of SFTPGo 0.9.x, and its users log in.

use sftpgo_databases::{
    Database,
    old::{self, Form},
};
use sftpgo_e2e::sftp;

use super::{Kind, on_each, start_on};

on_each!(users_of_every_form_log_in);

/// `openssl passwd -6 secret`
const HASH: &str = "'$6$aUpdTV10pEHE9qsB$EuO6VIAikTNitt9JNjnExhjcI6hpfWYe4GjfV78uiCuGRgpf341uzvF4JKnzOht5xPkBeLX5vSgY2F7bBcVCi/'";

fn users_of_every_form_log_in(kind: Kind) {
    for form in Form::ALL {
        let database = Database::new(kind);
        database.sql(&old::table(kind, form));
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("hello"), "hello").unwrap();
        let different = [
            ("password", HASH),
            ("home_dir", &format!("'{}'", home.path().display())),
            ("uid", "0"),
            ("gid", "0"),
        ];
        database.sql(&old::user(form, "bob", &different));
        let server = start_on(&database, &database.name);
        let listed = sftp(&server, "bob", &[], "ls\nget hello got\n");
        let listed = listed.assert_ok();
        assert!(listed.contains("hello"), "{listed}");
        assert!(!sftp(&server, "bob", &[], "mkdir new\n").ok);
        let log = server.read("sftpgo.log");
        assert!(
            log.contains("the table of an SFTPGo 0.9 database was taken over: 1 users"),
            "{log}"
        );
    }
}
