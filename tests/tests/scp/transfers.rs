//! Files and trees that go both ways.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::{Command, Stdio},
    time::{Duration, UNIX_EPOCH},
};

use sftpgo_e2e::{Server, assert_same, assert_same_trees, make_tree, noise, python, run, wait_for};

use super::ScpServer;

#[test]
fn files_of_every_awkward_size_and_a_large_one_come_back_the_same() {
    let scp = ScpServer::new();
    let server = &scp.server;
    for size in [0, 1, 32_768, 65_536, 65_537, 300_000, 64 << 20] {
        fs::write(server.path("l"), noise(size)).unwrap();
        scp.run(&["l", "@r"]).assert_ok();
        assert_same(&server.path("l"), &server.home("bob").join("r"));
        scp.run(&["@r", "b"]).assert_ok();
        assert_same(&server.path("l"), &server.path("b"));
    }
    for (sender, size) in [("Upload", 64 << 20), ("Download", 64 << 20)] {
        let lines = server.log_lines(sender);
        let last = lines.last().unwrap();
        assert_eq!(
            (&last["protocol"], &last["size_bytes"]),
            (&"SCP".into(), &size.into())
        );
        assert!(
            lines.iter().all(|line| line["error"].is_null()),
            "{lines:?}"
        );
    }
    assert_eq!(
        server.rest("GET", "/api/v1/connection", None).1,
        serde_json::json!([])
    );
}

#[test]
fn a_tree_of_five_hundred_files_goes_up_and_down() {
    let scp = ScpServer::new();
    let server = &scp.server;
    for directory in 0..10 {
        let directory = server.path(format!("tree/{directory}/deeper"));
        fs::create_dir_all(&directory).unwrap();
        for file in 0..50 {
            fs::write(directory.join(file.to_string()), noise(file * 100)).unwrap();
        }
    }
    make_tree(server);
    scp.run(&["-r", "tree", "@"]).assert_ok();
    assert_same_trees(server, "tree", "homes/bob/tree");
    scp.run(&["-r", "@tree", "back"]).assert_ok();
    assert_same_trees(server, "tree", "back");
    // Onto itself, and everything at once.
    scp.run(&["-rp", "tree", "@"]).assert_ok();
    scp.run(&["-rp", "@/", "whole"]).assert_ok();
    assert_same_trees(server, "tree", "whole/tree");
}

#[test]
fn times_and_modes_are_kept_both_ways() {
    for mode in ["0", "1", "2"] {
        let scp = ScpServer::with(
            &[("SFTPGO_SFTPD__UPLOAD_MODE", mode)],
            &serde_json::json!({}),
        );
        let server = &scp.server;
        let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs::create_dir(server.path("d")).unwrap();
        fs::write(server.path("d/f"), "x").unwrap();
        for (name, bits) in [("d/f", 0o604), ("d", 0o710)] {
            let file = fs::File::open(server.path(name)).unwrap();
            file.set_times(fs::FileTimes::new().set_modified(old))
                .unwrap();
            fs::set_permissions(server.path(name), fs::Permissions::from_mode(bits)).unwrap();
        }
        scp.run(&["-rp", "d", "@"]).assert_ok();
        scp.run(&["-rp", "@d", "back"]).assert_ok();
        for place in ["homes/bob/d", "back"] {
            for (name, bits) in [("f", 0o604), ("", 0o710)] {
                let kept = fs::metadata(server.path(place).join(name)).unwrap();
                assert_eq!(kept.mtime(), 1_000_000_000, "{place}/{name}");
                assert_eq!(kept.mode() & 0o7777, bits, "{place}/{name}");
            }
        }
        scp.run(&["d/f", "@plain"]).assert_ok();
        let plain = fs::metadata(server.home("bob").join("plain")).unwrap();
        assert_eq!(plain.mode() & 0o7777, 0o604);
        assert_ne!(plain.mtime(), 1_000_000_000);
    }
}

#[test]
fn patterns_name_several_files() {
    let scp = ScpServer::new();
    let home = scp.server.home("bob");
    fs::create_dir_all(home.join("d/e")).unwrap();
    for name in ["a.txt", "b.txt", "c.log", "d/e/x", "d/y"] {
        fs::write(home.join(name), name).unwrap();
    }
    for (pattern, names) in [
        ("@*.txt", &["a.txt", "b.txt"][..]),
        ("@[ac].*", &["a.txt", "c.log"]),
        ("@d/*/x", &["x"]),
        ("@~/d/?", &["y"]),
    ] {
        let target = scp.server.path("out");
        fs::create_dir(&target).unwrap();
        let outcome = scp.run(&[pattern, "out/"]);
        let mut found: Vec<_> = fs::read_dir(&target)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, names, "{pattern} {outcome:?}");
        // `?` matches the directory beside `y`, which is not asked for.
        assert_eq!(outcome.ok, pattern != "@~/d/?", "{outcome:?}");
        fs::remove_dir_all(target).unwrap();
    }
}

#[test]
fn awkward_names_go_both_ways() {
    let scp = ScpServer::new();
    let server = &scp.server;
    for name in [
        "a b",
        "it's",
        "q\"q",
        "ü ☃",
        "semi;colon & more",
        "do$lar `x`",
        "-dash",
        "star*",
        "back\\slash",
        "{b}",
    ] {
        fs::create_dir(server.path("t")).unwrap();
        fs::write(server.path("t").join(name), name).unwrap();
        scp.run(&["-r", "t", "@"]).assert_ok();
        assert_same_trees(server, "t", "homes/bob/t");
        // A name in the command line is quoted for the server.
        let quoted = format!("@t/'{}'", name.replace('\'', "'\\''"));
        scp.run(&["-T", &quoted, "back"]).assert_ok();
        assert_eq!(fs::read_to_string(server.path("back")).unwrap(), name);
        let target = quoted.replacen("@t/", "@", 1);
        scp.run(&["back", &target.replace("'-dash'", "./'-dash'")])
            .assert_ok();
        assert_same(&server.path("back"), &server.home("bob").join(name));
        scp.run(&["-r", "@t", "t2"]).assert_ok();
        assert_same_trees(server, "t", "t2");
        for directory in ["t", "t2", "homes/bob/t"] {
            fs::remove_dir_all(server.path(directory)).unwrap();
        }
    }
    // A newline is written as OpenSSH's own source writes it.
    fs::write(server.home("bob").join("new\nline"), "n").unwrap();
    scp.run(&["-T", "@new?line", "back"]).assert_ok();
    assert_eq!(fs::read_to_string(server.path("back")).unwrap(), "n");
}

#[test]
fn a_target_is_a_name_or_a_directory() {
    let scp = ScpServer::new();
    let (server, home) = (&scp.server, scp.server.home("bob"));
    fs::write(server.path("l"), "new").unwrap();
    fs::write(server.path("m"), "m").unwrap();
    fs::create_dir(home.join("d")).unwrap();
    fs::write(home.join("old"), "old and longer").unwrap();
    scp.run(&["l", "@old"]).assert_ok();
    scp.run(&["l", "@d"]).assert_ok();
    scp.run(&["l", "m", "@~/d/"]).assert_ok();
    scp.run(&["-v", "l", "@d/other"]).assert_ok();
    for name in ["old", "d/l", "d/other"] {
        assert_eq!(fs::read_to_string(home.join(name)).unwrap(), "new");
    }
    for (arguments, message) in [
        (&["l", "m", "@old"][..], "old: Not a directory"),
        (&["l", "m", "@none"], "none: No such file or directory"),
        (&["l", "@none/x"], "none/x: No such file or directory"),
        (&["l", "@none/"], "none/: Not a directory"),
        (&["-r", "server-dir", "@old"], "old: Not a directory"),
        (&["@none", "b"], "none: No such file or directory"),
        (&["@d", "b"], "d: Not a regular file"),
        (&["@old", "@d/l", "missing/b"], "missing/b"),
    ] {
        fs::create_dir_all(server.path("server-dir")).unwrap();
        let outcome = scp.run(arguments);
        assert!(!outcome.ok && outcome.text.contains(message), "{outcome:?}");
    }
    // One that fails does not keep the others back.
    let outcome = scp.run(&["@none", "@old", "server-dir"]);
    assert!(!outcome.ok);
    assert_same(&home.join("old"), &server.path("server-dir/old"));
}

#[test]
fn a_file_survives_being_copied_onto_itself() {
    for mode in ["0", "1", "2"] {
        let scp = ScpServer::with(
            &[("SFTPGO_SFTPD__UPLOAD_MODE", mode)],
            &serde_json::json!({}),
        );
        let home = scp.server.home("bob");
        fs::write(home.join("f"), noise(3 << 20)).unwrap();
        let same = home.join("f");
        let same = same.to_str().unwrap();
        for arguments in [&[same, "@f"][..], &["-p", same, "@f"], &["@f", same]] {
            scp.run(arguments).assert_ok();
            assert!(
                fs::read(home.join("f")).unwrap() == noise(3 << 20),
                "{mode}"
            );
        }
    }
}

#[test]
fn what_the_source_cannot_read_is_said_once_and_exits_with_1() {
    let scp = ScpServer::new();
    let server = &scp.server;
    fs::write(server.path("l"), noise(1 << 20)).unwrap();
    let mut command = scp.command(&["-l2000", "l", "@f"]);
    let client = command
        .current_dir(server.path(""))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let target = server.home("bob").join("f");
    wait_for("data", || {
        fs::metadata(&target).is_ok_and(|found| found.len() > 0)
    });
    let shorter = fs::OpenOptions::new().write(true).open(server.path("l"));
    shorter.unwrap().set_len(1).unwrap();
    let outcome = client.wait_with_output().unwrap();
    let printed = String::from_utf8(outcome.stderr).unwrap();
    assert_eq!(outcome.status.code(), Some(1), "{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
    assert!(printed.contains("l: "), "{printed}");
    // In upload mode 0 what has come stays.
    assert_eq!(fs::metadata(&target).unwrap().len(), 1 << 20);
    let lines = server.log_lines("Upload");
    assert!(lines.last().unwrap()["error"].is_string(), "{lines:?}");
}

#[test]
fn several_go_over_one_connection_at_once() {
    let scp = ScpServer::new();
    let server = &scp.server;
    fs::write(server.path("l"), noise(8 << 20)).unwrap();
    let mut master = scp.ssh_command(&[]);
    let mut master = master
        .args(["-N", "-M", "-oControlPath=control"])
        .current_dir(server.path(""))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the connection", || server.path("control").exists());
    std::thread::scope(|scope| {
        for number in 0..5 {
            let scp = &scp;
            scope.spawn(move || {
                let (remote, back) = (format!("@r{number}"), format!("b{number}"));
                let shared = "-oControlPath=control";
                scp.run(&[shared, "l", &remote]).assert_ok();
                scp.run(&[shared, &remote, &back]).assert_ok();
                assert_same(&scp.server.path("l"), &scp.server.path(back));
            });
        }
    });
    master.kill().unwrap();
    master.wait().unwrap();
}

#[test]
fn a_limited_or_rekeyed_or_compressed_transfer_arrives() {
    let scp = ScpServer::new();
    let server = &scp.server;
    fs::write(server.path("l"), noise(6 << 20)).unwrap();
    for option in ["-l40000", "-oRekeyLimit=1M", "-C"] {
        scp.run(&[option, "l", "@r"]).assert_ok();
        scp.run(&[option, "@r", "b"]).assert_ok();
        assert_same(&server.path("l"), &server.path("b"));
    }
}

#[test]
fn scp_over_sftp_and_pscp_work_too() {
    let scp = ScpServer::new();
    let server = &scp.server;
    make_tree(server);
    let remote = "bob@127.0.0.1:";
    let modern = |arguments: &[&str]| {
        let mut command = Command::new("scp");
        run(server, command.args(scp.options()).args(arguments)).assert_ok()
    };
    modern(&["-rp", "tree", remote]);
    modern(&["-rp", &format!("{remote}tree"), "modern"]);
    assert_same_trees(server, "tree", "modern");

    let listed = run(
        server,
        Command::new("ssh-keygen").args(["-l", "-f", "id_ed25519"]),
    );
    let fingerprint = listed.assert_ok().split(' ').nth(1).unwrap().to_owned();
    let pscp = |arguments: &[&str]| {
        let mut command = Command::new("pscp");
        command
            .args(["-scp", "-batch", "-pw", "secret", "-hostkey", &fingerprint])
            .args(["-P", &server.sftp_port.to_string()]);
        run(server, command.args(arguments)).assert_ok()
    };
    pscp(&["-r", "-p", "tree", &format!("{remote}putty")]);
    assert_same_trees(server, "tree", "homes/bob/putty");
    fs::create_dir(server.path("back")).unwrap();
    pscp(&["-r", "-p", &format!("{remote}putty"), "back"]);
    assert_same_trees(server, "tree", "back/putty");
}

#[test]
fn curl_and_asyncssh_speak_it_too() {
    for mode in ["0", "1", "2"] {
        let settings = [("SFTPGO_SFTPD__UPLOAD_MODE", mode)];
        let scp = ScpServer::with(&settings, &serde_json::json!({}));
        curl_and_asyncssh(&scp.server);
    }
}

fn curl_and_asyncssh(server: &Server) {
    fs::write(server.path("l"), noise(3 << 20)).unwrap();
    make_tree(server);
    let url = format!("scp://127.0.0.1:{}/~/r", server.sftp_port);
    for arguments in [["-T", "l"], ["-o", "b"]] {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--insecure", "-u", "bob:secret"]);
        run(server, curl.args(arguments).arg(&url)).assert_ok();
    }
    assert_same(&server.path("l"), &server.path("b"));
    let script = r#"
import asyncio, asyncssh, os
async def main():
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", password="secret", known_hosts=None, config=None) as c:
        await asyncssh.scp("tree", (c, "up"), recurse=True, preserve=True)
        await asyncssh.scp((c, "up"), "back", recurse=True, preserve=True)
        for source, target in [((c, "nothing"), "x"), ("l", (c, "no/thing"))]:
            try: await asyncssh.scp(source, target); raise AssertionError("done")
            except asyncssh.SFTPError as error: assert "No such file or directory" in str(error), error
asyncio.run(main())
"#;
    python(server, script).assert_ok();
    assert_same_trees(server, "tree", "homes/bob/up");
    assert_same_trees(server, "tree", "back");
}
