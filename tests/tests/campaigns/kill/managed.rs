//! What an operator changes of users and admins until the server is gone.

use serde_json::{Value, json};
use sftpgo_e2e::Server;

use super::{
    FIRST_QUOTA,
    audited::{History, OPERATOR},
    known::Known,
};

/// What the operator's calls have come to.
pub(super) struct Managed {
    pub(super) quota: Known<u64>,
    /// Is there a user `guest`?
    pub(super) has_guest: Known<bool>,
    /// The description of the admin `helper`.
    pub(super) description: Known<String>,
    /// Of this round.
    pub(super) history: History,
}

impl Managed {
    pub(super) fn new() -> Self {
        Self {
            quota: Known::new(FIRST_QUOTA),
            has_guest: Known::new(false),
            description: Known::new(String::new()),
            history: History::default(),
        }
    }

    pub(super) fn change_until_gone(&mut self, operator: &Operator) {
        while self.change_once(operator).is_some() {}
    }

    /// None when the server does not answer.
    fn change_once(&mut self, operator: &Operator) -> Option<()> {
        let bob = operator.user("bob")?;
        let quota = self.quota.acknowledged + 1;
        self.quota.begin(quota);
        self.history.begins(OPERATOR, "user updated bob");
        let path = format!("/api/v1/user/{}", bob["id"]);
        operator.change("PUT", &path, &json!({"quota_size": quota}), 200)?;
        self.quota.done();
        self.history.done(OPERATOR);

        self.has_guest.begin(!self.has_guest.acknowledged);
        if self.has_guest.acknowledged {
            let path = format!("/api/v1/user/{}", operator.user("guest")?["id"]);
            self.history.begins(OPERATOR, "user deleted guest");
            operator.change("DELETE", &path, &Value::Null, 200)?;
        } else {
            let guest = json!({
                "username": "guest", "password": "secret", "status": 1, "permissions": ["*"],
                "home_dir": operator.guest_home,
            });
            self.history.begins(OPERATOR, "user added guest");
            operator.change("POST", "/api/v1/user", &guest, 200)?;
        }
        self.has_guest.done();
        self.history.done(OPERATOR);

        let description = format!("change {quota}");
        let helper = json!({
            "username": "helper", "status": 1, "permissions": ["view_users"], "description": description,
        });
        self.description.begin(description);
        self.history.begins(OPERATOR, "admin updated helper");
        operator.change("PUT", "/api/v2/admins/helper", &helper, 200)?;
        self.description.done();
        self.history.done(OPERATOR);
        Some(())
    }
}

/// Somebody with a token of root's.
pub(super) struct Operator {
    base: String,
    token: String,
    guest_home: String,
}

impl Operator {
    pub(super) fn of(server: &Server) -> Self {
        let mut operator = Self {
            base: format!("http://127.0.0.1:{}", server.http_port),
            token: "Basic cm9vdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=".to_owned(),
            guest_home: server.home("guest").to_str().unwrap().to_owned(),
        };
        let (status, token) = operator.call("GET", "/api/v2/token", None).unwrap();
        assert_eq!(status, 200, "{token}");
        operator.token = format!("Bearer {}", token["access_token"].as_str().unwrap());
        operator
    }

    /// Null when there is none of this name; nothing when the server does not answer.
    pub(super) fn user(&self, name: &str) -> Option<Value> {
        let path = format!("/api/v1/user?username={name}");
        let (_, users) = self.call("GET", &path, None)?;
        Some(users[0].clone())
    }

    /// None when the server does not answer.
    pub(super) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", &self.token)
            .header("Content-Type", "application/json")
            .body(body.map(Value::to_string).unwrap_or_default())
            .unwrap();
        let mut response = agent.run(request).ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Some((response.status().as_u16(), value))
    }

    fn change(&self, method: &str, path: &str, body: &Value, expected: u16) -> Option<()> {
        let body = Some(body).filter(|body| !body.is_null());
        let (status, answer) = self.call(method, path, body)?;
        assert_eq!(status, expected, "{method} {path}: {answer}");
        Some(())
    }
}
