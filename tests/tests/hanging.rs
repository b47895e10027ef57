//! A file system that does not answer, as one whose server is gone: its user waits, and nobody else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::json;
use sftpgo_e2e::{Server, sftp, wait_for};

/// Mounts a FUSE file system whose program never reads a request (fuse(4)), until its input ends.
const MOUNT: &str = r#"
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
try:
    device = os.open("/dev/fuse", os.O_RDWR)
except OSError as error:
    sys.exit(print(error))
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % device
path = os.fsencode(sys.argv[1])
if libc.mount(b"hanging", path, b"fuse", 0, options):
    sys.exit(print(os.strerror(ctypes.get_errno())))
print("mounted", flush=True)
sys.stdin.read()
libc.umount2(path, 2)
"#;

struct Hanging(Child);

impl Hanging {
    /// None where this system lets nobody mount, which is said.
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let interpreter =
            std::env::var("SFTPGO_TEST_PYTHON").expect("run ./test, which prepares Python");
        let mut program = Command::new(interpreter)
            .args(["-c", MOUNT])
            .arg(at)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(program.stdout.take().unwrap());
        output.read_line(&mut said).unwrap();
        if said.trim() == "mounted" {
            return Some(Self(program));
        }
        program.wait().unwrap();
        eprintln!("not tested, because nothing can be mounted here: {said}");
        None
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn says(server: &Server, what: &str) -> bool {
    server.read("sftpgo.log").contains(what)
}

#[test]
fn a_home_that_does_not_answer_holds_up_no_other_login_no_other_scan_and_no_shutdown() {
    let mut server = Server::start();
    let Some(_hanging) = Hanging::mount(&server.path("away")) else {
        return;
    };
    // More of them than passwords are verified, and scans made, at a time.
    let away: Vec<_> = (0..4).map(|number| format!("away{number}")).collect();
    for name in &away {
        let home = server.path("away").join(name);
        server.add_user(name, &json!({ "home_dir": home, "quota_files": 100 }));
    }
    server.add_user("bob", &json!({ "quota_files": 100 }));
    fs::create_dir_all(server.home("bob")).unwrap();
    fs::write(server.home("bob").join("counted"), "12345").unwrap();
    thread::scope(|scope| {
        for name in &away {
            scope.spawn(|| sftp(&server, name, &[], "ls\n"));
        }
        for name in away.iter().map(String::as_str).chain(["bob"]) {
            let (status, answer) = server.rest(
                "POST",
                "/api/v1/quota_scan",
                Some(&json!({ "username": name })),
            );
            assert_eq!(status, 201, "{answer}");
        }
        // With a password, as the others.
        sftp(&server, "bob", &[], "mkdir d\nls\n").assert_ok();
        wait_for("the scan of bob to end", || {
            let (_, running) = server.rest("GET", "/api/v1/quota_scan", None);
            let mut running = running.as_array().unwrap().iter();
            !running.any(|scan| scan["username"] == "bob")
        });
        assert_eq!(server.usage("bob"), (5, 1));
        wait_for("the log to say so", || says(&server, "does not answer"));
        sftp(&server, "bob", &[], "rmdir d\n").assert_ok();
        server.signal("TERM");
    });
    assert_eq!(server.wait(), Some(0));
    assert!(
        says(&server, "home directory cannot be used"),
        "the logins failed"
    );
}
