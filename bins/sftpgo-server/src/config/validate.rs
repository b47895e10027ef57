//! Keys to settings; every value that is not acceptable is told by its key.

mod audit;
mod defender;
mod hooks;
mod httpd;
mod mfa;
mod rate_limiters;
mod sftpd;

use std::{
    fmt::Display,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use sftpgo_core::quota::Tracking;
use sftpgo_proxy_protocol::{Mode, Policy};
use ureq::http::Uri;

use super::{
    Problem, keys,
    settings::{Actions, Common, DataProvider, Endpoint, Settings},
};

/// The actions on what a file or a client does.
const TRANSFER_ACTIONS: [&str; 4] = ["download", "upload", "delete", "rename"];
/// An action that SFTPGo has since 0.9.5.
const SSH_COMMAND_ACTION: &str = "ssh_cmd";
/// The actions on what is done to a user.
const USER_ACTIONS: [&str; 3] = ["add", "update", "delete"];
/// The settings that `keys` describe, with relative paths from `directory`, and the server's own host keys in `host_keys`.
pub(super) fn validate(
    keys: &keys::Keys,
    directory: &Path,
    host_keys: &Path,
) -> Result<Settings, Vec<Problem>> {
    let mut check = Check {
        directory,
        host_keys,
        problems: Vec::new(),
    };
    check.unsupported(keys);
    let common = check.common(&keys.common, &keys.sftpd);
    let settings = Settings {
        sftpd: check.sftpd(&keys.sftpd),
        data_provider: check.data_provider(&keys.data_provider),
        httpd: check.httpd(&keys.httpd, &common.proxies),
        totp: check.totp(&keys.mfa),
        programs: check.programs(&keys.command),
        http: check.http_client(&keys.http),
        common,
    };
    if check.problems.is_empty() {
        Ok(settings)
    } else {
        Err(check.problems)
    }
}

/// Goes on after a problem, so that all are told at once; what it returns then is never used.
pub(super) struct Check<'a> {
    directory: &'a Path,
    host_keys: &'a Path,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn common(&mut self, keys: &keys::Common, old: &keys::Sftpd) -> Common {
        let proxies = self.proxy_protocol(keys, old);
        let defender = self.defender(&keys.defender);
        let audit = self.audit(&keys.audit);
        let mut hook = |name: &str, value: &str| self.hook(&format!("common.{name}"), value);
        let startup_hook = hook("startup_hook", &keys.startup_hook);
        let post_connect_hook = hook("post_connect_hook", &keys.post_connect_hook);
        let post_disconnect_hook = hook("post_disconnect_hook", &keys.post_disconnect_hook);
        let rate_limits = self.rate_limits(&keys.rate_limiters);
        let allow_list_only = self.range("common.allowlist_status", keys.allowlist_status, 1) == 1;
        let mut connections = |key: &str, value| {
            let most = self.range(key, value, i64::from(i32::MAX));
            usize::try_from(most).unwrap_or(usize::MAX)
        };
        Common {
            max_total_connections: connections(
                "common.max_total_connections",
                keys.max_total_connections,
            ),
            max_per_host_connections: connections(
                "common.max_per_host_connections",
                keys.max_per_host_connections,
            ),
            proxies,
            allow_list_only,
            startup_hook,
            post_connect_hook,
            post_disconnect_hook,
            rate_limits,
            sources: defender::sources(&keys.defender),
            confine_to: self.paths(&keys.confine_to),
            defender,
            audit,
        }
    }

    /// `sftpd` has it in SFTPGo 0.9.6 and 1.0, `common` since then.
    fn proxy_protocol(&mut self, keys: &keys::Common, old: &keys::Sftpd) -> Policy {
        let new = self.range("common.proxy_protocol", keys.proxy_protocol, 2);
        let old_mode = self.range("sftpd.proxy_protocol", old.proxy_protocol, 2);
        let (mode, allowed) = if new == 0 {
            (old_mode, ("sftpd.proxy_allowed", &old.proxy_allowed))
        } else {
            (new, ("common.proxy_allowed", &keys.proxy_allowed))
        };
        Policy {
            mode: match mode {
                0 => Mode::Off,
                1 => Mode::Optional,
                _ => Mode::Required,
            },
            allowed: self.networks(allowed.0, allowed.1),
            skipped: self.networks("common.proxy_skipped", &keys.proxy_skipped),
        }
    }

    fn data_provider(&mut self, keys: &keys::DataProvider) -> DataProvider {
        if keys.users_table != "users" {
            self.problem(
                "data_provider.users_table",
                format_args!(
                    "{:?} cannot be used: the table is always users",
                    keys.users_table
                ),
            );
        }
        DataProvider {
            driver: self.driver(keys),
            manage_users: self.range("data_provider.manage_users", keys.manage_users, 1) == 1,
            tracking: match self.range("data_provider.track_quota", keys.track_quota, 2) {
                0 => Tracking::Off,
                1 => Tracking::All,
                _ => Tracking::Limited,
            },
            users_base_dir: self.path(&keys.users_base_dir),
            rehash_on_login: keys.rehash_on_login,
            create_default_admin: keys.create_default_admin,
            actions: self.actions("data_provider", &keys.actions, &USER_ACTIONS),
        }
    }

    fn endpoint(&mut self, section: &str, configured: &str, port: i64) -> Endpoint {
        self.endpoint_of(
            (&format!("{section}.bind_address"), configured),
            (&format!("{section}.bind_port"), port),
        )
    }

    /// Returns an address and a port, each of which is given with its key.
    fn endpoint_of(&mut self, configured: (&str, &str), port: (&str, i64)) -> Endpoint {
        let (key, configured) = configured;
        let address = without_brackets(configured);
        if address.contains(|c: char| c.is_whitespace() || c.is_control() || "[]/".contains(c)) {
            self.problem(
                key,
                format_args!("{configured:?} is not an address; empty is every address"),
            );
        }
        let port = self.range(port.0, port.1, u16::MAX.into());
        Endpoint {
            address: address.to_owned(),
            port: u16::try_from(port).unwrap_or_default(),
        }
    }

    fn actions(&mut self, section: &str, keys: &keys::Actions, known: &[&str]) -> Actions {
        let key = |name: &str| format!("{section}.actions.{name}");
        let command = self.path(&keys.command);
        if let Some(reason) = command.as_deref().and_then(why_not_executable) {
            self.problem(&key("command"), reason);
        }
        let url = &keys.http_notification_url;
        if !url.is_empty() && !is_http(url) {
            self.problem(
                &key("http_notification_url"),
                format_args!("{url:?} is not an http:// or https:// URL"),
            );
        }
        if keys
            .execute_on
            .iter()
            .any(|name| name == SSH_COMMAND_ACTION)
        {
            self.planned(
                &key("execute_on"),
                "actions after an SSH command (\"ssh_cmd\")",
                "a list without it",
            );
        }
        let execute_on: Vec<_> = keys
            .execute_on
            .iter()
            .filter(|name| *name != SSH_COMMAND_ACTION)
            .cloned()
            .collect();
        Actions {
            execute_on: self.names(&key("execute_on"), &execute_on, known),
            command,
            url: (!url.is_empty()).then(|| url.clone()),
        }
    }

    fn names(&mut self, key: &str, asked: &[String], known: &[&str]) -> Vec<String> {
        for name in asked.iter().filter(|name| !known.contains(&name.as_str())) {
            self.problem(
                key,
                format_args!("{name:?} is not one of {}", known.join(", ")),
            );
        }
        asked.to_vec()
    }

    pub(super) fn range(&mut self, key: &str, value: i64, most: i64) -> u32 {
        match u32::try_from(value) {
            Ok(fits) if value <= most => fits,
            _ => {
                self.problem(key, format_args!("{value} is not between 0 and {most}"));
                0
            }
        }
    }

    /// Absolute; none when it is empty.
    pub(super) fn path(&self, path: &str) -> Option<PathBuf> {
        (!path.is_empty()).then(|| self.directory.join(path))
    }

    /// The same of a list, without those that are empty.
    pub(super) fn paths(&self, paths: &[String]) -> Vec<PathBuf> {
        paths.iter().filter_map(|path| self.path(path)).collect()
    }

    pub(super) fn problem(&mut self, key: &str, reason: impl Display) {
        self.problems.push(Problem::new(key, reason.to_string()));
    }
}

/// SFTPGo 0.9.x puts a colon and the port behind the address, and so needs `[::1]`.
fn without_brackets(address: &str) -> &str {
    address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|inner| !inner.is_empty())
        .unwrap_or(address)
}

fn why_not_executable(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Err(error) => Some(format!("{}: {error}", path.display())),
        Ok(found) if !found.is_file() || found.permissions().mode() & 0o111 == 0 => {
            Some(format!("{} is not an executable file", path.display()))
        }
        Ok(_) => None,
    }
}

fn is_http(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    })
}
