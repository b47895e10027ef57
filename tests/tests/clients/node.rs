//! ssh2-sftp-client, of npm.

use std::{fs, process::Command};

use serde_json::json;
use sftpgo_e2e::{
    Outcome, Server, assert_5000_names, assert_same, assert_same_trees, make_5000_names, make_tree,
    noise, run,
};

/// Runs a script for which `s` is connected; it may `await`.
fn node(server: &Server, script: &str) -> Outcome {
    let modules = std::env::var("SFTPGO_TEST_NODE_MODULES")
        .expect("run ./test, which prepares the clients of npm");
    let script = format!(
        "const assert = require('assert'), fs = require('fs'), Client = require('ssh2-sftp-client');
         (async () => {{
             const s = new Client();
             await s.connect({{ host: '127.0.0.1', port: {}, username: 'bob', password: 'secret' }});
             {script}
             await s.end();
         }})().catch(error => {{ console.error(error); process.exit(1); }});",
        server.sftp_port
    );
    run(
        server,
        Command::new("node")
            .args(["-e", &script])
            .env("NODE_PATH", modules),
    )
}

#[test]
fn every_operation_on_files_and_names() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    fs::write(server.path("l"), noise(20 << 20)).unwrap();
    fs::write(server.path("small"), noise(5 << 20)).unwrap();
    node(
        &server,
        r#"
        assert.equal(await s.cwd(), "/");
        await s.fastPut("l", "fast"); await s.fastGet("fast", "b1");
        await s.put("small", "plain"); await s.get("plain", "b2");
        await s.put(Buffer.from("0123"), "text"); await s.append(Buffer.from("4567"), "text");
        assert.equal((await s.get("text")).toString(), "01234567");
        await s.mkdir("a/b/c", true);
        assert.equal(await s.exists("a/b"), "d"); assert.equal(await s.exists("text"), "-");
        assert.equal(await s.exists("nothing"), false);
        await s.rename("text", "a/text");
        await assert.rejects(s.rename("plain", "a/text"));
        await s.posixRename("plain", "a/text");
        assert.equal((await s.stat("a/text")).size, 5 << 20);
        await s.chmod("a/text", 0o600);
        assert.equal((await s.stat("a/text")).mode & 0o777, 0o600);
        await s.rcopy("a/text", "a/b/copy");
        assert.deepEqual((await s.list("a")).map(e => e.type + e.name).sort(), ["-text", "db"]);
        assert.equal(await s.realPath("a/../a/./b"), "/a/b");
        await assert.rejects(s.rmdir("a")); await assert.rejects(s.get("nothing"));
        await s.rmdir("a", true); await s.delete("fast");
        assert.deepEqual(await s.list("/"), []);
        "#,
    )
    .assert_ok();
    assert_same(&server.path("l"), &server.path("b1"));
    assert_same(&server.path("small"), &server.path("b2"));
}

#[test]
fn trees_go_both_ways() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_tree(&server);
    node(
        &server,
        r#"await s.uploadDir("tree", "up"); await s.downloadDir("up", "back");"#,
    )
    .assert_ok();
    assert_same_trees(&server, "tree", "back");
}

#[test]
fn lists_five_thousand_names() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_5000_names(&server.home("bob"));
    let text = node(
        &server,
        r#"for (const entry of await s.list("/")) console.log(entry.name);"#,
    );
    assert_5000_names(&text.assert_ok());
}
