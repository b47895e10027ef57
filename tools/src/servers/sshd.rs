//! A private OpenSSH server with `internal-sftp`, beside the system's own and independent of it.

use std::{fs, os::unix::fs::DirBuilderExt, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::{Files, Server, Site, free_port, make_key};

const PROGRAM: &str = "/usr/sbin/sshd";
/// Where sshd locks up the half of it that speaks with strangers; the system makes it when it starts its own.
const EMPTY: &str = "/run/sshd";

/// Whether it can be started, and if not, what is missing.
pub(crate) fn missing() -> Option<String> {
    (!Path::new(PROGRAM).exists())
        .then(|| format!("{PROGRAM} is not installed (Debian: openssh-server)"))
}

/// Starts it for the user who runs this.
pub(crate) fn start(name: &str, site: &Site) -> Result<Server> {
    let state = super::state_directory()?;
    let home = site.scratch.home()?;
    let public_key = make_key(&state.path().join("client"))?;
    make_key(&state.path().join("host"))?;
    fs::write(state.path().join("authorized_keys"), public_key)?;
    let (port, user) = (free_port()?, own_name()?);
    fs::write(
        state.path().join("config"),
        config(state.path(), &home, port, &user),
    )?;
    if rustix::process::geteuid().is_root() && !Path::new(EMPTY).exists() {
        fs::DirBuilder::new().mode(0o755).create(EMPTY)?;
    }

    let mut command = Command::new(PROGRAM);
    command
        .args(["-D", "-e", "-f"])
        .arg(state.path().join("config"));
    let processes = site.launch(command, state.path())?;
    let banner = site.wait_for(port, &processes, state.path())?;
    Ok(Server {
        name: name.to_owned(),
        banner,
        endpoint: site.endpoint(port, &user, state.path().join("client")),
        limited_user: None,
        processes,
        program: None,
        files: Files::below(&home)?,
        _state: Some(state),
    })
}

fn config(state: &Path, home: &Path, port: u16, user: &str) -> String {
    let (state, home) = (state.display(), home.display());
    format!(
        "ListenAddress 127.0.0.1:{port}
HostKey {state}/host
AuthorizedKeysFile {state}/authorized_keys
PidFile none
AllowUsers {user}
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
MaxStartups 2000
Subsystem sftp internal-sftp -d {home}
"
    )
}

fn own_name() -> Result<String> {
    let output = Command::new("id")
        .arg("-un")
        .output()
        .context("id cannot be started")?;
    ensure!(output.status.success(), "id ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
