//! libpq's connection strings.
//!
//! <https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING>

use diesel::{Connection as _, ConnectionError, ConnectionResult, PgConnection};
use sftpgo_core::{Error, ErrorKind, Result};

use super::roots;
use crate::{
    Server, Tls,
    connection::{Connection, made_of},
};

/// The parameters of libpq unless the operator says otherwise: a server that is not there, or vanishes, is noticed.
const DEFAULTS: [(&str, &str); 7] = [
    ("application_name", "sftpgo-server"),
    ("connect_timeout", "3"),
    ("keepalives", "1"),
    ("keepalives_idle", "30"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

/// A connection string.
pub(crate) struct Conninfo {
    text: String,
    /// Values that must not be seen in a message.
    secrets: Vec<String>,
}

impl Conninfo {
    /// Makes the parameters for this server.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when there are no certificates to hold the server's against.
    pub(super) fn of(server: &Server) -> Result<Self> {
        let mut pairs = DEFAULTS.map(owned).to_vec();
        // As SFTPGo's driver has it; libpq would take a socket.
        let host = Some(server.host.as_str()).filter(|host| !host.is_empty());
        pairs.push(owned(("host", host.unwrap_or("localhost"))));
        pairs.push(("port".to_owned(), server.port.to_string()));
        pairs.push(owned(("dbname", &server.database)));
        if !server.username.is_empty() {
            pairs.push(owned(("user", &server.username)));
        }
        if !server.password.0.is_empty() {
            pairs.push(owned(("password", &server.password.0)));
        }
        let mode = match server.tls {
            Tls::Off => "disable",
            Tls::Preferred => "prefer",
            Tls::Unverified => "require",
            Tls::VerifyAuthority => "verify-ca",
            Tls::VerifyFull => "verify-full",
        };
        pairs.push(owned(("sslmode", mode)));
        // libpq has its own way to be told, and looks for a file that hardly anybody has.
        if matches!(server.tls, Tls::VerifyAuthority | Tls::VerifyFull)
            && (server.root_certificates.is_some() || std::env::var_os("PGSSLROOTCERT").is_none())
        {
            pairs.push(("sslrootcert".to_owned(), roots::for_server(server)?));
        }
        Self::from_pairs(&pairs)
    }

    /// Parses a connection string as an operator wrote it.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when it cannot be read; the message holds nothing of it.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Self::from_url(text);
        }
        let mut pairs = DEFAULTS.map(owned).to_vec();
        pairs.extend(keywords(text).ok_or_else(unreadable)?);
        Self::from_pairs(&pairs)
    }

    /// The last of two values of a keyword counts.
    fn from_pairs(pairs: &[(String, String)]) -> Result<Self> {
        if pairs
            .iter()
            .any(|(key, value)| key.contains('\0') || value.contains('\0'))
        {
            return Err(unreadable());
        }
        let text = pairs
            .iter()
            .map(|(key, value)| {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                format!("{key}='{value}' ")
            })
            .collect();
        let last = |wanted: &str| {
            let mut values = pairs.iter().rev().filter(|(key, _)| key == wanted);
            values.next().map(|(_, value)| value.as_str())
        };
        Ok(Self {
            text,
            secrets: secrets([last("password"), last("sslpassword")]),
        })
    }

    fn from_url(text: &str) -> Result<Self> {
        let (_, rest) = text.split_once("://").ok_or_else(unreadable)?;
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = before.split('/').next().unwrap_or_default();
        let (userinfo, _) = authority.rsplit_once('@').unwrap_or_default();
        let (_, password) = userinfo.split_once(':').unwrap_or_default();
        let parameters: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let parameter = |wanted: &str| {
            let mut found = parameters.iter().filter(|(key, _)| *key == wanted);
            found.next().map(|(_, value)| *value)
        };
        let mut whole = text.to_owned();
        let mut mark = if rest.contains('?') { '&' } else { '?' };
        for (key, value) in DEFAULTS {
            if parameter(key).is_none() {
                whole += &format!("{mark}{key}={value}");
                mark = '&';
            }
        }
        if whole.contains('\0') {
            return Err(unreadable());
        }
        let mut secrets = secrets([
            Some(password),
            parameter("password"),
            parameter("sslpassword"),
        ]);
        let decoded: Vec<_> = secrets.iter().filter_map(|secret| decode(secret)).collect();
        secrets.extend(decoded);
        Ok(Self {
            text: whole,
            secrets,
        })
    }

    pub(super) fn connect(&self) -> ConnectionResult<Connection> {
        PgConnection::establish(&self.text)
            .map(made_of::postgres)
            .map_err(|error| self.without_secrets(error))
    }

    /// libpq quotes what it cannot read.
    fn without_secrets(&self, error: ConnectionError) -> ConnectionError {
        let ConnectionError::BadConnection(message) = error else {
            return error;
        };
        let shown = |text: String, secret: &String| text.replace(secret.as_str(), "***");
        ConnectionError::BadConnection(self.secrets.iter().fold(message, shown))
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn unreadable() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "is not a connection string of PostgreSQL, such as \"host=db.example.org dbname=sftpgo user=sftpgo\"",
    )
}

fn secrets<const N: usize>(found: [Option<&str>; N]) -> Vec<String> {
    let secrets = found.into_iter().flatten();
    secrets
        .filter(|secret| !secret.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `keyword = value`, the value in single quotes when it is empty or has spaces, with `\` before a quote or a `\`.
fn keywords(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_end();
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        let (value, after) = value(after.trim_start())?;
        pairs.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    (!pairs.is_empty()).then_some(pairs)
}

fn value(text: &str) -> Option<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices();
    if quoted {
        characters.next();
    }
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Some((value, text.get(at + 1..)?)),
            space if !quoted && space.is_whitespace() => return Some((value, text.get(at..)?)),
            other => value.push(other),
        }
    }
    (!quoted).then_some((value, ""))
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Conninfo {
        Conninfo::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn keywords_are_read_as_libpq_reads_them() {
        let pairs = keywords(r"host = db  port=5433 password='it''s'").unwrap_or_default();
        assert_eq!(pairs.len(), 0, "a quote is escaped by a backslash");
        for (text, expected) in [
            (r"host=db", vec![("host", "db")]),
            (r"  a = b c='' ", vec![("a", "b"), ("c", "")]),
            (
                r"password='it\'s a \\ b' x=y\ z",
                vec![("password", r"it's a \ b"), ("x", "y z")],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(owned).collect();
            assert_eq!(keywords(text), Some(expected), "{text}");
        }
        for text in ["", "host", "=x", "host='db", "a b=c"] {
            assert_eq!(keywords(text), None, "{text}");
        }
    }

    #[test]
    fn the_operators_words_win_over_ours_and_any_value_survives() {
        let conninfo = parse("connect_timeout=9 port=5433,5434 password='it\\'s'");
        let ours = conninfo.text.find("connect_timeout='3'");
        let theirs = conninfo.text.find("connect_timeout='9'");
        assert!(ours.is_some() && ours < theirs, "{}", conninfo.text);
        assert!(conninfo.text.contains(r"password='it\'s'"));
        // It would be read in part.
        assert!(Conninfo::parse("host=db password='a\0b'").is_err());
    }

    #[test]
    fn urls_get_what_they_do_not_say() {
        for (url, ours) in [
            ("postgresql://u:p%40w@db/users", "?application_name="),
            (
                "postgres://u@db:5433,[::1]:5434/users?sslmode=require",
                "&application_name=",
            ),
            (
                "postgres:///users?port=5435&password=p%40w",
                "&application_name=",
            ),
        ] {
            let conninfo = parse(url);
            assert!(conninfo.text.starts_with(url), "{url}");
            assert!(conninfo.text.contains(ours), "{}", conninfo.text);
        }
        let asked = parse("postgres://db/users?connect_timeout=9");
        assert_eq!(asked.text.matches("connect_timeout").count(), 1);
    }

    #[test]
    fn what_libpq_quotes_of_a_password_is_not_shown() {
        for text in [
            "postgres://u:p%40w@db/users",
            "postgres:///users?password=p%40w",
            "password=p@w",
        ] {
            let error = ConnectionError::BadConnection("no p@w, no p%40w".to_owned());
            let shown = parse(text).without_secrets(error).to_string();
            assert!(!shown.contains("p@w"), "{shown}");
        }
    }
}
