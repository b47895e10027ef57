//! Net::SFTP::Foreign, which runs OpenSSH for the connection.

use std::{fs, process::Command};

use serde_json::json;
use sftpgo_e2e::{
    Outcome, Server, assert_5000_names, assert_same, assert_same_trees, make_5000_names, make_key,
    make_tree, noise, run, ssh_options,
};

/// A server that knows `bob` by a key, which is in its directory.
fn server() -> Server {
    let server = Server::start();
    let key = make_key("ed25519", &server.path("key"));
    server.add_user("bob", &json!({ "public_keys": [key] }));
    server
}

/// Runs a script for which `$s` is connected, and `ok` ends it when `$s` has an error.
fn perl(server: &Server, script: &str) -> Outcome {
    let options: Vec<_> = ssh_options()
        .into_iter()
        .chain(["-i", "key", "-o", "BatchMode=yes"].map(str::to_owned))
        .map(|option| format!("'{option}'"))
        .collect();
    let script = format!(
        "use strict; use warnings; use Net::SFTP::Foreign; use Net::SFTP::Foreign::Constants ':flags';
         my $s = Net::SFTP::Foreign->new(host => '127.0.0.1', port => {}, user => 'bob', more => [{}]);
         sub ok {{ my ($what, $done) = @_; die \"$what: \" . $s->error if !$done || $s->error }}
         sub is {{ my ($what, $is, $should) = @_; die \"$what: $is, not $should\" if $is ne $should }}
         ok('connect', 1);
         {script}",
        server.sftp_port,
        options.join(", "),
    );
    run(server, Command::new("perl").args(["-e", &script]))
}

#[test]
fn every_operation_on_files_and_names() {
    let server = server();
    fs::write(server.path("l"), noise(10 << 20)).unwrap();
    perl(
        &server,
        r#"
        ok('put', $s->put('l', 'r', perm => 0640, copy_time => 1));
        ok('get', $s->get('r', 'b'));
        my $a = $s->stat('r');
        is('size', $a->size, 10 << 20); is('mode', $a->perm & 07777, 0640); is('time', $a->mtime, (CORE::stat 'l')[9]);
        ok('mkdir', $s->mkdir('d')); ok('mkpath', $s->mkpath('d/e/f'));
        ok('rename', $s->rename('r', 'd/r'));
        ok('chmod', $s->chmod('d/r', 0600)); is('chmod', $s->stat('d/r')->perm & 0777, 0600);
        ok('utime', $s->utime('d/r', 1000, 2000)); is('utime', $s->stat('d/r')->mtime, 2000);
        ok('truncate', $s->truncate('d/r', 100)); is('truncate', $s->stat('d/r')->size, 100);
        my $attributes = Net::SFTP::Foreign::Attributes->new; $attributes->set_perm(0644);
        ok('setstat', $s->setstat('d/r', $attributes)); is('setstat', $s->stat('d/r')->perm & 0777, 0644);
        ok('symlink', $s->symlink('d/link', 'r')); is('readlink', $s->readlink('d/link'), 'r');
        is('realpath', $s->realpath('d/../d/./r'), '/d/r');
        ok('hardlink', $s->hardlink('d/hard', 'd/r')); is('hardlink', $s->stat('d/hard')->size, 100);
        ok('statvfs', $s->statvfs('.'));
        is('ls', join(' ', map $_->{filename}, @{$s->ls('d', ordered => 1, no_wanted => qr/^\./)}), 'e hard link r');
        my $h = $s->open('new', SSH2_FXF_READ | SSH2_FXF_WRITE | SSH2_FXF_CREAT); ok('open', $h);
        ok('write', $s->write($h, 'hello world')); ok('fsync', $s->fsync($h));
        $s->seek($h, 6, 0); is('read', $s->read($h, 5), 'world'); ok('close', $s->close($h));
        ok('atomic', $s->rename('new', 'd/r', overwrite => 1)); is('atomic', $s->get_content('d/r'), 'hello world');
        ok('put_content', $s->put_content('text', 'd/r')); is('content', $s->get_content('d/r'), 'text');
        $s->remove('nothing'); die 'no error' unless $s->status == 2; $s->error && $s->_set_error;
        is('removed', $s->rremove('d'), 6);
        "#,
    )
    .assert_ok();
    assert_same(&server.path("l"), &server.path("b"));
    assert_eq!(fs::read_dir(server.home("bob")).unwrap().count(), 0);
}

#[test]
fn trees_go_both_ways_and_transfers_resume() {
    let server = server();
    make_tree(&server);
    let data = noise(2 << 20);
    fs::write(server.path("l"), &data).unwrap();
    fs::write(server.path("b"), &data[..1_000_000]).unwrap();
    perl(
        &server,
        r#"
        ok('rput', $s->rput('tree', 'up')); ok('rget', $s->rget('up', 'back'));
        ok('put', $s->put('l', 'r')); ok('truncate', $s->truncate('r', 300000));
        ok('resume', $s->put('l', 'r', resume => 1)); ok('resume', $s->get('r', 'b', resume => 1));
        "#,
    )
    .assert_ok();
    assert_same_trees(&server, "tree", "back");
    assert_same(&server.path("l"), &server.path("b"));
    assert_same(&server.path("l"), &server.home("bob").join("r"));
}

#[test]
fn lists_five_thousand_names() {
    let server = server();
    make_5000_names(&server.home("bob"));
    let text = perl(&server, r#"print "$_->{filename}\n" for @{$s->ls('.')};"#).assert_ok();
    assert_5000_names(&text);
}
