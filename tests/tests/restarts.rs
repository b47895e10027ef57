//! Restarts without a pause: for a while two processes are one server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;

use serde_json::{Value, json};
use sftpgo_e2e::{
    Server, Writing, fifty_transfers_run_through_three_restarts, send,
    sessions_and_quota_hold_in_both_processes_together, sftp, wait_for,
    who_is_closed_or_disabled_is_so_in_both_processes,
};

#[test]
fn fifty_transfers_run_through_three_restarts_on_sqlite() {
    let server = Server::start_with(&[("SFTPGO_DATA_PROVIDER__TRACK_QUOTA", "1")]);
    fifty_transfers_run_through_three_restarts(&server);
}

#[test]
fn sessions_and_quota_hold_in_both_processes_together_on_sqlite() {
    sessions_and_quota_hold_in_both_processes_together(&Server::start());
}

#[test]
fn who_is_closed_or_disabled_is_so_in_both_processes_on_sqlite() {
    who_is_closed_or_disabled_is_so_in_both_processes(&Server::start());
}

fn connections(server: &Server) -> Vec<Value> {
    let (_, listed) = server.rest("GET", "/api/v1/connection", None);
    listed.as_array().unwrap().clone()
}

#[test]
fn who_does_nothing_is_listed_after_a_second_restart_too() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let idle = Writing::begin(&server, "one");
    for _ in 0..2 {
        server.hot_restart();
        wait_for("the session to be listed", || {
            connections(&server).len() == 1
        });
    }
    idle.finish(&server, "one");
}

#[test]
fn a_process_that_is_killed_while_two_are_there_leaves_the_usage_right() {
    for kills_old in [true, false] {
        // Longer than anybody waits here: nobody serves meanwhile, so it is not waited for.
        let mut server = Server::start_with(&[
            ("SFTPGO_DATA_PROVIDER__TRACK_QUOTA", "1"),
            ("SFTPGO_GRACE_TIME", "3600"),
        ]);
        server.add_user("bob", &json!({}));
        let old = Writing::begin(&server, "one");
        let next = server.hot_restart();
        let new = Writing::begin(&server, "two");
        if kills_old {
            server.kill();
            new.finish(&server, "two");
        } else {
            send(next, "KILL");
            // Nobody serves, so that whoever watches over the service starts it anew.
            assert_eq!(server.wait(), Some(1));
            server.restart();
        }
        drop(old);
        wait_for("the usage to be what is on the disk", || {
            server.usage("bob") == server.on_disk("bob")
        });
        sftp(&server, "bob", &[], "ls\n").assert_ok();
    }
}

#[test]
fn the_end_of_the_service_is_the_end_of_the_processes_before() {
    let mut server = Server::start();
    server.add_user("bob", &json!({}));
    let old = Writing::begin(&server, "one");
    let next = server.hot_restart();
    send(next, "TERM");
    old.ended();
    assert_eq!(server.wait(), Some(0));
}

/// A setting of the service's unit in the Debian package.
fn of_unit(variable: &str) -> &'static str {
    let unit = include_str!("../../packaging/debian/sftpgo.service");
    let setting = format!("Environment={variable}=");
    unit.lines()
        .find_map(|line| line.strip_prefix(&setting))
        .expect(variable)
}

#[test]
fn a_reload_of_the_service_cuts_no_transfer_and_a_stop_does_in_its_time() {
    let start = |more: &[(&str, &str)]| {
        let server = Server::start_with(&[&[("SFTPGO_GRACE_TIME", "1")], more].concat());
        server.add_user("bob", &json!({}));
        server
    };
    let drain_time = [("SFTPGO_DRAIN_TIME", of_unit("SFTPGO_DRAIN_TIME"))];
    let mut service = start(&drain_time);
    let goes_on = Writing::begin(&service, "one");
    let stays = Writing::begin(&service, "two");
    let next = service.hot_restart();
    // Without that setting the grace time holds. When it is over there, it is here.
    let another = start(&[]);
    let cut = Writing::begin(&another, "one");
    another.hot_restart();
    cut.ended();
    goes_on.finish(&service, "one");
    let stored = fs::read(service.home("bob").join("one")).unwrap();
    assert_eq!(stored.len(), 1000);
    send(next, "TERM");
    stays.ended();
    assert_eq!(service.wait(), Some(0));
}

#[test]
fn a_drain_time_of_its_own_ends_the_process_before() {
    let mut server =
        Server::start_with(&[("SFTPGO_GRACE_TIME", "3600"), ("SFTPGO_DRAIN_TIME", "1")]);
    server.add_user("bob", &json!({}));
    let old = Writing::begin(&server, "one");
    server.hot_restart();
    old.ended();
    assert_eq!(server.wait(), Some(0));
}
