//! paramiko.

use serde_json::json;
use sftpgo_e2e::{Server, make_5000_names, paramiko};

#[test]
fn prefetches_a_whole_file_and_keeps_many_requests_in_flight() {
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
fn does_every_operation_on_names() {
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
fn lists_five_thousand_names_at_once_and_one_by_one() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_5000_names(&server.home("bob"));
    paramiko(
        &server,
        r#"
names = [f"f{n:04}" for n in range(5000)]
assert sorted(s.listdir(".")) == names
assert sorted(entry.filename for entry in s.listdir_iter(".")) == names
"#,
    );
}
