//! `ping`: does the server of a configuration answer? For health checks of containers.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::net::UnixStream,
    path::Path,
    process::ExitCode,
    time::Duration,
};

use sftpgo_proxy_protocol::Mode;
use ureq::{Agent, http::StatusCode, tls::TlsConfig};

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
    let loaded = options.load();
    let asked = match loaded.settings() {
        Err(problems) => Err(config::complaint(problems)),
        Ok(settings) => {
            ask_first(&settings.httpd.bindings).map_err(|reason| format!("error: {reason}"))
        }
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

/// Asks the first binding that wants neither a certificate nor a PROXY header of its clients.
fn ask_first(bindings: &[HttpBinding]) -> Result<(), String> {
    if bindings.is_empty() {
        return Err("httpd.bind_port is 0, so there is nobody to ask".to_owned());
    }
    let mut bindings = bindings.iter().filter(|binding| {
        let tls = binding.options.tls.as_ref();
        !tls.is_some_and(|tls| tls.asks_for_certificates())
            && binding.options.proxy_protocol.mode != Mode::Required
    });
    match bindings.next() {
        Some(binding) => ask(binding),
        None => Err(
            "every binding wants a certificate or a PROXY header of its clients, and this command has none: add a binding on loopback"
                .to_owned(),
        ),
    }
}

fn ask(binding: &HttpBinding) -> Result<(), String> {
    match &binding.place {
        Place::Port(endpoint) => ask_port(endpoint, binding.options.tls.is_some()),
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

fn ask_port(endpoint: &Endpoint, is_tls: bool) -> Result<(), String> {
    let host = host(endpoint);
    let scheme = if is_tls { "https" } else { "http" };
    let url = format!("{scheme}://{host}:{}/healthz", endpoint.port);
    // The certificate is for the names that clients use, and nobody is between this machine and itself.
    let is_loopback = host
        .trim_matches(['[', ']'])
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    let tls = TlsConfig::builder().disable_verification(is_loopback || host == "localhost");
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        // The server is here: a proxy would not find it.
        .proxy(None)
        .tls_config(tls.build())
        .build()
        .into();
    let answer = agent
        .get(&url)
        .call()
        .map_err(|error| format!("{url} does not answer: {error}"))?;
    if answer.status() == StatusCode::OK {
        return Ok(());
    }
    Err(format!("{url} answers {}", answer.status()))
}

/// Returns the host as it stands in a URL. What listens on every address is asked on loopback.
fn host(endpoint: &Endpoint) -> String {
    let address = &endpoint.address;
    match address.parse() {
        Ok(IpAddr::V6(v6)) if v6 != Ipv6Addr::UNSPECIFIED => format!("[{v6}]"),
        Ok(IpAddr::V4(v4)) if v4 != Ipv4Addr::UNSPECIFIED => v4.to_string(),
        Err(_) if !address.is_empty() => address.clone(),
        _ => Ipv4Addr::LOCALHOST.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_on_loopback() {
        for (address, expected) in [
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
            assert_eq!(host(&endpoint), expected);
        }
    }
}
