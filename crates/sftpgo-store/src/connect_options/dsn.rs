//! Connection strings of Go's MySQL driver, which SFTPGo's configuration has:
//! `username:password@protocol(address)/database?parameter=value`.
//!
//! <https://github.com/go-sql-driver/mysql#dsn-data-source-name>

use sftpgo_core::{Error, ErrorKind, Result};

use super::{Secret, Server, Tls};

const DEFAULT_PORT: u16 = 3306;

/// Parameters that say how that driver works, or what this server does anyway.
const OF_NO_CONCERN: [&str; 17] = [
    "allowFallbackToPlaintext",
    "allowNativePasswords",
    "charset",
    "checkConnLiveness",
    "clientFoundRows",
    "collation",
    "columnsWithAlias",
    "connectionAttributes",
    "interpolateParams",
    "loc",
    "maxAllowedPacket",
    "multiStatements",
    "parseTime",
    "readTimeout",
    "rejectReadOnly",
    "timeout",
    "writeTimeout",
];

impl Server {
    /// Parses a connection string of Go's MySQL driver.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when it cannot be read, or asks for what is not there; the message holds no
    /// value of it.
    pub fn from_dsn(text: &str) -> Result<Self> {
        // A password may have any of the other separators.
        let (before, after) = text.rsplit_once('/').ok_or_else(unreadable)?;
        let (credentials, address) = before.rsplit_once('@').unwrap_or(("", before));
        let (username, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let (database, parameters) = after.split_once('?').unwrap_or((after, ""));
        let (host, port) = endpoint(address).ok_or_else(unreadable)?;
        if database.is_empty() {
            return Err(invalid("names no database".to_owned()));
        }
        Ok(Self {
            host,
            port,
            database: database.to_owned(),
            username: username.to_owned(),
            password: Secret(password.to_owned()),
            tls: tls(parameters)?,
            root_certificates: None,
        })
    }
}

fn endpoint(address: &str) -> Option<(String, u16)> {
    let (protocol, address) = match address.split_once('(') {
        Some((protocol, rest)) => (protocol, rest.strip_suffix(')')?),
        None => (address, ""),
    };
    match protocol {
        "unix" if address.starts_with('/') => Some((address.to_owned(), 0)),
        "tcp" | "" => {
            let (host, port) = match address.rsplit_once(':') {
                Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
                _ => (address, DEFAULT_PORT),
            };
            let host = host.trim_start_matches('[').trim_end_matches(']');
            Some((host.to_owned(), port))
        }
        _ => None,
    }
}

fn tls(parameters: &str) -> Result<Tls> {
    let mut tls = Tls::Off;
    for parameter in parameters.split('&').filter(|text| !text.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or_else(unreadable)?;
        match (name, value) {
            ("tls", "true" | "1" | "TRUE" | "True") => tls = Tls::VerifyFull,
            ("tls", "false" | "0" | "FALSE" | "False") => tls = Tls::Off,
            ("tls", "skip-verify") => tls = Tls::Unverified,
            ("tls", "preferred") => tls = Tls::Preferred,
            ("tls", _) => {
                return Err(invalid(
                    "may have tls=true, false, skip-verify or preferred, and nothing else"
                        .to_owned(),
                ));
            }
            (known, _) if OF_NO_CONCERN.contains(&known) => {}
            (unknown, _) => return Err(invalid(format!("has the unknown parameter {unknown:?}"))),
        }
    }
    Ok(tls)
}

fn unreadable() -> Error {
    invalid(
        "is not one of Go's MySQL driver, such as \"user:password@tcp(db.example.org:3306)/sftpgo?tls=true\"".to_owned(),
    )
}

fn invalid(reason: String) -> Error {
    Error::new(ErrorKind::Invalid, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_strings_are_read() {
        for (text, host, port, username, password, database, tls) in [
            (
                "u:p@tcp(db:3307)/users",
                "db",
                3307,
                "u",
                "p",
                "users",
                Tls::Off,
            ),
            (
                "u:a@b/c:d(e)@tcp(db)/users?tls=true",
                "db",
                3306,
                "u",
                "a@b/c:d(e)",
                "users",
                Tls::VerifyFull,
            ),
            (
                "u@tcp([::1]:3306)/users?tls=skip-verify&charset=utf8mb4",
                "::1",
                3306,
                "u",
                "",
                "users",
                Tls::Unverified,
            ),
            (
                "u:p@unix(/run/mysqld/mysqld.sock)/users?parseTime=true",
                "/run/mysqld/mysqld.sock",
                0,
                "u",
                "p",
                "users",
                Tls::Off,
            ),
            (
                "u:p@/users?tls=preferred",
                "",
                3306,
                "u",
                "p",
                "users",
                Tls::Preferred,
            ),
            (
                "tcp(:3306)/users?tls=false",
                "",
                3306,
                "",
                "",
                "users",
                Tls::Off,
            ),
        ] {
            let expected = Server {
                host: host.to_owned(),
                port,
                database: database.to_owned(),
                username: username.to_owned(),
                password: Secret(password.to_owned()),
                tls,
                root_certificates: None,
            };
            assert_eq!(Server::from_dsn(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_done_is_refused_without_a_word_of_it() {
        for (text, reason) in [
            ("hunter2", "is not one of"),
            ("u:hunter2@tcp(db:3306)", "is not one of"),
            ("u:hunter2@tcp(db:x)/users", "is not one of"),
            ("u:hunter2@tcp(db/users", "is not one of"),
            ("u:hunter2@pipe(x)/users", "is not one of"),
            ("u:hunter2@tcp(db)/", "names no database"),
            ("u:hunter2@tcp(db)/users?tls=custom", "tls=true, false"),
            (
                "u:hunter2@tcp(db)/users?allowCleartextPasswords=true",
                "unknown parameter \"allowCleartextPasswords\"",
            ),
        ] {
            let error = Server::from_dsn(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
