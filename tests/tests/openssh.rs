//! OpenSSH's sftp against the server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileExt, PermissionsExt},
    },
    path::Path,
    process::{Command, Stdio},
    time::{Duration, UNIX_EPOCH},
};

use serde_json::json;
use sftpgo_e2e::{
    Server, answer_password, assert_5000_names, assert_same, assert_same_trees, make_5000_names,
    make_key, make_tree, noise, run, sftp, ssh_options, wait_for,
};

#[test]
fn a_session_of_every_command() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    fs::write(server.path("local"), "hello\n").unwrap();
    let text = sftp(
        &server,
        "bob",
        &[],
        "pwd\nmkdir d\ncd d\nput local a\nls -la\nrename a b\ncp b copied\nget copied copied\nrm copied\nln -s b soft\nln b hard\nchmod 640 b\nget soft back\n\
         df -h\nrm soft\nrm hard\nls -l\nrm b\ncd ..\nrmdir d\n",
    )
    .assert_ok();
    assert!(text.contains("Remote working directory: /\n"), "{text}");
    assert!(text.contains("-rw-r-----"), "{text}");
    assert!(
        text.contains(" bob "),
        "the user's files have the user's name: {text}"
    );
    assert_same(&server.path("local"), &server.path("copied"));
    assert_same(&server.path("local"), &server.path("back"));
    assert_eq!(fs::read_dir(server.home("bob")).unwrap().count(), 0);
}

#[test]
fn files_of_every_awkward_size_and_a_large_one_come_back_the_same() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let mut batch = String::new();
    let sizes = [0, 1, 32_767, 32_768, 32_769, 261_120, 261_121, 64 << 20];
    for size in sizes {
        fs::write(server.path(format!("l{size}")), noise(size)).unwrap();
        batch += &format!("put l{size} r{size}\nget r{size} b{size}\n");
    }
    for options in [&[][..], &["-B", "261120", "-R", "256"]] {
        sftp(&server, "bob", options, &batch).assert_ok();
        for size in sizes {
            assert_same(
                &server.path(format!("l{size}")),
                &server.path(format!("b{size}")),
            );
        }
    }
}

#[test]
fn keys_are_exchanged_again_in_the_middle_of_transfers_and_compression_works() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    fs::write(server.path("l"), noise(24 << 20)).unwrap();
    for options in [
        &["-o", "RekeyLimit=1M"][..],
        &["-C"],
        &["-o", "Ciphers=aes128-ctr"],
        &["-o", "Ciphers=chacha20-poly1305@openssh.com"],
    ] {
        sftp(&server, "bob", options, "put l r\nget r b\n").assert_ok();
        assert_same(&server.path("l"), &server.path("b"));
    }
}

#[test]
fn a_tree_of_two_thousand_small_files_goes_up_and_down() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    for directory in 0..20 {
        fs::create_dir_all(server.path(format!("tree/{directory}"))).unwrap();
        for file in 0..100 {
            fs::write(
                server.path(format!("tree/{directory}/{file}")),
                format!("{directory} {file}").repeat(file),
            )
            .unwrap();
        }
    }
    sftp(&server, "bob", &[], "put -r tree\nget -r tree back\n").assert_ok();
    let same = Command::new("diff")
        .arg("-r")
        .args([server.path("tree"), server.path("back")])
        .output()
        .unwrap();
    assert!(same.status.success(), "{same:?}");
}

#[test]
fn transfers_resume_and_keep_times_and_modes() {
    for mode in ["0", "1", "2"] {
        let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)]);
        server.add_user("bob", &json!({}));
        fs::create_dir_all(server.home("bob")).unwrap();
        let (local, remote) = (server.path("l"), server.home("bob").join("r"));
        let data = noise(1 << 20);
        fs::write(&local, &data).unwrap();
        let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = fs::File::options().write(true).open(&local).unwrap();
        file.set_modified(old).unwrap();
        fs::set_permissions(&local, fs::Permissions::from_mode(0o640)).unwrap();

        fs::write(&remote, &data[..300_000]).unwrap();
        fs::write(server.path("b"), &data[..700_000]).unwrap();
        sftp(
            &server,
            "bob",
            &[],
            "reput l r\nreget r b\nput -pf l kept\n",
        )
        .assert_ok();
        assert_same(&local, &remote);
        assert_same(&local, &server.path("b"));
        let kept = fs::metadata(server.home("bob").join("kept")).unwrap();
        assert_eq!(kept.modified().unwrap(), old);
        assert_eq!(kept.permissions().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(server.home("bob")).unwrap().count(), 2);
    }
}

#[test]
fn the_home_is_a_wall() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    server.add_user("bob2", &json!({}));
    sftp(&server, "bob", &[], "ls\n").assert_ok();
    sftp(&server, "bob2", &[], "ls\n").assert_ok();
    fs::write(server.home("bob2").join("secret"), "s").unwrap();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, server.home("bob").join(name)).unwrap()
    };
    link("../bob2", "sibling");
    link(server.home("bob2").to_str().unwrap(), "absolute");
    link("/etc", "etc");
    link("/", "root");
    for attempt in [
        "get ../bob2/secret x",
        "get /../bob2/secret x",
        "get sibling/secret x",
        "get absolute/secret x",
        "get etc/passwd x",
        "get root/etc/passwd x",
        "put local sibling/new",
        "mkdir absolute/new",
        "rm sibling/secret",
        "rename sibling/secret mine",
        "ln sibling/secret mine",
        "ln -s ../bob2/secret climb",
        "ln -s ../../../etc climb",
        "chmod 777 sibling/secret",
    ] {
        fs::write(server.path("local"), "x").unwrap();
        assert!(
            !sftp(&server, "bob", &[], &format!("{attempt}\n")).ok,
            "{attempt}"
        );
        assert!(!server.path("x").exists(), "{attempt}");
    }
    let listing = sftp(&server, "bob", &[], "-ls etc/\n-ls root/etc/\n").text;
    assert!(!listing.contains("passwd"), "{listing}");
    let names: Vec<_> = fs::read_dir(server.home("bob2"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["secret"]);
    assert_eq!(fs::read_dir(server.home("bob")).unwrap().count(), 4);
}

#[test]
fn five_thousand_names_are_listed() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_5000_names(&server.home("bob"));
    let text = sftp(&server, "bob", &[], "ls -1\n").assert_ok();
    assert_5000_names(&text);
}

#[test]
fn names_are_bytes() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let names = [
        &b"latin1-\xe9"[..],
        b"\xff\xfe",
        "\u{fc}".as_bytes(),
        &[b'a'; 255],
    ];
    fs::create_dir(server.path("tree")).unwrap();
    for name in names {
        fs::write(server.path("tree").join(OsStr::from_bytes(name)), name).unwrap();
    }
    let text = sftp(
        &server,
        "bob",
        &[],
        "put -r tree\nget -r tree back\nls -1 tree\n",
    )
    .assert_ok();
    assert_same_trees(&server, "tree", "homes/bob/tree");
    assert_same_trees(&server, "tree", "back");
    assert!(text.contains("tree/\u{fc}\n"), "{text}");
}

#[test]
fn scp_copies_over_sftp() {
    let server = Server::start();
    let key = make_key("ed25519", &server.path("key"));
    server.add_user("bob", &json!({ "public_keys": [key] }));
    make_tree(&server);
    fs::write(server.path("l"), noise(10 << 20)).unwrap();
    let scp = |arguments: &[&str]| {
        run(
            &server,
            Command::new("scp")
                .args(ssh_options())
                .args(["-i", "key", "-B", "-P", &server.sftp_port.to_string()])
                .args(arguments),
        )
    };
    scp(&["-p", "l", "bob@127.0.0.1:r"]).assert_ok();
    scp(&["-p", "bob@127.0.0.1:r", "b"]).assert_ok();
    assert_same(&server.path("l"), &server.path("b"));
    let seconds = |name| {
        let modified = fs::metadata(server.path(name)).unwrap().modified();
        modified
            .unwrap()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    assert_eq!(seconds("l"), seconds("b"));
    scp(&["-r", "tree", "bob@127.0.0.1:/up"]).assert_ok();
    scp(&["-r", "bob@127.0.0.1:/up", "back"]).assert_ok();
    assert_same_trees(&server, "tree", "back");
    fs::create_dir(server.path("some")).unwrap();
    scp(&["bob@127.0.0.1:up/c/file*", "some"]).assert_ok();
    assert_same_trees(&server, "tree/c", "some");
    assert!(!scp(&["bob@127.0.0.1:nothing", "b"]).ok);
}

#[test]
fn transfers_resume_past_four_gib() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let start = 4 << 30;
    let sparse = |path: &Path, tail: &[u8]| {
        let file = fs::File::create(path).unwrap();
        file.set_len(start).unwrap();
        file.write_all_at(tail, start).unwrap();
    };
    let tail = noise(1 << 20);
    fs::create_dir_all(server.home("bob")).unwrap();
    let remote = server.home("bob").join("r");
    let (local, back) = (server.path("l"), server.path("b"));
    sparse(&local, &tail);
    sparse(&remote, &tail[..300_000]);
    sparse(&back, &tail[..700_000]);
    sftp(&server, "bob", &["-a"], "put l r\nget r b\n").assert_ok();
    for path in [remote, back] {
        let file = fs::File::open(&path).unwrap();
        let mut read = vec![0; tail.len()];
        file.read_exact_at(&mut read, start).unwrap();
        assert!(read == tail, "{}", path.display());
        assert_eq!(file.metadata().unwrap().len(), start + (1 << 20));
    }
}

#[test]
fn anything_but_sftp_is_refused() {
    let server = Server::start();
    let key = make_key("ed25519", &server.path("key"));
    server.add_user("bob", &json!({ "public_keys": [key] }));
    let ssh = |arguments: &[&str]| {
        Command::new("ssh")
            .args(ssh_options())
            .args([
                "-o",
                "BatchMode=yes",
                "-p",
                &server.sftp_port.to_string(),
                "-i",
            ])
            .arg(server.path("key"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    for arguments in [
        &["bob@127.0.0.1", "id"][..],
        &["bob@127.0.0.1"],
        &["-tt", "bob@127.0.0.1"],
        &[
            "-o",
            "ExitOnForwardFailure=yes",
            "-N",
            "-R",
            "0:127.0.0.1:1",
            "bob@127.0.0.1",
        ],
        &["-W", "127.0.0.1:22", "bob@127.0.0.1"],
        &["-s", "bob@127.0.0.1", "netconf"],
    ] {
        let output = ssh(arguments);
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{arguments:?}: {output:?}"
        );
    }
}

#[test]
fn sessions_are_limited_and_one_connection_carries_several() {
    let server = Server::start();
    server.add_user("bob", &json!({ "max_sessions": 1 }));
    let control = server.path("control");
    let control = format!("ControlPath={}", control.display());
    fs::write(server.path("l"), noise(6 << 20)).unwrap();
    let mut first = Command::new("ssh");
    answer_password(&mut first, &server);
    let mut first = first
        .args(ssh_options())
        .args(["-N", "-M", "-o", &control])
        .args(["-p", &server.sftp_port.to_string(), "bob@127.0.0.1"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the first connection", || server.path("control").exists());
    assert!(
        !sftp(&server, "bob", &["-o", "ControlPath=none"], "ls\n").ok,
        "a second session is in"
    );
    let several: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|number| {
                let (server, control) = (&server, control.as_str());
                scope.spawn(move || {
                    sftp(
                        server,
                        "bob",
                        &["-o", control],
                        &format!("put l r{number}\nget r{number} b{number}\n"),
                    )
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    for (number, outcome) in several.into_iter().enumerate() {
        outcome.assert_ok();
        assert_same(&server.path("l"), &server.path(format!("b{number}")));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    wait_for("the session to be given back", || {
        sftp(&server, "bob", &["-o", "ControlPath=none"], "ls\n").ok
    });
}
