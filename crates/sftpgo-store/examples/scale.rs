//! What listing, searching and logging in cost with few users and with many, in each database of this build:
//!
//! `cargo run --release -p sftpgo-store --example scale --features postgres,mysql [-- USERS]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that only developers run"
)]

use std::{hint::black_box, time::Instant};

use sftpgo_core::provider::{Order, UserQuery, Users};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use sftpgo_databases::{Database, Kind, PASSWORD, USER};
use sftpgo_store::{DatabaseProvider, Place, StoreConfig};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use sftpgo_store::{Secret, Server, Tls};

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
const PAGE: u32 = 100;
const ROUNDS: usize = 201;

const COLUMNS: &str = "username, password, home_dir, uid, gid, max_sessions, quota_size, quota_files, permissions, \
     used_quota_size, used_quota_files, last_quota_update, upload_bandwidth, download_bandwidth, expiration_date, \
     last_login, status";
const VALUES: &str = "'$2a$10$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzab', '/srv/home', 0, 0, 0, 0, 0, \
     '[\"*\"]', 0, 0, 0, 0, 0, 0, 0, 1";

fn main() {
    let many = std::env::args()
        .nth(1)
        .map_or(MANY, |users| users.parse().unwrap());
    println!("microseconds, the median of {ROUNDS}; pages of {PAGE}");
    println!(
        "{:<10} {:>9} | first page  middle    last  last, down | search  login | counting all",
        "", "users"
    );
    for users in [FEW, many] {
        #[cfg(feature = "sqlite")]
        in_sqlite(users);
        #[cfg(feature = "postgres")]
        on_server(Kind::Postgres, users);
        #[cfg(feature = "mysql")]
        on_server(Kind::Mariadb, users);
    }
}

#[cfg(feature = "sqlite")]
fn in_sqlite(users: u32) {
    use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.db");
    let place = Place::Sqlite(path.clone());
    let provider = DatabaseProvider::open(&StoreConfig {
        place,
        pool_size: 0,
    })
    .unwrap();
    let mut raw = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    raw.batch_execute(&format!(
        "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {users}) \
         INSERT INTO users ({COLUMNS}) SELECT printf('user%07d', number), {VALUES} FROM numbers"
    ))
    .unwrap();
    measure("SQLite", &provider, users);
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn on_server(kind: Kind, users: u32) {
    let database = Database::new(kind);
    let server = Server {
        host: "127.0.0.1".to_owned(),
        port: database.port,
        database: database.name.clone(),
        username: USER.to_owned(),
        password: Secret(PASSWORD.to_owned()),
        tls: Tls::Off,
        root_certificates: None,
    };
    let (name, place, numbers, end) = match kind {
        Kind::Postgres => (
            "PostgreSQL",
            Place::Postgres(server),
            format!("generate_series(1, {users}) AS numbers (number)"),
            "; VACUUM ANALYZE users",
        ),
        Kind::Mariadb => (
            "MariaDB",
            Place::Mysql(server),
            format!("(SELECT seq AS number FROM seq_1_to_{users}) numbers"),
            "; ANALYZE TABLE users",
        ),
    };
    let provider = DatabaseProvider::open(&StoreConfig {
        place,
        pool_size: 0,
    })
    .unwrap();
    database.sql(&format!(
        "INSERT INTO users ({COLUMNS}) SELECT CONCAT('user', LPAD(CAST(number AS char(7)), 7, '0')), {VALUES} \
         FROM {numbers}{end}"
    ));
    measure(name, &provider, users);
}

fn measure(database: &str, provider: &DatabaseProvider, users: u32) {
    let page = |offset: u32, order| {
        let query = UserQuery {
            offset,
            limit: PAGE,
            order,
            username: None,
        };
        assert_eq!(provider.list_users(&query).unwrap().len(), PAGE as usize);
    };
    let started = Instant::now();
    page(users - PAGE, Order::Ascending);
    let counting = started.elapsed().as_micros();
    let first = median(|_| page(0, Order::Ascending));
    let middle = median(|_| page(users / 2 - PAGE, Order::Ascending));
    let last = median(|round| page(users - PAGE - round, Order::Ascending));
    let down = median(|round| page(users - PAGE - round, Order::Descending));
    let name = |round: u32| format!("user{:07}", 1 + (round * 7919) % users);
    let search = median(|round| {
        let query = UserQuery {
            offset: 0,
            limit: PAGE,
            order: Order::Ascending,
            username: Some(name(round)),
        };
        assert_eq!(provider.list_users(&query).unwrap().len(), 1);
    });
    let login = median(|round| {
        let user = provider.user_by_name(&name(round)).unwrap().unwrap();
        provider.record_login(black_box(user).id, 1).unwrap();
    });
    println!(
        "{database:<10} {users:>9} | {first:>10} {middle:>7} {last:>7} {down:>11} | {search:>6} {login:>6} | {counting:>12}"
    );
}

fn median(mut work: impl FnMut(u32)) -> u128 {
    let mut took: Vec<u128> = (0..ROUNDS)
        .map(|round| {
            let started = Instant::now();
            work(u32::try_from(round).unwrap());
            started.elapsed().as_micros()
        })
        .collect();
    took.sort_unstable();
    took.get(ROUNDS / 2).copied().unwrap_or(0)
}
