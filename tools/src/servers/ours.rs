//! Our server, with quota, a limit of sessions, log and metrics on. A second user has limited bandwidth besides.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Files, Server, Site, free_port, make_key, own_settings};

const USER: &str = "bench";
const LIMITED_USER: &str = "bench-limited";
/// KB/s that are never reached.
const BANDWIDTH: u32 = 1_000_000_000;

/// A build of our server, and settings for its environment.
#[derive(Clone)]
pub(crate) struct Program {
    binary: PathBuf,
    settings: Vec<(String, String)>,
}

impl Program {
    pub(crate) fn new(binary: &Path, settings: &[(String, String)]) -> Self {
        Self {
            binary: binary.to_owned(),
            settings: settings.to_vec(),
        }
    }

    /// Serves on loopback from a directory of state, in which `host` is its key.
    pub(crate) fn serve(&self, state: &Path, port: u16, http_port: u16) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("serve");
        for key in own_settings() {
            command.env_remove(key);
        }
        command
            .env("SFTPGO_CONFIG_DIR", state)
            .env("SFTPGO_SFTPD__BIND_ADDRESS", "127.0.0.1")
            .env("SFTPGO_SFTPD__BIND_PORT", port.to_string())
            .env("SFTPGO_SFTPD__KEYS", state.join("host"))
            .env("SFTPGO_HTTPD__BIND_PORT", http_port.to_string())
            .envs(self.settings.iter().map(|(key, value)| (key, value)));
        command
    }
}

/// Starts a binary in a directory of its own, with these settings in its environment.
pub(crate) fn start(
    name: &str,
    binary: &Path,
    settings: &[(String, String)],
    site: &Site,
) -> Result<Server> {
    let state = super::state_directory()?;
    let home = site.scratch.home()?;
    let public_key = make_key(&state.path().join("client"))?;
    make_key(&state.path().join("host"))?;
    let (port, http_port) = (free_port()?, free_port()?);

    let program = Program::new(binary, settings);
    let command = program.serve(state.path(), port, http_port);
    let processes = site.launch(command, state.path())?;
    let banner = site.wait_for(port, &processes, state.path())?;
    site.within(|| {
        add_user(http_port, USER, &home, &public_key, 0)?;
        add_user(http_port, LIMITED_USER, &home, &public_key, BANDWIDTH)
    })?;
    Ok(Server {
        name: name.to_owned(),
        banner,
        endpoint: site.endpoint(port, USER, state.path().join("client")),
        limited_user: Some(LIMITED_USER.to_owned()),
        processes,
        program: Some(program),
        files: Files::below(&home)?,
        _state: Some(state),
    })
}

/// Limits that are never reached, so that they are checked all the time.
fn add_user(
    http_port: u16,
    username: &str,
    home: &Path,
    public_key: &str,
    bandwidth: u32,
) -> Result<()> {
    let user = json!({
        "username": username, "status": 1, "permissions": ["*"], "home_dir": home, "public_keys": [public_key],
        "max_sessions": 100_000, "quota_size": 1_u64 << 50, "quota_files": 1_000_000_000,
        "upload_bandwidth": bandwidth, "download_bandwidth": bandwidth,
    });
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build();
    let mut response = ureq::Agent::from(config)
        .post(format!("http://127.0.0.1:{http_port}/api/v1/user"))
        .content_type("application/json")
        .send(user.to_string())
        .context("its REST API does not answer")?;
    let answer = response.body_mut().read_to_string()?;
    ensure!(
        response.status().is_success(),
        "the user cannot be added: {answer}"
    );
    Ok(())
}

/// Builds the server as it is shipped, but for what cargo is told besides, and answers where the binary is.
pub(crate) fn build(arguments: &[&str]) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--bin",
            "sftpgo-server",
            "--message-format=json-render-diagnostics",
        ])
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started")?;
    ensure!(built.status.success(), "the server does not build");
    let output = String::from_utf8(built.stdout)?;
    let messages = output
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages.filter_map(|message| {
        let is_server = message.pointer("/target/name")? == "sftpgo-server";
        let path = message.pointer("/executable")?.as_str()?;
        is_server.then(|| PathBuf::from(path))
    });
    executables
        .next()
        .context("cargo does not say where the server is")
}
