//! The URLs by which diesel connects to MySQL.
//!
//! Such a URL says less than the library can do. What it says of TLS works in MySQL's libmysqlclient only; MariaDB's
//! libmariadb, which most systems have, takes a [connection string][1] in the place of the host name.
//!
//! [1]: https://mariadb.com/docs/connectors/mariadb-connector-c/api-functions/mariadb_connect

use diesel::{
    Connection as _, ConnectionError, ConnectionResult, MysqlConnection, QueryableByName,
    RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sftpgo_core::{Error, ErrorKind, Result};

use super::roots;
use crate::{
    Server, Tls,
    connection::{Connection, made_of},
};

/// The time that connecting may take, in seconds.
const CONNECT_TIMEOUT: u32 = 3;

/// How to connect.
pub(crate) struct Url {
    url: String,
    /// A URL's would not be decoded.
    database: String,
    has_to_be_encrypted: bool,
}

#[derive(QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

impl Url {
    /// Makes the address of this server.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when the server cannot be described, or there are no certificates to hold the
    /// server's against.
    pub(super) fn of(server: &Server) -> Result<Self> {
        let socket = server.host.starts_with('/').then(|| server.host.clone());
        let mut parameters = Vec::new();
        if let Some(socket) = &socket {
            parameters.push(("unix_socket", socket.clone()));
        }
        if matches!(server.tls, Tls::VerifyAuthority | Tls::VerifyFull) {
            parameters.push(("ssl_ca", roots::for_server(server)?));
        }
        let host = if mysqlclient_sys::SUPPORTS_MYSQL_SSL_MODE {
            parameters.push(("ssl_mode", mode_of_mysql(server.tls).to_owned()));
            host_of_mysql(server)?
        } else {
            string_of_mariadb(server)?
        };
        let mut url = "mysql://".to_owned();
        url += &encoded(&server.username);
        if !server.password.0.is_empty() {
            url += &format!(":{}", encoded(&server.password.0));
        }
        url += &format!("@{host}");
        if socket.is_none() {
            url += &format!(":{}", server.port);
        }
        let mut mark = '?';
        for (key, value) in parameters {
            url += &format!("{mark}{key}={}", encoded(&value));
            mark = '&';
        }
        Ok(Self {
            url,
            database: server.database.clone(),
            has_to_be_encrypted: !matches!(server.tls, Tls::Off | Tls::Preferred),
        })
    }

    pub(super) fn connect(&self) -> ConnectionResult<Connection> {
        let mut connection = MysqlConnection::establish(&self.url)?;
        if self.has_to_be_encrypted {
            check_is_encrypted(&mut connection)?;
        }
        let database = self.database.replace('`', "``");
        connection
            .batch_execute(&format!("USE `{database}`"))
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(made_of::mysql(connection))
    }
}

/// Checks that the connection is encrypted where it has to be. A server that does not offer TLS gets a connection without,
/// whatever libmariadb was told, unless it has to verify.
fn check_is_encrypted(connection: &mut MysqlConnection) -> ConnectionResult<()> {
    let cipher: Vec<Status> = sql_query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        .load(connection)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    if cipher.iter().all(|status| status.value.is_empty()) {
        return Err(ConnectionError::BadConnection(
            "the server does not offer TLS".to_owned(),
        ));
    }
    Ok(())
}

fn mode_of_mysql(tls: Tls) -> &'static str {
    match tls {
        Tls::Off => "disabled",
        Tls::Preferred => "preferred",
        Tls::Unverified => "required",
        Tls::VerifyAuthority => "verify_ca",
        Tls::VerifyFull => "verify_identity",
    }
}

fn host_of_mysql(server: &Server) -> Result<String> {
    match server.host.as_str() {
        socket if socket.starts_with('/') => Ok("localhost".to_owned()),
        // It looks for a socket behind that name, if in small letters; certificates are held against either.
        "" | "localhost" => Ok("LOCALHOST".to_owned()),
        address if address.contains(':') => Ok(format!("[{address}]")),
        name => checked(name).map(str::to_owned),
    }
}

/// `key=value;…`; unknown keys are passed over.
fn string_of_mariadb(server: &Server) -> Result<String> {
    let mut string = format!("connect-timeout={CONNECT_TIMEOUT}");
    match server.host.as_str() {
        socket if socket.starts_with('/') => {}
        // By TCP, not through a socket behind that name.
        "" => string += ";protocol=1;host=localhost",
        address if address.contains(':') => return address_of_mariadb(server),
        name => string += &format!(";protocol=1;host={}", checked(name)?),
    }
    let (encrypt, verify) = match server.tls {
        Tls::Off => (0, 0),
        Tls::Preferred | Tls::Unverified => (1, 0),
        Tls::VerifyAuthority | Tls::VerifyFull => (1, 1),
    };
    string += &format!(";ssl-enforce={encrypt};ssl-verify-server-cert={verify}");
    Ok(string)
}

/// A `:` is at home neither in such a string within a URL nor anywhere else but between brackets.
fn address_of_mariadb(server: &Server) -> Result<String> {
    if server.tls != Tls::Off {
        return Err(Error::new(
            ErrorKind::Invalid,
            "an IPv6 address cannot be used with TLS here; use the server's name",
        ));
    }
    Ok(format!("[{}]", server.host))
}

/// Characters that could mean something else.
fn checked(host: &str) -> Result<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.chars().all(plain) {
        Ok(host)
    } else {
        Err(Error::new(
            ErrorKind::Invalid,
            format!("{host:?} is not the name or address of a server"),
        ))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn server(host: &str, tls: Tls) -> Server {
        Server {
            host: host.to_owned(),
            port: 3307,
            database: "users".to_owned(),
            username: "a@b:c/d".to_owned(),
            password: Secret("p@ss:/w?o r&d='%41;#".to_owned()),
            tls,
            root_certificates: None,
        }
    }

    #[test]
    fn no_character_of_a_name_or_password_is_taken_for_something_else() {
        let url = Url::of(&server("db", Tls::Off)).unwrap().url;
        assert!(
            url.starts_with("mysql://a%40b%3Ac%2Fd:p%40ss%3A%2Fw%3Fo%20r%26d%3D%27%2541%3B%23@"),
            "{url}"
        );
        for host in ["db;ssl-enforce=0", "db=x", "a b", "db/x", "db?x", "dé"] {
            assert!(Url::of(&server(host, Tls::Off)).is_err(), "{host}");
        }
    }

    #[test]
    fn libmariadb_is_told_of_tls_by_its_own_words() {
        let told = |host, tls| string_of_mariadb(&server(host, tls));
        let words = |verify| {
            format!(
                "connect-timeout=3;protocol=1;host=db;ssl-enforce=1;ssl-verify-server-cert={verify}"
            )
        };
        assert_eq!(told("db", Tls::VerifyFull).unwrap(), words(1));
        assert_eq!(told("db", Tls::Unverified).unwrap(), words(0));
        assert!(
            told("db", Tls::Off)
                .unwrap()
                .contains("ssl-enforce=0;ssl-verify-server-cert=0")
        );
        assert!(
            told("", Tls::Off)
                .unwrap()
                .contains("protocol=1;host=localhost")
        );
        assert!(
            !told("/run/mysqld.sock", Tls::Off)
                .unwrap()
                .contains("host=")
        );
        assert_eq!(told("::1", Tls::Off).unwrap(), "[::1]");
        assert!(told("::1", Tls::VerifyFull).is_err());
    }

    #[test]
    fn mysqls_own_library_does_not_take_a_host_for_a_socket() {
        let host = |name| host_of_mysql(&server(name, Tls::VerifyFull));
        assert_eq!(host("localhost").unwrap(), "LOCALHOST");
        assert_eq!(host("").unwrap(), "LOCALHOST");
        assert_eq!(host("/run/mysqld.sock").unwrap(), "localhost");
        assert_eq!(host("::1").unwrap(), "[::1]");
        assert!(host("a b").is_err());
    }

    #[test]
    fn a_socket_is_a_path() {
        let url = Url::of(&server("/run/mysqld/mysqld.sock", Tls::Off)).unwrap();
        assert!(
            url.url
                .contains("unix_socket=%2Frun%2Fmysqld%2Fmysqld%2Esock"),
            "{}",
            url.url
        );
    }
}
