//! `check-config` and what every start checks first.

mod common;

use std::fs;

use common::run;

/// As SFTPGo 0.9.x ships it.
const SFTPGO_JSON: &str = r#"{
  "sftpd": {
    "bind_port": 2022, "bind_address": "", "idle_timeout": 15, "max_auth_tries": 0, "umask": "0022",
    "banner": "SFTPGo", "upload_mode": 0,
    "actions": {"execute_on": [], "command": "", "http_notification_url": ""},
    "keys": [], "enable_scp": false, "kex_algorithms": [], "ciphers": [], "macs": [], "login_banner_file": ""
  },
  "data_provider": {
    "driver": "sqlite", "name": "sftpgo.db", "host": "", "port": 5432, "username": "", "password": "",
    "sslmode": 0, "connection_string": "", "users_table": "users", "manage_users": 1, "track_quota": 2,
    "pool_size": 0, "users_base_dir": "",
    "actions": {"execute_on": [], "command": "", "http_notification_url": ""}
  },
  "httpd": {
    "bind_port": 8080, "bind_address": "127.0.0.1", "templates_path": "templates", "static_files_path": "static"
  }
}"#;

#[test]
fn sftpgos_own_file_works_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sftpgo.json");
    fs::write(&file, SFTPGO_JSON).unwrap();
    let ended = run(directory.path(), &["check-config"], &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let line = format!("sftpd.banner = \"SFTPGo\"  # {}\n", file.display());
    assert!(ended.stdout.contains(&line), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains("sftpd.sync_uploads = not set  # default\n")
    );
}

#[test]
fn the_source_of_every_value_is_said() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("other.yml"),
        "httpd: {bind_port: 9090}\n",
    )
    .unwrap();
    let ended = run(
        directory.path(),
        &["check-config", "--config-file", "other", "--log-compress"],
        &[
            ("SFTPGO_SFTPD__BIND_PORT", "2222"),
            ("SFTPGO_LOG_MAX_AGE", "7"),
            ("SFTPGO_URL", "the command line tool's"),
        ],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for line in [
        "sftpd.bind_port = 2222  # SFTPGO_SFTPD__BIND_PORT",
        "sftpd.idle_timeout = 15  # default",
        "--config-file = \"other\"  # command line",
        "--log-compress = \"true\"  # command line",
        "--log-max-age = \"7\"  # SFTPGO_LOG_MAX_AGE",
        "--log-max-size = \"10\"  # default",
    ] {
        assert!(ended.stdout.lines().any(|found| found == line), "{line}");
    }
    assert!(ended.stdout.contains("httpd.bind_port = 9090  # /"));
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "checking makes no file");
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_started() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("sftpgo.toml"),
        "[sftpd]\nbindport = 1\nupload_mode = \"atomic\"\n",
    )
    .unwrap();
    for command in ["check-config", "serve"] {
        let ended = run(
            directory.path(),
            &[command],
            &[("SFTPGO_HTTPD__BIND_ADDR", "::1")],
        );
        assert_eq!(ended.code, Some(1));
        let complaints: Vec<_> = ended
            .stderr
            .lines()
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[0].starts_with("error: sftpd.bindport: unknown key; allowed here: "));
        assert_eq!(
            complaints[1],
            "error: sftpd.upload_mode: \"atomic\" is not a whole number"
        );
        assert!(
            complaints[2].starts_with(
                "error: SFTPGO_HTTPD__BIND_ADDR: unknown key; allowed here: SFTPGO_HTTPD__BIND_ADDRESS"
            ),
            "{complaints:?}"
        );
    }
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no database, no key, no log");
}

#[test]
fn a_bad_flag_is_an_error_of_configuration_and_an_unknown_one_of_usage() {
    let directory = tempfile::tempdir().unwrap();
    let bad = run(
        directory.path(),
        &["check-config"],
        &[("SFTPGO_LOG_MAX_SIZE", "big")],
    );
    assert_eq!(bad.code, Some(1));
    assert!(bad.stderr.contains("--log-max-size"), "{}", bad.stderr);
    let misspelt = run(
        directory.path(),
        &["check-config"],
        &[("SFTPGO_LOG_FILEPATH", "x")],
    );
    assert_eq!(misspelt.code, Some(1));
    assert!(
        misspelt
            .stderr
            .contains("did you mean SFTPGO_LOG_FILE_PATH?"),
        "{}",
        misspelt.stderr
    );
    let unknown = run(directory.path(), &["check-config", "--port=1"], &[]);
    assert_eq!(unknown.code, Some(2));
}
