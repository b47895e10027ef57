use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process,
    sync::mpsc,
    thread,
    time::Duration,
};

use sftpgo_core::{UserDraft, event::Protocol};
use sftpgo_test_support::{PATIENCE, wait_for};

use super::{run::Runner, *};
use crate::hook::{
    Hook,
    http::{Client, ClientSettings, Header},
    program::Call,
};

fn client() -> Client {
    Client::new(ClientSettings {
        time_limit: PATIENCE,
        shortest_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(10),
        retries: 3,
        authorities: Vec::new(),
        identity: None,
        verifies: true,
        headers: Header::new("X-Hook", "one", "http://127")
            .into_iter()
            .collect(),
    })
}

fn programs() -> Programs {
    Programs {
        time_limit: PATIENCE,
        environment: Vec::new(),
        programs: Vec::new(),
    }
}

/// For tests that do not ask what has failed.
fn unheard() -> HearFailure {
    Arc::new(|_: &str| {})
}

/// Written by another process: a file that this one has open for writing while another test starts a
/// program cannot be run for a moment.
fn script(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("hook");
    let written = process::Command::new("/bin/sh")
        .args([
            "-c",
            "printf '#!/bin/sh\n%s\n' \"$1\" > \"$2\" && chmod 700 \"$2\"",
            "sh",
            text,
        ])
        .arg(&path)
        .status();
    assert!(written.unwrap().success());
    path
}

fn on(names: &[&str], command: Option<PathBuf>, url: Option<String>) -> Actions {
    Actions {
        execute_on: names.iter().map(|name| (*name).to_owned()).collect(),
        command,
        url,
    }
}

fn uploaded<'a>(path: &'a (impl AsRef<OsStr> + ?Sized), error: Option<&'a str>) -> Event<'a> {
    Event::Transfer {
        operation: Operation::Upload,
        username: "alice",
        file_path: Path::new(path),
        size: 1,
        elapsed: Duration::ZERO,
        connection_id: "c",
        protocol: Protocol::Sftp,
        error,
    }
}

fn renamed<'a>(from: &'a str, to: &'a (impl AsRef<OsStr> + ?Sized)) -> Event<'a> {
    Event::Command {
        command: Command::Rename,
        username: "alice",
        file_path: Path::new(from),
        target_path: Some(Path::new(to)),
        connection_id: "c",
        protocol: Protocol::Sftp,
    }
}

fn user() -> StoredUser {
    UserDraft {
        username: "bob".into(),
        public_keys: vec![
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2n1dv0hE5hLBhfKwUgX6jTZ1BbUwJcFOAYKrBjfYqY"
                .into(),
        ],
        home_dir: "/srv/bob".into(),
        uid: 5,
        permissions: vec!["*".into()],
        ..UserDraft::default()
    }
    .validate(None)
    .unwrap()
}

/// Answers every request with 200 and passes on what came: request line, headers and body.
fn recording_server() -> (SocketAddr, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head += &line;
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            stream
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .unwrap();
            sender
                .send((head, String::from_utf8(body).unwrap()))
                .unwrap();
        }
    });
    (address, receiver)
}

#[test]
fn a_program_gets_its_arguments_as_they_are_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let seen = directory.path().join("seen");
    let hook = script(
        directory.path(),
        &format!("(printf '[%s]' \"$@\"; env) > {}", seen.display()),
    );
    let queue = Queue::start(client(), unheard()).unwrap();
    let observer = FileActions::new(
        on(&["upload", "rename"], Some(hook), None),
        programs(),
        queue.clone(),
    );

    observer.notify(&uploaded("/srv/a; touch $HOME \"b\"\n'", None));
    queue.drain(PATIENCE);
    let text = fs::read_to_string(&seen).unwrap();
    assert!(
        text.starts_with("[upload][alice][/srv/a; touch $HOME \"b\"\n'][]"),
        "{text}"
    );
    assert!(text.contains("PATH=") && !text.contains("CARGO"), "{text}");

    observer.notify(&renamed("/srv/a", "/srv/b"));
    queue.drain(PATIENCE);
    let text = fs::read_to_string(&seen).unwrap();
    assert!(
        text.starts_with("[rename][alice][/srv/a][/srv/b]"),
        "{text}"
    );
}

#[test]
fn only_what_is_asked_for_and_what_succeeded_is_acted_upon() {
    let directory = tempfile::tempdir().unwrap();
    let seen = directory.path().join("seen");
    let hook = script(directory.path(), &format!("echo $1 >> {}", seen.display()));
    let queue = Queue::start(client(), unheard()).unwrap();
    let observer = FileActions::new(on(&["upload"], Some(hook), None), programs(), queue.clone());
    observer.notify(&uploaded("/a", Some("the connection was lost")));
    observer.notify(&renamed("/a", "/b"));
    queue.drain(PATIENCE);
    assert!(!seen.exists());
    observer.notify(&uploaded("/a", None));
    queue.drain(PATIENCE);
    assert_eq!(fs::read_to_string(&seen).unwrap(), "upload\n");
}

#[test]
fn a_program_that_hangs_is_ended_with_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let pid_file = directory.path().join("pid");
    let hook = script(
        directory.path(),
        &format!("sleep 1000 & echo $! > {}; wait", pid_file.display()),
    );
    let (hear, heard) = mpsc::channel();
    let failed = move |failure: &str| hear.send(failure.to_owned()).unwrap();
    Runner::new(client(), Arc::new(failed)).run(&program_action(&hook, Duration::from_secs(1)));
    wait_for_end(&pid_file);
    let failure = heard.try_recv().unwrap();
    assert!(
        failure.starts_with(&format!("{}: it was ended", hook.display())),
        "{failure}"
    );
}

fn program_action(path: &Path, time_limit: Duration) -> Action {
    let program = Call {
        path: path.to_owned(),
        arguments: Vec::new(),
        environment: Vec::new(),
        time_limit,
    };
    Action {
        program: Some(program),
        call: None,
    }
}

fn wait_for_end(pid_file: &Path) {
    let pid = fs::read_to_string(pid_file).unwrap();
    let status = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
    // Gone, or a zombie that nobody collects in a container.
    wait_for("the sleep to end", || {
        fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z "))
    });
}

#[test]
fn what_a_program_leaves_behind_is_ended_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let pid_file = directory.path().join("pid");
    let hook = script(
        directory.path(),
        &format!("sleep 1000 & echo $! > {}", pid_file.display()),
    );
    Runner::new(client(), unheard()).run(&program_action(&hook, PATIENCE));
    wait_for_end(&pid_file);
}

#[test]
fn names_that_are_no_text_come_as_their_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let seen = directory.path().join("seen");
    let hook = script(
        directory.path(),
        &format!("printf '%s' \"$3\" > {}", seen.display()),
    );
    let (address, received) = recording_server();
    let url = format!("http://{address}/hook");
    let queue = Queue::start(client(), unheard()).unwrap();
    let observer = FileActions::new(
        on(&["upload"], Some(hook), Some(url)),
        programs(),
        queue.clone(),
    );
    let name = OsStr::from_bytes(b"/srv/caf\xe9 \xff%41");
    observer.notify(&uploaded(name, None));
    let (head, _) = received.recv_timeout(PATIENCE).unwrap();
    queue.drain(PATIENCE);
    assert_eq!(fs::read(&seen).unwrap(), name.as_bytes());
    assert!(
        head.starts_with(
            "GET /hook?action=upload&username=alice&path=%2Fsrv%2Fcaf%E9%20%FF%2541 HTTP/1.1"
        ),
        "{head}"
    );
}

#[test]
fn a_full_queue_drops_and_does_not_wait() {
    let directory = tempfile::tempdir().unwrap();
    let gate = directory.path().join("gate");
    let seen = directory.path().join("seen");
    let hook = script(
        directory.path(),
        &format!(
            "while [ ! -e {} ]; do sleep 0.01; done; echo $3 >> {}",
            gate.display(),
            seen.display()
        ),
    );
    let queue = Queue::with(1, 1, &Runner::new(client(), unheard())).unwrap();
    let observer = FileActions::new(on(&["upload"], Some(hook), None), programs(), queue.clone());
    for number in 0..50 {
        observer.notify(&uploaded(number.to_string().as_str(), None));
    }
    fs::write(&gate, "").unwrap();
    queue.drain(PATIENCE);
    let done = fs::read_to_string(&seen).unwrap().lines().count();
    assert!((1..=2).contains(&done), "{done}");
}

#[test]
fn a_url_is_called_with_everything_in_the_query() {
    let (address, received) = recording_server();
    let queue = Queue::start(client(), unheard()).unwrap();
    let url = format!("http://{address}/hook?token=1");
    let observer = FileActions::new(on(&["rename"], None, Some(url)), programs(), queue);
    observer.notify(&renamed("/srv/a b&c", "/srv/ü"));
    let (head, body) = received.recv_timeout(PATIENCE).unwrap();
    let request = head.lines().next().unwrap();
    assert_eq!(
        request,
        "GET /hook?token=1&action=rename&username=alice&path=%2Fsrv%2Fa%20b%26c&target_path=%2Fsrv%2F%C3%BC HTTP/1.1"
    );
    assert!(body.is_empty());
}

#[test]
fn a_changed_user_is_posted_as_json() {
    let (address, received) = recording_server();
    let queue = Queue::start(client(), unheard()).unwrap();
    let observer = UserActions::new(
        on(&["add"], None, Some(format!("http://{address}/users"))),
        programs(),
        queue,
        |user| format!("{{\"username\":\"{}\"}}", user.username),
    );
    let user = user();
    for change in [UserChange::Delete, UserChange::Add] {
        observer.notify(&Event::User {
            change,
            user: &user,
        });
    }
    let (head, body) = received.recv_timeout(PATIENCE).unwrap();
    assert!(
        head.starts_with("POST /users?action=add HTTP/1.1"),
        "{head}"
    );
    assert!(
        head.to_lowercase()
            .contains("content-type: application/json"),
        "{head}"
    );
    assert_eq!(body, "{\"username\":\"bob\"}");
}

#[test]
fn a_program_gets_the_fields_of_the_user() {
    let observer = UserActions::new(
        on(&["update"], Some("/hook".into()), None),
        programs(),
        Queue::start(client(), unheard()).unwrap(),
        |_| String::new(),
    );
    let action = observer.action("update", &user());
    assert_eq!(
        action.program.unwrap().arguments,
        ["update", "bob", "0", "1", "0", "/srv/bob", "5", "0"]
    );
}

fn disconnected(protocol: Option<Protocol>, username: &str) -> Event<'_> {
    Event::Disconnected {
        remote: "192.0.2.7:40000".parse().unwrap(),
        protocol,
        username,
        duration: Duration::from_millis(1234),
    }
}

#[test]
fn a_program_hears_of_a_connection_that_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let seen = directory.path().join("seen");
    let hook = script(
        directory.path(),
        &format!("env | grep SFTPGO | sort >> {}", seen.display()),
    );
    let queue = Queue::start(client(), unheard()).unwrap();
    let observer = Disconnections::new(Hook::Program(hook), programs(), queue.clone());
    observer.notify(&disconnected(Some(Protocol::Scp), "alice"));
    queue.drain(PATIENCE);
    assert_eq!(
        fs::read_to_string(&seen).unwrap(),
        "SFTPGO_CONNECTION_DURATION=1234\nSFTPGO_CONNECTION_IP=192.0.2.7\n\
         SFTPGO_CONNECTION_PROTOCOL=SCP\nSFTPGO_CONNECTION_USERNAME=alice\n"
    );
}

#[test]
fn a_url_hears_of_a_connection_that_has_ended_and_of_the_start() {
    let (address, received) = recording_server();
    let queue = Queue::start(client(), unheard()).unwrap();
    let hook = Hook::Url(format!("http://{address}/ended?a=b"));
    startup(&hook, &programs(), &queue);
    let (head, _) = received.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("GET /ended?a=b HTTP/1.1"), "{head}");
    assert!(head.to_lowercase().contains("x-hook: one"), "{head}");

    Disconnections::new(hook, programs(), queue).notify(&disconnected(None, ""));
    let (head, _) = received.recv_timeout(PATIENCE).unwrap();
    assert!(
        head.starts_with(
            "GET /ended?a=b&ip=192.0.2.7&protocol=SSH&username=&connection_duration=1234 HTTP/1.1"
        ),
        "{head}"
    );
}

#[test]
fn a_url_that_does_not_answer_holds_up_no_program() {
    let directory = tempfile::tempdir().unwrap();
    let seen = directory.path().join("seen");
    let hook = script(directory.path(), &format!("echo $3 >> {}", seen.display()));
    // Connections wait in its backlog and get no answer.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let queue = Queue::start(client(), unheard()).unwrap();
    let observer = FileActions::new(on(&["upload"], Some(hook), Some(url)), programs(), queue);
    for number in 0..20 {
        observer.notify(&uploaded(number.to_string().as_str(), None));
    }
    wait_for("the programs", || {
        fs::read_to_string(&seen).is_ok_and(|seen| seen.lines().count() == 20)
    });
}

/// Answers with these statuses, one after the other, and counts.
fn answering(statuses: &'static [u16]) -> (SocketAddr, mpsc::Receiver<u16>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for (stream, status) in listener.incoming().zip(statuses) {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let answer =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            sender.send(*status).unwrap();
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, receiver)
}

#[test]
fn a_call_is_tried_again_when_that_may_help() {
    for (statuses, expected) in [
        (&[500, 503, 200][..], Some(200)),
        (&[404, 200], None),
        (&[500, 500, 500, 500, 200], None),
    ] {
        let (address, answered) = answering(statuses);
        let called = client().call(&Request {
            url: format!("http://{address}/"),
            query: Vec::new(),
            json: None,
        });
        assert_eq!(called.ok(), expected, "{statuses:?}");
        let tries = answered.try_iter().count();
        let most = if statuses[0] == 404 {
            1
        } else {
            statuses.len().min(4)
        };
        assert_eq!(tries, most, "{statuses:?}");
    }
}
