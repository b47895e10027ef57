//! `check-config` and what every start checks first.

mod common;

use std::fs;

use common::run;

/// How the configuration file of SFTPGo grew from 0.9.1 to 0.9.6: what came to each section, with the value that it is
/// shipped with. The steps are about those of the versions; a file of any of them has a part of the last one's keys.
const VERSIONS: [(&str, [&str; 3]); 6] = [
    (
        "0.9.1",
        [
            r#""bind_port": 2022, "bind_address": "", "idle_timeout": 15, "max_auth_tries": 0, "umask": "0022",
               "banner": "SFTPGo", "actions": {"execute_on": [], "command": "", "http_notification_url": ""},
               "keys": [], "enable_scp": false"#,
            r#""driver": "sqlite", "name": "sftpgo.db", "host": "", "port": 5432, "username": "", "password": "",
               "sslmode": 0, "connection_string": "", "users_table": "users", "manage_users": 1, "track_quota": 2"#,
            r#""bind_port": 8080, "bind_address": "127.0.0.1""#,
        ],
    ),
    (
        "0.9.2",
        [
            r#""upload_mode": 0, "kex_algorithms": [], "ciphers": [], "macs": []"#,
            r#""pool_size": 0, "users_base_dir": """#,
            "",
        ],
    ),
    (
        "0.9.3",
        [
            r#""login_banner_file": """#,
            r#""actions": {"execute_on": [], "command": "", "http_notification_url": ""}"#,
            r#""templates_path": "templates", "static_files_path": "static""#,
        ],
    ),
    (
        "0.9.4",
        [
            r#""setstat_mode": 0, "enabled_ssh_commands": ["md5sum", "sha1sum", "cd", "pwd"]"#,
            "",
            "",
        ],
    ),
    (
        "0.9.5",
        [
            "",
            r#""external_auth_program": "", "external_auth_scope": 0"#,
            r#""backups_path": "backups""#,
        ],
    ),
    (
        "0.9.6",
        [
            r#""keyboard_interactive_auth_program": "", "proxy_protocol": 0, "proxy_allowed": []"#,
            r#""credentials_path": "credentials", "pre_login_program": """#,
            r#""auth_user_file": "", "certificate_file": "", "certificate_key_file": """#,
        ],
    ),
];

#[test]
fn the_files_that_sftpgo_ships_work_unchanged_and_change_no_default() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sftpgo.json");
    let mut sections = [String::new(), String::new(), String::new()];
    for (version, added) in VERSIONS {
        for (section, added) in sections.iter_mut().zip(added) {
            if !section.is_empty() && !added.is_empty() {
                section.push(',');
            }
            section.push_str(added);
        }
        let [sftpd, data_provider, httpd] = &sections;
        let text = format!(
            r#"{{"sftpd": {{{sftpd}}}, "data_provider": {{{data_provider}}}, "httpd": {{{httpd}}}}}"#
        );
        fs::write(&file, text).unwrap();
        let with_file = run(directory.path(), &["check-config"], &[]);
        assert_eq!(with_file.code, Some(0), "{version}: {}", with_file.stderr);
        assert_eq!(with_file.stderr, "", "{version}");
        fs::remove_file(&file).unwrap();
        let without = run(directory.path(), &["check-config"], &[]);
        let values = |report: &str| -> Vec<_> {
            report
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(|line| line.split("  # ").next().unwrap().to_owned())
                .collect()
        };
        let changed: Vec<_> = values(&with_file.stdout)
            .into_iter()
            .filter(|line| !values(&without.stdout).contains(line))
            .collect();
        // The commands are those that SFTPGo enables; the banner is a name that operators chose or left.
        assert!(
            changed.iter().all(|line| {
                line == "sftpd.banner = \"SFTPGo\""
                    || line == r#"sftpd.enabled_ssh_commands = ["md5sum","sha1sum","cd","pwd"]"#
            }),
            "{version}: {changed:?}"
        );
    }
}

#[test]
fn a_configuration_file_that_is_a_link_to_nothing_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("gone", directory.path().join("sftpgo.json")).unwrap();
    for command in ["check-config", "serve"] {
        let ended = run(directory.path(), &[command], &[]);
        assert_eq!(ended.code, Some(1));
        assert!(
            ended
                .stderr
                .contains("sftpgo.json: is a link to a file that is not there"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_container_platforms_services_are_warned_of_and_set_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(
        directory.path(),
        &["check-config"],
        &[
            ("SFTPGO_DATA_PROVIDER_PORT", "tcp://10.0.0.1:5432"),
            ("SFTPGO_DATA_PROVIDER_PORT_5432_TCP", "tcp://10.0.0.1:5432"),
            ("SFTPGO_DATA_PROVIDER_SERVICE_PORT", "5432"),
        ],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stdout
            .contains("data_provider.port = 5432  # default\n")
    );
    let warnings: Vec<_> = ended.stderr.lines().collect();
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("warning: SFTPGO_DATA_PROVIDER_PORT: "),
        "{warnings:?}"
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
        assert!(
            complaints[0].starts_with("error: sftpd.bindport: is an unknown key; allowed here: ")
        );
        assert_eq!(
            complaints[1],
            "error: sftpd.upload_mode: \"atomic\" is not a whole number"
        );
        assert!(
            complaints[2]
                .starts_with("error: SFTPGO_HTTPD__BIND_ADDR: is an unknown key; allowed here: ")
                && complaints[2].contains("SFTPGO_HTTPD__BIND_ADDRESS"),
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

#[test]
fn a_configuration_file_that_is_named_and_not_there_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    for (name, expected) in [
        ("other.json", "other.json\n"),
        ("other", "other.json, .toml, .yaml, .yml\n"),
        ("/nowhere/other.toml", "/nowhere/other.toml\n"),
        ("sftpgo.conf", "sftpgo.conf.json, .toml, .yaml, .yml\n"),
    ] {
        for command in ["check-config", "serve"] {
            let by_flag = run(directory.path(), &[command, "--config-file", name], &[]);
            let by_variable = run(
                directory.path(),
                &[command],
                &[("SFTPGO_CONFIG_FILE", name)],
            );
            for ended in [by_flag, by_variable] {
                assert_eq!(ended.code, Some(1), "{name}");
                assert!(
                    ended
                        .stderr
                        .starts_with("error: --config-file: there is no /")
                        && ended.stderr.ends_with(expected),
                    "{}",
                    ended.stderr
                );
            }
        }
    }
}

#[test]
fn an_empty_name_of_the_configuration_file_is_the_default_one() {
    let directory = tempfile::tempdir().unwrap();
    let empty = [("SFTPGO_CONFIG_FILE", "")];
    let without = run(directory.path(), &["check-config"], &empty);
    assert_eq!(without.code, Some(0), "{}", without.stderr);
    fs::write(
        directory.path().join("sftpgo.json"),
        r#"{"sftpd": {"bind_port": 2222}}"#,
    )
    .unwrap();
    let with_file = run(directory.path(), &["check-config"], &empty);
    assert!(with_file.stdout.contains("sftpd.bind_port = 2222"));
}
