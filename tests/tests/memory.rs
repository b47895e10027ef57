//! What one client can make the server hold, who asks for everything and takes nothing. The bounds are those of
//! `docs/security.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;

use serde_json::{Value, json};
use sftpgo_e2e::{Server, noise, paramiko};

/// Requests whose answers nobody reads.
const UNREAD_MIB: u64 = 16;
/// Requests that wait for the disk or for a bandwidth limit.
const AT_WORK_MIB: u64 = 2;
/// What ten sessions have read for the client and not sent: 128 KiB, and one answer of 255 KiB more, each.
const REPLIES_MIB: u64 = 4;
/// Ten sessions times 128 open directories, with the names that were read ahead: 16 KiB at most.
const DIRECTORIES_MIB: u64 = 20;
/// An open file whose path is as long as it may be, 4 KiB: the session keeps it, and so does the list of transfers.
const OPEN_FILE_KIB: u64 = 10;
/// Sending and receiving of the SSH library, and what the allocator holds beside what was asked for.
const SLACK_MIB: u64 = 4;

#[test]
fn requests_whose_answers_nobody_reads_are_bounded_and_then_the_connection_ends() {
    run(
        &json!({}),
        UNREAD_MIB + REPLIES_MIB + SLACK_MIB,
        r#"
# The windows stay closed: of each answer but the first some bytes leave the server at most.
d, t = log_in_deafly("bob")
sessions = [(c, opened(c)) for c in (session(t, window=32768) for _ in range(10))]
before = settled(memory)
for c, handle in sessions:
    c.sendall(reads(handle, (15 << 20) // 10))
held = settled(memory) - before
assert held > (14 << 20), f"{held}: the requests do not wait in the server"
assert held <= most, f"{held} bytes are held, {most} at most"
assert t.is_active()
# More than that is not taken, however it is spread.
try:
    for c, handle in sessions: c.sendall(reads(handle, 1 << 20))
except (OSError, EOFError): pass
until(lambda: not t.is_active())
until(lambda: memory() - before < (4 << 20))
"#,
    );
}

#[test]
fn answers_that_wait_for_the_socket_are_bounded() {
    run(
        &json!({}),
        UNREAD_MIB + REPLIES_MIB + SLACK_MIB,
        r#"
# The windows are open as far as they go, so nothing but the socket holds the answers back.
d, t = log_in_deafly("bob")
sessions = [(c, opened(c)) for c in (session(t, window=(1 << 32) - 1) for _ in range(10))]
before = settled(memory)
d.deaf = True
sent = send_all([(c, reads(handle, 8 << 20)) for c, handle in sessions])
taken = settled(sent)
held = settled(memory) - before
assert taken < (64 << 20), f"{taken} bytes were taken: nothing waits for the socket"
assert held <= most, f"{held} bytes are held, {most} at most"
os._exit(0)
"#,
    );
}

#[test]
fn open_directories_are_bounded() {
    run(
        &json!({}),
        UNREAD_MIB + REPLIES_MIB + DIRECTORIES_MIB + SLACK_MIB,
        r#"
names = ["d" * 250] * 15
for depth in range(15): s.mkdir("/".join(names[:depth + 1]))
deep = "/".join(names)
for number in range(300): s.open(f"{deep}/{number:0200}", "w").close()
d, t = log_in_deafly("bob")
sessions = [session(t, window=1 << 20) for _ in range(10)]
before = settled(memory)
read = lambda handle: packet(12, u32(1), text(handle))
for c in sessions:
    c.sendall(packet(11, u32(1), text(deep.encode())) * 200)
    answers = [answer(c) for _ in range(200)]
    handles = [it[9:] for it in answers if it[0] == 102]
    assert len(handles) == 128, len(handles)
    for handle in handles:
        c.sendall(read(handle))
        assert answer(c)[0] == 104
    # And a flood of what is not read any more.
    c.sendall(read(handles[0]) * 30000)
held = settled(memory) - before
assert held <= most, f"{held} bytes are held, {most} at most"
"#,
    );
}

#[test]
fn open_files_with_long_paths_are_bounded_each() {
    // To read, to write, and to write into a hidden file first. The counts differ by the descriptors that each takes.
    for (mode, flags) in [("0", 0x01), ("0", 0x1a), ("2", 0x1a)] {
        let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)]);
        let script = format!(
            r#"
deep = "/".join(["d" * 250] * 15)
for depth in range(15): s.mkdir("/".join(["d" * 250] * (depth + 1)))
name = deep + "/" + "f" * 241
s.open(name + "0" * 9, "w").close()
d, t = log_in_deafly("bob")
sessions = [session(t, window=1 << 20) for _ in range(10)]
before, handles = settled(memory), 0
for c in sessions:
    for _ in range(1024):
        path = name + "%09d" % (handles if {flags} != 1 else 0)
        c.sendall(packet(3, u32(1), text(path.encode()), u32({flags}), u32(0)))
        if answer(c)[0] != 102: break
        handles += 1
held = settled(memory) - before
assert handles >= 256, f"only {{handles}} could be opened"
assert held <= handles * ({OPEN_FILE_KIB} << 10) + most, f"{{held}} bytes are held by {{handles}} open files"
"#
        );
        run_on(&server, &json!({}), SLACK_MIB, &script);
    }
}

#[test]
fn data_that_waits_for_a_bandwidth_limit_is_bounded() {
    run(
        // KB/s: all that is sent would take a day.
        &json!({ "upload_bandwidth": 1 }),
        AT_WORK_MIB + SLACK_MIB,
        r#"
d, t = log_in_deafly("bob")
def opened_to_write(c, name):
    return ask(c, packet(3, u32(1), text(name), u32(0x1a), u32(0)))
sessions = [(c, opened_to_write(c, b"w%d" % n)) for n, c in enumerate(session(t) for _ in range(10))]
before = settled(memory)
write = lambda handle: packet(6, u32(1), text(handle), struct.pack(">Q", 0), text(bytes(32000)))
sent = send_all([(c, write(handle) * 256) for c, handle in sessions])
on_the_way = settled(sent)
held = settled(memory) - before
assert on_the_way < (64 << 20), f"{on_the_way} bytes were taken: nothing waits for the limit"
assert held <= most, f"{held} bytes are held, {most} at most"
os._exit(0)
"#,
    );
}

/// Runs a script as `bob`, who has these settings, with the bound as `most`.
fn run(user: &Value, mib: u64, script: &str) {
    run_on(&Server::start(), user, mib, script);
}

fn run_on(server: &Server, user: &Value, mib: u64, script: &str) {
    server.add_user("bob", user);
    fs::create_dir_all(server.home("bob")).unwrap();
    fs::write(server.home("bob").join("r"), noise(1 << 20)).unwrap();
    let known = format!("PID = {}\nmost = {mib} << 20\n", server.pid());
    paramiko(server, &format!("{known}{CLIENT}{script}"));
}

/// A client that can stop reading, and looks at the server's memory.
const CLIENT: &str = r#"
import socket, threading, time
def memory():
    status = open(f"/proc/{PID}/status").read()
    # Without pages of the program, which come and go.
    return int(status.split("RssAnon:")[1].split()[0]) << 10
class Deaf:
    def __init__(self, socket): self.socket, self.deaf = socket, False
    def __getattr__(self, name): return getattr(self.socket, name)
    def recv(self, size):
        while self.deaf: time.sleep(0.1)
        return self.socket.recv(size)
def log_in_deafly(username):
    d = Deaf(socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))))
    t = paramiko.Transport(d)
    t.connect(username=username, password="secret")
    return d, t
u32 = lambda number: struct.pack(">I", number)
text = lambda raw: u32(len(raw)) + raw
def packet(kind, *fields):
    body = bytes([kind]) + b"".join(fields)
    return text(body)
def exactly(c, size):
    got = b""
    while len(got) < size:
        more = c.recv(size - len(got))
        assert more, "the session ended"
        got += more
    return got
def answer(c):
    return exactly(c, struct.unpack(">I", exactly(c, 4))[0])
def ask(c, request):
    c.sendall(request)
    reply = answer(c)
    assert reply[0] in (2, 102), reply
    return reply[9:]
def session(t, window=None):
    c = t.open_session(window_size=window)
    c.invoke_subsystem("sftp")
    ask(c, packet(1, u32(3)))
    return c
def opened(c):
    return ask(c, packet(3, u32(1), text(b"r"), u32(1), u32(0)))
def reads(handle, size):
    read = packet(5, u32(1), text(handle), struct.pack(">QI", 0, 261120))
    return read * (size // len(read))
def send_all(what):
    done = [0] * len(what)
    def send(place, c, data):
        for at in range(0, len(data), 32000):
            c.sendall(data[at:at + 32000])
            done[place] += 32000
    for place, (c, data) in enumerate(what):
        threading.Thread(target=send, args=(place, c, data), daemon=True).start()
    return lambda: sum(done)
def until(fact):
    limit = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.05)
def settled(figure):
    last = figure()
    while True:
        time.sleep(0.5)
        now = figure()
        if abs(now - last) < (64 << 10): return now
        last = now
"#;
