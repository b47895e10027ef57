//! A start that cannot succeed says why and what to do.

mod common;

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use common::{Ended, Server, free_address, run};

/// A start that would succeed without `variables`, in a directory where it finds no port taken.
fn failed_start(directory: &std::path::Path, variables: &[(&str, &str)]) -> Ended {
    let (sftp, rest) = (free_address(), free_address());
    let (sftp_port, rest_port) = (sftp.port().to_string(), rest.port().to_string());
    let (sftp_ip, rest_ip) = (sftp.ip().to_string(), rest.ip().to_string());
    let mut all = vec![
        ("SFTPGO_SFTPD__BIND_ADDRESS", sftp_ip.as_str()),
        ("SFTPGO_SFTPD__BIND_PORT", &sftp_port),
        ("SFTPGO_HTTPD__BIND_ADDRESS", &rest_ip),
        ("SFTPGO_HTTPD__BIND_PORT", &rest_port),
    ];
    all.extend_from_slice(variables);
    let ended = run(directory, &["serve"], &all);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert_eq!(ended.stdout, "", "it never said that it was ready");
    ended
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    for section in ["sftpd", "httpd"] {
        let taken = TcpListener::bind((free_address().ip(), 0)).unwrap();
        let address = taken.local_addr().unwrap();
        let prefix = format!("SFTPGO_{}__", section.to_uppercase());
        let ended = failed_start(
            directory.path(),
            &[
                (&format!("{prefix}BIND_ADDRESS"), &address.ip().to_string()),
                (&format!("{prefix}BIND_PORT"), &address.port().to_string()),
            ],
        );
        let expected = format!(
            "error: {section}.bind_port: port {} is in use by another program: stop that one, or choose another port with {prefix}BIND_PORT\n",
            address.port()
        );
        assert_eq!(ended.stderr, expected);
    }
    let log = fs::read_to_string(directory.path().join("sftpgo.log")).unwrap();
    assert!(
        log.contains("the server does not start: sftpd.bind_port"),
        "{log}"
    );
}

/// `sftpgo-cli admin add` reads the code there.
#[test]
fn a_start_that_fails_leaves_the_setup_code_of_the_server_that_runs() {
    let server = Server::start(&[]);
    let directory = server.directory.path();
    let code = || fs::read_to_string(directory.join("setup-code")).unwrap();
    let of_the_server = code();
    failed_start(
        directory,
        &[
            ("SFTPGO_SFTPD__BIND_ADDRESS", &server.sftp.ip().to_string()),
            ("SFTPGO_SFTPD__BIND_PORT", &server.sftp.port().to_string()),
        ],
    );
    assert_eq!(code(), of_the_server);
    assert!(server.welcome.contains(of_the_server.trim()));
}

#[test]
fn an_address_of_another_machine_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let ended = failed_start(
        directory.path(),
        &[("SFTPGO_SFTPD__BIND_ADDRESS", "192.0.2.1")],
    );
    assert!(
        ended
            .stderr
            .starts_with("error: sftpd.bind_address: \"192.0.2.1\""),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_database_that_cannot_be_made_or_is_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = [("SFTPGO_DATA_PROVIDER__NAME", "missing/users.db")];
    let ended = failed_start(directory.path(), &missing);
    assert!(
        ended.stderr.starts_with("error: data_provider.name (")
            && ended.stderr.contains("missing/users.db"),
        "{}",
        ended.stderr
    );
    fs::write(
        directory.path().join("text.db"),
        "not a database\n".repeat(100),
    )
    .unwrap();
    let ended = failed_start(
        directory.path(),
        &[("SFTPGO_DATA_PROVIDER__NAME", "text.db")],
    );
    assert!(
        ended.stderr.starts_with("error: data_provider.name (") && ended.stderr.contains("text.db"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_host_key_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("id_ed25519"), "not a key").unwrap();
    let ended = failed_start(directory.path(), &[]);
    assert!(
        ended.stderr.starts_with("error: sftpd.keys: ") && ended.stderr.contains("id_ed25519"),
        "{}",
        ended.stderr
    );
    let checked = run(directory.path(), &["check-config"], &[]);
    assert_eq!(checked.code, Some(1), "{}", checked.stdout);
    assert_eq!(checked.stderr, ended.stderr);
}

#[test]
fn a_host_key_that_others_can_read_is_named_with_the_command_that_mends_it() {
    let directory = tempfile::tempdir().unwrap();
    sftpgo_ssh::host_key::load_or_generate(directory.path()).unwrap();
    let path = directory.path().join("id_rsa");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let variable = path.display().to_string();
    for variables in [&[][..], &[("SFTPGO_SFTPD__KEYS", variable.as_str())]] {
        let ended = failed_start(directory.path(), variables);
        assert!(
            ended.stderr.starts_with("error: sftpd.keys: ")
                && ended.stderr.contains(&format!("chmod 600 {variable}")),
            "{}",
            ended.stderr
        );
        let checked = run(directory.path(), &["check-config"], variables);
        assert_eq!(checked.code, Some(1), "{}", checked.stdout);
        assert_eq!(checked.stderr, ended.stderr);
    }
}

#[test]
fn a_log_file_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let ended = failed_start(
        directory.path(),
        &[("SFTPGO_LOG_FILE_PATH", "missing/server.log")],
    );
    assert!(
        ended.stderr.starts_with("error: --log-file-path: ")
            && ended.stderr.contains("missing/server.log"),
        "{}",
        ended.stderr
    );
}
