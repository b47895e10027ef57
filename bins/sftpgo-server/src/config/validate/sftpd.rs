//! Keys of SFTP to settings.

use std::{fs, path::PathBuf, time::Duration};

use sftpgo_core::{
    ErrorKind,
    session::{SetstatMode, UploadMode, UploadPolicy},
};
use sftpgo_ssh::{SshCommand, UserCertificates, host_key};

use super::{Check, TRANSFER_ACTIONS};
use crate::config::{
    keys,
    settings::{SftpBinding, Sftpd, UploadReceipts},
};

/// A year; more is a mistake of units.
const MAX_IDLE_MINUTES: i64 = 365 * 24 * 60;
/// A hundred years; 0 is for ever.
const MOST_RECEIPT_DAYS: i64 = 36_500;
/// As many files as a directory holds without becoming slow.
const MOST_RECEIPTS: i64 = 10_000_000;
/// The most tries for a login that may be configured; each costs a password check.
const MAX_AUTH_TRIES: i64 = 100;
/// The identification line has at most 255 bytes with `SSH-2.0-` and its end.
const MAX_BANNER: usize = 240;
/// Shown on a terminal before every login.
const MAX_LOGIN_BANNER: u64 = 64 * 1024;

/// Commands of SFTPGo 0.9.4 that hand a client's request to a program of the system.
const PROGRAMS_OF_THE_SYSTEM: [&str; 4] = [
    "git-receive-pack",
    "git-upload-pack",
    "git-upload-archive",
    "rsync",
];
/// A name in the list of SSH commands that means what `enable_scp` means.
const SCP: &str = "scp";
/// A name in the list of SSH commands that means all that there are, scp too.
const EVERY_COMMAND: &str = "*";

impl Check<'_> {
    fn sftp_bindings(&mut self, keys: &keys::Sftpd) -> Vec<SftpBinding> {
        if keys.bindings.is_empty() {
            // Port 0 is any here.
            return vec![SftpBinding {
                key: "sftpd".to_owned(),
                endpoint: self.endpoint("sftpd", &keys.bind_address, keys.bind_port),
                goes_by_proxies: true,
            }];
        }
        let mut bindings = Vec::new();
        for (number, binding) in keys.bindings.iter().enumerate() {
            let key = format!("sftpd.bindings[{number}]");
            let endpoint = self.endpoint_of(
                (&format!("{key}.address"), &binding.address),
                (&format!("{key}.port"), binding.port),
            );
            if binding.port != 0 {
                bindings.push(SftpBinding {
                    key,
                    endpoint,
                    goes_by_proxies: binding.apply_proxy_config,
                });
            }
        }
        if bindings.is_empty() {
            self.problem(
                "sftpd.bindings",
                "no binding has a port, and a server without SFTP is not offered",
            );
        }
        bindings
    }

    pub(super) fn sftpd(&mut self, keys: &keys::Sftpd) -> Sftpd {
        let known = sftpgo_ssh::known_names();
        let idle_minutes = self.range("sftpd.idle_timeout", keys.idle_timeout, MAX_IDLE_MINUTES);
        let mode = match self.range("sftpd.upload_mode", keys.upload_mode, 2) {
            0 => UploadMode::Standard,
            1 => UploadMode::Atomic,
            _ => UploadMode::AtomicWithResume,
        };
        Sftpd {
            bindings: self.sftp_bindings(keys),
            idle_timeout: (idle_minutes > 0)
                .then(|| Duration::from_secs(u64::from(idle_minutes) * 60)),
            max_auth_tries: self.range("sftpd.max_auth_tries", keys.max_auth_tries, MAX_AUTH_TRIES),
            password_authentication: keys.password_authentication,
            keyboard_interactive_authentication: keys.keyboard_interactive_authentication,
            umask: self.umask(&keys.umask),
            banner: self.banner(&keys.banner),
            uploads: UploadPolicy {
                mode,
                sync: keys.sync_uploads.unwrap_or(mode != UploadMode::Standard),
            },
            setstat: match self.range("sftpd.setstat_mode", keys.setstat_mode, 1) {
                0 => SetstatMode::Refuse,
                _ => SetstatMode::Ignore,
            },
            actions: self.actions("sftpd", &keys.actions, &TRANSFER_ACTIONS),
            host_keys: self.host_keys(keys),
            host_certificates: self.host_certificates(&keys.host_certificates),
            receipts: keys.receipts,
            upload_receipts: self.upload_receipts(keys),
            enable_scp: keys.enable_scp || names_scp(&keys.enabled_ssh_commands),
            ssh_commands: self.ssh_commands(&keys.enabled_ssh_commands),
            kex_algorithms: self.names("sftpd.kex_algorithms", &keys.kex_algorithms, &known.kex),
            ciphers: self.names("sftpd.ciphers", &keys.ciphers, &known.ciphers),
            macs: self.names("sftpd.macs", &keys.macs, &known.macs),
            host_key_algorithms: self.names(
                "sftpd.host_key_algorithms",
                &keys.host_key_algorithms,
                &known.host_keys,
            ),
            public_key_algorithms: self.names(
                "sftpd.public_key_algorithms",
                &keys.public_key_algorithms,
                &known.public_keys,
            ),
            user_certificates: self.user_certificates(keys),
            login_banner: self.login_banner(&keys.login_banner_file),
        }
    }

    fn upload_receipts(&mut self, keys: &keys::Sftpd) -> Option<UploadReceipts> {
        let days = self.range("sftpd.receipts_days", keys.receipts_days, MOST_RECEIPT_DAYS);
        let most = self.range(
            "sftpd.receipts_per_user",
            keys.receipts_per_user,
            MOST_RECEIPTS,
        );
        let directory = self.path(&keys.receipts_dir)?;
        if most == 0 {
            self.problem(
                "sftpd.receipts_per_user",
                "is 0, and no receipt of an upload could be kept: leave sftpd.receipts_dir empty for that",
            );
        }
        Some(UploadReceipts {
            directory,
            longest: (days > 0).then(|| Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
            most_of_user: usize::try_from(most).unwrap_or(usize::MAX),
        })
    }

    fn umask(&mut self, umask: &str) -> u32 {
        let bits = u32::from_str_radix(umask.strip_prefix("0o").unwrap_or(umask), 8);
        bits.ok().filter(|bits| *bits <= 0o777).unwrap_or_else(|| {
            self.problem(
                "sftpd.umask",
                format_args!("{umask:?} is not octal digits up to \"0777\", such as \"0022\""),
            );
            0
        })
    }

    fn banner(&mut self, banner: &str) -> String {
        if banner.len() > MAX_BANNER || !banner.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            self.problem(
                "sftpd.banner",
                format_args!("must be at most {MAX_BANNER} printable ASCII characters"),
            );
        }
        banner.to_owned()
    }

    fn host_keys(&mut self, sftpd: &keys::Sftpd) -> Vec<PathBuf> {
        let objects = sftpd.keys.iter().map(|key| &key.private_key);
        let mut paths = Vec::new();
        for (key, path) in objects
            .map(|path| ("sftpd.keys", path))
            .chain(sftpd.host_keys.iter().map(|path| ("sftpd.host_keys", path)))
        {
            let Some(path) = self.path(path) else {
                self.problem(key, "the path of a host key must not be empty");
                continue;
            };
            if let Err(error) = host_key::load(&path) {
                self.problem(key, error);
            }
            paths.push(path);
        }
        if sftpd.keys.is_empty()
            && sftpd.host_keys.is_empty()
            && let Err(error) = host_key::load_made(self.host_keys)
        {
            let advice = match error.kind() {
                ErrorKind::PermissionDenied => "",
                _ => "; make it readable for this user, or move it away to have a new one made",
            };
            self.problem("sftpd.keys", format_args!("{error}{advice}"));
        }
        paths
    }

    /// Whether they can be used is found out with the host keys, which may have to be made first.
    fn host_certificates(&mut self, files: &[String]) -> Vec<PathBuf> {
        self.listed_files("sftpd.host_certificates", files)
    }

    /// The files of a list.
    fn listed_files(&mut self, key: &str, files: &[String]) -> Vec<PathBuf> {
        let paths = self.paths(files);
        if paths.len() < files.len() {
            self.problem(key, "the path of a file must not be empty");
        }
        paths
    }

    fn user_certificates(&mut self, sftpd: &keys::Sftpd) -> UserCertificates {
        const AUTHORITIES: &str = "sftpd.trusted_user_ca_keys";
        let authorities = self.listed_files(AUTHORITIES, &sftpd.trusted_user_ca_keys);
        let trusted = UserCertificates::of(authorities).unwrap_or_else(|error| {
            self.problem(AUTHORITIES, error);
            UserCertificates::default()
        });
        let Some(revoked) = self.path(&sftpd.revoked_user_certs_file) else {
            return trusted;
        };
        trusted.without(revoked).unwrap_or_else(|error| {
            self.problem("sftpd.revoked_user_certs_file", error);
            UserCertificates::default()
        })
    }

    fn ssh_commands(&mut self, asked: &[String]) -> Vec<SshCommand> {
        const KEY: &str = "sftpd.enabled_ssh_commands";
        let mut known = SshCommand::ALL.map(SshCommand::name).to_vec();
        known.extend([SCP, EVERY_COMMAND]);
        let (programs, ours): (Vec<_>, Vec<_>) = asked
            .iter()
            .cloned()
            .partition(|name| PROGRAMS_OF_THE_SYSTEM.contains(&name.as_str()));
        for name in programs {
            self.problem(
                KEY,
                format_args!(
                    "{name:?} runs a program of the system, which this server does not offer; leave it out"
                ),
            );
        }
        let names = self.names(KEY, &ours, &known);
        if names.iter().any(|name| name == EVERY_COMMAND) {
            return SshCommand::ALL.to_vec();
        }
        names
            .iter()
            .filter_map(|name| SshCommand::from_name(name))
            .collect()
    }

    fn login_banner(&mut self, file: &str) -> Option<String> {
        let path = self.path(file)?;
        let read = match fs::metadata(&path) {
            Ok(found) if found.len() > MAX_LOGIN_BANNER => {
                Err(format!("has more than {MAX_LOGIN_BANNER} bytes"))
            }
            Ok(_) => fs::read_to_string(&path).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        read.map_err(|reason| {
            self.problem(
                "sftpd.login_banner_file",
                format_args!("{}: {reason}", path.display()),
            );
        })
        .ok()
    }
}

fn names_scp(commands: &[String]) -> bool {
    commands
        .iter()
        .any(|name| name == SCP || name == EVERY_COMMAND)
}
