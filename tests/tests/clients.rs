//! paramiko, asyncssh, lftp, rclone and curl against the server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, process::Command};

use serde_json::json;
use sftpgo_e2e::{Outcome, Server, paramiko, python};

#[test]
fn paramiko_prefetches_a_whole_file_and_keeps_many_requests_in_flight() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    paramiko(
        &server,
        r#"
data = os.urandom(1 << 20) * 64
open("l", "wb").write(data)
s.put("l", "r")
s.get("r", "b")
assert open("b", "rb").read() == data
with s.open("r", "rb") as f:
    f.prefetch(len(data), 64)
    assert f.read() == data
    chunks = [(o, 32768) for o in range(0, len(data), 1 << 20)]
    assert [bytes(c) for c in f.readv(chunks)] == [data[o:o + n] for o, n in chunks]
with s.open("w", "wb") as f:
    f.set_pipelined(True)
    for o in range(0, 8 << 20, 32768):
        f.write(data[o:o + 32768])
assert s.stat("w").st_size == 8 << 20
"#,
    );
}

#[test]
fn paramiko_does_every_operation_on_names() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    paramiko(
        &server,
        r#"
s.mkdir("d", 0o750)
assert stat.S_IMODE(s.stat("d").st_mode) == 0o750
with s.open("d/f", "wx") as f: f.write("0123456789")
refused(IOError, s.open, "d/f", "wx")
with s.open("d/f", "a") as f: f.write("ab")
with s.open("d/f", "r+") as f:
    f.seek(2); f.write("XY"); f.seek(0)
    assert f.read() == b"01XY456789ab"
    assert f.stat().st_size == 12
s.truncate("d/f", 4); assert s.stat("d/f").st_size == 4
s.utime("d/f", (1000, 2000)); assert (s.stat("d/f").st_atime, s.stat("d/f").st_mtime) == (1000, 2000)
s.chmod("d/f", 0o600); assert stat.S_IMODE(s.stat("d/f").st_mode) == 0o600
s.chown("d/f", 1, 1)
s.symlink("f", "d/rel"); assert s.readlink("d/rel") == "f"
s.symlink("/d/f", "abs"); assert s.readlink("abs") == "/d/f" and s.stat("abs").st_size == 4
assert stat.S_ISLNK(s.lstat("abs").st_mode)
assert sorted(s.listdir("d")) == ["f", "rel"]
with s.open("g", "w") as f: f.write("g")
refused(IOError, s.rename, "g", "d/f")
s.posix_rename("g", "d/f"); assert s.stat("d/f").st_size == 1
refused(IOError, s.rmdir, "d"); refused(IOError, s.rmdir, "d/f"); refused(IOError, s.remove, "d")
refused(IOError, s.open, "d", "r"); refused(IOError, s.open, "d", "w")
refused(FileNotFoundError, s.stat, "nothing"); refused(FileNotFoundError, s.open, "no/thing", "w")
refused(PermissionError, s.symlink, "../../etc", "out"); refused(PermissionError, s.symlink, "/../x", "out")
assert s.normalize("d/../d/./f") == "/d/f" and s.normalize("../..") == "/"
for name in [b"\xff\xfe", b"new\nline", "ü".encode(), b"a" * 255]:
    s._request(3, name, 0x1a, paramiko.SFTPAttributes())
    assert s.lstat(name) is not None
    s.remove(name)
with s.open("sparse", "w") as f:
    f.seek(5 << 30); f.write("x")
assert s.stat("sparse").st_size == (5 << 30) + 1
handles = [s.open("sparse") for _ in range(1000)]
handles[-1].seek(5 << 30); assert handles[-1].read(10) == b"x"
"#,
    );
}

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
c = t.open_session(); refused(paramiko.SSHException, c.exec_command, "id")
c = t.open_session(); refused(paramiko.SSHException, c.invoke_shell)
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

#[test]
fn asyncssh_runs_many_sessions_at_once() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let script = r#"
import asyncio, asyncssh, os
async def one(n):
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", password="secret", known_hosts=None, config=None) as c:
        async with c.start_sftp_client() as s:
            data = os.urandom(3 << 20)
            async with s.open(f"f{n}", "wb") as f: await f.write(data)
            async with s.open(f"f{n}", "rb") as f: assert await f.read() == data
            await s.makedirs(f"d{n}/e"); await s.rename(f"f{n}", f"d{n}/e/f")
            assert (await s.statvfs(".")).bsize > 0
async def main(): await asyncio.gather(*[one(n) for n in range(10)])
asyncio.run(main())
"#;
    python(&server, script).assert_ok();
}

#[test]
fn lftp_mirrors_both_ways() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_tree(&server);
    let script = format!(
        "set sftp:auto-confirm yes; set net:max-retries 1; open -u bob,secret -p {} sftp://127.0.0.1; \
         mirror -R --parallel=4 tree up; mirror --parallel=4 up back; bye",
        server.sftp_port
    );
    run(
        &server,
        Command::new("lftp")
            .args(["-c", &script])
            .env("HOME", server.path("")),
    );
    assert_same_trees(&server);
}

#[test]
fn rclone_syncs_and_finds_no_difference() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_tree(&server);
    let obscured = Command::new("rclone")
        .args(["obscure", "secret"])
        .output()
        .unwrap()
        .stdout;
    let remote = format!(
        ":sftp,host=127.0.0.1,port={},user=bob,pass={},shell_type=none:up",
        server.sftp_port,
        String::from_utf8(obscured).unwrap().trim()
    );
    let rclone = |arguments: &[&str]| {
        run(
            &server,
            Command::new("rclone")
                .args(arguments)
                .env("HOME", server.path("")),
        )
    };
    rclone(&["sync", "tree", &remote]);
    rclone(&["check", "--download", "tree", &remote]);
    rclone(&["sync", &remote, "back"]);
    assert_same_trees(&server);
}

#[test]
fn curl_uploads_and_downloads_where_it_speaks_sftp() {
    let protocols = Command::new("curl")
        .arg("--version")
        .output()
        .unwrap()
        .stdout;
    let server = Server::start();
    server.add_user("bob", &json!({}));
    fs::write(server.path("l"), vec![7; 3 << 20]).unwrap();
    let url = format!("sftp://127.0.0.1:{}/~/r", server.sftp_port);
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        command
            .args(["-sS", "--insecure", "-u", "bob:secret"])
            .args(arguments)
            .arg(&url);
        run(&server, &mut command);
    };
    assert!(
        String::from_utf8_lossy(&protocols).contains(" sftp"),
        "this curl does not speak SFTP"
    );
    curl(&["-T", "l"]);
    curl(&["-o", "b"]);
    assert!(fs::read(server.path("b")).unwrap() == fs::read(server.path("l")).unwrap());
}

fn make_tree(server: &Server) {
    for directory in ["a", "a/b", "c"] {
        fs::create_dir_all(server.path("tree").join(directory)).unwrap();
        for size in [0, 1, 5000, 70_000] {
            fs::write(
                server
                    .path("tree")
                    .join(directory)
                    .join(format!("file {size}")),
                vec![b'x'; size],
            )
            .unwrap();
        }
    }
}

fn assert_same_trees(server: &Server) {
    run(server, Command::new("diff").args(["-r", "tree", "back"]));
}

fn run(server: &Server, command: &mut Command) {
    Outcome::from(command.current_dir(server.path("")).output().unwrap()).assert_ok();
}
