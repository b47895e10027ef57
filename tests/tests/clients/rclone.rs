//! rclone.

use std::{fs, process::Command};

use serde_json::json;
use sftpgo_e2e::{
    Server, assert_5000_names, assert_same, assert_same_trees, make_5000_names, make_tree, noise,
    run,
};

struct Rclone<'a> {
    server: &'a Server,
    remote: String,
}

impl<'a> Rclone<'a> {
    fn new(server: &'a Server) -> Self {
        let obscured = run(server, Command::new("rclone").args(["obscure", "secret"])).assert_ok();
        let remote = format!(
            ":sftp,host=127.0.0.1,port={},user=bob,pass={},shell_type=none:",
            server.sftp_port,
            obscured.trim()
        );
        Self { server, remote }
    }

    /// Runs rclone; `@` at the start of an argument stands for the server.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let arguments = arguments.iter().map(|argument| {
            argument
                .strip_prefix('@')
                .map_or((*argument).to_owned(), |path| self.remote.clone() + path)
        });
        let mut command = Command::new("rclone");
        command.args(["--config", "/dev/null"]).args(arguments);
        run(self.server, &mut command).assert_ok()
    }
}

#[test]
fn syncs_and_finds_no_difference() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_tree(&server);
    let rclone = Rclone::new(&server);
    rclone.run(&["sync", "--create-empty-src-dirs", "tree", "@up"]);
    rclone.run(&["check", "--download", "tree", "@up"]);
    rclone.run(&["sync", "--create-empty-src-dirs", "@up", "back"]);
    assert_same_trees(&server, "tree", "back");

    fs::remove_dir_all(server.path("tree/a/b")).unwrap();
    fs::write(server.path("tree/c/file 1"), "changed").unwrap();
    rclone.run(&["sync", "--create-empty-src-dirs", "tree", "@up"]);
    assert_same_trees(&server, "tree", "homes/bob/up");
}

#[test]
fn copies_lists_moves_and_purges() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_tree(&server);
    fs::write(server.path("large"), noise(40 << 20)).unwrap();
    let rclone = Rclone::new(&server);
    rclone.run(&["copy", "tree", "@up"]);
    let listed = rclone.run(&["lsf", "-R", "--files-only", "@up"]);
    assert_eq!(listed.lines().count(), 12, "{listed}");
    rclone.run(&["copyto", "large", "@large"]);
    rclone.run(&["copyto", "@large", "back"]);
    assert_same(&server.path("large"), &server.path("back"));
    rclone.run(&["moveto", "@large", "@up/moved"]);
    assert!(!server.home("bob").join("large").exists());
    assert_same(&server.path("large"), &server.home("bob").join("up/moved"));
    rclone.run(&["purge", "@up"]);
    assert_eq!(fs::read_dir(server.home("bob")).unwrap().count(), 0);
}

#[test]
fn lists_five_thousand_names() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let rclone = Rclone::new(&server);
    rclone.run(&["mkdir", "@many"]);
    make_5000_names(&server.home("bob").join("many"));
    assert_5000_names(&rclone.run(&["lsf", "@many"]));
}
