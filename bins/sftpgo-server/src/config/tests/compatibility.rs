//! What settings of SFTPGo 0.9 mean here.

use sftpgo_ssh::SshCommand;

use super::*;

#[test]
fn ssh_commands_are_all_that_there_are_unless_some_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let commands = |value: &[(&str, &str)]| {
        let found = load_with(directory.path(), value);
        found.settings().unwrap().sftpd.ssh_commands.clone()
    };
    let variable = "SFTPGO_SFTPD__ENABLED_SSH_COMMANDS";
    assert_eq!(commands(&[]), SshCommand::ALL);
    assert_eq!(
        commands(&[(variable, "pwd,md5sum")]),
        [SshCommand::Pwd, SshCommand::Md5sum]
    );
    assert_eq!(commands(&[(variable, "")]), []);
    assert_eq!(
        problems_of(directory.path(), &[(variable, "md5sum,ls")]),
        [
            "sftpd.enabled_ssh_commands: \"ls\" is not one of md5sum, sha1sum, sha256sum, sha384sum, sha512sum, cd, pwd, scp, * (set by SFTPGO_SFTPD__ENABLED_SSH_COMMANDS)"
        ]
    );
    let problems = problems_of(directory.path(), &[(variable, "md5sum,rsync")]);
    assert!(
        problems.len() == 1 && problems[0].contains("\"rsync\" runs a program of the system"),
        "{problems:?}"
    );
}

#[test]
fn scp_is_on_when_the_list_of_commands_names_it_as_sftpgo_0_9_5_does() {
    let directory = tempfile::tempdir().unwrap();
    for (value, scp, count) in [
        ("pwd", false, 1),
        ("pwd,scp", true, 1),
        ("*", true, SshCommand::ALL.len()),
    ] {
        let found = load_with(
            directory.path(),
            &[("SFTPGO_SFTPD__ENABLED_SSH_COMMANDS", value)],
        );
        let sftpd = &found.settings().unwrap().sftpd;
        assert_eq!(
            (sftpd.enable_scp, sftpd.ssh_commands.len()),
            (scp, count),
            "{value}"
        );
    }
}

#[test]
fn what_sftpgo_0_9_does_and_this_server_does_not_is_refused_by_its_key_and_nothing_else_is() {
    let directory = tempfile::tempdir().unwrap();
    for (variable, value, key, reason) in [
        (
            "SFTPGO_SFTPD__KEYBOARD_INTERACTIVE_AUTH_PROGRAM",
            "/bin/ask",
            "sftpd.keyboard_interactive_auth_program",
            "does not offer",
        ),
        (
            "SFTPGO_SFTPD__PROXY_PROTOCOL",
            "3",
            "sftpd.proxy_protocol",
            "between 0 and 2",
        ),
        (
            "SFTPGO_SFTPD__SETSTAT_MODE",
            "2",
            "sftpd.setstat_mode",
            "between 0 and 1",
        ),
        (
            "SFTPGO_SFTPD__ACTIONS__EXECUTE_ON",
            "upload,ssh_cmd",
            "sftpd.actions.execute_on",
            "ssh_cmd",
        ),
        (
            "SFTPGO_DATA_PROVIDER__EXTERNAL_AUTH_PROGRAM",
            "/bin/auth",
            "data_provider.external_auth_program",
            "does not offer",
        ),
        (
            "SFTPGO_DATA_PROVIDER__PRE_LOGIN_PROGRAM",
            "/bin/pre",
            "data_provider.pre_login_program",
            "does not offer",
        ),
        (
            "SFTPGO_DATA_PROVIDER__DRIVER",
            "bolt",
            "data_provider.driver",
            "sftpgo-cli user import",
        ),
        (
            "SFTPGO_HTTPD__AUTH_USER_FILE",
            "htpasswd",
            "httpd.auth_user_file",
            "No such file",
        ),
    ] {
        let problems = problems_of(directory.path(), &[(variable, value)]);
        assert!(
            problems.len() == 1
                && problems[0].starts_with(&format!("{key}: "))
                && problems[0].contains(reason),
            "{variable}={value}: {problems:?}"
        );
    }
    // What says how or where, while what it is for is off.
    for (variable, value) in [
        ("SFTPGO_SFTPD__SETSTAT_MODE", "1"),
        ("SFTPGO_SFTPD__PROXY_ALLOWED", "10.0.0.1"),
        ("SFTPGO_DATA_PROVIDER__EXTERNAL_AUTH_SCOPE", "7"),
        ("SFTPGO_DATA_PROVIDER__CREDENTIALS_PATH", "/srv/credentials"),
        ("SFTPGO_HTTPD__BACKUPS_PATH", "/srv/backups"),
    ] {
        let problems = problems_of(directory.path(), &[(variable, value)]);
        assert!(problems.is_empty(), "{problems:?}");
    }
}

#[test]
fn a_dump_for_the_memory_provider_is_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let memory = ("SFTPGO_DATA_PROVIDER__DRIVER", "memory");
    for (name, expected) in [("sftpgo.db", 0), ("", 0), ("dump.json", 1)] {
        let found = load_with(
            directory.path(),
            &[memory, ("SFTPGO_DATA_PROVIDER__NAME", name)],
        );
        assert!(found.settings().is_ok());
        assert_eq!(found.warnings.len(), expected, "{name:?}");
    }
    let found = load_with(
        directory.path(),
        &[("SFTPGO_DATA_PROVIDER__NAME", "dump.json")],
    );
    assert!(found.warnings.is_empty());
}
