//! scp's own protocol with OpenSSH's `scp -O` and PuTTY's `pscp -scp`, and the commands beside it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod commands;
mod hostile;
mod rules;
mod transfers;

use std::process::Command;

use serde_json::{Value, json};
use sftpgo_e2e::{Outcome, Server, make_key, run, ssh_options};

/// A server that offers scp, and `bob` with a key.
struct ScpServer {
    server: Server,
    key: String,
}

impl ScpServer {
    fn new() -> Self {
        Self::with(&[], &json!({}))
    }

    fn with(settings: &[(&str, &str)], fields: &Value) -> Self {
        let mut settings = settings.to_vec();
        settings.push(("SFTPGO_SFTPD__ENABLE_SCP", "true"));
        Self::with_settings(&settings, fields)
    }

    /// A server that offers what these settings say.
    fn with_settings(settings: &[(&str, &str)], fields: &Value) -> Self {
        let server = Server::start_with(settings);
        let key = make_key("ed25519", &server.path("key"));
        let scp = Self { server, key };
        scp.add_user("bob", fields);
        std::fs::create_dir_all(scp.server.home("bob")).unwrap();
        scp
    }

    fn add_user(&self, name: &str, fields: &Value) {
        let mut fields = fields.clone();
        fields["public_keys"] = json!([self.key]);
        self.server.add_user(name, &fields);
    }

    /// The options with which OpenSSH logs in.
    fn options(&self) -> Vec<String> {
        let mut options = ssh_options();
        options.extend(
            [
                "-oBatchMode=yes",
                "-oIdentitiesOnly=yes",
                "-i",
                "key",
                &format!("-oPort={}", self.server.sftp_port),
            ]
            .map(str::to_owned),
        );
        options
    }

    /// scp with its own protocol; a leading `@` stands for the server.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("scp");
        command.arg("-O").args(self.options());
        command.args(arguments.iter().map(|argument| {
            argument
                .strip_prefix('@')
                .map_or((*argument).to_owned(), |path| {
                    format!("bob@127.0.0.1:{path}")
                })
        }));
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        run(&self.server, &mut self.command(arguments))
    }

    fn ssh_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command
            .args(self.options())
            .arg("bob@127.0.0.1")
            .args(arguments);
        command
    }
}
