//! Which database the settings name.

use std::fs;

use sftpgo_store::{ConnectOptions, DATABASES, Secret, Server, Tls};

use super::*;

const POSTGRES: [(&str, &str); 6] = [
    ("SFTPGO_DATA_PROVIDER__DRIVER", "postgresql"),
    ("SFTPGO_DATA_PROVIDER__HOST", "db.example.org"),
    ("SFTPGO_DATA_PROVIDER__NAME", "users"),
    ("SFTPGO_DATA_PROVIDER__USERNAME", "sftpgo"),
    ("SFTPGO_DATA_PROVIDER__PASSWORD", "hunter2"),
    ("SFTPGO_DATA_PROVIDER__ROOT_CERT_FILE", "ca.pem"),
];

fn place_of(directory: &Path, variables: &[(&str, &str)]) -> ConnectOptions {
    let found = load_with(directory, variables);
    match &found.settings().unwrap().data_provider.driver {
        Driver::Database(config) => config.connect_options.clone(),
        Driver::Memory => panic!("{variables:?}"),
    }
}

#[test]
fn a_database_that_is_not_built_in_is_refused_with_those_that_are() {
    let directory = tempfile::tempdir().unwrap();
    for driver in ["postgresql", "mysql"] {
        if DATABASES.contains(&driver) {
            continue;
        }
        let problems = problems_of(
            directory.path(),
            &[("SFTPGO_DATA_PROVIDER__DRIVER", driver)],
        );
        let here = DATABASES.join(", ");
        assert_eq!(
            problems,
            [format!(
                "data_provider.driver: this build has no {driver}; it has {here} and memory (set by SFTPGO_DATA_PROVIDER__DRIVER)"
            )]
        );
    }
    let problems = problems_of(
        directory.path(),
        &[("SFTPGO_DATA_PROVIDER__DRIVER", "oracle")],
    );
    assert!(problems[0].contains("\"oracle\" is not one of sqlite, postgresql, mysql, memory"));
}

#[test]
fn a_server_is_read_from_its_keys() {
    let directory = tempfile::tempdir().unwrap();
    // Any file will do.
    let certificates = directory.path().join("ca.pem");
    fs::write(&certificates, "").unwrap();
    for (driver, port, modes) in [
        (
            "postgresql",
            5432,
            [
                Tls::Off,
                Tls::Unverified,
                Tls::VerifyAuthority,
                Tls::VerifyFull,
            ],
        ),
        (
            "mysql",
            3306,
            [Tls::Off, Tls::VerifyFull, Tls::Unverified, Tls::Preferred],
        ),
    ] {
        if !DATABASES.contains(&driver) {
            continue;
        }
        for (mode, tls) in ["0", "1", "2", "3"].into_iter().zip(modes) {
            for (asked, port) in [("5432", port), ("7777", 7777)] {
                let mut variables = POSTGRES.to_vec();
                variables.extend([
                    ("SFTPGO_DATA_PROVIDER__DRIVER", driver),
                    ("SFTPGO_DATA_PROVIDER__SSLMODE", mode),
                    ("SFTPGO_DATA_PROVIDER__PORT", asked),
                ]);
                let expected = Server {
                    host: "db.example.org".to_owned(),
                    port,
                    database: "users".to_owned(),
                    username: "sftpgo".to_owned(),
                    password: Secret("hunter2".to_owned()),
                    tls,
                    root_certificates: Some(certificates.clone()),
                };
                let expected = match driver {
                    "mysql" => ConnectOptions::Mysql(expected),
                    _ => ConnectOptions::Postgres(expected),
                };
                assert_eq!(place_of(directory.path(), &variables), expected);
            }
        }
    }
}

#[test]
#[cfg(all(feature = "postgres", feature = "mysql"))]
fn what_cannot_lead_to_a_server_is_named_and_no_secret_told() {
    let directory = tempfile::tempdir().unwrap();
    let key = "SFTPGO_DATA_PROVIDER__CONNECTION_STRING";
    for (driver, changed, expected) in [
        (
            "postgresql",
            vec![("SFTPGO_DATA_PROVIDER__NAME", "")],
            "data_provider.name: the name of a database",
        ),
        (
            "mysql",
            vec![("SFTPGO_DATA_PROVIDER__NAME", "sftpgo.db")],
            "data_provider.name: the name of a database",
        ),
        (
            "mysql",
            vec![("SFTPGO_DATA_PROVIDER__HOST", "a b")],
            "data_provider: \"a b\" is not the name",
        ),
        (
            "mysql",
            vec![
                ("SFTPGO_DATA_PROVIDER__HOST", "::1"),
                ("SFTPGO_DATA_PROVIDER__SSLMODE", "2"),
            ],
            "data_provider: an IPv6 address",
        ),
        (
            "postgresql",
            vec![
                ("SFTPGO_DATA_PROVIDER__SSLMODE", "3"),
                ("SFTPGO_DATA_PROVIDER__ROOT_CERT_FILE", "gone.pem"),
            ],
            "gone.pem is not a file",
        ),
        (
            "postgresql",
            vec![("SFTPGO_DATA_PROVIDER__SSLMODE", "4")],
            "data_provider.sslmode: 4 is not between 0 and 3",
        ),
        (
            "postgresql",
            vec![(key, "host=db hunter2")],
            "data_provider.connection_string: is not a connection string",
        ),
        (
            "postgresql",
            vec![(key, "host='db password=hunter2")],
            "data_provider.connection_string: is not a connection string",
        ),
        (
            "mysql",
            vec![(key, "sftpgo:hunter2")],
            "data_provider.connection_string: is not one of Go's",
        ),
    ] {
        let mut variables = POSTGRES.to_vec();
        variables.push(("SFTPGO_DATA_PROVIDER__DRIVER", driver));
        variables.extend(changed);
        let problems = problems_of(directory.path(), &variables);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(expected), "{problems:?}");
        assert!(!problems[0].contains("hunter2"), "{problems:?}");
    }
}
