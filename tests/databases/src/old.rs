//! Tables of SFTPGo 0.9.x, as that made them.

use crate::Kind;

/// Which release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Of 2019, before `expiration_date`, `last_login` and `status`.
    Oldest,
    /// Of 0.9.3 with the columns in another order, as another installation may have them.
    Reordered,
    /// With what 0.9.5 and 0.9.6 added.
    Newest,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Oldest, Self::Reordered, Self::Newest];
}

/// SQL that makes a table `users` of that form.
pub fn table(kind: Kind, form: Form) -> String {
    let (id, text) = match kind {
        Kind::Postgres => ("serial NOT NULL PRIMARY KEY", "text"),
        Kind::Mariadb => ("integer AUTO_INCREMENT NOT NULL PRIMARY KEY", "longtext"),
    };
    let mut columns = vec![
        format!("id {id}"),
        "username varchar(255) NOT NULL UNIQUE".to_owned(),
        "password varchar(255) NULL".to_owned(),
        format!("public_keys {text} NULL"),
        "home_dir varchar(255) NOT NULL".to_owned(),
        "uid integer NOT NULL".to_owned(),
        "gid integer NOT NULL".to_owned(),
        "max_sessions integer NOT NULL".to_owned(),
        "quota_size bigint NOT NULL".to_owned(),
        "quota_files integer NOT NULL".to_owned(),
        format!("permissions {text} NOT NULL"),
        "used_quota_size bigint NOT NULL".to_owned(),
        "used_quota_files integer NOT NULL".to_owned(),
        "last_quota_update bigint NOT NULL".to_owned(),
        "upload_bandwidth integer NOT NULL".to_owned(),
        "download_bandwidth integer NOT NULL".to_owned(),
    ];
    if form != Form::Oldest {
        columns.extend(
            [
                "expiration_date bigint",
                "last_login bigint",
                "status integer",
            ]
            .map(|column| format!("{column} NOT NULL")),
        );
        columns.reverse();
    }
    let mut sql = String::new();
    if form == Form::Newest {
        columns.extend(
            ["filters", "filesystem", "virtual_folders"].map(|name| format!("{name} {text} NULL")),
        );
        sql = format!(
            "CREATE TABLE schema_version (id {id}, version integer NOT NULL); \
             INSERT INTO schema_version (version) VALUES (3);"
        );
    }
    format!("CREATE TABLE users ({});{sql}", columns.join(", "))
}

/// SQL that adds a user to a table of that form who may list and download; `different` are other values, in SQL.
pub fn user(form: Form, username: &str, different: &[(&str, &str)]) -> String {
    let username = format!("'{username}'");
    let permissions = match form {
        Form::Newest => r#"'{"/":["list","download"]}'"#,
        _ => r#"'["list","download"]'"#,
    };
    let mut row = vec![
        ("username", username.as_str()),
        ("password", "'$2a$14$abc'"),
        ("public_keys", r#"'["ssh-ed25519 AAAA"]'"#),
        ("home_dir", "'/srv/home'"),
        ("uid", "1"),
        ("gid", "2"),
        ("max_sessions", "3"),
        ("quota_size", "4"),
        ("quota_files", "5"),
        ("permissions", permissions),
        ("used_quota_size", "6"),
        ("used_quota_files", "7"),
        ("last_quota_update", "8"),
        ("upload_bandwidth", "9"),
        ("download_bandwidth", "10"),
    ];
    if form != Form::Oldest {
        row.extend([
            ("expiration_date", "0"),
            ("last_login", "11"),
            ("status", "1"),
        ]);
    }
    for (column, value) in different {
        row.retain(|(name, _)| name != column);
        row.push((column, value));
    }
    let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
    format!(
        "INSERT INTO users ({}) VALUES ({});",
        columns.join(","),
        values.join(",")
    )
}
