//! `ping`: does the server of a configuration answer? For health checks of containers.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::net::UnixStream,
    path::Path,
    process::ExitCode,
    time::Duration,
};

use ureq::{Agent, http::StatusCode};

use crate::{
    cli::Options,
    config::{
        self,
        settings::{Endpoint, HttpBinding, Place},
    },
    terminal,
};

/// A server that takes longer is of no use to clients either.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks once. The exit code is the answer; on failure standard error has the reason.
pub(crate) fn run(options: &Options) -> ExitCode {
    let loaded = config::load(
        &options.config_dir,
        &options.config_file,
        std::env::vars_os(),
    );
    let asked = match loaded.settings() {
        Err(problems) => Err(config::complaint(problems)),
        Ok(settings) => match settings.httpd.bindings.first() {
            None => Err("error: httpd.bind_port is 0, so there is nobody to ask".to_owned()),
            Some(binding) => ask(binding).map_err(|reason| format!("error: {reason}")),
        },
    };
    match asked {
        Ok(()) => {
            terminal::say("ok");
            ExitCode::SUCCESS
        }
        Err(complaint) => {
            terminal::complain(complaint.trim_end());
            ExitCode::FAILURE
        }
    }
}

fn ask(binding: &HttpBinding) -> Result<(), String> {
    match &binding.place {
        Place::Port(endpoint) => ask_port(&url(endpoint)),
        Place::Path(path) => ask_socket(path),
    }
}

/// A Unix socket, which ureq does not speak to.
fn ask_socket(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let asked = UnixStream::connect(path).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; "HTTP/1.1 200".len()];
        stream.read_exact(&mut status)?;
        Ok(status)
    });
    match asked {
        Ok(status) if &status == b"HTTP/1.1 200" => Ok(()),
        Ok(status) => Err(format!("{shown} answers {}", status.escape_ascii())),
        Err(error) => Err(format!("{shown} does not answer: {error}")),
    }
}

fn ask_port(url: &str) -> Result<(), String> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        // The server is here: a proxy would not find it.
        .proxy(None)
        .build()
        .into();
    let answer = agent
        .get(url)
        .call()
        .map_err(|error| format!("{url} does not answer: {error}"))?;
    if answer.status() == StatusCode::OK {
        return Ok(());
    }
    Err(format!("{url} answers {}", answer.status()))
}

/// What listens on every address is asked on loopback.
fn url(endpoint: &Endpoint) -> String {
    let Endpoint { address, port } = endpoint;
    match address.parse() {
        Ok(IpAddr::V6(v6)) if v6 != Ipv6Addr::UNSPECIFIED => {
            format!("http://[{v6}]:{port}/healthz")
        }
        Ok(IpAddr::V4(v4)) if v4 != Ipv4Addr::UNSPECIFIED => format!("http://{v4}:{port}/healthz"),
        Err(_) if !address.is_empty() => format!("http://{address}:{port}/healthz"),
        _ => format!("http://127.0.0.1:{port}/healthz"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_on_loopback() {
        for (address, host) in [
            ("", "127.0.0.1"),
            ("0.0.0.0", "127.0.0.1"),
            ("::", "127.0.0.1"),
            ("::1", "[::1]"),
            ("192.0.2.1", "192.0.2.1"),
            ("sftp.example.org", "sftp.example.org"),
        ] {
            let endpoint = Endpoint {
                address: address.to_owned(),
                port: 8080,
            };
            assert_eq!(url(&endpoint), format!("http://{host}:8080/healthz"));
        }
    }
}
