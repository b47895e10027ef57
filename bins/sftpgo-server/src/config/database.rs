//! The keys that say where users are.

use std::path::PathBuf;

use sftpgo_store::{ConnectOptions, DATABASES, Secret, Server, StoreConfig, Tls};

use super::{keys, settings::Driver, validate::Check};

/// The most connections that may be configured; no database is asked for so many.
const MAX_POOL_SIZE: i64 = 1000;
const PORT_OF_POSTGRES: u16 = 5432;
const PORT_OF_MYSQL: u16 = 3306;

impl Check<'_> {
    pub(super) fn driver(&mut self, keys: &keys::DataProvider) -> Driver {
        let pool_size = self.range("data_provider.pool_size", keys.pool_size, MAX_POOL_SIZE);
        let port = self.range("data_provider.port", keys.port, u16::MAX.into());
        let port = u16::try_from(port).unwrap_or_default();
        let mode = self.range("data_provider.sslmode", keys.sslmode, 3);
        let driver = keys.driver.as_str();
        let known = ["sqlite", "postgresql", "mysql"].contains(&driver);
        let place = match driver {
            "memory" => None,
            _ if known && !DATABASES.contains(&driver) => {
                let here = DATABASES.join(", ");
                self.problem(
                    "data_provider.driver",
                    format_args!("this build has no {driver}; it has {here} and memory"),
                );
                None
            }
            "sqlite" => self.sqlite(keys),
            "postgresql" => self.postgresql(keys, port, mode),
            "mysql" => self.mysql(keys, port, mode),
            "bolt" => {
                self.problem(
                    "data_provider.driver",
                    "this server does not offer SFTPGo's bolt database: dump its users, choose sqlite, postgresql or mysql, and import them with sftpgo-cli user import",
                );
                None
            }
            other => {
                self.problem(
                    "data_provider.driver",
                    format_args!("{other:?} is not one of sqlite, postgresql, mysql, memory"),
                );
                None
            }
        };
        let Some(place) = place else {
            return Driver::Memory;
        };
        let config = StoreConfig {
            connect_options: place,
            pool_size,
        };
        if let Err(error) = config.check() {
            let key = match keys.connection_string.as_str() {
                "" => "data_provider",
                _ => "data_provider.connection_string",
            };
            self.problem(key, error);
        }
        Driver::Database(config)
    }

    fn sqlite(&mut self, keys: &keys::DataProvider) -> Option<ConnectOptions> {
        if !keys.connection_string.is_empty() {
            self.problem(
                "data_provider.connection_string",
                "is not for SQLite: set data_provider.name to the database file",
            );
        }
        let path = self.path(&keys.name);
        if path.is_none() {
            self.problem(
                "data_provider.name",
                "the path of the database file is needed",
            );
        }
        path.map(ConnectOptions::Sqlite)
    }

    fn postgresql(
        &mut self,
        keys: &keys::DataProvider,
        port: u16,
        mode: u32,
    ) -> Option<ConnectOptions> {
        if !keys.connection_string.is_empty() {
            return Some(ConnectOptions::PostgresText(Secret(
                keys.connection_string.clone(),
            )));
        }
        let tls = match mode {
            0 => Tls::Off,
            1 => Tls::Unverified,
            2 => Tls::VerifyAuthority,
            _ => Tls::VerifyFull,
        };
        self.server(keys, tls, port).map(ConnectOptions::Postgres)
    }

    fn mysql(&mut self, keys: &keys::DataProvider, port: u16, mode: u32) -> Option<ConnectOptions> {
        if !keys.connection_string.is_empty() {
            return match Server::from_dsn(&keys.connection_string) {
                Ok(server) => Some(ConnectOptions::Mysql(Server {
                    root_certificates: self.root_certificates(keys),
                    ..server
                })),
                Err(error) => {
                    self.problem("data_provider.connection_string", error);
                    None
                }
            };
        }
        let tls = match mode {
            0 => Tls::Off,
            1 => Tls::VerifyFull,
            2 => Tls::Unverified,
            _ => Tls::Preferred,
        };
        // The key's own default is PostgreSQL's.
        let port = match port {
            PORT_OF_POSTGRES => PORT_OF_MYSQL,
            other => other,
        };
        self.server(keys, tls, port).map(ConnectOptions::Mysql)
    }

    fn server(&mut self, keys: &keys::DataProvider, tls: Tls, port: u16) -> Option<Server> {
        if keys.name.is_empty() || keys.name == keys::DataProvider::default().name {
            self.problem(
                "data_provider.name",
                "the name of a database on the server is needed",
            );
            return None;
        }
        Some(Server {
            host: keys.host.clone(),
            port,
            database: keys.name.clone(),
            username: keys.username.clone(),
            password: Secret(keys.password.clone()),
            tls,
            root_certificates: self.root_certificates(keys),
        })
    }

    fn root_certificates(&self, keys: &keys::DataProvider) -> Option<PathBuf> {
        self.path(&keys.root_cert_file)
    }
}
