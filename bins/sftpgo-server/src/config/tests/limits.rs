//! Rate limiters, hooks, and how programs are run and URLs called.

use std::time::Duration;

use sftpgo_core::{
    event::ConnectionProtocol,
    rate_limit::{RateLimit, Scope, SourcePrefixes},
};

use super::*;
use crate::hook::Hook;

fn problems_of_file(text: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("sftpgo.json"), text).unwrap();
    reasons(directory.path(), &[])
}

/// The problems without where each comes from.
fn reasons(directory: &Path, variables: &[(&str, &str)]) -> Vec<String> {
    let problems = problems_of(directory, variables).into_iter();
    let reason = |problem: String| match problem.split_once(" (set by") {
        Some((reason, _)) => reason.to_owned(),
        None => problem,
    };
    problems.map(reason).collect()
}

#[test]
fn rate_limiters_are_read_and_those_that_are_off_are_left_out() {
    let found = http::with_file(
        r#"{"common": {"defender": {"enabled": false, "ipv6_prefix": 56}, "rate_limiters": [
            {"average": 100, "period": 2000, "burst": 10, "type": 1, "protocols": ["SSH", "FTP"]},
            {"average": 5, "protocols": ["HTTP"], "generate_defender_events": true},
            {"average": 0}, {"average": 7, "protocols": ["FTP", "DAV"]}]}}"#,
    );
    let common = &found.settings().unwrap().common;
    assert_eq!(
        common.rate_limits,
        [
            RateLimit {
                average: 100,
                period: Duration::from_secs(2),
                burst: 10,
                scope: Scope::All,
                protocols: vec![ConnectionProtocol::Ssh],
            },
            RateLimit {
                average: 5,
                period: Duration::from_secs(1),
                burst: 1,
                scope: Scope::Source {
                    counts_offence: true,
                    entries_soft_limit: 10_000,
                    entries_hard_limit: 15_000,
                },
                protocols: vec![ConnectionProtocol::Http],
            },
        ]
    );
    assert_eq!(common.sources, SourcePrefixes { ipv4: 32, ipv6: 56 });
}

#[test]
fn a_rate_limiter_that_cannot_be_meant_stops_the_start() {
    for (fields, expected) in [
        (r#""period": 99"#, "period: 99 is less than 100"),
        (r#""burst": 0"#, "burst: 0 is less than 1"),
        (r#""average": -1"#, "average: -1 is less than 1"),
        (r#""type": 3"#, "type: 3 is not between 0 and 2"),
        (
            r#""protocols": ["ssh"]"#,
            "protocols: \"ssh\" is not one of SSH, FTP, DAV, HTTP",
        ),
        (r#""protocols": []"#, "protocols: names no protocol"),
        (
            r#""entries_soft_limit": 7, "entries_hard_limit": 7"#,
            "entries_hard_limit: must be more than entries_soft_limit",
        ),
        (
            r#""type": 1, "generate_defender_events": true"#,
            "generate_defender_events: must be false with type 1: what all together do is nobody's offence",
        ),
    ] {
        let average = if fields.contains("average") {
            ""
        } else {
            r#""average": 1, "#
        };
        let text = format!(r#"{{"common": {{"rate_limiters": [{{{average}{fields}}}]}}}}"#);
        assert_eq!(
            problems_of_file(&text),
            [format!("common.rate_limiters[0].{expected}")]
        );
    }
}

#[test]
fn a_hook_is_a_url_or_the_absolute_path_of_a_program() {
    let directory = tempfile::tempdir().unwrap();
    let settings = load_with(
        directory.path(),
        &[
            ("SFTPGO_COMMON__STARTUP_HOOK", "https://example.com/up?a=b"),
            ("SFTPGO_COMMON__POST_CONNECT_HOOK", "/bin/sh"),
        ],
    );
    let common = &settings.settings().unwrap().common;
    let url = Hook::Url("https://example.com/up?a=b".into());
    assert_eq!(common.startup_hook, Some(url));
    assert_eq!(
        common.post_connect_hook,
        Some(Hook::Program("/bin/sh".into()))
    );
    assert_eq!(common.post_disconnect_hook, None);
    for (value, expected) in [
        (
            "hook.sh",
            "\"hook.sh\" is neither a URL nor the absolute path of a program",
        ),
        ("http://", "\"http://\" is not an http:// or https:// URL"),
        ("/etc/passwd", "/etc/passwd is not an executable file"),
    ] {
        assert_eq!(
            reasons(
                directory.path(),
                &[("SFTPGO_COMMON__POST_DISCONNECT_HOOK", value)]
            ),
            [format!("common.post_disconnect_hook: {expected}")]
        );
    }
}

#[test]
fn programs_and_calls_are_as_configured() {
    let found = http::with_file(
        r#"{"command": {"timeout": 60, "env": ["A=b=c"], "commands": [
              {"path": "/hook", "timeout": 5, "env": ["D="], "args": ["-v"], "hook": "startup"}]},
            "http": {"timeout": 0.5, "retry_max": 0, "headers": [{"key": "X-Key", "value": "v"}]}}"#,
    );
    let settings = found.settings().unwrap();
    let call = |hook| {
        let programs = &settings.programs;
        programs.call(hook, Path::new("/hook"), Vec::new(), Vec::new())
    };
    let (startup, other) = (call("startup"), call("post_connect"));
    assert_eq!(
        (startup.time_limit.as_secs(), other.time_limit.as_secs()),
        (5, 60)
    );
    let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
    assert_eq!(startup.environment, [pair("A", "b=c"), pair("D", "")]);
    assert_eq!(settings.http.time_limit, Duration::from_millis(500));
    assert_eq!(settings.http.retries, 0);
    for (text, expected) in [
        (
            r#"{"command": {"timeout": 0}}"#,
            "command.timeout: 0 is less than 1",
        ),
        (
            r#"{"command": {"timeout": 301}}"#,
            "command.timeout: 301 is not between 0 and 300",
        ),
        (
            r#"{"command": {"env": ["A"]}}"#,
            "command.env: \"A\" is not NAME=VALUE",
        ),
        (
            r#"{"command": {"commands": [{"path": "hook"}]}}"#,
            "command.commands[0].path: \"hook\" is not an absolute path",
        ),
        (
            r#"{"command": {"commands": [{"path": "/hook", "hook": "x"}]}}"#,
            "command.commands[0].hook: \"x\" is not one of fs_actions, provider_actions, startup, post_connect, post_disconnect",
        ),
        (
            r#"{"http": {"timeout": 0}}"#,
            "http.timeout: 0 is not between 0 and 300",
        ),
        (
            r#"{"http": {"retry_wait_min": 9, "retry_wait_max": 8}}"#,
            "http.retry_wait_max: is less than http.retry_wait_min",
        ),
        (
            r#"{"http": {"headers": [{"key": "a b", "value": ""}]}}"#,
            "http.headers[0]: is not a header's name and value",
        ),
        (
            r#"{"http": {"ca_certificates": ["/dev/null"]}}"#,
            "http.ca_certificates: /dev/null: there is no certificate in it",
        ),
    ] {
        assert_eq!(problems_of_file(text), [expected]);
    }
}
