//! The first words to the operator: where everything is, what to worry about, what to type next.

use std::{
    env,
    fmt::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use sftpgo_api::Reach;
use sftpgo_core::admin::SetupCode;
use sftpgo_ssh::HostKey;

use crate::{
    config::{
        LoadedConfig,
        settings::{Driver, Settings},
    },
    listen::HttpAddress,
    logging::LogSettings,
    terminal, version,
};

/// What there is to tell once the ports are open.
pub(crate) struct StartupBanner<'a> {
    /// The addresses of SFTP, at least one.
    pub(crate) sftp: &'a [SocketAddr],
    /// Where HTTP listens; nowhere when it is off.
    pub(crate) http: Vec<&'a HttpAddress>,
    pub(crate) loaded: &'a LoadedConfig,
    pub(crate) settings: &'a Settings,
    pub(crate) log: &'a LogSettings,
    pub(crate) host_keys: &'a [HostKey],
    /// The code by which the first admin is made; none when there is one.
    pub(crate) setup_code: Option<&'a SetupCode>,
}

impl StartupBanner<'_> {
    /// Says it on the terminal; warnings and one line about the start go to the log as well.
    pub(crate) fn say(&self) {
        log::info!(
            version = version::info().version, sftp = listed(self.sftp),
            rest = listed(&self.http);
            "started"
        );
        terminal::say(&self.text());
        for warning in self.warnings() {
            log::warn!("{warning}");
            terminal::complain(&format!("WARNING: {warning}"));
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{} is ready.\n\n", version::line());
        let mut line = |what: &str, is: String| {
            let _ = writeln!(text, "  {what:<10} {is}");
        };
        for address in self.sftp {
            line("SFTP", where_it_listens(*address));
        }
        for rest in self.rest_lines() {
            line("REST API", rest);
        }
        line("config", self.config_line());
        line("database", self.database_line());
        line("log", self.log_line());
        for key in self.host_keys {
            let path = key.path().map(|path| path.display().to_string());
            line(
                "host key",
                format!("{} {}", key.fingerprint(), path.unwrap_or_default()),
            );
        }
        text + "\n" + &self.next_steps()
    }

    fn rest_lines(&self) -> Vec<String> {
        if self.http.is_empty() {
            return vec!["off (httpd.bind_port is 0)".to_owned()];
        }
        let lines = self.http.iter().map(|at| match at {
            HttpAddress::Port { address, is_tls } => {
                let url = url(*address, *is_tls);
                format!("{url}/api/v1, metrics at /metrics")
            }
            HttpAddress::Path(path) => format!("socket {}", path.display()),
        });
        lines.collect()
    }

    fn config_line(&self) -> String {
        match &self.loaded.file {
            Some(file) => file.display().to_string(),
            None => format!("no file in {}, defaults", self.loaded.directory.display()),
        }
    }

    fn database_line(&self) -> String {
        match &self.settings.data_provider.driver {
            Driver::Database(config) => config.connect_options.to_string(),
            Driver::Memory => "in memory".to_owned(),
        }
    }

    fn log_line(&self) -> String {
        match &self.log.file {
            Some(file) => file.display().to_string(),
            None => "standard error".to_owned(),
        }
    }

    fn next_steps(&self) -> String {
        let sftp = self.sftp.first().copied().map(reachable);
        let connect = sftp.map_or_else(String::new, |sftp| {
            format!("sftp -P {} alice@{}", sftp.port(), host(sftp.ip()))
        });
        let port = self.http.iter().find_map(|at| match at {
            HttpAddress::Port { address, is_tls } => Some((*address, *is_tls)),
            HttpAddress::Path(_) => None,
        });
        match port {
            None => format!("Connect with\n  {connect}"),
            Some((rest, is_tls)) => format!(
                "{}Add a user, with a password that you will be asked for:\n  {}\nThen connect:\n  {connect}",
                self.first_admin(rest, is_tls),
                self.add_user(rest, is_tls)
            ),
        }
    }

    /// Returns what to do while nobody has to log in.
    fn first_admin(&self, rest: SocketAddr, is_tls: bool) -> String {
        let Some(code) = self.setup_code else {
            return String::new();
        };
        let (url, code) = (url(rest, is_tls), code.reveal());
        format!(
            "Make the first admin, so that whoever manages users has to log in:\n  {url}/web/setup?code={code}\n"
        )
    }

    fn add_user(&self, rest: SocketAddr, is_tls: bool) -> String {
        let mut command = cli_command().to_owned();
        if is_tls || reachable(rest) != SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)) {
            // Shells take brackets for a pattern.
            let quote = if rest.is_ipv6() { "'" } else { "" };
            let url = url(rest, is_tls);
            let _ = write!(command, " --server {quote}{url}{quote}");
        }
        command += " user add alice";
        if self.settings.data_provider.users_base_dir.is_none() {
            let _ = write!(command, " --home-dir {}", self.example_home().display());
        }
        command
    }

    /// Returns a home that this server can make.
    fn example_home(&self) -> PathBuf {
        if rustix::process::geteuid().is_root() {
            PathBuf::from("/srv/alice")
        } else {
            self.loaded.directory.join("alice")
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<_> = self
            .loaded
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect();
        for rest in &self.http {
            if rest.reach() == Reach::Network && self.setup_code.is_some() {
                warnings.push(if self.settings.httpd.insecure_no_auth {
                    format!(
                        "the REST API listens on {rest} WITHOUT AUTHENTICATION until there is an admin, as httpd.insecure_no_auth \
                         says: everybody who reaches it can manage all users"
                    )
                } else {
                    format!("the REST API on {rest} answers nobody until there is an admin")
                });
            }
        }
        for at in &self.http {
            if let HttpAddress::Port {
                address,
                is_tls: false,
            } = at
                && at.reach() == Reach::Network
            {
                warnings.push(format!(
                    "HTTP listens on {address} without TLS: whoever is on the way can read passwords and change what is sent. \
                     Set httpd.certificate_file and httpd.certificate_key_file, and with httpd.bindings enable_https"
                ));
            }
        }
        if self.settings.data_provider.driver == Driver::Memory {
            warnings
                .push("users are kept in memory: they are gone when the server stops".to_owned());
        }
        warnings
    }
}

fn where_it_listens(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("port {} on every address", address.port())
    } else {
        address.to_string()
    }
}

/// Returns the URL of what listens on `address`, for a client on this machine.
fn url(address: SocketAddr, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{}", reachable(address))
}

/// Returns where a client on this machine reaches what listens on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        (Ipv4Addr::LOCALHOST, address.port()).into()
    } else {
        address
    }
}

/// Lists addresses for a log line and for systemd.
pub(crate) fn listed(addresses: &[impl ToString]) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}

/// Returns the host as sftp takes it: it reads a path behind the first colon that is not in brackets.
fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("'[{address}]'"),
    }
}

/// Cargo sets its variables for what it runs: then the tool may not be built, let alone on the path.
fn cli_command() -> &'static str {
    match env::var_os("CARGO_MANIFEST_DIR") {
        Some(_) if cfg!(debug_assertions) => "cargo run --bin sftpgo-cli --",
        Some(_) => "cargo run --release --bin sftpgo-cli --",
        None => "sftpgo-cli",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_reached_on_loopback() {
        for (address, expected) in [
            ("0.0.0.0:2022", "127.0.0.1:2022"),
            ("[::]:2022", "127.0.0.1:2022"),
            ("[::1]:2022", "[::1]:2022"),
            ("192.0.2.1:8080", "192.0.2.1:8080"),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(reachable(address).to_string(), expected);
        }
    }

    #[test]
    fn an_ipv6_address_is_in_brackets_for_sftp() {
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(host(address), "'[2001:db8::1]'");
        assert_eq!(host(Ipv4Addr::LOCALHOST.into()), "127.0.0.1");
    }
}
