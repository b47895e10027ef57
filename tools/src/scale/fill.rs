//! Users by the million, made by the database itself in one statement.

use super::store::Database;

/// Coprime to every smaller number of users: multiples of it meet all of them, in an order that is not that of names.
const STRIDE: u64 = 2_147_483_647;
/// bcrypt of cost 4: what a login costs beside it is seen.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuukXqHWPZqURUskI1mw3rr1UUqM5xjc5i";
/// Of all users.
pub(super) const PASSWORD: &str = "scale";

/// The name of one of `count` users. Ids count from 1, in the order of `number`.
pub(super) fn name(number: usize, count: usize) -> String {
    format!("user-{:07}", place(number, count))
}

/// Where a user is among all in the order of their names.
fn place(number: usize, count: usize) -> u64 {
    (number as u64).wrapping_mul(STRIDE) % count.max(1) as u64
}

/// SQL that adds so many users who log in with that key, share a home and have limits that are never reached.
pub(super) fn users(database: Database, count: usize, public_key: &str, home: &str) -> String {
    let place = format!("n * {STRIDE} % {count}");
    let last = count.saturating_sub(1);
    let (username, numbers) = match database {
        Database::Sqlite => (
            format!("printf('user-%07d', {place})"),
            format!(
                "(WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) \
                 SELECT n FROM numbers)"
            ),
        ),
        Database::Postgres => (
            format!("'user-' || lpad(CAST({place} AS text), 7, '0')"),
            format!("generate_series(CAST(0 AS bigint), {last}) AS numbers(n)"),
        ),
        Database::Mariadb => (
            format!("CONCAT('user-', LPAD({place}, 7, '0'))"),
            format!("(SELECT seq AS n FROM seq_0_to_{last}) AS numbers"),
        ),
    };
    let insert = format!(
        "INSERT INTO users (id, username, password, public_keys, home_dir, uid, gid, max_sessions, quota_size, \
         quota_files, permissions, used_quota_size, used_quota_files, last_quota_update, upload_bandwidth, \
         download_bandwidth, expiration_date, last_login, status) \
         SELECT n + 1, {username}, '{HASH}', '[\"{public_key}\"]', '{home}', 0, 0, 100000, 1125899906842624, \
         1000000000, '[\"*\"]', 0, 0, 0, 0, 0, 0, 0, 1 FROM {numbers};"
    );
    // What each database does by itself sooner or later after so many rows.
    let after = match database {
        Database::Sqlite => "",
        Database::Postgres => {
            "SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users; VACUUM ANALYZE users;"
        }
        Database::Mariadb => "ANALYZE TABLE users;",
    };
    format!("{insert}\n{after}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_user_has_a_name_of_its_own() {
        for count in [1, 7, 1000, 10_000] {
            let names: HashSet<_> = (0..count).map(|number| name(number, count)).collect();
            assert_eq!(names.len(), count);
        }
        assert_eq!(name(1, 1000), "user-0000647");
    }
}
