//! What operators put around the server, as packaging/ has it: alerts, a dashboard, balancers and proxies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, answer_password, run, ssh_options, wait_for};

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../packaging")
        .join(name)
}

/// Runs a checking program to its end, which has to be a good one.
fn checks(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// The names that look like metrics in `text`.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_of_name(c))
        .filter(|word| word.starts_with("sftpgo_") || word.starts_with("process_"))
        .collect()
}

fn expressions() -> Vec<String> {
    let dashboard = fs::read_to_string(packaged("grafana/sftpgo.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    targets
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn alerts_and_dashboard_use_metrics_that_there_are() {
    let server = Server::start();
    let (_, metrics) = server.rest("GET", "/metrics", None);
    let metrics = metrics.as_str().unwrap();
    let offered = metrics_in(metrics);
    let alerts = fs::read_to_string(packaged("prometheus/sftpgo-alerts.yml")).unwrap();
    let used = [alerts, expressions().join("\n")].join("\n");
    let used: BTreeSet<_> = used
        .lines()
        // The job is called as the server is.
        .flat_map(|line| metrics_in(line))
        .collect();
    assert!(used.len() > 10, "{used:?}");
    let missing: Vec<_> = used.difference(&offered).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(metrics.as_bytes()).unwrap();
    drop(stdin);
    let checked = promtool.wait_with_output().unwrap();
    // 3 is that a name is not as Prometheus would choose it; names are SFTPGo's.
    assert!(matches!(checked.status.code(), Some(0 | 3)), "{checked:?}");
}

#[test]
fn alerts_are_raised_when_they_should_be() {
    let directory = packaged("prometheus");
    let promtool = |arguments: &[&str]| {
        checks(
            Command::new("promtool")
                .args(arguments)
                .current_dir(&directory),
        )
    };
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["test", "rules", "sftpgo-alerts-test.yml"]);
    // Each alert is among those that are tested.
    let rules = fs::read_to_string(directory.join("sftpgo-alerts.yml")).unwrap();
    let tests = fs::read_to_string(directory.join("sftpgo-alerts-test.yml")).unwrap();
    for line in rules.lines() {
        if let Some(name) = line.trim().strip_prefix("- alert: ") {
            assert!(tests.contains(&format!("alertname: {name}\n")), "{name}");
        }
    }
}

#[test]
fn the_dashboard_asks_what_prometheus_understands() {
    let expressions = expressions();
    let rules: Vec<_> = expressions
        .iter()
        .enumerate()
        .map(|(number, expression)| {
            let expression = expression.replace("$__rate_interval", "5m");
            json!({ "record": format!("panel:{number}"), "expr": expression })
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.yml");
    // JSON is YAML.
    let groups = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    fs::write(&file, groups.to_string()).unwrap();
    let said = checks(Command::new("promtool").args(["check", "rules"]).arg(&file));
    assert!(
        said.contains(&format!("{} rules found", expressions.len())),
        "{said}"
    );
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A text with each of these replaced, all of which have to be there.
fn with(text: String, replacements: &[(&str, String)]) -> String {
    replacements.iter().fold(text, |text, (old, new)| {
        assert!(text.contains(old), "{old} in {text}");
        text.replace(old, new)
    })
}

#[test]
fn sftp_goes_through_haproxy_to_a_server_that_answers() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    fs::create_dir_all(server.home("bob")).unwrap();
    fs::write(server.home("bob").join("f"), "hello").unwrap();
    let port = sftpgo_test_ports::reserve();
    let text = fs::read_to_string(packaged("haproxy/haproxy.cfg")).unwrap();
    let text = with(
        text,
        &[
            ("bind :22\n", format!("bind 127.0.0.1:{port}\n")),
            // Nobody is there.
            ("192.0.2.11:2022", "127.0.0.1:1".to_owned()),
            ("192.0.2.12:2022", format!("127.0.0.1:{}", server.sftp_port)),
            (
                "port 8080 inter 5s",
                format!("port {} inter 100ms", server.http_port),
            ),
        ],
    );
    let file = server.path("haproxy.cfg");
    fs::write(&file, text).unwrap();
    checks(Command::new("haproxy").args(["-c", "-f"]).arg(&file));
    let _haproxy = Killed(
        Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait_for("HAProxy to find the server", || {
        let mut command = Command::new("scp");
        answer_password(&mut command, &server);
        command
            .args(ssh_options())
            .args(["-P", &port.to_string(), "bob@127.0.0.1:/f", "got"]);
        run(&server, &mut command).ok
    });
    assert_eq!(server.read("got"), "hello");
}

#[test]
fn the_rest_api_goes_through_nginx_with_tls_to_whom_it_allows() {
    let nginx_conf = fs::read_to_string(packaged("nginx/sftpgo.conf")).unwrap();
    // What the comment says, but for the port, which is the test's own.
    let http = sftpgo_test_ports::reserve();
    let comment: String = nginx_conf
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .collect();
    let said: Value = serde_json::from_str(&format!("{{{comment}}}")).unwrap();
    let mut bindings = said["httpd"]["bindings"].clone();
    bindings[0]["port"] = http.into();
    let server = Server::start_with(&[
        ("SFTPGO_HTTPD__BINDINGS", &bindings.to_string()),
        ("SFTPGO_HTTPD__BIND_PORT", &http.to_string()),
        // Who comes from elsewhere is answered when there is an admin.
        ("SFTPGO_DATA_PROVIDER__CREATE_DEFAULT_ADMIN", "true"),
        ("SFTPGO_DEFAULT_ADMIN_USERNAME", "root"),
        ("SFTPGO_DEFAULT_ADMIN_PASSWORD", "secret"),
    ]);
    let port = sftpgo_test_ports::reserve();
    let certificate = server.path("certificate.pem");
    let key = server.path("key.pem");
    checks(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "2", "-subj", "/CN=sftp.example.org"])
            .args(["-addext", "subjectAltName=DNS:sftp.example.org", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate),
    );
    let site = |allowed: &str| {
        with(
            nginx_conf.clone(),
            &[
                ("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl")),
                (
                    "/etc/ssl/sftp.example.org.pem",
                    certificate.display().to_string(),
                ),
                ("/etc/ssl/sftp.example.org.key", key.display().to_string()),
                ("192.0.2.0/24", allowed.to_owned()),
                ("127.0.0.1:8080", format!("127.0.0.1:{}", server.http_port)),
                // Another address than nginx's own.
                ("$remote_addr", "203.0.113.5".to_owned()),
            ],
        )
    };
    let file = server.path("nginx.conf");
    let directory = server.path("");
    let start = |allowed: &str| {
        let main = format!(
            "daemon off; pid {0}/nginx.pid; error_log {0}/nginx.log;\nevents {{}}\nhttp {{ access_log off;\n\
             client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;\n\
             uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;\n{1}}}\n",
            directory.display(),
            site(allowed)
        );
        fs::write(&file, main).unwrap();
        checks(Command::new("nginx").arg("-t").arg("-c").arg(&file));
        let nginx = Command::new("nginx").arg("-c").arg(&file).spawn().unwrap();
        wait_for("nginx to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Killed(nginx)
    };
    let status = |path: &str| {
        let resolved = format!("sftp.example.org:{port}:127.0.0.1");
        let url = format!("https://sftp.example.org:{port}{path}");
        let mut curl = Command::new("curl");
        curl.args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--noproxy",
            "*",
            "-u",
            "root:secret",
        ])
        .args(["--resolve", &resolved, "--cacert"])
        .arg(&certificate)
        .arg(url);
        checks(&mut curl)
    };
    let end = |mut nginx: Killed| {
        let pid = nginx.0.id().to_string();
        checks(Command::new("kill").args(["-s", "QUIT", &pid]));
        nginx.0.wait().unwrap();
    };
    let nginx = start("127.0.0.0/8");
    for path in ["/healthz", "/api/v1/version", "/metrics"] {
        assert_eq!(status(path), "200", "{path}");
    }
    end(nginx);
    wait_for("the client's address in the log", || {
        let lines = server.log_lines("httpd");
        lines.iter().any(|line| {
            let address = line["remote_addr"].as_str().unwrap();
            address.starts_with("203.0.113.5") && line["uri"] == "/api/v1/version"
        })
    });
    let nginx = start("192.0.2.0/24");
    assert_eq!(status("/api/v1/version"), "403");
    end(nginx);
}
