//! What is done at the HTTP port.

use anyhow::{Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// An admin who calls the REST API.
#[derive(Clone)]
pub(super) struct Http {
    agent: ureq::Agent,
    port: u16,
    authorization: String,
}

impl Http {
    pub(super) fn new(port: u16, (name, password): (&str, &str)) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Rounds are far apart: the server has closed by then what would be kept.
            .max_idle_connections(0)
            .build();
        Self {
            agent: config.into(),
            port,
            authorization: format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))),
        }
    }

    /// How many connections the server lists.
    pub(super) fn connections(&self) -> Result<usize> {
        let listed = self.send("GET", "/api/v1/connection", None, &[200])?;
        let listed: Vec<Value> = serde_json::from_str(&listed)?;
        Ok(listed.len())
    }

    /// Adds a user.
    pub(super) fn add_user(&self, user: &Value) -> Result<()> {
        self.send("POST", "/api/v1/user", Some(user), &[200])
            .map(drop)
    }

    /// One round: pages are read, a user lives and dies, files are counted, a token is taken and given back.
    pub(super) fn round(&self, number: u64, user: &str) -> Result<()> {
        for path in [
            "/api/v1/user?limit=100",
            "/api/v1/connection",
            "/metrics",
            "/web/login",
        ] {
            self.send("GET", path, None, &[200])?;
        }
        self.send(
            "POST",
            "/api/v1/quota_scan",
            Some(&json!({"username": user})),
            // One that runs already is not begun again.
            &[201, 409],
        )?;
        let name = format!("passing-{number}");
        let new = json!({
            "username": name, "status": 1, "permissions": ["*"], "password": "of a moment",
            "home_dir": format!("/tmp/nobody-enters-{name}"),
        });
        let added = self.send("POST", "/api/v1/user", Some(&new), &[200])?;
        let added: Value = serde_json::from_str(&added)?;
        let id = added.get("id");
        let path = format!("/api/v1/user/{}", id.cloned().unwrap_or_default());
        let changed = json!({"id": id, "username": name, "status": 0, "permissions": ["list"],
            "home_dir": format!("/tmp/nobody-enters-{name}")});
        self.send("PUT", &path, Some(&changed), &[200])?;
        self.send("DELETE", &path, None, &[200])?;

        let token = self.send("GET", "/api/v2/token", None, &[200])?;
        let token: Value = serde_json::from_str(&token)?;
        let token = token.get("access_token").and_then(Value::as_str);
        let bearer = Self {
            authorization: format!("Bearer {}", token.unwrap_or_default()),
            ..self.clone()
        };
        bearer.send("GET", "/api/v2/status", None, &[200])?;
        bearer.send("GET", "/api/v2/logout", None, &[200])?;
        Ok(())
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        expected: &[u16],
    ) -> Result<String> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .body(body.map_or_else(String::new, Value::to_string))?;
        let mut response = self.agent.run(request)?;
        let status = response.status().as_u16();
        let answer = response.body_mut().read_to_string()?;
        ensure!(
            expected.contains(&status),
            "{method} {path}: {status} {answer}"
        );
        Ok(answer)
    }
}
