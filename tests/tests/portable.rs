//! `sftpgo-server portable`, by OpenSSH's clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use sftpgo_e2e::{binary, make_key, ssh_options};

/// A directory with one file, and a place for what the server remembers.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("served")).unwrap();
        fs::write(directory.path().join("served/a.txt"), "hello\n").unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("sftpgo-server"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SFTPGO_") {
                command.env_remove(name);
            }
        }
        command
            .arg("portable")
            .args(arguments)
            .env("XDG_STATE_HOME", self.path("state"))
            .env("SFTPGO_SFTPD__BIND_ADDRESS", "127.0.0.1")
            .current_dir(self.path("served"));
        command
    }

    fn start(&self, arguments: &[&str]) -> Portable {
        let mut process = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("Ctrl-C ends it.") {
            if stdout.read_line(&mut said).unwrap() == 0 {
                let mut complaint = String::new();
                let mut stderr = process.stderr.take().unwrap();
                stderr.read_to_string(&mut complaint).unwrap();
                panic!("it did not start: {said}{complaint}");
            }
        }
        Portable {
            process,
            said,
            _stdout: stdout,
        }
    }

    /// Runs to the end, which is an error.
    fn refused(&self, arguments: &[&str]) -> String {
        let Output { status, stderr, .. } = self.command(arguments).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(1), "{arguments:?}: {stderr}");
        stderr
    }

    /// A client that answers with this password, and remembers hosts in the place.
    fn client(&self, program: &str, portable: &Portable, password: &str) -> Command {
        let askpass = self.path("askpass");
        fs::write(&askpass, format!("#!/bin/sh\necho '{password}'\n")).unwrap();
        fs::set_permissions(&askpass, fs::Permissions::from_mode(0o700)).unwrap();
        let mut command = Command::new(program);
        command
            .env("SSH_ASKPASS", askpass)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .args(["-oNumberOfPasswordPrompts=1", "-oBatchMode=no"])
            .args(ssh_options())
            .args(["-P", &portable.after("port")])
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    fn sftp(&self, portable: &Portable, password: &str, commands: &str) -> Result<String, String> {
        let mut client = self.client("sftp", portable, password);
        let mut client = client
            .args(["-b", "-"])
            .arg(format!("{}@127.0.0.1", portable.after("user")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = client.stdin.take().unwrap();
        stdin.write_all(commands.as_bytes()).unwrap();
        drop(stdin);
        outcome(client.wait_with_output().unwrap())
    }
}

fn outcome(output: Output) -> Result<String, String> {
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(text)
    }
}

struct Portable {
    process: Child,
    said: String,
    _stdout: BufReader<ChildStdout>,
}

impl Portable {
    /// What the summary has behind this word.
    fn after(&self, word: &str) -> String {
        let line = self
            .said
            .lines()
            .find_map(|line| line.trim().strip_prefix(word)?.strip_prefix(' '));
        let line = line.unwrap_or_else(|| panic!("no {word} in {}", self.said));
        line.trim().to_owned()
    }

    fn end(mut self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Portable {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Every file and directory below `directory`.
fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_password_is_made_up_and_lets_download_and_nothing_else() {
    let place = Place::new();
    let portable = place.start(&[]);
    let password = portable.after("password");
    assert_eq!(password.len(), 16);
    let commands = "ls\nget a.txt got\n";
    let listed = place.sftp(&portable, &password, commands).unwrap();
    assert!(listed.contains("a.txt"), "{listed}");
    assert_eq!(fs::read(place.path("got")).unwrap(), b"hello\n");
    let refused = place.sftp(&portable, &password, "put got new\n");
    assert!(refused.unwrap_err().contains("ermission denied"));
    assert!(place.sftp(&portable, "wrong", "ls\n").is_err());
    // As the summary says it.
    let port = portable.after("port");
    assert!(
        portable
            .said
            .contains(&format!("  sftp -P {port} user@127.0.0.1\n")),
        "{}",
        portable.said
    );
    portable.end("INT");
    assert_eq!(names_in(&place.path("served")), ["a.txt"]);
}

#[test]
fn scp_is_on_in_both_its_protocols_and_can_be_left_out() {
    let place = Place::new();
    let portable = place.start(&["-p", "secret", "-g", "*", "--ssh-commands", "*"]);
    assert!(!portable.said.contains("secret"), "{}", portable.said);
    for (options, name) in [(&["-O"][..], "old"), (&[], "new")] {
        let mut down = place.client("scp", &portable, "secret");
        down.args(options).args(["user@127.0.0.1:/a.txt", name]);
        outcome(down.output().unwrap()).unwrap();
        let mut up = place.client("scp", &portable, "secret");
        up.args(options).arg(name).arg("user@127.0.0.1:/");
        outcome(up.output().unwrap()).unwrap();
        let uploaded = fs::read(place.path("served").join(name));
        assert_eq!(uploaded.unwrap(), b"hello\n");
    }
    portable.end("TERM");
    let portable = place.start(&["-p", "secret", "--ssh-commands", "md5sum,cd"]);
    let mut old = place.client("scp", &portable, "secret");
    old.args(["-O", "user@127.0.0.1:/a.txt", "again"]);
    assert!(outcome(old.output().unwrap()).is_err());
    assert!(!portable.said.contains("scp -P"), "{}", portable.said);
}

#[test]
fn keys_log_in_by_value_and_by_file_and_then_there_is_no_password() {
    let place = Place::new();
    let line = make_key("ed25519", &place.path("key"));
    let file = place.path("key.pub");
    for given in [line.trim(), file.to_str().unwrap()] {
        let portable = place.start(&["-u", "it", "-k", given]);
        assert!(!portable.said.contains("password"), "{}", portable.said);
        let mut client = place.client("scp", &portable, "");
        client
            .args(["-oPreferredAuthentications=publickey", "-i"])
            .arg(place.path("key"))
            .args(["it@127.0.0.1:/a.txt", "got"]);
        outcome(client.output().unwrap()).unwrap();
        assert!(place.sftp(&portable, "", "ls\n").is_err());
    }
}

#[test]
fn a_password_comes_from_a_file() {
    let place = Place::new();
    let file = place.path("password");
    fs::write(&file, "from a file\n").unwrap();
    let portable = place.start(&["--password-file", file.to_str().unwrap()]);
    assert!(!portable.said.contains("from a file"), "{}", portable.said);
    place.sftp(&portable, "from a file", "ls\n").unwrap();
}

#[test]
fn host_keys_are_kept_for_the_next_time_and_nothing_else_is() {
    let place = Place::new();
    let fingerprints = |portable: &Portable| {
        let lines = portable.said.lines();
        let keys = lines.filter(|line| line.contains("SHA256:"));
        keys.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = place.start(&[]);
    let of_first = fingerprints(&first);
    first.end("INT");
    let second = place.start(&["-d", ".", "-l", ""]);
    assert_eq!(fingerprints(&second), of_first);
    assert_eq!(of_first.len(), 3);
    second.end("HUP");
    assert_eq!(names_in(&place.path("served")), ["a.txt"]);
    assert_eq!(names_in(&place.path("state")), ["sftpgo"]);
    let keys = ["id_ecdsa", "id_ed25519", "id_rsa"];
    assert_eq!(names_in(&place.path("state/sftpgo")), keys);
    let mode = fs::metadata(place.path("state/sftpgo")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_log_file_and_a_configuration_are_used_when_they_are_asked_for() {
    let place = Place::new();
    let config = place.path("config");
    fs::create_dir(&config).unwrap();
    // Users stay in memory, whatever the file says.
    let text = r#"{"sftpd": {"banner": "Elsewhere", "bind_port": 1}, "data_provider": {"name": "x.db"}, "httpd": {"bind_port": 1}}"#;
    fs::write(config.join("mine.json"), text).unwrap();
    let log = place.path("log");
    let portable = place.start(&[
        "-c",
        config.to_str().unwrap(),
        "--config-file",
        "mine.json",
        "-l",
        log.to_str().unwrap(),
        "-p",
        "secret",
    ]);
    place.sftp(&portable, "secret", "get a.txt got\n").unwrap();
    let port = portable.after("port").parse::<u16>().unwrap();
    let mut greeting = [0; 17];
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"SSH-2.0-Elsewhere");
    portable.end("INT");
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("\"sender\":\"Download\"") && !log.contains("secret"));
    assert_eq!(names_in(&config), ["mine.json"]);
}

#[test]
fn a_configuration_that_lies_in_the_directory_is_a_file_like_others() {
    let place = Place::new();
    let seen = place.path("seen");
    let hook = place.path("served/hook");
    fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", seen.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o700)).unwrap();
    let text = format!(
        r#"{{"sftpd": {{"banner": "Trap", "actions": {{"execute_on": ["download"], "command": "{}"}}}}}}"#,
        hook.display()
    );
    fs::write(place.path("served/sftpgo.json"), text).unwrap();
    let portable = place.start(&["-p", "secret"]);
    let commands = "get a.txt got\nget sftpgo.json got2\n";
    place.sftp(&portable, "secret", commands).unwrap();
    // Actions that are due are done before it ends.
    portable.end("INT");
    assert!(!seen.exists());
    let portable = place.start(&["-p", "secret", "-c", "."]);
    place.sftp(&portable, "secret", "get a.txt got\n").unwrap();
    portable.end("INT");
    assert!(seen.exists(), "a configuration that is asked for is used");
}

#[test]
fn what_cannot_be_done_is_refused_in_words_and_with_1() {
    let place = Place::new();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().port().to_string();
    for (arguments, reason) in [
        (
            &["-d", "/nowhere"][..],
            "--directory: /nowhere is not there",
        ),
        (&["-d", "a.txt"], "--directory: a.txt is not a directory"),
        (&["-g", "list,fly"], "fly"),
        (&["-u", "a/b"], "username"),
        (
            &["-k", "no key"],
            "--public-key: \"no key\" is no public key",
        ),
        (
            &["--password-file", "/nowhere"],
            "--password-file: /nowhere",
        ),
        (&["-s", &taken], "--sftpd-port: port "),
        (&["-s", "70000"], "--sftpd-port"),
        (&["-c", "scp,md5sum"], "--ssh-commands"),
        (&["--ssh-commands", "rsync"], "rsync"),
        (&["--config-file", "missing"], "--config-file"),
        (&["-l", "/nowhere/log"], "--log-file-path: /nowhere/log"),
        (
            &["--denied-patterns", "/::*.jpg"],
            "--denied-patterns: rules by names",
        ),
        (
            &["--allowed-extensions", "/::.jpg"],
            "--allowed-extensions: rules by names",
        ),
        (&["-f", "s3fs"], "--fs-provider: \"s3fs\" is not offered"),
        (&["--start-directory", "/x"], "--start-directory: "),
        (
            &["--webdav-port", "0"],
            "--webdav-port: SFTP and scp are all",
        ),
        (&["--grace-time", "-1"], "--grace-time"),
        (
            &["-S"],
            "--advertise-service: nobody else reaches 127.0.0.1",
        ),
        (&["--unknown"], "--unknown"),
    ] {
        let said = place.refused(arguments);
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
    // At their defaults they ask for nothing.
    place.start(&[
        "--advertise-service=false",
        "-C=false",
        "-f",
        "0",
        "--ftpd-port",
        "-1",
        "--start-directory",
        "/",
        "--log-level",
        "info",
    ]);
}

#[test]
fn a_server_that_cannot_keep_its_host_key_says_where() {
    let place = Place::new();
    fs::write(place.path("state"), "a file").unwrap();
    let said = place.refused(&[]);
    assert!(said.contains("XDG_STATE_HOME"), "{said}");
    let mut command = place.command(&[]);
    command.env_remove("XDG_STATE_HOME").env_remove("HOME");
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("XDG_STATE_HOME"));
}

#[test]
fn who_downloads_can_have_the_host_keys_when_they_are_served() {
    let place = Place::new();
    let mut portable = place.start(&["-d", place.path("").to_str().unwrap()]);
    let mut stderr = BufReader::new(portable.process.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert!(
        said.starts_with("WARNING: the server's host keys"),
        "{said}"
    );
}

#[test]
fn a_terminal_shows_what_moves_and_gets_its_line_back() {
    let place = Place::new();
    let program = place.command(&["-p", "secret"]);
    // A shell that stays between would end by the same Ctrl-C.
    let line = format!(
        "exec '{}' portable -p secret",
        program.get_program().to_str().unwrap()
    );
    let mut on_terminal = Command::new("script")
        .args(["-qefc", &line, "/dev/null"])
        .env("XDG_STATE_HOME", place.path("state"))
        .env("SFTPGO_SFTPD__BIND_ADDRESS", "127.0.0.1")
        .current_dir(place.path("served"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = on_terminal.stdout.take().unwrap();
    let mut said = Vec::new();
    let mut read_until = |text: &str| {
        let mut byte = [0];
        while !String::from_utf8_lossy(&said).contains(text) {
            assert_ne!(output.read(&mut byte).unwrap(), 0, "{text}");
            said.push(byte[0]);
        }
    };
    read_until("\r\x1b[K0 sessions, 0 transfers");
    let mut input = on_terminal.stdin.take().unwrap();
    input.write_all(b"\x03").unwrap();
    read_until("\r\nStopping.\r\n");
    assert_eq!(on_terminal.wait().unwrap().code(), Some(0));
}

/// Asks by multicast DNS for the service, and prints the bytes of the first answer that has it.
const ASK: &str = r#"
import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + socket.inet_aton("192.0.2.1"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.0.2.1"))
s.settimeout(1)
name = b"".join(bytes([len(part)]) + part for part in (b"_sftp-ssh", b"_tcp", b"local")) + b"\0"
query = struct.pack("!6H", 0, 0, 1, 0, 0, 0) + name + struct.pack("!2H", 12, 1)
for _ in range(20):
    s.sendto(query, ("224.0.0.251", 5353))
    try:
        while True:
            answer = s.recv(9000)
            if answer[2] & 0x80 and b"SFTPGo on " in answer and b"version=" in answer:
                sys.stdout.buffer.write(answer)
                sys.exit(0)
    except TimeoutError:
        pass
sys.exit(1)
"#;

/// In a network of its own, where nobody else hears it.
#[test]
fn the_service_is_announced_when_it_is_asked_for_and_credentials_only_then() {
    let place = Place::new();
    let program = place.command(&[]);
    let program = program.get_program().to_str().unwrap();
    for (flags, has_password) in [("-S -C", true), ("-S", false)] {
        let script = format!(
            "set -e; ip link set lo up; ip link add d0 type veth peer name d1; ip link set d1 up; ip addr add 192.0.2.1/24 dev d0; \
             ip link set d0 up multicast on; ip route add 224.0.0.0/4 dev d0; \
             '{program}' portable {flags} -u its-user -p its-secret & server=$!; \
             trap 'kill $server; wait $server' EXIT; python3 -c \"$ASK\""
        );
        let asked = Command::new("unshare")
            .args(["--net", "--user", "--map-root-user", "sh", "-c", &script])
            .env("ASK", ASK)
            .env_remove("SFTPGO_SFTPD__BIND_ADDRESS")
            .env("XDG_STATE_HOME", place.path("state"))
            .current_dir(place.path("served"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&asked.stdout);
        assert!(asked.status.success(), "{asked:?}");
        for credential in ["user=its-user", "password=its-secret"] {
            assert_eq!(said.contains(credential), has_password, "{said}");
        }
    }
}
