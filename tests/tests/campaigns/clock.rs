//! The time of day jumps by years, forth and back: sessions and transfers go on, and whoever may log in does.

use std::{
    fs::File,
    io::Write,
    os::unix::fs::FileExt,
    process::Stdio,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use sftpgo_e2e::{Server, binary, python_command, sftp, wait_for};
use tempfile::NamedTempFile;

const YEAR: i64 = 365 * 24 * 60 * 60;

/// Uploads all the time, and counts; a second session does nothing until the file `stop` is there, and then lists its files.
const CLIENT: &str = r#"
import os, paramiko, time
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
s, idle = paramiko.SFTPClient.from_transport(t), paramiko.SFTPClient.from_transport(t)
moved = 0
with s.open("f", "wb") as f:
    while not os.path.exists("stop"):
        f.write(b"x" * 1000)
        moved += 1
        open("moved.new", "w").write(str(moved)); os.rename("moved.new", "moved")
        time.sleep(0.01)
assert idle.listdir(".") == ["f"]
assert s.stat("f").st_size == 1000 * moved
print("done")
"#;

#[test]
fn a_clock_that_jumps_ends_no_session_and_keeps_nobody_out_for_good() {
    let mut shift = NamedTempFile::new().unwrap();
    shift.write_all(&0_i64.to_ne_bytes()).unwrap();
    let library = binary("examples/libshift_clock.so");
    let server = Server::start_with(&[
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("SHIFT_CLOCK_BY", shift.path().to_str().unwrap()),
        ("SFTPGO_SFTPD__IDLE_TIMEOUT", "1"),
    ]);
    server.add_user("bob", &json!({"quota_size": 1_u64 << 40}));
    let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    let tomorrow = tomorrow.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let tomorrow = u64::try_from(tomorrow).unwrap();
    server.add_user("carol", &json!({"expiration_date": tomorrow}));
    let client = python_command(&server, CLIENT)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let moved = || server.read("moved").parse::<u64>().unwrap_or(0);
    wait_for("the upload", || moved() > 0);
    let shift = File::options().write(true).open(shift.path()).unwrap();
    for (years, carol_logs_in) in [(10, false), (-10, true), (0, true)] {
        shift
            .write_all_at(&(years * YEAR).to_ne_bytes(), 0)
            .unwrap();
        let before = moved();
        wait_for("the upload to go on", || moved() > before + 20);
        sftp(&server, "bob", &[], "ls\n").assert_ok();
        let carol = sftp(&server, "carol", &[], "ls\n");
        assert_eq!(carol.ok, carol_logs_in, "after a jump by {years} years");
        assert_eq!(server.rest("GET", "/healthz", None).0, 200);
    }
    std::fs::write(server.path("stop"), "").unwrap();
    let output = client.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"done\n");
    wait_for("the usage to be what is there", || {
        server.usage("bob") == server.on_disk("bob")
    });
}
