//! Where users are kept, as an operator says it.

mod dsn;

use std::{fmt, path::PathBuf};

/// Where the database is and how many connections it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Which database, and where.
    pub connect_options: ConnectOptions,
    /// Connections at the most; 0 is the database's default number.
    pub pool_size: u32,
}

/// One database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectOptions {
    /// This SQLite file; created when it is missing.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Server),
    /// A PostgreSQL server as [libpq](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING)
    /// describes it, in keywords or as a URL.
    PostgresText(Secret),
    /// A MySQL or MariaDB server.
    Mysql(Server),
}

/// A database on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Name or address; one that begins with `/` is PostgreSQL's directory of sockets or MySQL's socket; empty is
    /// this machine.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Name of the database, which has to exist.
    pub database: String,
    /// The name to log in with.
    pub username: String,
    /// The password to log in with.
    pub password: Secret,
    /// How the connection is protected.
    pub tls: Tls,
    /// Certificates of the authorities that may have signed the server's, as PEM; none is those of the system.
    pub root_certificates: Option<PathBuf>,
}

/// How far a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// It is not protected.
    Off,
    /// Encrypted if the server offers it: keeps away who listens by chance, nobody else.
    Preferred,
    /// Encrypted to whoever answers.
    Unverified,
    /// The certificate has to be signed by a known authority.
    VerifyAuthority,
    /// The certificate has to be the host's besides.
    VerifyFull,
}

impl fmt::Display for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(server) => write!(f, "PostgreSQL, {server}"),
            Self::PostgresText(_) => f.write_str("PostgreSQL, as the connection string says"),
            Self::Mysql(server) => write!(f, "MySQL, {server}"),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.host.as_str() {
            "" => "localhost",
            host => host,
        };
        write!(f, "{} on {host}", self.database)?;
        if host.starts_with('/') {
            return Ok(());
        }
        write!(f, " port {}", self.port)
    }
}

/// A text that is shown nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
