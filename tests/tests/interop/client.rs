//! What the clients have in common: how they are run and judged.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use sftpgo_e2e::{Server, make_key, noise, run};

use crate::algorithms;

/// The ways to log in that every client has to have, unless it is said to be without one.
const LOGINS: &[&str] = &[
    "password",
    "keyboard-interactive",
    "second-password",
    "key:ecdsa",
    "key:ed25519",
    "key:rsa",
    "second-key:ecdsa",
    "password-after-key:ecdsa",
];

/// What a client needs before it looks like one that logs in: the algorithms of its time.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Offer {
    /// It gets on with the defaults.
    Defaults,
    /// It has to be asked for.
    Everything,
}

/// A client and what it can do.
pub(crate) struct Client {
    /// What `tests/install-clients` calls it; nothing for what `./test` installs itself.
    pub(crate) name: &'static str,
    /// The command to which the scenarios are added, of the directory that it was installed to.
    pub(crate) command: fn(&Path) -> Command,
    /// What it logs in with.
    pub(crate) offer: Offer,
    /// What it does not have, or does wrong with every server.
    pub(crate) without: &'static [&'static str],
    /// Scenarios of its own.
    pub(crate) more: &'static [&'static str],
}

impl Client {
    /// Logs in in each way and with each algorithm of the defaults.
    #[track_caller]
    pub(crate) fn passes(&self) {
        let Some(command) = self.installed() else {
            return;
        };
        let logins = LOGINS.iter().chain(self.more);
        let mut scenarios: Vec<_> = logins.map(|login| (*login).to_owned()).collect();
        let server = match self.offer {
            Offer::Defaults => {
                scenarios.extend(algorithms::defaults());
                start(&[])
            }
            Offer::Everything => {
                scenarios.extend(algorithms::defaults());
                scenarios.extend(algorithms::on_request());
                start_with_everything()
            }
        };
        scenarios.retain(|scenario| !self.without.contains(&scenario.as_str()));
        check(&server, command, &scenarios);
    }

    /// Logs in in these ways.
    #[track_caller]
    pub(crate) fn logs_in(&self, logins: &[&str]) {
        if let Some(command) = self.installed() {
            let scenarios: Vec<_> = logins.iter().map(|login| (*login).to_owned()).collect();
            check(&start(&[]), command, &scenarios);
        }
    }

    /// Uses each algorithm that is offered on request.
    #[track_caller]
    pub(crate) fn passes_on_request(&self, logins: &[&str]) {
        let Some(command) = self.installed() else {
            return;
        };
        let mut scenarios: Vec<_> = logins.iter().map(|login| (*login).to_owned()).collect();
        let has = |name: &String| !self.without.contains(&name.as_str());
        scenarios.extend(algorithms::on_request().into_iter().filter(has));
        check(&start_with_everything(), command, &scenarios);
    }

    /// Logs in with a key and then with a password, where neither lets in alone.
    #[track_caller]
    pub(crate) fn takes_two_steps(&self, kind: &str) {
        let Some(command) = self.installed() else {
            return;
        };
        let server = match self.offer {
            Offer::Defaults => start(&[]),
            Offer::Everything => start_with_everything(),
        };
        // Clients show this key before the password.
        let line = server.read(&format!("keys/other-{kind}.pub"));
        let (_, users) = server.rest("GET", "/api/v1/user?username=bob", None);
        let denied = ["publickey", "password", "keyboard-interactive"];
        let change = json!({
            "public_keys": [line], "filters": {"denied_login_methods": denied},
        });
        let path = format!("/api/v1/user/{}", users[0]["id"]);
        let (status, answer) = server.rest("PUT", &path, Some(&change));
        assert_eq!(status, 200, "{answer}");
        let scenario = format!("password-after-key:{kind}");
        check(&server, command, &[scenario]);
        let logins = server.log_lines("login");
        let last = logins.last().expect("a login");
        assert_eq!(last["login_type"], "publickey+password", "{logins:?}");
    }

    /// The command, unless the client cannot be had here.
    fn installed(&self) -> Option<Command> {
        let directory = clients().join(self.name);
        if self.name.is_empty() || directory.join("made-from").exists() {
            return Some((self.command)(&directory));
        }
        eprintln!(
            "SKIPPED: {} is not here, see tests/install-clients",
            self.name
        );
        None
    }
}

/// Where `tests/install-clients` put them.
pub(crate) fn clients() -> PathBuf {
    std::env::var("SFTPGO_TEST_CLIENTS")
        .expect("run ./test, which prepares the clients")
        .into()
}

/// A script beside this file.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(name)
}

/// A server with these settings and SCP, which knows `bob`, and the files that clients need.
pub(crate) fn start(settings: &[(&str, &str)]) -> Server {
    let scp = ("SFTPGO_SFTPD__ENABLE_SCP", "true");
    let server = Server::start_with(&[settings, &[scp]].concat());
    fs::create_dir(server.path("keys")).unwrap();
    let mut lines = Vec::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let own = format!("keys/{kind}");
        let stranger = format!("keys/other-{kind}");
        lines.push(make_key(kind, &server.path(&own)));
        make_key(kind, &server.path(&stranger));
        if kind == "ed25519" {
            continue;
        }
        // The old format, which the old clients read: a changed passphrase, from none to none, rewrites the file.
        for key in [own, stranger] {
            let rewrite = ["-q", "-p", "-m", "PEM", "-P", "", "-N", "", "-f", &key];
            run(&server, Command::new("ssh-keygen").args(rewrite)).assert_ok();
        }
    }
    server.add_user("bob", &json!({ "public_keys": lines }));
    fs::write(server.path("data"), noise(1 << 20)).unwrap();
    fs::write(server.path("big"), noise(64 << 20)).unwrap();
    server
}

/// A server that offers whatever it can.
pub(crate) fn start_with_everything() -> Server {
    let settings = algorithms::everything();
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    start(&settings)
}

/// Runs a client through scenarios; each has to pass, but for algorithms that the client does not have.
#[track_caller]
pub(crate) fn check(server: &Server, client: Command, scenarios: &[String]) {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "400"]);
    command.arg(client.get_program()).args(client.get_args());
    for (key, value) in client.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    command
        .args(scenarios)
        .env("PORT", server.sftp_port.to_string());
    let text = run(server, &mut command).text;
    let ended = |how: &str, scenario: &str| {
        let line = format!("{how} {scenario}");
        text.lines().any(|found| found == line)
    };
    let kinds = algorithms::AGREED.map(|list| list.kind);
    let is_algorithm = |scenario: &str| kinds.contains(&scenario.split(':').next().unwrap());
    let failed: Vec<_> = scenarios
        .iter()
        .filter(|scenario| !ended("ok", scenario))
        .filter(|scenario| !(is_algorithm(scenario) && ended("unknown", scenario)))
        .collect();
    assert!(failed.is_empty(), "{failed:?} did not pass:\n{text}");
    let passed = |kind: &&str| {
        let of_kind = |scenario: &&String| scenario.split(':').next() == Some(kind);
        let mut asked = scenarios.iter().filter(of_kind).peekable();
        asked.peek().is_none() || asked.any(|scenario| ended("ok", scenario))
    };
    // A client may have none of a kind that are offered on request, but not of each kind.
    assert!(
        kinds.iter().any(passed),
        "no algorithm was used at all:\n{text}"
    );
}
