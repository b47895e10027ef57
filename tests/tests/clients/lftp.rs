//! lftp.

use std::{fs, os::unix::ffi::OsStrExt, process::Command};

use serde_json::json;
use sftpgo_e2e::{
    Server, assert_5000_names, assert_same, assert_same_trees, make_5000_names, make_tree, noise,
    run,
};

#[track_caller]
fn lftp(server: &Server, commands: &str) -> String {
    let script = format!(
        "set cmd:fail-exit yes; set sftp:auto-confirm yes; set net:max-retries 1; set net:timeout 30; \
         open -u bob,secret -p {} sftp://127.0.0.1; {commands}; bye",
        server.sftp_port
    );
    run(server, Command::new("lftp").args(["-c", &script])).assert_ok()
}

#[test]
fn mirrors_both_ways_and_takes_away_what_is_gone() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_tree(&server);
    lftp(
        &server,
        "mirror -R --parallel=4 tree up; mirror --parallel=4 up back",
    );
    assert_same_trees(&server, "tree", "back");
    fs::remove_dir_all(server.path("tree/a/b")).unwrap();
    fs::write(server.path("tree/c/file 1"), "changed").unwrap();
    lftp(&server, "mirror -R --delete tree up");
    assert_same_trees(&server, "tree", "homes/bob/up");
}

#[test]
fn gets_many_files_and_resumes_each_way() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let data = noise(3 << 20);
    fs::create_dir(server.path("got")).unwrap();
    for name in ["one.bin", "two.bin", "other.txt"] {
        fs::write(server.path(name), &data).unwrap();
    }
    lftp(
        &server,
        "mput one.bin two.bin other.txt; lcd got; mget *.bin",
    );
    assert_eq!(fs::read_dir(server.path("got")).unwrap().count(), 2);
    assert_same(&server.path("one.bin"), &server.path("got/one.bin"));

    fs::write(server.path("partly"), &data[..1_000_000]).unwrap();
    fs::write(server.home("bob").join("partly"), &data[..2_000_000]).unwrap();
    lftp(&server, "reget one.bin -o partly; reput one.bin -o partly");
    assert_same(&server.path("one.bin"), &server.path("partly"));
    assert_same(&server.path("one.bin"), &server.home("bob").join("partly"));
}

#[test]
fn lists_five_thousand_names_and_names_that_are_no_text() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    lftp(&server, "mkdir many");
    make_5000_names(&server.home("bob").join("many"));
    let text = lftp(&server, "cls -1 many");
    assert_5000_names(&text);

    let name = std::ffi::OsStr::from_bytes(b"latin1-\xe9");
    fs::create_dir(server.path("tree")).unwrap();
    fs::write(server.path("tree").join(name), "x").unwrap();
    lftp(
        &server,
        "set file:charset latin1; set ftp:charset latin1; set sftp:charset latin1; mirror -R tree up; mirror up back",
    );
    assert!(server.home("bob").join("up").join(name).exists());
    assert_same_trees(&server, "tree", "back");
}
