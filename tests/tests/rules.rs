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
use sftpgo_e2e::{Server, paramiko, wait_for};

const PERMISSIONS: &[&str] = &[
    "list",
    "download",
    "upload",
    "overwrite",
    "delete",
    "rename",
    "create_dirs",
    "create_symlinks",
];

#[test]
fn each_permission_allows_its_operations_and_no_other() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    for missing in PERMISSIONS {
        let left: Vec<_> = PERMISSIONS.iter().filter(|name| *name != missing).collect();
        server.add_user(
            &format!("without-{missing}"),
            &json!({ "permissions": left }),
        );
    }
    paramiko(
        &server,
        r#"
def write(name):
    with s.open(name, "w") as f: f.write("x")
operations = [
    ("list", lambda: s.listdir(".")), ("list", lambda: s.stat("f")), ("list", lambda: s.lstat("f")),
    ("list", lambda: s.readlink("link")), ("download", lambda: s.open("f").read()),
    ("upload", lambda: write("new")), ("upload overwrite", lambda: write("f")),
    ("upload", lambda: s.chmod("f", 0o600)), ("upload", lambda: s.utime("f", (1, 1))),
    ("upload overwrite", lambda: s.truncate("f", 1)),
    ("delete", lambda: s.remove("f")), ("delete", lambda: s.rmdir("d")),
    ("rename", lambda: s.rename("f", "new")), ("rename", lambda: s.posix_rename("f", "new")),
    ("rename overwrite", lambda: s.posix_rename("f", "g")),
    ("create_dirs", lambda: s.mkdir("new")), ("create_symlinks", lambda: s.symlink("f", "new")),
    ("", lambda: s.normalize("f")),
]
for missing in "list download upload overwrite delete rename create_dirs create_symlinks".split():
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
assert s.open("f").read() == b"{seen_meanwhile}"
assert s.listdir(".") == ["f"]
os._exit(0)
"#
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
