//! Who may do what, asked by the CLI and by REST and tried over SFTP: no rule refuses what is explained as allowed, and what
//! is explained as refused does not happen.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use sftpgo_e2e::{Server, binary, paramiko, permission_names, permissions_without};

#[test]
fn explanations_hold_whatever_permission_is_missing() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    server.add_user("full", &json!({ "quota_files": 2, "quota_size": 8 }));
    for missing in permission_names() {
        server.add_user(
            &format!("without-{missing}"),
            &json!({ "permissions": permissions_without(&[missing]) }),
        );
    }
    let cli = binary("sftpgo-cli");
    let script = format!("CLI = {:?}\n{SCRIPT}", cli.to_str().unwrap());
    paramiko(&server, &script);
}

const SCRIPT: &str = r#"
import json, requests, subprocess, time
from paramiko.sftp import CMD_EXTENDED, CMD_SETSTAT
API = os.environ["HTTP"] + "/api/v1/"
CLI_ENVIRONMENT = dict(os.environ, SFTPGO_URL=os.environ["HTTP"])

def write(name, mode="w"):
    with s.open(name, mode) as f: f.write("x")
def read(name):
    with s.open(name) as f: f.read(1)
def set_both(path):
    both = paramiko.SFTPAttributes(); both.st_mode = 0o600; both.st_atime = both.st_mtime = 1
    s._request(CMD_SETSTAT, path, both)
def extended(*fields): s._request(CMD_EXTENDED, *fields)
questions = [
    ("list", "/d", None, lambda: s.listdir("/d")), ("list", "/f", None, lambda: s.listdir("/f")),
    ("stat", "/f", None, lambda: s.stat("/f")), ("stat", "/none", None, lambda: s.stat("/none")),
    ("download", "/f", None, lambda: read("/f")), ("download", "/out/passwd", None, lambda: read("/out/passwd")),
    ("upload", "/new", None, lambda: write("/new")), ("upload", "/f", None, lambda: write("/f")),
    ("upload", "/none/new", None, lambda: write("/none/new")), ("upload", "/d", None, lambda: write("/d")),
    ("overwrite", "/f", None, lambda: write("/f")), ("append", "/f", None, lambda: write("/f", "a")),
    ("truncate", "/f", None, lambda: s.truncate("/f", 0)), ("chmod", "/f", None, lambda: s.chmod("/f", 0o600)),
    ("chown", "/f", None, lambda: s.chown("/f", 0xffffffff, 0xffffffff)), ("chtimes", "/f", None, lambda: s.utime("/f", (1, 1))),
    ("setstat", "/f", None, lambda: set_both("/f")),
    ("mkdir", "/new", None, lambda: s.mkdir("/new")), ("mkdir", "/d", None, lambda: s.mkdir("/d")),
    ("rmdir", "/d", None, lambda: s.rmdir("/d")), ("rmdir", "/", None, lambda: s.rmdir("/")),
    ("remove", "/f", None, lambda: s.remove("/f")), ("remove", "/d", None, lambda: s.remove("/d")),
    ("rename", "/f", "/new", lambda: s.rename("/f", "/new")), ("rename", "/f", "/g", lambda: s.rename("/f", "/g")),
    ("rename", "/d", "/d/new", lambda: s.rename("/d", "/d/new")),
    ("replace", "/f", "/new", lambda: s.posix_rename("/f", "/new")),
    ("replace", "/f", "/g", lambda: s.posix_rename("/f", "/g")),
    ("symlink", "f", "/new", lambda: s.symlink("f", "/new")),
    ("symlink", "../x", "/new", lambda: s.symlink("../x", "/new")),
    ("hardlink", "/f", "/new", lambda: extended("hardlink@openssh.com", "/f", "/new")),
    ("readlink", "/link", None, lambda: s.readlink("/link")), ("readlink", "/f", None, lambda: s.readlink("/f")),
    ("statvfs", "/", None, lambda: extended("statvfs@openssh.com", "/")),
]
assert {q[0] for q in questions} == set(
    "list stat download upload overwrite append truncate setstat chmod chown chtimes mkdir rmdir remove rename replace symlink hardlink "
    "readlink statvfs".split())

def reset(home):
    for name in os.listdir(home):
        path = home + "/" + name
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
    os.mkdir(home + "/d"); os.symlink("f", home + "/link"); os.symlink("/etc", home + "/out")
    for name in "fg":
        with open(home + "/" + name, "w") as file: file.write("1234")
def by_rest(user, operation, path, target):
    query = {"operation": operation, "path": path, **({"target": target} if target else {})}
    answer = requests.get(f"{API}user/{user['id']}/explain", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()
def by_cli(user, operation, path, target):
    command = [CLI, "user", "explain", user["username"], path, operation, "--output", "json"]
    done = subprocess.run(command + (["--target", target] if target else []), env=CLI_ENVIRONMENT,
                          capture_output=True, text=True)
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["allowed"] else 4) and done.stderr == "", done
    return answer
def count(user):
    requests.post(API + "quota_scan", json={"username": user["username"]}).raise_for_status()
    until = time.monotonic() + 30
    while requests.get(API + "quota_scan").json():
        assert time.monotonic() < until, "the scan does not end"
        time.sleep(0.01)

answered = {True: 0, False: 0}
for user in requests.get(API + "user").json():
    s = paramiko.SFTPClient.from_transport(log_in(user["username"]))
    for operation, path, target, attempt in questions:
        reset("homes/" + user["username"])
        if user["quota_files"]: count(user)
        before = sorted(os.listdir("homes/" + user["username"]))
        told = by_rest(user, operation, path, target)
        assert told == by_cli(user, operation, path, target)
        assert sorted(os.listdir("homes/" + user["username"])) == before
        try:
            attempt(); happened = None
        except (OSError, paramiko.SSHException) as error:
            happened = error
        refused_by_rule = happened and any(words in str(happened) for words in ("needs ", "quota exceeded"))
        assert not refused_by_rule if told["allowed"] else happened, (told, happened)
        answered[told["allowed"]] += 1
assert min(answered.values()) > 50, answered
"#;
