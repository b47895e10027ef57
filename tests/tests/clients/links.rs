//! Symbolic links by clients that send the draft's order to servers that are not OpenSSH, and by others.

use std::{fs, path::Path, process::Command};

use serde_json::json;
use sftpgo_e2e::{Server, python, run};

/// Servers with `bob`, whose home has what the clients link to: one under its own name, and one under OpenSSH's, to which the
/// clients that ask for it send the names the other way round.
fn servers() -> [Server; 2] {
    ["", "OpenSSH_9.2p1"].map(|banner| {
        let server = Server::start_with(&[("SFTPGO_SFTPD__BANNER", banner)]);
        server.add_user("bob", &json!({}));
        fs::create_dir_all(server.home("bob").join("d")).unwrap();
        fs::write(server.home("bob").join("file"), "f").unwrap();
        server
    })
}

/// Each client has made these, and nothing else.
#[track_caller]
fn assert_linked(server: &Server) {
    let home = server.home("bob");
    for (name, target) in [
        ("d/relative", "../file"),
        ("dangling", "nothing"),
        ("plain", "file"),
    ] {
        let made = fs::read_link(home.join(name)).unwrap();
        assert_eq!(made, Path::new(target), "{name}");
    }
    let names = |directory: &Path| fs::read_dir(directory).unwrap().count();
    assert_eq!((names(&home), names(&home.join("d"))), (4, 1));
}

#[test]
fn asyncssh_makes_what_it_was_asked_for() {
    for server in servers() {
        let script = r#"
import asyncio, asyncssh, os
async def main():
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", password="secret", known_hosts=None, config=None) as c:
        async with c.start_sftp_client() as s:
            for target, link in [("file", "plain"), ("../file", "d/relative"), ("nothing", "dangling")]: await s.symlink(target, link)
asyncio.run(main())
"#;
        python(&server, script).assert_ok();
        assert_linked(&server);
    }
}

#[test]
fn paramiko_makes_what_it_was_asked_for() {
    for server in servers() {
        let script = r#"
import os, paramiko
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"]))); t.connect(username="bob", password="secret")
s = paramiko.SFTPClient.from_transport(t)
for target, link in [("file", "plain"), ("../file", "d/relative"), ("nothing", "dangling")]: s.symlink(target, link)
"#;
        python(&server, script).assert_ok();
        assert_linked(&server);
    }
}

#[test]
fn node_s_ssh2_makes_what_it_was_asked_for() {
    for server in servers() {
        let modules = std::env::var("SFTPGO_TEST_NODE_MODULES")
            .expect("run ./test, which prepares the clients of npm");
        let script = format!(
            r#"
const {{ Client }} = require("ssh2"), c = new Client();
c.on("ready", () => c.sftp(async (error, s) => {{
    if (error) throw error;
    for (const [target, link] of [["file", "plain"], ["../file", "d/relative"], ["nothing", "dangling"]])
        await new Promise((done, fail) => s.symlink(target, link, error => error ? fail(error) : done()));
    c.end();
}})).connect({{ host: "127.0.0.1", port: {}, username: "bob", password: "secret" }});
"#,
            server.sftp_port
        );
        let mut node = Command::new("node");
        run(
            &server,
            node.args(["-e", &script]).env("NODE_PATH", modules),
        )
        .assert_ok();
        assert_linked(&server);
    }
}

#[test]
fn phpseclib_makes_what_it_was_asked_for() {
    for server in servers() {
        let script = format!(
            r#"
require "/usr/share/php/phpseclib/autoload.php";
$s = new phpseclib\Net\SFTP("127.0.0.1", {});
$s->login("bob", "secret") or exit(1);
foreach ([["file", "plain"], ["../file", "d/relative"], ["nothing", "dangling"]] as [$target, $link])
    $s->symlink($target, $link) or exit($s->getLastSFTPError());
"#,
            server.sftp_port
        );
        run(&server, Command::new("php").args(["-r", &script])).assert_ok();
        assert_linked(&server);
    }
}

#[test]
fn libssh_makes_what_it_was_asked_for() {
    for server in servers() {
        let script = r#"
import ctypes, os
lib = ctypes.CDLL("libssh.so.4")
for name in ["ssh_new", "sftp_new"]: getattr(lib, name).restype = ctypes.c_void_p
session = ctypes.c_void_p(lib.ssh_new())
port = ctypes.c_uint(int(os.environ["PORT"]))
def done(code): assert code == 0, (code, ctypes.cast(lib.ssh_get_error(session), ctypes.c_char_p).value)
lib.ssh_get_error.restype = ctypes.c_void_p
HOST, PORT, USER = 0, 1, 4
done(lib.ssh_options_set(session, HOST, b"127.0.0.1"))
done(lib.ssh_options_set(session, PORT, ctypes.byref(port)))
done(lib.ssh_options_set(session, USER, b"bob"))
done(lib.ssh_connect(session))
done(lib.ssh_userauth_password(session, None, b"secret"))
sftp = ctypes.c_void_p(lib.sftp_new(session))
done(lib.sftp_init(sftp))
for target, link in [(b"file", b"plain"), (b"../file", b"d/relative"), (b"nothing", b"dangling")]:
    done(lib.sftp_symlink(sftp, target, link))
lib.ssh_disconnect(session)
"#;
        python(&server, script).assert_ok();
        assert_linked(&server);
    }
}
