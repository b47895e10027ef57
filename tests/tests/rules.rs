//! What users may do, and what becomes of uploads that are cut off.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;

use serde_json::json;
use sftpgo_e2e::{Server, paramiko, permission_names, permissions_without, wait_for};

#[test]
fn each_permission_allows_its_operations_and_no_other() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    for missing in permission_names() {
        server.add_user(
            &format!("without-{missing}"),
            &json!({ "permissions": permissions_without(&[missing]) }),
        );
    }
    let names: Vec<_> = permission_names().collect();
    paramiko(
        &server,
        &format!("PERMISSIONS = {names:?}\n{EACH_PERMISSION}"),
    );
}

const EACH_PERMISSION: &str = r#"
def write(name):
    with s.open(name, "w") as f: f.write("x")
operations = [
    ("list", lambda: s.listdir(".")), ("list", lambda: s.stat("f")), ("list", lambda: s.lstat("f")),
    ("list", lambda: s.readlink("link")), ("download", lambda: s.open("f").read()),
    ("upload", lambda: write("new")), ("upload overwrite", lambda: write("f")),
    ("chmod", lambda: s.chmod("f", 0o600)), ("chtimes", lambda: s.utime("f", (1, 1))), ("chown", lambda: s.chown("f", 1, 1)),
    ("upload overwrite", lambda: s.truncate("f", 1)),
    ("delete", lambda: s.remove("f")), ("delete", lambda: s.rmdir("d")),
    ("rename", lambda: s.rename("f", "new")), ("rename", lambda: s.posix_rename("f", "new")),
    ("rename overwrite", lambda: s.posix_rename("f", "g")),
    ("create_dirs", lambda: s.mkdir("new")), ("create_symlinks", lambda: s.symlink("f", "new")),
    ("", lambda: s.normalize("f")),
]
for missing in PERMISSIONS:
    s = paramiko.SFTPClient.from_transport(log_in("without-" + missing))
    home = "homes/without-" + missing
    for number, (needed, operation) in enumerate(operations):
        for name in os.listdir(home):
            path = home + "/" + name
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
        os.mkdir(home + "/d"); os.symlink("f", home + "/link")
        for name in "fg": open(home + "/" + name, "w").write("1234")
        before = sorted(os.listdir(home))
        try:
            if missing in needed.split():
                refused(PermissionError, operation)
                assert sorted(os.listdir(home)) == before and os.stat(home + "/f").st_size == 4
            else:
                operation()
        except Exception as error:
            raise AssertionError(f"operation {number}, which needs {needed!r}, without {missing}") from error
"#;

#[test]
fn changes_that_are_not_permitted_are_ignored_where_the_operator_says_so() {
    let server = Server::start_with(&[("SFTPGO_SFTPD__SETSTAT_MODE", "1")]);
    server.add_user("bob", &json!({ "permissions": ["upload", "list"] }));
    paramiko(
        &server,
        r#"
with s.open("f", "w") as f: f.write("1234")
os.chmod("homes/bob/f", 0o640); os.utime("homes/bob/f", (5, 5))
s.chmod("f", 0o600); s.utime("f", (1, 1)); s.chown("f", 0, 0)
found = os.stat("homes/bob/f")
assert (found.st_mode & 0o777, found.st_mtime) == (0o640, 5), found
refused(PermissionError, lambda: s.truncate("f", 1))
assert os.stat("homes/bob/f").st_size == 4
"#,
    );
}

#[test]
fn an_upload_that_is_cut_off_leaves_what_its_mode_promises() {
    for (mode, seen_meanwhile, left) in [
        ("0", "new data", "new data"),
        ("1", "old", "old"),
        ("2", "old", "new data"),
    ] {
        let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)]);
        server.add_user("bob", &json!({ "quota_files": 1 }));
        paramiko(
            &server,
            &format!(
                r#"
with s.open("f", "w") as f: f.write("old")
f = s.open("f", "w"); f.write("new data")
other = paramiko.SFTPClient.from_transport(log_in("bob"))
assert other.open("f").read() == b"{seen_meanwhile}" and other.stat("f").st_size == {}
assert s.open("f").read() == b"new data" and s.stat("f").st_size == 8
assert s.listdir(".") == other.listdir(".") == ["f"]
os._exit(0)
"#,
                seen_meanwhile.len()
            ),
        );
        let file = server.home("bob").join("f");
        wait_for("the end of the upload", || {
            fs::read_to_string(&file).is_ok_and(|text| text == left)
                && fs::read_dir(server.home("bob")).unwrap().count() == 1
        });
        wait_for("the failed upload in the log", || {
            server
                .log_lines("Upload")
                .iter()
                .any(|line| line["error"].is_string())
        });
        wait_for("the usage of what is left", || {
            let user = server.rest("GET", "/api/v1/user/1", None).1;
            user["used_quota_size"] == left.len() && user["used_quota_files"] == 1
        });
    }
}

#[test]
fn bandwidth_is_shared_by_all_transfers_and_no_second_sees_a_burst() {
    let server = Server::start_with(&[("SFTPGO_SFTPD__ENABLE_SCP", "true")]);
    server.add_user(
        "bob",
        &json!({ "upload_bandwidth": 300, "download_bandwidth": 300 }),
    );
    paramiko(
        &server,
        r#"
import threading, time
RATE = 300_000
open("homes/bob/r", "wb").write(os.urandom(1_000_000))
def packet(kind, *fields):
    body = bytes([kind]) + b"".join(fields); return struct.pack(">I", len(body)) + body
text = lambda raw: struct.pack(">I", len(raw)) + raw
def read_by_sftp(channel):
    # The largest READs there are, all asked for at once.
    channel.invoke_subsystem("sftp")
    channel.sendall(packet(1, struct.pack(">I", 3)) + packet(3, struct.pack(">I", 1), text(b"r"), struct.pack(">II", 1, 0)))
    reply = b""
    while b"\x66\x00\x00\x00\x01" not in reply: reply += channel.recv(4096)
    at = reply.index(b"\x66\x00\x00\x00\x01") + 5
    handle = reply[at + 4:at + 12]
    for n in range(4): channel.sendall(packet(5, struct.pack(">I", n), text(handle), struct.pack(">QI", n * 261120, 261120)))
def read_by_scp(channel):
    channel.exec_command("scp -f r"); channel.sendall(b"\0\0\0")
lock, received, started = threading.Lock(), [0], time.monotonic()
def download(ask):
    channel = log_in("bob").open_session(); ask(channel)
    mine = 0
    while mine < 1_000_000:
        count = len(channel.recv(65536)); assert count
        mine += count
        with lock:
            received[0] += count
            assert received[0] <= RATE * (time.monotonic() - started + 1), "a burst"
failed = []
def guarded(call, *args):
    try: call(*args)
    except BaseException as error: failed.append(error)
def side_by_side(*calls):
    threads = [threading.Thread(target=guarded, args=call) for call in calls]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert not failed, failed
side_by_side((download, read_by_sftp), (download, read_by_scp))
started = time.monotonic()
def upload(name):
    log_in("bob").open_sftp_client().put("homes/bob/r", name, confirm=False)
def watch():
    size = 0
    while size < 2_000_000 and not failed:
        size = sum(os.stat("homes/bob/" + name).st_size for name in ("a", "b") if os.path.exists("homes/bob/" + name))
        assert size <= RATE * (time.monotonic() - started + 1), "a burst"
        time.sleep(0.05)
side_by_side((upload, "a"), (upload, "b"), (watch,))
"#,
    );
}
