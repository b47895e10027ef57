//! Restarts without a pause: what is said, and what happens when the next process does not start.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers beside tests fail like tests

mod common;

use std::{
    fs,
    io::{IoSliceMut, Read},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::{
        fs::MetadataExt,
        net::{UnixDatagram, UnixStream},
    },
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use common::{free_address, plain_program};
use rustix::{
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg, sockopt::set_socket_passcred,
    },
    process::{Pid, Signal, kill_process},
};
use sftpgo_test_support::wait_for;
use tempfile::TempDir;

/// A server and whoever follows it; killed when dropped.
struct Family {
    first: Child,
    directory: TempDir,
    sftp: SocketAddr,
    told: UnixDatagram,
}

/// Puts a program in place as an installer does, in a process of its own: what this one has open for writing is open in
/// each process that another test starts at that moment, and what is open for writing cannot be executed.
fn install(from: &Path, to: &Path) {
    let installed = Command::new("install")
        .args(["-m", "755"])
        .arg(from)
        .arg(to)
        .status();
    assert!(installed.unwrap().success());
}

impl Family {
    /// Starts a server from the program at `name` in its directory.
    fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join(name);
        install(plain_program(&[]).get_program().as_ref(), &program);
        let told = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        told.set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let (sftp, rest) = (free_address(), free_address());
        let mut command = Command::new(&program);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("SFTPGO_") {
                command.env_remove(variable);
            }
        }
        let first = command
            .args(["serve", "--config-dir"])
            .arg(directory.path())
            .env("NOTIFY_SOCKET", directory.path().join("notify"))
            .env("SFTPGO_SFTPD__BIND_ADDRESS", sftp.ip().to_string())
            .env("SFTPGO_SFTPD__BIND_PORT", sftp.port().to_string())
            .env("SFTPGO_HTTPD__BIND_ADDRESS", rest.ip().to_string())
            .env("SFTPGO_HTTPD__BIND_PORT", rest.port().to_string())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let family = Self {
            first,
            directory,
            sftp,
            told,
        };
        family.wait_until_told("READY=1");
        family
    }

    /// Tells the process to have itself followed.
    fn restart(&self, pid: u32) {
        signal(pid, Signal::USR2);
        self.wait_until_told("RELOADING=1");
    }

    /// The lines of the message in which systemd is told `wanted`.
    fn wait_until_told(&self, wanted: &str) -> Vec<String> {
        loop {
            let mut message = [0; 1024];
            let length = self.told.recv(&mut message).unwrap();
            let text = String::from_utf8_lossy(message.get(..length).unwrap()).into_owned();
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            if lines.iter().any(|line| line == wanted) {
                return lines;
            }
        }
    }

    /// The process that serves now, as systemd is told.
    fn wait_for_next(&self) -> u32 {
        let lines = self.wait_until_told("READY=1");
        let main = lines.iter().find_map(|line| line.strip_prefix("MAINPID="));
        main.unwrap_or_else(|| panic!("{lines:?}")).parse().unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("sftpgo.log")).unwrap_or_default()
    }

    fn wait_for_log(&self, text: &str) {
        wait_for(text, || self.log().contains(text));
    }

    fn greets(&self) -> bool {
        greets(self.sftp)
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        let _ = self.first.kill();
        let _ = self.first.wait();
        for line in self.log().lines() {
            let process = line.split("\"process ").nth(1);
            let number = process.and_then(|rest| rest.split(' ').next()?.parse().ok());
            if let Some(pid) = number.and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn is_running(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

fn greets(address: SocketAddr) -> bool {
    let mut start = [0; 8];
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.read_exact(&mut start).is_ok() && &start == b"SSH-2.0-"
}

#[test]
fn systemd_hears_of_the_process_that_serves_and_the_one_before_ends() {
    let mut family = Family::start("server", &[]);
    let first = family.first.id();
    family.restart(first);
    let next = family.wait_for_next();
    assert_ne!(next, first);
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    assert!(family.greets());
    // Whoever follows can be followed.
    family.restart(next);
    let last = family.wait_for_next();
    wait_for("the end of the second", || {
        !is_running(next) || is_zombie(next)
    });
    assert!(family.greets());
    signal(last, Signal::TERM);
    family.wait_until_told("STOPPING=1");
    wait_for("the port to be free", || {
        TcpStream::connect(family.sftp).is_err()
    });
}

/// Has it ended, with nobody who asked how?
fn is_zombie(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.contains(") Z ")
}

#[test]
fn an_upgraded_program_is_the_one_that_follows() {
    let family = Family::start("server", &[]);
    // As a package does it: the old file is gone, and what runs has no name any more.
    let program = family.directory.path().join("server");
    let upgraded = family.directory.path().join("upgraded");
    install(&program, &upgraded);
    fs::rename(&upgraded, &program).unwrap();
    family.restart(family.first.id());
    let next = family.wait_for_next();
    let runs = fs::metadata(format!("/proc/{next}/exe")).unwrap();
    assert_eq!(runs.ino(), fs::metadata(&program).unwrap().ino());
}

#[test]
fn a_program_that_does_not_start_leaves_the_old_one_serving() {
    let mut family = Family::start("server", &[]);
    let program = family.directory.path().join("server");
    fs::remove_file(&program).unwrap();
    family.restart(family.first.id());
    let lines = family.wait_until_told("READY=1");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("the last restart failed")),
        "{lines:?}"
    );
    family.wait_for_log("the server was not restarted, and this process goes on as it was: the program cannot be started");
    assert!(family.greets());

    let script = family.directory.path().join("script");
    fs::write(&script, "#!/bin/sh\nexit 3\n").unwrap();
    install(&script, &program);
    family.restart(family.first.id());
    family.wait_until_told("READY=1");
    family.wait_for_log("the new process ended before it served: exit status: 3");
    assert!(family.greets());
    assert!(family.first.try_wait().unwrap().is_none());

    // And it can be followed afterwards.
    fs::remove_file(&program).unwrap();
    install(plain_program(&[]).get_program().as_ref(), &program);
    family.restart(family.first.id());
    family.wait_for_next();
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    assert!(family.greets());
}

#[test]
fn a_configuration_that_is_not_valid_leaves_the_old_one_serving() {
    let family = Family::start("server", &[]);
    let file = family.directory.path().join("sftpgo.json");
    fs::write(&file, r#"{"sftpd": {"max_auth_tries": "many"}}"#).unwrap();
    family.restart(family.first.id());
    let lines = family.wait_until_told("READY=1");
    assert!(!lines.iter().any(|line| line.starts_with("MAINPID=")));
    family.wait_for_log("goes on as it was: the new process does not start: ");
    family.wait_for_log("max_auth_tries");
    assert!(family.greets());
}

#[test]
fn users_in_memory_would_be_lost_so_nothing_happens() {
    let family = Family::start("server", &[("SFTPGO_DATA_PROVIDER__DRIVER", "memory")]);
    family.restart(family.first.id());
    family.wait_until_told("READY=1");
    family.wait_for_log("users are kept in memory (data_provider.driver)");
    assert!(family.greets());
}

#[test]
fn the_file_of_a_unix_socket_stays_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("http.sock");
    let place = path.display().to_string();
    let mut family = Family::start("server", &[("SFTPGO_HTTPD__BIND_ADDRESS", &place)]);
    let before = fs::metadata(&path).unwrap().ino();
    family.restart(family.first.id());
    let next = family.wait_for_next();
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    assert_eq!(fs::metadata(&path).unwrap().ino(), before);
    UnixStream::connect(&path).unwrap();
    signal(next, Signal::TERM);
    wait_for("the end of the file", || !path.exists());
}

#[test]
fn a_restart_that_fails_leaves_the_unix_socket_of_the_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("http.sock");
    let place = path.display().to_string();
    let first_binding = [("SFTPGO_HTTPD__BINDINGS__0__ADDRESS", place.as_str())];
    let family = Family::start("server", &first_binding);
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    fs::write(
        family.directory.path().join("sftpgo.json"),
        format!(
            r#"{{"httpd": {{"bindings": [{{"address": "{place}"}}, {{"address": "127.0.0.1", "port": {port}}}]}}}}"#
        ),
    )
    .unwrap();
    family.restart(family.first.id());
    family.wait_until_told("READY=1");
    family.wait_for_log(&format!("port {port} is in use by another program"));
    UnixStream::connect(&path).unwrap();
    assert!(family.greets());
    // And the one that follows has it in the end.
    drop(busy);
    fs::remove_file(family.directory.path().join("sftpgo.json")).unwrap();
    family.restart(family.first.id());
    let next = family.wait_for_next();
    UnixStream::connect(&path).unwrap();
    signal(next, Signal::TERM);
    wait_for("the end of the file", || !path.exists());
}

/// The process that starts programs for the server `pid`, once signals no longer end it.
fn launcher_of(pid: u32) -> u32 {
    let is_it = |number: u32| {
        let of_process = |file: &str| fs::read_to_string(format!("/proc/{number}/{file}"));
        let status = of_process("status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        let caught = u64::from_str_radix(&field("SigCgt:"), 16).unwrap_or_default();
        field("PPid:") == pid.to_string()
            && of_process("cmdline")
                .unwrap_or_default()
                .contains("launcher")
            && caught & (1 << (Signal::USR2.as_raw() - 1)) != 0
    };
    let found = || {
        let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let mut numbers = processes.filter_map(|one| one.file_name().to_str()?.parse().ok());
        numbers.find(|number| is_it(*number))
    };
    wait_for("the process that starts programs", || found().is_some());
    found().unwrap()
}

#[test]
fn signals_for_all_processes_of_the_service_leave_the_one_that_starts_programs() {
    let homes = tempfile::tempdir().unwrap();
    let homes = homes.path().display().to_string();
    let family = Family::start("server", &[("SFTPGO_COMMON__CONFINE_TO", &homes)]);
    let launcher = launcher_of(family.first.id());
    for each in [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::TERM,
        Signal::USR1,
        Signal::USR2,
    ] {
        signal(launcher, each);
    }
    family.restart(family.first.id());
    let next = family.wait_for_next();
    assert!(family.greets());
    // It ends with its server all the same.
    signal(next, Signal::TERM);
    wait_for("its end", || !is_running(launcher) || is_zombie(launcher));
}

/// Puts a script in the place of the program that follows.
fn replace_by_script(family: &Family, script: &str) {
    let directory = family.directory.path();
    fs::write(directory.join("script"), script).unwrap();
    fs::remove_file(directory.join("server")).unwrap();
    install(&directory.join("script"), &directory.join("server"));
}

/// The process that was started last to follow another.
fn started_last(family: &Family) -> u32 {
    let log = family.log();
    let mut lines = log.lines().rev();
    let number = lines.find_map(|line| {
        let (before, _) = line.split_once(" was started, and this one serves until it does")?;
        before.rsplit(' ').next()?.parse().ok()
    });
    number.unwrap()
}

const STARTED: &str = "was started, and this one serves until it does";

#[test]
fn a_process_that_hangs_before_it_serves_changes_nothing_and_can_be_ended() {
    let mut family = Family::start("server", &[]);
    let first = family.first.id();
    replace_by_script(&family, "#!/bin/sh\nexec sleep 1000\n");
    family.restart(first);
    family.wait_for_log(STARTED);
    assert!(family.greets());
    // Whoever is impatient ends it, and another one is tried.
    signal(started_last(&family), Signal::KILL);
    family.wait_until_told("READY=1");
    family.wait_for_log("the new process ended before it served");
    family.restart(first);
    wait_for("another one", || family.log().matches(STARTED).count() == 2);
    let hangs = started_last(&family);
    assert!(is_running(hangs) && family.greets());
    // A stop does not wait for it.
    signal(first, Signal::TERM);
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    wait_for("its end", || !is_running(hangs) || is_zombie(hangs));
}

#[test]
fn signals_that_come_again_at_once_lead_to_one_restart() {
    let mut family = Family::start("server", &[]);
    let first = family.first.id();
    // One that is connected, so that the first process stays.
    let connected = TcpStream::connect(family.sftp).unwrap();
    family.restart(first);
    for _ in 0..3 {
        signal(first, Signal::USR2);
    }
    let next = family.wait_for_next();
    family.wait_for_log("has been followed by another and ends with its last connection");
    assert_eq!(family.log().matches(" serves from here on").count(), 1);
    // Three more, each as soon as the one before serves.
    let mut last = next;
    for _ in 0..3 {
        family.restart(last);
        last = family.wait_for_next();
    }
    assert!(family.greets());
    drop(connected);
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    signal(last, Signal::TERM);
    wait_for("the port to be free", || {
        TcpStream::connect(family.sftp).is_err()
    });
}

#[test]
fn a_stop_right_behind_a_reload_is_a_stop() {
    let mut family = Family::start("server", &[]);
    family.restart(family.first.id());
    signal(family.first.id(), Signal::TERM);
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    wait_for("the port to be free", || {
        TcpStream::connect(family.sftp).is_err()
    });
}

/// A process that follows, and says so when the one before was told to stop.
const SERVES_TOO_LATE: &str = r#"#!/usr/bin/env python3
import os, signal, socket, time
line = socket.socket(fileno=0)
line.recv(65536)
os.kill(os.getppid(), signal.SIGTERM)
log = os.path.join(os.path.dirname(__file__), "sftpgo.log")
while "the server is stopping" not in open(log).read(): time.sleep(0.001)
line.send(b'"Ready"')
time.sleep(1000)
"#;

#[test]
fn a_stop_while_the_next_process_begins_to_serve_is_one_of_both() {
    let mut family = Family::start("server", &[]);
    replace_by_script(&family, SERVES_TOO_LATE);
    family.restart(family.first.id());
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    let next = started_last(&family);
    wait_for("the end of the next", || {
        !is_running(next) || is_zombie(next)
    });
}

#[test]
fn a_stop_of_a_process_that_was_followed_ends_that_one_alone() {
    let mut family = Family::start("server", &[]);
    let first = family.first.id();
    let _connected = TcpStream::connect(family.sftp).unwrap();
    family.restart(first);
    let next = family.wait_for_next();
    family.wait_for_log(" serves from here on");
    signal(first, Signal::TERM);
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    assert!(is_running(next) && !is_zombie(next) && family.greets());
}

#[test]
fn host_keys_that_are_gone_are_not_replaced_by_others_unasked() {
    let mut family = Family::start("server", &[]);
    let key = family.directory.path().join("id_ed25519");
    let aside = family.directory.path().join("aside");
    fs::rename(&key, &aside).unwrap();
    family.restart(family.first.id());
    let lines = family.wait_until_told("READY=1");
    assert!(!lines.iter().any(|line| line.starts_with("MAINPID=")));
    family.wait_for_log("id_ed25519 of the running server is missing");
    assert!(family.greets() && !key.exists());
    fs::rename(&aside, &key).unwrap();
    family.restart(family.first.id());
    family.wait_for_next();
    assert_eq!(family.first.wait().unwrap().code(), Some(0));
    assert!(family.greets());
}

#[test]
fn the_watchdog_hears_of_the_process_that_serves_alone() {
    let family = Family::start("server", &[("WATCHDOG_USEC", "300000")]);
    set_socket_passcred(&family.told, true).unwrap();
    // One that is connected, so that the first process stays.
    let _connected = TcpStream::connect(family.sftp).unwrap();
    family.restart(family.first.id());
    let next = family.wait_for_next();
    family.wait_for_log(" serves from here on");
    let (mut tick, mut ticks_of_next) = (0, 0);
    // What the first one has told before is still there, and both tell at the same pace.
    while ticks_of_next < 5 {
        assert!(tick < 200, "the first process goes on");
        let (sender, text) = told_by(&family.told);
        if text == "WATCHDOG=1" {
            tick += 1;
            ticks_of_next = if sender == next { ticks_of_next + 1 } else { 0 };
        }
    }
    assert!(is_running(family.first.id()));
}

/// The next message, and who sent it.
fn told_by(socket: &UnixDatagram) -> (u32, String) {
    let mut bytes = [0; 1024];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut besides = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut besides,
        RecvFlags::empty(),
    );
    let length = received.unwrap().bytes;
    let mut sender = 0;
    for message in besides.drain() {
        if let RecvAncillaryMessage::ScmCredentials(credentials) = message {
            sender = credentials.pid.as_raw_nonzero().get().unsigned_abs();
        }
    }
    let text = String::from_utf8_lossy(bytes.get(..length).unwrap());
    (sender, text.trim().to_owned())
}
