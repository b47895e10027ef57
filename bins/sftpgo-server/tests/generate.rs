//! `gen`: manual pages, completions, a configuration file.

#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use std::{fs, path::Path, process::Command};

use common::{Ended, plain_program};

fn generated(arguments: &[&str]) -> Ended {
    let output = plain_program(&[&["gen"], arguments].concat()).output();
    Ended::from(output.unwrap())
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("new/man1");
    let ended = generated(&["man", pages.to_str().unwrap()]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for (name, mentioned) in [
        ("sftpgo-server", "check\\-config"),
        ("sftpgo-server-serve", "SFTPGO_GRACE_TIME"),
        ("sftpgo-server-migrate", "drop\\-users"),
        ("sftpgo-server-gen-completion", "elvish"),
    ] {
        let page = fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(mentioned), "{name}: {page}");
    }
}

#[test]
fn pages_that_cannot_be_written_are_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let ended = generated(&["man", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("cannot be written"),
        "{}",
        ended.stderr
    );
}

#[test]
fn each_shell_has_a_script() {
    for (shell, mark) in [
        ("bash", "complete -F _sftpgo__server "),
        ("zsh", "#compdef sftpgo-server"),
        ("fish", "complete -c sftpgo-server"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[sftpgo-server]"),
    ] {
        let script = generated(&["completion", shell]);
        assert_eq!(script.code, Some(0), "{}", script.stderr);
        assert!(script.stdout.contains(mark), "{shell}: {}", script.stdout);
        assert!(script.stdout.contains("grace-time"), "{shell}");
    }
    assert_eq!(generated(&["completion", "tcsh"]).code, Some(1));
}

#[test]
fn bash_completes_commands_and_flags() {
    for (words, expected) in [
        (&["ser"][..], "serve"),
        (&["serve", "--grace"], "--grace-time"),
        (&["gen", "comp"], "completion"),
    ] {
        // What bash calls the function with, and sets before.
        let script = r#"
            source <("$0" gen completion bash)
            COMP_WORDS=(sftpgo-server "$@"); COMP_CWORD=$#
            function=$(complete -p sftpgo-server | sed 's/.* -F \([^ ]*\) .*/\1/')
            "$function" sftpgo-server "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            echo "${COMPREPLY[@]}"
        "#;
        let output = Command::new("bash")
            .args(["-c", script, env!("CARGO_BIN_EXE_sftpgo-server")])
            .args(words)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.trim(), expected, "{words:?}");
    }
}

/// What `check-config` says of each key, without where it comes from.
fn values(directory: &Path) -> Vec<String> {
    let checked = common::run(directory, &["check-config"], &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let lines = checked.stdout.lines().filter(|line| line.contains(" = "));
    lines
        .filter(|line| !line.starts_with("--") && !line.starts_with('#'))
        .map(|line| line.split("  # ").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_configuration_that_is_printed_is_taken_and_changes_nothing() {
    let defaults = values(tempfile::tempdir().unwrap().path());
    for (arguments, extension) in [
        (&["config"][..], "json"),
        (&["config", "--format", "json"], "json"),
        (&["config", "--format", "toml"], "toml"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let printed = generated(arguments);
        assert_eq!(printed.code, Some(0), "{}", printed.stderr);
        let file = directory.path().join(format!("sftpgo.{extension}"));
        fs::write(&file, &printed.stdout).unwrap();
        assert_eq!(values(directory.path()), defaults);
        for key in &defaults {
            let path = key.split(" = ").next().unwrap();
            let name = path.rsplit('.').next().unwrap();
            assert!(
                printed.stdout.contains(name),
                "{path} in {}",
                printed.stdout
            );
        }
        // Every key that has a default is set by the file.
        let checked = common::run(directory.path(), &["check-config"], &[]).stdout;
        let unset: Vec<_> = checked
            .lines()
            .filter(|line| line.ends_with("# default") && !line.starts_with("--"))
            .collect();
        assert_eq!(unset, ["sftpd.sync_uploads = not set  # default"]);
    }
}
