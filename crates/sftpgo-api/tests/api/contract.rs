//! What holds for every path: unknown ones, wrong methods, the documents.

use std::collections::BTreeSet;

use serde_json::json;
use sftpgo_core::Permissions;

use crate::{client, server::Api};

#[test]
fn the_version_is_a_list_of_one() {
    let api = Api::start();
    assert_eq!(
        api.call("GET", "/version").data(),
        json!([{ "version": "1.2.3", "build_date": "2026-01-02", "commit_hash": "abc" }])
    );
}

#[test]
fn a_provider_that_answers_is_alive() {
    let api = Api::start();
    assert_eq!(
        api.call("GET", "/providerstatus").says(200),
        ("Alive".into(), String::new())
    );
}

#[test]
fn an_unknown_path_is_not_found_by_any_method() {
    let api = Api::start();
    for path in [
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/users",
        "/api/v1/version/",
        "/api/v1//version",
        "/api/v1/user/1/2",
        "/api/v1/user/1/explain/",
        "/api/v1/user/1/2/explain",
        "/api/v1/connection/a/b",
        "/api/v1/quota_scan/",
        "/api/v3/version",
        "/metrics/",
        "/user",
        "/api/v1/user%2F1",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let (message, _) = client::request(api.address, method, path, None).says(404);
            assert_eq!(message, "Not Found", "{method} {path}");
        }
    }
}

#[test]
fn a_request_without_a_path_is_not_found() {
    let api = Api::start();
    for (method, target) in [
        ("CONNECT", "example.com:80"),
        ("CONNECT", "127.0.0.1:22"),
        ("OPTIONS", "*"),
    ] {
        let (message, _) = client::request(api.address, method, target, None).says(404);
        assert_eq!(message, "Not Found", "{method} {target}");
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let api = Api::start();
    for (path, allowed) in [
        ("/api/v1/version", "GET"),
        ("/api/v1/providerstatus", "GET"),
        ("/api/v1/connection", "GET"),
        ("/api/v1/connection/x", "DELETE"),
        ("/api/v1/quota_scan", "GET, POST"),
        ("/api/v1/user", "GET, POST"),
        ("/api/v1/user/1", "GET, PUT, DELETE"),
        ("/api/v1/user/1/explain", "GET"),
        ("/api/v1/user/1/quota_scan", "GET"),
        ("/api/v1/user/1/totp", "GET, POST, DELETE"),
        ("/api/v1/openapi.yaml", "GET"),
        ("/metrics", "GET"),
        ("/healthz", "GET, HEAD"),
    ] {
        for method in [
            "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW",
        ] {
            if allowed.split(", ").any(|known| known == method) {
                continue;
            }
            let answer = client::request(api.address, method, path, None);
            answer.says(405);
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        }
    }
}

#[test]
fn the_contract_is_served_and_names_every_route() {
    let api = Api::start();
    let answer = api.call("GET", "/openapi.yaml");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/yaml; charset=utf-8")
    );
    let operations: BTreeSet<_> = answer
        .text()
        .lines()
        .filter_map(|line| line.trim().strip_prefix("operationId: "))
        .collect();
    let expected = [
        "add_user",
        "close_connection",
        "delete_user",
        "disable_user_totp",
        "enable_user_totp",
        "explain_user",
        "get_connections",
        "get_ended_quota_scan",
        "get_provider_status",
        "get_quota_scans",
        "get_user_by_id",
        "get_user_totp",
        "get_users",
        "get_version",
        "start_quota_scan",
        "update_user",
    ];
    assert_eq!(operations, BTreeSet::from(expected));
}

#[test]
fn the_contract_names_every_permission() {
    let api = Api::start();
    let answer = api.call("GET", "/openapi.yaml");
    let contract = answer.text();
    let (_, schema) = contract.split_once("\n    Permission:\n").unwrap();
    let (listed, described) = schema.split_once("      description:").unwrap();
    let listed: Vec<_> = listed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .collect();
    let known: Vec<_> = Permissions::known().map(|(name, _)| name).collect();
    assert_eq!(listed[0], "'*'");
    assert_eq!(listed[1..], known);
    for name in known {
        assert!(described.contains(&format!("* `{name}` - ")), "{name}");
    }
}

#[test]
fn metrics_count_requests_by_their_answer() {
    let api = Api::start();
    api.call("GET", "/version");
    api.call("GET", "/nothing");
    api.call("PUT", "/version");
    api.metrics.set_provider_availability(true);
    let answer = client::request(api.address, "GET", "/metrics", None);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    for line in [
        "sftpgo_http_req_total 3",
        "sftpgo_http_req_ok_total 1",
        "sftpgo_http_client_errors_total 2",
        "sftpgo_http_server_errors_total 0",
        "sftpgo_dataprovider_availability 1",
        "# TYPE process_resident_memory_bytes gauge",
    ] {
        assert!(
            answer.text().lines().any(|known| known == line),
            "{line} in {}",
            answer.text()
        );
    }
}
