//! Under systemd: what the server tells it, and sockets that it passes on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers beside tests fail like tests

mod common;

use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    process::{Child, Command, Stdio},
    time::Duration,
};

use common::{free_address, plain_program};
use rustix::process::{Pid, Signal, kill_process};

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What systemd is told next.
fn told(socket: &UnixDatagram) -> Vec<String> {
    let mut message = [0; 1024];
    let length = socket.recv(&mut message).unwrap();
    let text = std::str::from_utf8(&message[..length]).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn told_until(socket: &UnixDatagram, wanted: &str) -> Vec<String> {
    loop {
        let lines = told(socket);
        if lines.iter().any(|line| line == wanted) {
            return lines;
        }
    }
}

#[test]
fn systemd_is_told_when_clients_are_served_that_it_lives_and_when_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let (sftp, rest) = (free_address(), free_address());
    let server = common::program(directory.path(), &["serve", "--grace-time", "10"])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "300000")
        .env("SFTPGO_SFTPD__BIND_ADDRESS", sftp.ip().to_string())
        .env("SFTPGO_SFTPD__BIND_PORT", sftp.port().to_string())
        .env("SFTPGO_HTTPD__BIND_ADDRESS", rest.ip().to_string())
        .env("SFTPGO_HTTPD__BIND_PORT", rest.port().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut server = Killed(server.unwrap());
    let ready = told(&socket);
    assert_eq!(ready[0], "READY=1", "{ready:?}");
    assert!(
        ready.contains(&format!("STATUS=SFTP on {sftp}")),
        "{ready:?}"
    );
    TcpStream::connect(sftp).unwrap();
    for _ in 0..3 {
        assert_eq!(told(&socket), ["WATCHDOG=1"]);
    }
    let pid = Pid::from_raw(i32::try_from(server.0.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let stopping = told_until(&socket, "STOPPING=1");
    // The grace time and what an end takes besides.
    let extended = "EXTEND_TIMEOUT_USEC=30000000".to_owned();
    assert!(stopping.contains(&extended), "{stopping:?}");
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

/// Starts a program with these sockets as systemd does: from descriptor 3 on, with their names.
const PASS: &str = r"
import fcntl, os, sys
count = int(sys.argv[1])
os.environ['LISTEN_PID'] = str(os.getpid())
os.environ['LISTEN_FDS'] = str(count)
os.execv(sys.argv[2], sys.argv[2:])
";

fn greeting(port: u16) -> String {
    let mut start = [0; 8];
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    if stream.read_exact(&mut start).is_err() {
        return String::new();
    }
    String::from_utf8_lossy(&start).into_owned()
}

#[test]
fn sockets_of_systemd_are_used_in_the_place_of_configured_ones() {
    let directory = tempfile::tempdir().unwrap();
    let notify = directory.path().join("notify");
    let socket = UnixDatagram::bind(&notify).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = listeners
        .each_ref()
        .map(|listener| listener.local_addr().unwrap().port());
    let server = plain_program(&[]);
    // The shell's redirections put the sockets where systemd puts them, with nothing to close them at exec.
    let fds = listeners.each_ref().map(std::os::fd::AsRawFd::as_raw_fd);
    let script = format!(
        "exec 3<&{} 4<&{} 5<&{}; exec python3 -c \"$PASS\" 3 '{}' serve --config-dir '{}'",
        fds[0],
        fds[1],
        fds[2],
        server.get_program().to_str().unwrap(),
        directory.path().display()
    );
    for listener in &listeners {
        let flags = rustix::io::fcntl_getfd(listener).unwrap();
        rustix::io::fcntl_setfd(listener, flags - rustix::io::FdFlags::CLOEXEC).unwrap();
    }
    let mut command = Command::new("bash");
    command
        .args(["-c", &script])
        .env("PASS", PASS)
        .env("LISTEN_FDNAMES", "sftpgo.socket:httpd:ssh")
        .env("NOTIFY_SOCKET", &notify)
        // Nothing of these is listened on.
        .env("SFTPGO_SFTPD__BIND_ADDRESS", "192.0.2.1")
        .env("SFTPGO_HTTPD__BIND_ADDRESS", "192.0.2.1")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _server = Killed(command.spawn().unwrap());
    let ready = told_until(&socket, "READY=1");
    let status = format!(
        "STATUS=SFTP on 127.0.0.1:{}, 127.0.0.1:{}",
        ports[0], ports[2]
    );
    assert!(ready.contains(&status), "{ready:?}");
    for port in [ports[0], ports[2], ports[0]] {
        assert_eq!(greeting(port), "SSH-2.0-");
    }
    let health = ureq::get(format!("http://127.0.0.1:{}/healthz", ports[1])).call();
    assert_eq!(health.unwrap().body_mut().read_to_string().unwrap(), "ok");
}
