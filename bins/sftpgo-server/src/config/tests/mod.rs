use std::{fs, os::unix::fs::PermissionsExt};

use sftpgo_core::session::UploadMode;
use sftpgo_store::{ConnectOptions, StoreConfig};

use super::{
    settings::{Driver, Endpoint, Place, Settings},
    *,
};

mod compatibility;
mod database;
mod http;
mod limits;

fn load_with(directory: &Path, variables: &[(&str, &str)]) -> LoadedConfig {
    load(
        directory,
        "sftpgo",
        variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value))),
    )
}

fn problems_of(directory: &Path, variables: &[(&str, &str)]) -> Vec<String> {
    load_with(directory, variables)
        .settings()
        .map(drop)
        .err()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Of the only place where HTTP listens.
fn http_address(settings: &Settings) -> &str {
    let [binding] = settings.httpd.bindings.as_slice() else {
        panic!("{:?}", settings.httpd.bindings);
    };
    match &binding.place {
        Place::Port(endpoint) => &endpoint.address,
        Place::Path(path) => path.to_str().unwrap(),
    }
}

#[test]
fn without_anything_the_defaults_are_valid() {
    let directory = tempfile::tempdir().unwrap();
    let found = load_with(directory.path(), &[]);
    let settings = found.settings().unwrap();
    assert_eq!(found.file, None);
    assert_eq!(sftp_endpoint(settings).port, 2022);
    assert_eq!(settings.sftpd.umask, 0o022);
    assert!(!settings.sftpd.uploads.sync);
    assert_eq!(http_address(settings), "127.0.0.1");
    assert_eq!(
        settings.data_provider.driver,
        Driver::Database(StoreConfig {
            connect_options: ConnectOptions::Sqlite(directory.path().join("sftpgo.db")),
            pool_size: 0
        })
    );
}

fn sftp_endpoint(settings: &Settings) -> &Endpoint {
    let [binding] = settings.sftpd.bindings.as_slice() else {
        panic!("{:?}", settings.sftpd.bindings);
    };
    &binding.endpoint
}

#[test]
fn bindings_of_sftp_win_over_the_one_port_of_older_versions() {
    let found = http::with_file(
        r#"{"sftpd": {"bind_port": 9090, "bindings": [
            {"port": 2022}, {"address": "[::1]", "port": 22, "apply_proxy_config": false}, {"port": 0}]}}"#,
    );
    let bindings = found.settings().unwrap().sftpd.bindings.iter();
    let told: Vec<_> = bindings
        .map(|binding| {
            let Endpoint { address, port } = &binding.endpoint;
            format!(
                "{}: {address} {port} {}",
                binding.key, binding.goes_by_proxies
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "sftpd.bindings[0]:  2022 true",
            "sftpd.bindings[1]: ::1 22 false",
        ]
    );
    let none = http::with_file(r#"{"sftpd": {"bindings": [{"port": 0}]}}"#);
    let problem = none.settings().unwrap_err()[0].to_string();
    assert!(problem.starts_with("sftpd.bindings: "), "{problem}");
    let directory = tempfile::tempdir().unwrap();
    let by_number = [
        ("SFTPGO_SFTPD__BINDINGS__0__PORT", "2222"),
        ("SFTPGO_SFTPD__BINDINGS__0__ADDRESS", "127.0.0.1"),
    ];
    let found = load_with(directory.path(), &by_number);
    let endpoint = sftp_endpoint(found.settings().unwrap());
    assert_eq!(
        (endpoint.address.as_str(), endpoint.port),
        ("127.0.0.1", 2222)
    );
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sftpgo.toml");
    fs::write(&file, "[sftpd]\nbind_port = 1111\nupload_mode = 1\n").unwrap();
    let found = load_with(directory.path(), &[("SFTPGO_SFTPD__BIND_PORT", "2222")]);
    let settings = found.settings().unwrap();
    assert_eq!(sftp_endpoint(settings).port, 2222);
    assert_eq!(settings.sftpd.uploads.mode, UploadMode::Atomic);
    assert!(settings.sftpd.uploads.sync, "atomic uploads are durable");
    assert_eq!(
        found.source("sftpd.bind_port"),
        &Source::Environment("SFTPGO_SFTPD__BIND_PORT".to_owned())
    );
    assert_eq!(found.source("sftpd.upload_mode"), &Source::File(file));
    assert_eq!(found.source("sftpd.banner"), &Source::Default);
}

#[test]
fn every_bad_value_is_refused_by_its_key_and_variable() {
    let directory = tempfile::tempdir().unwrap();
    for (variable, value, key, reason) in [
        (
            "SFTPGO_SFTPD__BIND_PORT",
            "65536",
            "sftpd.bind_port",
            "between 0 and 65535",
        ),
        (
            "SFTPGO_SFTPD__BIND_ADDRESS",
            "a b",
            "sftpd.bind_address",
            "not an address",
        ),
        (
            "SFTPGO_SFTPD__IDLE_TIMEOUT",
            "-1",
            "sftpd.idle_timeout",
            "between 0",
        ),
        (
            "SFTPGO_SFTPD__MAX_AUTH_TRIES",
            "101",
            "sftpd.max_auth_tries",
            "between 0 and 100",
        ),
        (
            "SFTPGO_COMMON__DEFENDER__THRESHOLD",
            "0",
            "common.defender.threshold",
            "less than 1",
        ),
        (
            "SFTPGO_COMMON__DEFENDER__SCORE_VALID",
            "30",
            "common.defender.score_valid",
            "not less than common.defender.threshold (30)",
        ),
        (
            "SFTPGO_COMMON__DEFENDER__BAN_TIME",
            "0",
            "common.defender.ban_time",
            "less than 1",
        ),
        (
            "SFTPGO_COMMON__DEFENDER__ENTRIES_HARD_LIMIT",
            "10000",
            "common.defender.entries_hard_limit",
            "more than entries_soft_limit",
        ),
        (
            "SFTPGO_COMMON__DEFENDER__IPV6_PREFIX",
            "129",
            "common.defender.ipv6_prefix",
            "between 0 and 128",
        ),
        (
            "SFTPGO_COMMON__ALLOWLIST_STATUS",
            "2",
            "common.allowlist_status",
            "between 0 and 1",
        ),
        ("SFTPGO_SFTPD__UMASK", "0088", "sftpd.umask", "octal"),
        ("SFTPGO_SFTPD__UMASK", "1777", "sftpd.umask", "octal"),
        ("SFTPGO_SFTPD__BANNER", "a\nb", "sftpd.banner", "printable"),
        (
            "SFTPGO_SFTPD__UPLOAD_MODE",
            "3",
            "sftpd.upload_mode",
            "between 0 and 2",
        ),
        ("SFTPGO_SFTPD__KEYS", "nothing", "sftpd.keys", "nothing"),
        (
            "SFTPGO_SFTPD__KEX_ALGORITHMS",
            "x",
            "sftpd.kex_algorithms",
            "curve25519-sha256",
        ),
        (
            "SFTPGO_SFTPD__CIPHERS",
            "3des-cbc",
            "sftpd.ciphers",
            "aes256-ctr",
        ),
        (
            "SFTPGO_SFTPD__MACS",
            "hmac-md5",
            "sftpd.macs",
            "hmac-sha2-256",
        ),
        (
            "SFTPGO_SFTPD__HOST_KEY_ALGORITHMS",
            "ssh-dss",
            "sftpd.host_key_algorithms",
            "rsa-sha2-512",
        ),
        (
            "SFTPGO_SFTPD__PUBLIC_KEY_ALGORITHMS",
            "ssh-dss",
            "sftpd.public_key_algorithms",
            "ssh-ed25519",
        ),
        (
            "SFTPGO_SFTPD__TRUSTED_USER_CA_KEYS",
            "no",
            "sftpd.trusted_user_ca_keys",
            "No such file",
        ),
        (
            "SFTPGO_SFTPD__REVOKED_USER_CERTS_FILE",
            "no",
            "sftpd.revoked_user_certs_file",
            "No such file",
        ),
        (
            "SFTPGO_SFTPD__LOGIN_BANNER_FILE",
            "no",
            "sftpd.login_banner_file",
            "No such file",
        ),
        (
            "SFTPGO_SFTPD__ACTIONS__EXECUTE_ON",
            "add",
            "sftpd.actions.execute_on",
            "rename",
        ),
        (
            "SFTPGO_SFTPD__ACTIONS__COMMAND",
            "no",
            "sftpd.actions.command",
            "No such file",
        ),
        (
            "SFTPGO_SFTPD__ACTIONS__HTTP_NOTIFICATION_URL",
            "ftp://x/",
            "sftpd.actions.http_notification_url",
            "https://",
        ),
        (
            "SFTPGO_DATA_PROVIDER__DRIVER",
            "bolt",
            "data_provider.driver",
            "sqlite",
        ),
        (
            "SFTPGO_DATA_PROVIDER__NAME",
            "",
            "data_provider.name",
            "needed",
        ),
        (
            "SFTPGO_DATA_PROVIDER__PORT",
            "70000",
            "data_provider.port",
            "between",
        ),
        (
            "SFTPGO_DATA_PROVIDER__SSLMODE",
            "4",
            "data_provider.sslmode",
            "between 0 and 3",
        ),
        (
            "SFTPGO_DATA_PROVIDER__CONNECTION_STRING",
            "x",
            "data_provider.connection_string",
            "name",
        ),
        (
            "SFTPGO_DATA_PROVIDER__USERS_TABLE",
            "people",
            "data_provider.users_table",
            "users",
        ),
        (
            "SFTPGO_DATA_PROVIDER__MANAGE_USERS",
            "2",
            "data_provider.manage_users",
            "0 and 1",
        ),
        (
            "SFTPGO_DATA_PROVIDER__TRACK_QUOTA",
            "3",
            "data_provider.track_quota",
            "0 and 2",
        ),
        (
            "SFTPGO_DATA_PROVIDER__POOL_SIZE",
            "-5",
            "data_provider.pool_size",
            "between 0",
        ),
        (
            "SFTPGO_DATA_PROVIDER__ACTIONS__EXECUTE_ON",
            "rename",
            "data_provider.actions.execute_on",
            "update",
        ),
        (
            "SFTPGO_HTTPD__BIND_PORT",
            "-1",
            "httpd.bind_port",
            "between 0 and 65535",
        ),
    ] {
        let problems = problems_of(directory.path(), &[(variable, value)]);
        assert!(
            problems.len() == 1
                && problems[0].starts_with(&format!("{key}: "))
                && problems[0].contains(reason)
                && problems[0].ends_with(&format!("(set by {variable})")),
            "{variable}={value}: {problems:?}"
        );
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let problems = problems_of(
        directory.path(),
        &[
            ("SFTPGO_SFTPD__UPLOAD_MODE", "9"),
            ("SFTPGO_HTTPD__BIND_PORT", "99999"),
        ],
    );
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn relative_paths_start_in_the_configuration_directory() {
    let directory = tempfile::tempdir().unwrap();
    let hook = directory.path().join("hook");
    fs::write(&hook, "#!/bin/sh\n").unwrap();
    let command = [("SFTPGO_SFTPD__ACTIONS__COMMAND", "hook")];
    assert!(problems_of(directory.path(), &command)[0].contains("not an executable file"));
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(directory.path().join("hello.txt"), "Hello\n").unwrap();
    let found = load_with(
        directory.path(),
        &[
            command[0],
            ("SFTPGO_SFTPD__LOGIN_BANNER_FILE", "hello.txt"),
            ("SFTPGO_DATA_PROVIDER__USERS_BASE_DIR", "homes"),
            ("SFTPGO_DATA_PROVIDER__NAME", "/var/lib/other.db"),
        ],
    );
    let settings = found.settings().unwrap();
    assert_eq!(settings.sftpd.actions.command, Some(hook));
    assert_eq!(settings.sftpd.login_banner.as_deref(), Some("Hello\n"));
    assert_eq!(
        settings.data_provider.users_base_dir,
        Some(directory.path().join("homes"))
    );
    assert!(
        matches!(&settings.data_provider.driver, Driver::Database(config) if config.connect_options == ConnectOptions::Sqlite("/var/lib/other.db".into()))
    );
}

#[test]
fn an_address_in_brackets_is_the_address() {
    let directory = tempfile::tempdir().unwrap();
    for (configured, address) in [
        ("[::1]", "::1"),
        ("[::]", "::"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
        ("::1", "::1"),
        ("localhost", "localhost"),
    ] {
        for section in ["SFTPD", "HTTPD"] {
            let variable = format!("SFTPGO_{section}__BIND_ADDRESS");
            let found = load_with(directory.path(), &[(&variable, configured)]);
            let settings = found.settings().unwrap();
            let bound = match section {
                "SFTPD" => &sftp_endpoint(settings).address,
                _ => http_address(settings),
            };
            assert_eq!(bound, address);
        }
    }
    for bad in ["[]", "[::1", "::1]", "[[::1]]", "[::1]:2022"] {
        let problems = problems_of(directory.path(), &[("SFTPGO_SFTPD__BIND_ADDRESS", bad)]);
        assert!(problems[0].contains("is not an address"), "{problems:?}");
    }
}

#[test]
fn hosts_of_the_rest_api_are_names() {
    let directory = tempfile::tempdir().unwrap();
    let variable = "SFTPGO_HTTPD__ALLOWED_HOSTS";
    let found = load_with(
        directory.path(),
        &[
            (variable, "sftp.example.org, sftpgo"),
            ("SFTPGO_HTTPD__BIND_ADDRESS", "api.internal"),
        ],
    );
    assert_eq!(
        found.settings().unwrap().httpd.allowed_hosts,
        ["sftp.example.org", "sftpgo", "api.internal"]
    );
    for bad in [
        "http://a.example",
        "a.example:8080",
        "*",
        "*.example.org",
        "a b",
    ] {
        let problems = problems_of(directory.path(), &[(variable, bad)]);
        assert!(
            problems.len() == 1 && problems[0].contains("is not the name of a host"),
            "{problems:?}"
        );
    }
}

#[test]
fn a_port_of_zero_switches_rest_off() {
    let directory = tempfile::tempdir().unwrap();
    let found = load_with(directory.path(), &[("SFTPGO_HTTPD__BIND_PORT", "0")]);
    assert!(found.settings().unwrap().httpd.bindings.is_empty());
}

#[test]
fn the_report_says_every_key_once_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let found = load_with(
        directory.path(),
        &[
            ("SFTPGO_DATA_PROVIDER__DRIVER", "memory"),
            ("SFTPGO_DATA_PROVIDER__PASSWORD", "hunter2"),
        ],
    );
    let report = report(&found);
    assert!(report.contains("data_provider.driver = \"memory\"  # SFTPGO_DATA_PROVIDER__DRIVER\n"));
    assert!(report.contains("sftpd.bind_port = 2022  # default\n"));
    assert!(report.contains("data_provider.password = ***"));
    assert!(!report.contains("hunter2"));
    let secrets = http::with_file(
        r#"{"httpd": {"signing_passphrase": "hunter2", "bindings": [{"oidc": {"client_secret": "hunter3"}}]},
            "http": {"headers": [{"key": "X-Key", "value": "hunter4"}]},
            "command": {"env": ["A=hunter5"], "commands": [{"path": "/hook", "env": ["B=hunter6"]}]}}"#,
    );
    let secrets = super::report(&secrets);
    assert!(secrets.contains("httpd.signing_passphrase = ***"));
    assert!(!secrets.contains("hunter"), "{secrets}");
    assert!(secrets.contains(r#"command.env = ["A=***"]"#), "{secrets}");
    let keys = report.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(keys, schema::all_keys().len());
}

#[test]
fn a_missing_directory_is_told_by_its_flag() {
    let problems = problems_of(Path::new("/nowhere/at/all"), &[]);
    assert_eq!(
        problems,
        ["--config-dir: /nowhere/at/all is not a directory"]
    );
}

#[test]
fn the_documented_examples_are_valid_and_every_key_is_documented() {
    let documentation = include_str!("../../../../../docs/configuration.md");
    for extension in ["json", "toml", "yaml"] {
        let example = documentation
            .split(&format!("```{extension}\n"))
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::write(
            directory.path().join(format!("sftpgo.{extension}")),
            example,
        )
        .unwrap();
        assert_eq!(problems_of(directory.path(), &[]), [""; 0], "{extension}");
    }
    let defaults = schema::defaults();
    for key in schema::all_keys() {
        let default = match schema::leaf(&defaults, &key.path).unwrap() {
            Value::Null => String::new(),
            value => format!("`{value}`"),
        };
        assert!(
            documentation.contains(&format!("| `{}` | {default}", key.path)),
            "{} with its default {default}",
            key.path
        );
    }
    let (bindings, _) = documentation
        .split_once("\n## Bindings of HTTP")
        .and_then(|(_, chapter)| chapter.split_once("\n## "))
        .unwrap();
    let binding = keys::object_of("httpd.bindings").unwrap();
    for key in schema::keys_of(&binding) {
        let mentioned = [key.path.as_str(), key.path.split('.').next().unwrap()];
        let default = schema::leaf(&binding, &key.path).unwrap();
        assert!(
            bindings.contains(&format!("| `{}` | `{default}`", mentioned[0]))
                || bindings.contains(&format!("| `{}.*` |", mentioned[1])),
            "{} with its default {default}",
            key.path
        );
    }
    let known: Vec<_> = schema::all_keys().into_iter().map(|key| key.path).collect();
    // Each section's own chapter has a row for each key; other chapters have tables of other things.
    for chapter in documentation
        .split("\n## ")
        .filter(|text| text.starts_with('`'))
    {
        for row in chapter.lines().filter_map(|line| line.strip_prefix("| `")) {
            let key = row.split('`').next().unwrap();
            assert!(
                !key.contains('.') || known.iter().any(|known| known == key),
                "{key} is no key"
            );
        }
    }
}

#[test]
fn every_key_of_an_object_in_a_list_is_documented_with_its_default() {
    let documentation = include_str!("../../../../../docs/configuration.md");
    for key in schema::all_keys() {
        let kind::Kind::Objects(object) = &key.kind else {
            continue;
        };
        let default = Value::Object(object.clone());
        for field in schema::keys_of(&default) {
            let shown = schema::leaf(&default, &field.path).unwrap();
            let row = format!("| `{}` | `{shown}` |", field.path);
            // Objects of one text are told of where their list is; some keys are told of together.
            let in_words = format!("\"{}\"", field.path);
            let together = field
                .path
                .split_once('.')
                .map(|(first, _)| format!("| `{first}.*` |"));
            assert!(
                documentation.contains(&row)
                    || documentation.contains(&in_words)
                    || together.is_some_and(|row| documentation.contains(&row)),
                "{}: {row}",
                key.path
            );
        }
    }
}

/// As SFTPGo's users write it.
#[test]
fn host_keys_are_taken_in_every_way_of_writing_a_list() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    sftpgo_ssh::host_key::load_or_generate(elsewhere.path()).unwrap();
    let [first, second] = ["id_ed25519", "id_ecdsa"].map(|name| elsewhere.path().join(name));
    let (a, b) = (first.display(), second.display());
    for variables in [
        &[("SFTPGO_SFTPD__HOST_KEYS", format!("{a},{b}"))][..],
        &[("SFTPGO_SFTPD__HOST_KEYS", format!(r#"["{a}","{b}"]"#))],
        &[("SFTPGO_SFTPD__KEYS", format!(r#"["{a}","{b}"]"#))],
        &[
            ("SFTPGO_SFTPD__KEYS__0__PRIVATE_KEY", a.to_string()),
            ("SFTPGO_SFTPD__KEYS__1__PRIVATE_KEY", b.to_string()),
        ],
        &[
            ("SFTPGO_SFTPD__KEYS", a.to_string()),
            ("SFTPGO_SFTPD__HOST_KEYS", b.to_string()),
        ],
    ] {
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let found = load_with(directory.path(), &variables);
        let host_keys = &found.settings().unwrap().sftpd.host_keys;
        assert_eq!(*host_keys, [first.clone(), second.clone()], "{variables:?}");
    }
    let missing = [("SFTPGO_SFTPD__HOST_KEYS", "nothing")];
    let problems = problems_of(directory.path(), &missing);
    assert!(
        problems[0].starts_with("sftpd.host_keys: ") && problems[0].contains("nothing"),
        "{problems:?}"
    );
}
