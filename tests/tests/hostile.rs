//! Clients that do what no client should: they cost the others nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::json;
use sftpgo_e2e::{Server, paramiko};

#[test]
fn a_stopped_reader_costs_nobody_else_anything() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    paramiko(
        &server,
        r#"
open("l", "wb").write(os.urandom(32 << 20)); s.put("l", "r")
# A session asks for everything and reads nothing.
c = t.open_session(window_size=32768); c.invoke_subsystem("sftp")
def packet(kind, *fields):
    body = bytes([kind]) + b"".join(fields); return struct.pack(">I", len(body)) + body
text = lambda raw: struct.pack(">I", len(raw)) + raw
c.sendall(packet(1, struct.pack(">I", 3)))
c.sendall(packet(3, struct.pack(">I", 1), text(b"r"), struct.pack(">II", 1, 0)))
reply = b""
while len(reply) < 4 + 1 or b"\x66\x00\x00\x00\x01" not in reply: reply += c.recv(4096)
at = reply.index(b"\x66\x00\x00\x00\x01") + 5
handle = reply[at + 4:at + 4 + struct.unpack(">I", reply[at:at + 4])[0]]
for n in range(1024):
    c.sendall(packet(5, struct.pack(">I", n + 2), text(handle), struct.pack(">QI", n * 32768, 32768)))
for other in [s, paramiko.SFTPClient.from_transport(log_in("bob"))]:
    other.get("r", "b")
    assert open("b", "rb").read() == open("l", "rb").read()
received = 0
c.settimeout(20)
while received < (32 << 20): received += len(c.recv(1 << 20))
"#,
    );
}

#[test]
fn broken_packets_end_their_session_alone() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    paramiko(
        &server,
        r#"
for broken in [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\4\0\1", b"\0\0\0\5\x10\0\0\0\1", b"\0\0\0\5\1\0\0\0\3\0\0\0\1\3"]:
    c = t.open_session(); c.invoke_subsystem("sftp"); c.settimeout(20)
    c.sendall(broken)
    while c.recv(1000): pass
    assert s.listdir(".") == []
"#,
    );
}

#[test]
fn requests_for_anything_but_sftp_and_endless_channels_are_refused() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    paramiko(
        &server,
        r#"
for kind in ["direct-tcpip", "x11", "nonsense"]:
    for _ in range(200):
        refused(paramiko.ChannelException, t.open_channel, kind, ("127.0.0.1", 22), ("127.0.0.1", 1))
for ask in [lambda c: c.exec_command("id"), lambda c: c.invoke_shell()]:
    c = t.open_session(); ask(c)
    assert c.makefile_stderr("rb").read() == b"This service allows SFTP connections only.\r\n"
    assert c.recv_exit_status() == 1
c = t.open_session(); refused(paramiko.SSHException, c.get_pty)
refused(paramiko.SSHException, t.request_port_forward, "", 0)
c.close()
held = []
error = None
for _ in range(200):
    try: held.append(t.open_session())
    except paramiko.ChannelException as e: error = e; break
assert error is not None and len(held) >= 9, len(held)
for c in held: c.close()
assert s.listdir(".") == []
"#,
    );
}

#[test]
fn silent_clients_and_garbage_do_not_keep_others_out() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    paramiko(
        &server,
        r#"
import socket
address = ("127.0.0.1", int(os.environ["PORT"]))
silent = [socket.create_connection(address) for _ in range(300)]
for garbage in [b"\0" * 100000, b"GET / HTTP/1.0\r\n\r\n", b"SSH-2.0-x\r\n" + b"\xff" * 64, b"A" * 300000]:
    c = socket.create_connection(address); c.settimeout(20)
    try:
        c.sendall(garbage)
        while c.recv(4096): pass
    except ConnectionError: pass
assert paramiko.SFTPClient.from_transport(log_in("bob")).listdir(".") == []
"#,
    );
}
