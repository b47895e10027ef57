//! CrowdSec over the server's real log, by the parser and the scenario of packaging/: who is banned.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, python};

/// As the scenario has it: one more than it lets pass.
const FAILURES: usize = 11;

/// Where CrowdSec is unpacked.
fn crowdsec() -> PathBuf {
    let unpacked = std::env::var_os("SFTPGO_TEST_CROWDSEC");
    PathBuf::from(unpacked.expect("run ./test, which unpacks CrowdSec"))
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(status.unwrap().success(), "{}", from.display());
}

/// A CrowdSec in `directory` that has what it needs to read lines and dates, and ours.
fn configure(directory: &Path) {
    let installed = crowdsec();
    let hub = installed.join("usr/share/crowdsec/hub");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/crowdsec");
    for name in ["data", "plugins", "notifications"] {
        fs::create_dir_all(directory.join(name)).unwrap();
    }
    for name in ["patterns", "simulation.yaml", "profiles.yaml"] {
        copy(
            &installed.join("etc/crowdsec").join(name),
            &directory.join(name),
        );
    }
    for name in ["parsers", "scenarios"] {
        copy(&ours.join(name), &directory.join(name));
    }
    copy(&hub, &directory.join("hub"));
    for (stage, name) in [
        ("s00-raw", "syslog-logs"),
        ("s02-enrich", "dateparse-enrich"),
    ] {
        let stage = Path::new("parsers").join(stage);
        fs::create_dir_all(directory.join(&stage)).unwrap();
        let parser = hub.join(&stage).join(format!("crowdsecurity/{name}.yaml"));
        copy(&parser, &directory.join(&stage));
    }
    let path = |name: &str| directory.join(name).display().to_string();
    let config = json!({
        "common": { "daemonize": false, "log_media": "stdout", "log_level": "info", "working_dir": "." },
        "config_paths": {
            "config_dir": path(""), "data_dir": path("data"), "simulation_path": path("simulation.yaml"),
            "hub_dir": path("hub"), "index_path": path("hub/.index.json"), "notification_dir": path("notifications"),
            "plugin_dir": path("plugins"),
        },
        "crowdsec_service": { "parser_routines": 1, "acquisition_path": path("acquis.yaml") },
        "cscli": { "output": "human" },
        "db_config": { "type": "sqlite", "db_path": path("data/crowdsec.db"), "use_wal": false },
        "api": {
            "client": { "credentials_path": path("credentials.yaml") },
            "server": { "listen_uri": "127.0.0.1:8080", "profiles_path": path("profiles.yaml") },
        },
        "prometheus": { "enabled": false },
    });
    // JSON is YAML.
    fs::write(directory.join("config.yaml"), config.to_string()).unwrap();
    copy(&ours.join("acquis.yaml"), &directory.join("acquis.yaml"));
}

/// Has CrowdSec read the log at once, in a network of its own, and prints its alerts.
const READ: &str = r#"
ip link set lo up
cscli -c config.yaml machines add test --password test -f credentials.yaml --url http://127.0.0.1:8080 --force >said 2>&1
crowdsec -c config.yaml -no-cs >>said 2>&1 &
api=$!
for _ in $(seq 300); do
    curl -s -o said-by-api http://127.0.0.1:8080/health && break
    sleep 0.1
done
crowdsec -c config.yaml -dsn "file://$LOG" -type sftpgo-server -no-api >>said 2>&1
cscli -c config.yaml alerts list -o json
kill $api
wait $api
"#;

fn alerts(server: &Server) -> Value {
    let directory = server.path("crowdsec");
    fs::create_dir_all(&directory).unwrap();
    configure(&directory);
    let path = format!(
        "{}:{}",
        crowdsec().join("usr/bin").display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("unshare")
        .args(["--net", "--user", "--map-root-user", "bash", "-c", READ])
        .env("PATH", path)
        .env("LOG", server.path("sftpgo.log"))
        .current_dir(&directory)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}: {}", server.read("crowdsec/said")))
}

fn guess(server: &Server, times: usize) {
    let script = format!(
        r#"
import os, paramiko
for _ in range({times}):
    t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
    t.start_client()
    try:
        t.auth_password('x","client_ip":"203.0.113.9', "wrong", fallback=False)
        raise SystemExit("is in")
    except paramiko.AuthenticationException:
        t.close()
"#
    );
    python(server, &script).assert_ok();
}

#[test]
fn who_guesses_often_is_banned_and_nobody_else() {
    let server = Server::start();
    guess(&server, FAILURES - 1);
    assert_eq!(alerts(&server), Value::Null);
    fs::remove_dir_all(server.path("crowdsec")).unwrap();
    guess(&server, 1);
    let alerts = alerts(&server);
    let [alert] = alerts.as_array().unwrap().as_slice() else {
        panic!("{alerts}");
    };
    assert_eq!(alert["scenario"], "sftpgo-rs/sftpgo-bf");
    assert_eq!(alert["source"]["value"], "127.0.0.1");
    assert_eq!(alert["decisions"][0]["type"], "ban");
}
