//! What no scp client sends: it costs nobody else anything.

use std::fs;

use sftpgo_e2e::paramiko;

use super::ScpServer;

#[test]
fn records_that_lie_or_never_end_end_their_channel_alone() {
    let scp = ScpServer::new();
    let server = &scp.server;
    fs::write(server.path("outside"), "").unwrap();
    paramiko(
        server,
        r#"
stalled = []
for line in ["scp -t f", "scp -f f", "md5sum"]:
    c = t.open_session(); c.exec_command(line); stalled.append(c)
def talk(line, data):
    c = t.open_session(); c.exec_command(line); c.settimeout(20)
    try: c.sendall(data); c.shutdown_write()
    except OSError: pass
    answer = b""
    while True:
        more = c.recv(100000)
        if not more: break
        answer += more
    return answer, c.recv_exit_status()
for data in [b"C" * (1 << 20), b"C0644 0 ../outside\n", b"C0644 0 ..\n", b"C0644 0 a/b\n", b"D0755 0 d\n", b"\n",
             b"C0644 9223372036854775808 f\n", b"C0644 1 \x1b[2J\n", b"\xff" * 100 + b"\n", b"E\n", b"T1\n"]:
    answer, status = talk("scp -t .", data)
    assert status == 1 and answer.startswith(b"\0\x02scp: protocol error: "), (data[:20], answer, status)
answer, status = talk("scp -t big", b"C0644 %d big\nx" % (1 << 62))
assert (answer, status) == (b"\0\0", 1), (answer, status)
answer, status = talk("scp -f " + "*/" * 300 + "x", b"\0")
assert status == 1, status
for line in ["scp -t", "scp -t a b", "scp -x -t a", "scp -t 'a", "scp -t -f a"]:
    assert talk(line, b"")[1] == 1, line
# A channel takes one command, and what comes behind its end is nobody's.
c = t.open_session(); c.exec_command("pwd"); refused(paramiko.SSHException, c.exec_command, "pwd")
assert s.listdir(".") in (["big"], []), s.listdir(".")
for c in stalled: c.close()
assert os.listdir("homes") == ["bob"] and open("outside").read() == ""
"#,
    );
}

#[test]
fn what_waits_is_bounded_for_the_whole_connection() {
    let scp = ScpServer::new();
    fs::File::create(scp.server.home("bob").join("sparse"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    paramiko(
        &scp.server,
        r#"
# Downloads whose client reads nothing take what it sends instead, until it is too much.
held = []
for _ in range(4):
    c = t.open_session(window_size=32768); c.exec_command("scp -f sparse"); c.settimeout(20); held.append(c)
try:
    for _ in range(64):
        for c in held: c.sendall(b"\0" * (1 << 20))
    raise AssertionError("everything was taken")
except (OSError, EOFError): pass
t.join(20)
assert not t.is_active()
assert paramiko.SFTPClient.from_transport(log_in("bob")).listdir(".") == ["sparse"]
"#,
    );
}
