//! Keys of hooks, and of how programs are run and URLs called, to settings.

use std::{ffi::OsString, fs, path::PathBuf, time::Duration};

use ureq::tls::{Certificate, ClientCert};

use super::{Check, is_http, why_not_executable};
use crate::{
    config::keys,
    hook::{
        Hook, Program, Programs,
        http::{ClientSettings, Header, certificates_of, identity_of},
    },
};

/// The longest time limit of a program, in seconds, as in SFTPGo.
const LONGEST_PROGRAM: i64 = 300;
/// The longest time limit of a call, and between two tries, in seconds.
const LONGEST_CALL: i64 = 300;
/// A call may be tried so often again.
const MOST_RETRIES: i64 = 20;

impl Check<'_> {
    /// A URL or the absolute path of a program; none when it is empty.
    pub(super) fn hook(&mut self, key: &str, value: &str) -> Option<Hook> {
        if value.is_empty() {
            return None;
        }
        if value.starts_with("http") {
            if !is_http(value) {
                self.problem(
                    key,
                    format_args!("{value:?} is not an http:// or https:// URL"),
                );
            }
            return Some(Hook::Url(value.to_owned()));
        }
        let path = PathBuf::from(value);
        if path.is_relative() {
            self.problem(
                key,
                format_args!("{value:?} is neither a URL nor the absolute path of a program"),
            );
        } else if let Some(reason) = why_not_executable(&path) {
            self.problem(key, reason);
        }
        Some(Hook::Program(path))
    }

    pub(super) fn programs(&mut self, keys: &keys::Command) -> Programs {
        let programs = keys.commands.iter().enumerate().map(|(number, keys)| {
            let key = |name: &str| format!("command.commands[{number}].{name}");
            if PathBuf::from(&keys.path).is_relative() {
                self.problem(
                    &key("path"),
                    format_args!("{:?} is not an absolute path", keys.path),
                );
            }
            if !keys.hook.is_empty() && !Programs::HOOKS.contains(&keys.hook.as_str()) {
                self.problem(
                    &key("hook"),
                    format_args!(
                        "{:?} is not one of {}",
                        keys.hook,
                        Programs::HOOKS.join(", ")
                    ),
                );
            }
            let timeout = self.range(&key("timeout"), keys.timeout, LONGEST_PROGRAM);
            Program {
                path: PathBuf::from(&keys.path),
                hook: (!keys.hook.is_empty()).then(|| keys.hook.clone()),
                time_limit: (timeout > 0).then(|| Duration::from_secs(timeout.into())),
                environment: self.variables(&key("env"), &keys.env),
                arguments: keys.args.iter().map(OsString::from).collect(),
            }
        });
        let programs = programs.collect();
        if keys.timeout < 1 {
            self.problem(
                "command.timeout",
                format_args!("{} is less than 1", keys.timeout),
            );
        }
        let timeout = self.range("command.timeout", keys.timeout.max(1), LONGEST_PROGRAM);
        Programs {
            time_limit: Duration::from_secs(timeout.into()),
            environment: self.variables("command.env", &keys.env),
            programs,
        }
    }

    fn variables(&mut self, key: &str, variables: &[String]) -> Vec<(OsString, OsString)> {
        let pairs = variables.iter().filter_map(|text| {
            let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
            if pair.is_none() || text.contains('\0') {
                self.problem(key, format_args!("{text:?} is not NAME=VALUE"));
            }
            pair.map(|(name, value)| (name.into(), value.into()))
        });
        pairs.collect()
    }

    pub(super) fn http_client(&mut self, keys: &keys::Http) -> ClientSettings {
        let longest = LONGEST_CALL as f64;
        let timeout = if keys.timeout > 0.0 && keys.timeout <= longest {
            keys.timeout
        } else {
            self.problem(
                "http.timeout",
                format_args!("{} is not between 0 and {LONGEST_CALL}", keys.timeout),
            );
            longest
        };
        let mut seconds = |key: &str, value| {
            let seconds = self.range(key, value, LONGEST_CALL);
            Duration::from_secs(seconds.into())
        };
        let shortest_pause = seconds("http.retry_wait_min", keys.retry_wait_min);
        let longest_pause = seconds("http.retry_wait_max", keys.retry_wait_max);
        if longest_pause < shortest_pause {
            self.problem("http.retry_wait_max", "is less than http.retry_wait_min");
        }
        ClientSettings {
            time_limit: Duration::from_secs_f64(timeout),
            shortest_pause,
            longest_pause,
            retries: self.range("http.retry_max", keys.retry_max, MOST_RETRIES),
            authorities: self.authorities(&keys.ca_certificates),
            identity: self.identity(keys),
            verifies: !keys.skip_tls_verify,
            headers: self.headers(keys),
        }
    }

    fn authorities(&mut self, files: &[String]) -> Vec<Certificate<'static>> {
        let mut all = Vec::new();
        for path in self.paths(files) {
            let read = fs::read(&path).map_err(|error| error.to_string());
            match read.and_then(|pem| certificates_of(&pem)) {
                Ok(certificates) => all.extend(certificates),
                Err(reason) => self.problem(
                    "http.ca_certificates",
                    format_args!("{}: {reason}", path.display()),
                ),
            }
        }
        all
    }

    fn identity(&mut self, keys: &keys::Http) -> Option<ClientCert> {
        let [keys] = keys.certificates.as_slice() else {
            if keys.certificates.len() > 1 {
                self.problem("http.certificates", "has more than one");
            }
            return None;
        };
        let mut read = |name: &str, file: &str| {
            let path = self.path(file).unwrap_or_default();
            let read = fs::read(&path);
            if let Err(error) = &read {
                self.problem(
                    &format!("http.certificates[0].{name}"),
                    format_args!("{}: {error}", path.display()),
                );
            }
            read.ok()
        };
        let (certificates, key) = (read("cert", &keys.cert), read("key", &keys.key));
        let identity = identity_of(&certificates?, &key?);
        identity
            .inspect_err(|reason| self.problem("http.certificates[0]", reason))
            .ok()
    }

    fn headers(&mut self, keys: &keys::Http) -> Vec<Header> {
        let headers = keys.headers.iter().enumerate();
        let headers = headers.filter_map(|(number, keys)| {
            let header = Header::new(&keys.key, &keys.value, &keys.url);
            if header.is_none() {
                self.problem(
                    &format!("http.headers[{number}]"),
                    "is not a header's name and value",
                );
            }
            header
        });
        headers.collect()
    }
}
