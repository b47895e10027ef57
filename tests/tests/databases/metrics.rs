//! An admin reads the metrics while the database, which the admins are in, is away.

use std::time::{Duration, Instant};

use serde_json::json;
use sftpgo_databases::Server as Database;
use sftpgo_e2e::{Server, wait_for};

use super::{Kind, on_each, settings_of};

on_each!(
    metrics_are_read_while_it_is_stopped,
    metrics_are_read_while_it_does_not_answer,
);

/// Prometheus gives up after that, unless told otherwise.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);
/// `root:secret` and `root:wrong`.
const RIGHT: &str = "Basic cm9vdDpzZWNyZXQ=";
const WRONG: &str = "Basic cm9vdDp3cm9uZw==";

fn metrics(server: &Server, header: (&str, &str)) -> (u16, String) {
    let (status, answer) = server.rest_with("GET", "/metrics", &[header], None);
    (status, answer.as_str().unwrap_or_default().to_owned())
}

fn shows_availability(server: &Server, header: (&str, &str), value: u8) -> bool {
    let asked = Instant::now();
    let (status, text) = metrics(server, header);
    assert_eq!(status, 200, "{text}");
    assert!(asked.elapsed() < SCRAPE_TIMEOUT);
    text.contains(&format!("\nsftpgo_dataprovider_availability {value}\n"))
}

/// `go` takes the database away, `come` brings it back.
fn metrics_are_read(kind: Kind, go: fn(&Database), come: fn(&Database)) {
    let database = Database::start(kind);
    let name = database.make_database();
    let mut settings = settings_of(&database, &name);
    for (key, value) in [
        ("SFTPGO_DATA_PROVIDER__CREATE_DEFAULT_ADMIN", "true"),
        ("SFTPGO_DEFAULT_ADMIN_USERNAME", "root"),
        ("SFTPGO_DEFAULT_ADMIN_PASSWORD", "secret"),
    ] {
        settings.push((key.to_owned(), value.to_owned()));
    }
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let server = Server::start_with(&settings);
    let password = ("Authorization", RIGHT);
    let profile = json!({"allow_api_key_auth": true});
    let path = "/api/v2/admin/profile";
    let basic = server.rest_with("PUT", path, &[password], Some(&profile));
    assert_eq!(basic.0, 200, "{}", basic.1);
    let key = json!({"name": "prometheus", "scope": 1, "admin": "root"});
    let made = server.rest_with("POST", "/api/v2/apikeys", &[password], Some(&key));
    let key = made.1["key"].as_str().unwrap().to_owned();
    let key = ("X-SFTPGO-API-KEY", key.as_str());
    assert!(shows_availability(&server, password, 1) && shows_availability(&server, key, 1));

    go(&database);
    wait_for("the metrics to say so", || {
        shows_availability(&server, password, 0) && shows_availability(&server, key, 0)
    });
    // Nobody else reads them, and nothing else is read.
    assert_ne!(metrics(&server, ("Authorization", WRONG)).0, 200);
    for path in ["/api/v1/user", "/api/v1/version", "/api/v2/status"] {
        let answer = server.rest_with("GET", path, &[password], None);
        assert_eq!(answer.0, 500, "{path}: {}", answer.1);
    }

    come(&database);
    wait_for("the metrics to say so", || {
        shows_availability(&server, password, 1)
    });
    let deny = json!({"allow_api_key_auth": false});
    wait_for("the admin to deny keys", || {
        server.rest_with("PUT", path, &[password], Some(&deny)).0 == 200
    });
    assert_eq!(metrics(&server, key).0, 403);
    // What an admin is denied is not had by taking the database away.
    go(&database);
    assert_ne!(metrics(&server, key).0, 200);
    come(&database);
}

fn metrics_are_read_while_it_is_stopped(kind: Kind) {
    metrics_are_read(kind, Database::stop, Database::start_again);
}

fn metrics_are_read_while_it_does_not_answer(kind: Kind) {
    metrics_are_read(kind, Database::freeze, Database::thaw);
}
