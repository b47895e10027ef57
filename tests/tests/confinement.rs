//! A server that has confined itself: what its users do, what goes on outside the walls, and what does not get through.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, sftp, wait_for};
use tempfile::TempDir;

/// Directories outside of the server's own, of which the server may use the first one alone.
struct Places {
    homes: TempDir,
    outside: TempDir,
}

impl Places {
    fn new() -> Self {
        Self {
            homes: tempfile::tempdir().unwrap(),
            outside: tempfile::tempdir().unwrap(),
        }
    }

    fn start(&self, more: &[(&str, &str)]) -> Server {
        let homes = self.homes.path().display().to_string();
        let mut settings = vec![("SFTPGO_COMMON__CONFINE_TO", homes.as_str())];
        settings.extend(more);
        Server::start_with(&settings)
    }
}

/// What the server says of its walls; none where this kernel does not confine files, which is said loudly.
fn walls(server: &Server) -> Option<String> {
    let lines = server.log_lines("server");
    let said = lines.iter().filter_map(|line| line["message"].as_str());
    let said: Vec<_> = said
        .filter(|said| said.starts_with("the server has confined itself"))
        .collect();
    let said = (*said.last().expect("a line about the walls")).to_owned();
    if said.contains("files are confined") {
        return Some(said);
    }
    println!("SKIPPED: this kernel does not confine files: {said}");
    None
}

fn status(pid: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

fn add(server: &Server, name: &str, home: &Path) {
    server.add_user(name, &json!({ "home_dir": home, "quota_files": 100 }));
}

#[test]
fn homes_within_are_served_and_what_is_planted_outside_is_not_read() {
    let places = Places::new();
    let server = places.start(&[]);
    fs::write(places.outside.path().join("planted"), "secret").unwrap();
    add(&server, "inside", &places.homes.path().join("bob"));
    add(&server, "outside", places.outside.path());
    fs::write(server.path("data"), vec![5; 100_000]).unwrap();
    let work = "put data\nmkdir d\nrename data d/moved\nget d/moved back\nrm d/moved\nrmdir d\n";
    sftp(&server, "inside", &[], work).assert_ok();
    assert_eq!(fs::read(server.path("back")).unwrap(), vec![5; 100_000]);
    wait_for("the usage", || server.usage("inside") == (0, 0));
    for pid in [server.pid(), server.hot_restart()] {
        assert_eq!(
            (status(pid, "NoNewPrivs:"), status(pid, "Seccomp:")),
            ("1".into(), "2".into())
        );
    }
    if walls(&server).is_none() {
        return;
    }
    let outcome = sftp(&server, "outside", &[], "get planted stolen\n");
    assert!(!outcome.ok, "{}", outcome.text);
    assert!(!server.path("stolen").exists());
    // The same server without walls lets the user in.
    let server = Server::start();
    add(&server, "outside", places.outside.path());
    sftp(&server, "outside", &[], "get planted stolen\n").assert_ok();
}

#[test]
fn programs_run_outside_the_walls() {
    let places = Places::new();
    let hook = places.outside.path().join("hook");
    let seen = places.outside.path().join("seen");
    fs::write(
        &hook,
        format!("#!/bin/sh\ncat /proc/self/status >'{}'\n", seen.display()),
    )
    .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let hook = hook.display().to_string();
    let server = places.start(&[
        ("SFTPGO_SFTPD__ACTIONS__COMMAND", &hook),
        ("SFTPGO_SFTPD__ACTIONS__EXECUTE_ON", "upload"),
    ]);
    add(&server, "inside", &places.homes.path().join("bob"));
    fs::write(server.path("data"), "data").unwrap();
    sftp(&server, "inside", &[], "put data\n").assert_ok();
    let warns = |path: &str| {
        let lines = server.log_lines("server");
        let mut said = lines.iter().filter_map(|line| line["message"].as_str());
        said.any(|said| {
            said.starts_with("the walls around the server do not hold") && said.contains(path)
        })
    };
    assert!(!warns(&hook));
    let status = || fs::read_to_string(&seen).unwrap_or_default();
    wait_for("the program", || status().contains("Seccomp:\t0"));
    assert!(status().contains("NoNewPrivs:\t0") || status_of_this_process_has_no_new_privs());
}

#[test]
fn an_audit_log_outside_the_walls_is_written_and_put_aside() {
    let places = Places::new();
    let directory = places.outside.path();
    let file = directory.join("audit.log");
    let server = places.start(&[("SFTPGO_COMMON__AUDIT__FILE", file.to_str().unwrap())]);
    let text = || fs::read_to_string(&file).unwrap_or_default();
    wait_for("a line", || text().contains("audit_started"));
    server.signal("USR1");
    let is_head = |entry: &std::io::Result<fs::DirEntry>| {
        entry.as_ref().unwrap().path().extension() == Some("head".as_ref())
    };
    let heads = || {
        let entries = fs::read_dir(directory).unwrap();
        entries.filter(is_head).count()
    };
    wait_for("a file that was put aside", || heads() == 2);
    add(&server, "inside", &places.homes.path().join("bob"));
    wait_for("a line behind it", || text().contains("audit_continued"));
}

/// Of the admin whom a server makes at its start.
const ADMIN: [(&str, &str); 3] = [
    ("SFTPGO_DATA_PROVIDER__CREATE_DEFAULT_ADMIN", "true"),
    ("SFTPGO_DEFAULT_ADMIN_USERNAME", "root"),
    ("SFTPGO_DEFAULT_ADMIN_PASSWORD", "secret"),
];

/// What curl gets from the server with these arguments, the last one being a path.
fn curl(server: &Server, arguments: &[&str], path: &str) -> String {
    let output = Command::new("curl")
        .args(["-s", "--fail"])
        .args(arguments)
        .arg(format!("http://127.0.0.1:{}{path}", server.http_port))
        .current_dir(server.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{path}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What REST says of the walls, and the page of the status.
fn status_of(server: &Server) -> (Value, String) {
    let status = curl(server, &["-u", "root:secret"], "/api/v2/status");
    let status: Value = serde_json::from_str(&status).unwrap();
    let form = ["username=root", "password=secret", "next=/web/status"];
    let form: Vec<_> = form.iter().flat_map(|field| ["-d", field]).collect();
    let session = ["-L", "-b", "", "-c", "cookies"];
    let page = curl(server, &[&session[..], &form].concat(), "/web/login");
    (status["confinement"].clone(), page)
}

#[test]
fn the_status_says_what_confines_the_server() {
    let places = Places::new();
    let server = places.start(&ADMIN);
    for _ in 0..2 {
        let (status, page) = status_of(&server);
        assert_eq!(status["is_active"], true);
        let lines = server.log_lines("server");
        let mut said = lines.iter().rev().filter_map(|line| {
            let said = line["message"].as_str()?;
            let (_, walls) = said.split_once(": ")?;
            said.starts_with("the server has confined itself")
                .then_some(walls)
        });
        let walls = said.next().unwrap();
        assert_eq!(status["description"], walls);
        // Where a kernel has no such wall the reason is behind it.
        let shown = walls.split(" (").next().unwrap();
        assert!(page.contains(shown), "{shown} in {page}");
        if walls.contains("files are confined") {
            assert!(shown.contains(places.homes.path().to_str().unwrap()));
        }
        // The next process says it of itself.
        server.hot_restart();
    }
    let server = Server::start_with(&ADMIN);
    let (status, page) = status_of(&server);
    assert_eq!(status, json!({ "is_active": false, "description": "" }));
    assert!(page.contains("off (common.confine_to)"), "{page}");
}

fn status_of_this_process_has_no_new_privs() -> bool {
    status(std::process::id(), "NoNewPrivs:") == "1"
}

#[test]
fn a_restart_may_raise_walls_and_widen_them() {
    let places = Places::new();
    let server = Server::start();
    add(&server, "outside", places.outside.path());
    fs::write(places.outside.path().join("f"), "text").unwrap();
    let confine_to = |directories: &[&Path]| {
        let configuration = json!({ "common": { "confine_to": directories } });
        fs::write(server.path("sftpgo.json"), configuration.to_string()).unwrap();
        server.hot_restart();
    };
    confine_to(&[places.homes.path()]);
    // It lies where the server may write.
    let lines = server.log_lines("server");
    let mut said = lines.iter().filter_map(|line| line["message"].as_str());
    assert!(said.any(|said| {
        said.starts_with("the walls around the server do not hold") && said.contains("sftpgo.json")
    }));
    if walls(&server).is_none() {
        return;
    }
    assert!(!sftp(&server, "outside", &[], "get f a\n").ok);
    confine_to(&[places.homes.path(), places.outside.path()]);
    sftp(&server, "outside", &[], "get f a\n").assert_ok();
}
