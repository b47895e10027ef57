//! Who is trusted: the servers' certificate is `localhost`'s, signed by an authority that no system knows.
#![cfg(any(feature = "postgres", feature = "mysql"))]
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use std::{path::PathBuf, time::Instant};

use common::{address_of, on_each, took_too_long};
use sftpgo_core::{ErrorKind, provider::Users};
use sftpgo_databases::{Kind, PASSWORD, Server, USER, make_certificates};
use sftpgo_store::{ConnectOptions, DatabaseProvider, Secret, StoreConfig, Tls};
use sftpgo_test_support::PATIENCE;

on_each!(
    who_is_verified_in_full_is_the_named_host,
    who_need_not_be_verified_is_encrypted_to_all_the_same,
    a_server_without_tls_is_refused_unless_it_need_not_be,
);

struct Case<'a> {
    server: &'a Server,
    database: String,
}

impl<'a> Case<'a> {
    fn new(server: &'a Server) -> Self {
        let database = server.make_database();
        Self { server, database }
    }

    fn open(
        &self,
        host: &str,
        tls: Tls,
        roots: Option<PathBuf>,
    ) -> sftpgo_core::Result<DatabaseProvider> {
        let place = sftpgo_store::Server {
            host: host.to_owned(),
            tls,
            root_certificates: roots,
            ..address_of(self.server, &self.database)
        };
        let place = match self.server.kind {
            Kind::Postgres => ConnectOptions::Postgres(place),
            Kind::Mariadb => ConnectOptions::Mysql(place),
        };
        let config = StoreConfig {
            connect_options: place,
            pool_size: 1,
        };
        let until = Instant::now() + PATIENCE;
        loop {
            match DatabaseProvider::open(&config) {
                Err(error) if took_too_long(&error) && Instant::now() < until => {}
                outcome => return outcome,
            }
        }
    }

    fn refusal(&self, host: &str, tls: Tls, roots: Option<PathBuf>) -> String {
        let error = self.open(host, tls, roots).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(!error.to_string().contains(PASSWORD), "{error}");
        error.to_string()
    }

    /// Connections to the database that are encrypted.
    fn encrypted(&self) -> String {
        let name = &self.database;
        match self.server.kind {
            Kind::Postgres => self.server.sql(
                "",
                &format!("SELECT COUNT(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE s.ssl AND a.datname = '{name}'"),
            ),
            Kind::Mariadb => self.server.sql(
                "",
                &format!(
                    "SELECT COUNT(*) FROM information_schema.processlist p WHERE p.db = '{name}' AND p.tid > 0 AND \
                     (SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Ssl_accepts') > 0"
                ),
            ),
        }
    }
}

fn who_is_verified_in_full_is_the_named_host(kind: Kind) {
    let server = Server::start(kind);
    let case = Case::new(&server);
    let trusted = Some(server.authority());
    let provider = case
        .open("localhost", Tls::VerifyFull, trusted.clone())
        .unwrap();
    assert!(provider.user_by_name("bob").unwrap().is_none());
    assert_ne!(case.encrypted(), "0");
    // The same server by a name that is not in its certificate.
    let name = case.refusal("127.0.0.1", Tls::VerifyFull, trusted);
    assert!(name.to_lowercase().contains("certificate"), "{name}");
    // A certificate that somebody else's authority could have signed.
    let others = tempfile::tempdir().unwrap();
    make_certificates(others.path(), "localhost");
    for roots in [Some(others.path().join("ca.pem")), None] {
        let authority = case.refusal("localhost", Tls::VerifyFull, roots);
        assert!(
            authority.to_lowercase().contains("certificate"),
            "{authority}"
        );
    }
    if kind == Kind::Postgres {
        let trusted = Some(server.authority());
        case.open("127.0.0.1", Tls::VerifyAuthority, trusted)
            .unwrap();
        case.refusal(
            "127.0.0.1",
            Tls::VerifyAuthority,
            Some(others.path().join("ca.pem")),
        );
        let port = server.port;
        let roots = server.authority();
        let password = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        for (host, ok) in [("localhost", true), ("127.0.0.1", false)] {
            let text = format!(
                "host={host} port = {port} user={USER} password='{password}' dbname={} sslmode=verify-full sslrootcert='{}'",
                case.database,
                roots.display()
            );
            let config = StoreConfig {
                connect_options: ConnectOptions::PostgresText(Secret(text)),
                pool_size: 1,
            };
            assert_eq!(DatabaseProvider::open(&config).is_ok(), ok, "{host}");
        }
    }
}

fn who_need_not_be_verified_is_encrypted_to_all_the_same(kind: Kind) {
    let server = Server::start(kind);
    let case = Case::new(&server);
    for tls in [Tls::Unverified, Tls::Preferred] {
        let provider = case.open("127.0.0.1", tls, None).unwrap();
        assert!(provider.user_by_name("bob").unwrap().is_none());
        assert_ne!(case.encrypted(), "0", "{tls:?}");
    }
}

fn a_server_without_tls_is_refused_unless_it_need_not_be(kind: Kind) {
    let server = Server::start_without_tls(kind);
    let case = Case::new(&server);
    for tls in [Tls::Off, Tls::Preferred] {
        case.open("127.0.0.1", tls, None).unwrap();
    }
    for tls in [Tls::Unverified, Tls::VerifyFull] {
        let refusal = case.refusal("localhost", tls, Some(server.authority()));
        assert!(
            refusal.contains("SSL") || refusal.contains("TLS"),
            "{refusal}"
        );
    }
}
