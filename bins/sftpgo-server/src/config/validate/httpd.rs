//! Keys of HTTP to settings.

mod tls;

use std::{fs, path::PathBuf, time::Duration};

use sftpgo_api::{BindingOptions, Proxies, StrictTransport, TokenSettings};
use sftpgo_core::network::{Network, Networks};
use sftpgo_proxy_protocol::Policy;

use super::Check;
use crate::config::{
    keys,
    settings::{HttpBinding, Httpd, Place},
};
use crate::user_file::UserFile;

/// The number of addresses that can stand behind a client's in a header, each of which a proxy of one's own added.
const MAX_DEPTH: i64 = 100;
/// The longest that a token may last, in minutes; as in SFTPGo, half a day.
const MAX_TOKEN_MINUTES: i64 = 720;
/// The name of the header of RFC 7239, which is more than a list of addresses.
const FORWARDED: &str = "forwarded";

impl Check<'_> {
    /// A binding with `proxy_mode` 1 goes by `proxies`.
    pub(super) fn httpd(&mut self, keys: &keys::Httpd, proxies: &Policy) -> Httpd {
        let bindings = if keys.bindings.is_empty() {
            self.old_binding(keys).into_iter().collect()
        } else {
            let bindings = keys.bindings.iter().enumerate();
            bindings
                .filter_map(|(number, binding)| {
                    let key = format!("httpd.bindings[{number}]");
                    let mut made = self.binding(key, binding, keys)?;
                    if binding.proxy_mode == 1 {
                        made.options.proxy_protocol = proxies.clone();
                    }
                    Some(made)
                })
                .collect()
        };
        Httpd {
            allowed_hosts: self.allowed_hosts(keys),
            bindings,
            insecure_no_auth: keys.insecure_no_auth,
            auth_user_file: self.auth_user_file(&keys.auth_user_file),
            tokens: self.tokens(keys),
        }
    }

    fn auth_user_file(&mut self, configured: &str) -> Option<PathBuf> {
        let path = self.path(configured)?;
        if let Err(why) = UserFile::open(&path) {
            self.problem(
                "httpd.auth_user_file",
                format_args!("{}: {why}", path.display()),
            );
        }
        Some(path)
    }

    fn tokens(&mut self, keys: &keys::Httpd) -> TokenSettings {
        let mut tokens = TokenSettings::default();
        let validation = self.range("httpd.token_validation", keys.token_validation, 3);
        tokens.validation = u8::try_from(validation).unwrap_or_default();
        match self.range("httpd.jwt_lifetime", keys.jwt_lifetime, MAX_TOKEN_MINUTES) {
            0 => self.problem("httpd.jwt_lifetime", "must be one minute at least"),
            minutes => tokens.lifetime = Duration::from_secs(60 * u64::from(minutes)),
        }
        if let Some(passphrase) = self.signing_passphrase(keys) {
            tokens = tokens.signed_with(&passphrase);
        }
        tokens
    }

    /// The file wins, as in SFTPGo.
    fn signing_passphrase(&mut self, keys: &keys::Httpd) -> Option<String> {
        let Some(path) = self.path(&keys.signing_passphrase_file) else {
            let passphrase = &keys.signing_passphrase;
            return (!passphrase.is_empty()).then(|| passphrase.clone());
        };
        let read = fs::read_to_string(&path).map_err(|error| error.to_string());
        let passphrase = read.map(|text| text.trim().to_owned()).and_then(|text| {
            if text.is_empty() {
                Err("is empty".to_owned())
            } else {
                Ok(text)
            }
        });
        passphrase
            .map_err(|reason| {
                self.problem(
                    "httpd.signing_passphrase_file",
                    format_args!("{}: {reason}", path.display()),
                );
            })
            .ok()
    }

    /// Returns the binding as SFTPGo 0.9 and 1.x have it, which listen at one place.
    fn old_binding(&mut self, keys: &keys::Httpd) -> Option<HttpBinding> {
        let place = if keys.bind_address.starts_with('/') {
            self.range("httpd.bind_port", keys.bind_port, u16::MAX.into());
            Place::Path(PathBuf::from(&keys.bind_address))
        } else {
            Place::Port(self.endpoint("httpd", &keys.bind_address, keys.bind_port))
        };
        let mut options = BindingOptions::default();
        options.tls = self.old_tls(keys);
        (keys.bind_port != 0).then(|| HttpBinding {
            key: "httpd".to_owned(),
            place,
            options,
        })
    }

    /// Returns a binding; none when it is switched off.
    fn binding(
        &mut self,
        key: String,
        keys: &keys::HttpBinding,
        all: &keys::Httpd,
    ) -> Option<HttpBinding> {
        let of = |name: &str| format!("{key}.{name}");
        let is_path = keys.address.starts_with('/');
        let place = if is_path {
            self.range(&of("port"), keys.port, u16::MAX.into());
            Place::Path(PathBuf::from(&keys.address))
        } else {
            Place::Port(self.endpoint_of((&of("address"), &keys.address), (&of("port"), keys.port)))
        };
        self.range(&of("proxy_mode"), keys.proxy_mode, 1);
        self.unsupported_of_binding(&key, keys);
        let mut options = BindingOptions::default();
        options.tls = self.tls(&key, keys, all);
        options.proxies = self.proxies(&key, keys);
        options.serves_rest = keys.enable_rest_api;
        options.serves_web = keys.enable_web_admin;
        options.serves_openapi = keys.render_openapi;
        if keys.security.enabled {
            self.security(&of("security"), &keys.security, &mut options);
        }
        (is_path || keys.port != 0).then_some(HttpBinding {
            key,
            place,
            options,
        })
    }

    fn proxies(&mut self, key: &str, keys: &keys::HttpBinding) -> Proxies {
        let of = |name: &str| format!("{key}.{name}");
        let mut proxies = Proxies::at(self.networks(&of("proxy_allowed"), &keys.proxy_allowed));
        let depth = self.range(
            &of("client_ip_header_depth"),
            keys.client_ip_header_depth,
            MAX_DEPTH,
        );
        let header = &keys.client_ip_proxy_header;
        if header.eq_ignore_ascii_case(FORWARDED) {
            self.problem(
                &of("client_ip_proxy_header"),
                "the header Forwarded is not read: have the proxy send X-Forwarded-For or X-Real-IP, and name that one",
            );
        } else if !header.is_empty() {
            let depth = usize::try_from(depth).unwrap_or_default();
            match proxies.clone().with_client_header(header, depth) {
                Ok(with_header) => proxies = with_header,
                Err(error) => self.problem(&of("client_ip_proxy_header"), error),
            }
        }
        if keys.security.enabled {
            for header in &keys.security.https_proxy_headers {
                match proxies
                    .clone()
                    .with_encrypted_header(&header.key, &header.value)
                {
                    Ok(with_header) => proxies = with_header,
                    Err(error) => self.problem(&of("security.https_proxy_headers"), error),
                }
            }
        }
        proxies
    }

    fn security(&mut self, key: &str, keys: &keys::Security, options: &mut BindingOptions) {
        let of = |name: &str| format!("{key}.{name}");
        let seconds = self.range(&of("sts_seconds"), keys.sts_seconds, i64::from(u32::MAX));
        if seconds > 0 {
            options.set_strict_transport(StrictTransport {
                seconds: seconds.into(),
                include_subdomains: keys.sts_include_subdomains,
                preload: keys.sts_preload,
            });
        }
        let nosniff = if keys.content_type_nosniff {
            "nosniff"
        } else {
            ""
        };
        for (name, header, value) in [
            ("content_type_nosniff", "x-content-type-options", nosniff),
            (
                "content_security_policy",
                "content-security-policy",
                &keys.content_security_policy,
            ),
            (
                "permissions_policy",
                "permissions-policy",
                &keys.permissions_policy,
            ),
            (
                "cross_origin_opener_policy",
                "cross-origin-opener-policy",
                &keys.cross_origin_opener_policy,
            ),
            (
                "cross_origin_resource_policy",
                "cross-origin-resource-policy",
                &keys.cross_origin_resource_policy,
            ),
            (
                "cross_origin_embedder_policy",
                "cross-origin-embedder-policy",
                &keys.cross_origin_embedder_policy,
            ),
            ("cache_control", "cache-control", &keys.cache_control),
            ("referrer_policy", "referrer-policy", &keys.referrer_policy),
        ] {
            if !value.is_empty()
                && let Err(error) = options.add_header(header, value)
            {
                self.problem(&of(name), error);
            }
        }
    }

    /// Refuses what this server does not do where leaving it out would let in who should stay out.
    fn unsupported_of_binding(&mut self, key: &str, keys: &keys::HttpBinding) {
        let of = |name: &str| format!("{key}.{name}");
        if !keys.oidc.config_url.is_empty() {
            self.planned(&of("oidc.config_url"), "logins by OpenID Connect", "\"\"");
        }
        if keys.disabled_login_methods != 0 {
            self.planned(
                &of("disabled_login_methods"),
                "switching ways to log in off",
                "0",
            );
        }
        let security = &keys.security;
        if security.enabled && security.https_redirect {
            self.planned(
                &of("security.https_redirect"),
                "sending browsers from http to https",
                "false",
            );
        }
        if security.enabled && security.allowed_hosts_are_regex {
            self.problem(
                &of("security.allowed_hosts_are_regex"),
                "names of hosts are not taken as patterns here: write them out in security.allowed_hosts",
            );
        }
    }

    /// Returns the names by which the API may be reached: whoever lets it listen on a name means to reach it by that name.
    fn allowed_hosts(&mut self, keys: &keys::Httpd) -> Vec<String> {
        let bindings = keys.bindings.iter();
        let of_security = bindings
            .clone()
            .filter(|binding| binding.security.enabled && !binding.security.allowed_hosts_are_regex)
            .flat_map(|binding| &binding.security.allowed_hosts);
        let of_security = of_security.map(|name| ("httpd.bindings", name));
        let own = keys.allowed_hosts.iter();
        let named = own.map(|name| ("httpd.allowed_hosts", name));
        let mut allowed = Vec::new();
        for (key, name) in named.chain(of_security) {
            if !is_host_name(name) {
                self.problem(
                    key,
                    format_args!(
                        "{name:?} is not the name of a host, such as \"sftp.example.org\": without scheme, port and *"
                    ),
                );
            }
            allowed.push(name.clone());
        }
        let addresses = bindings.map(|binding| &binding.address);
        let addresses = addresses.chain([&keys.bind_address]);
        allowed.extend(addresses.filter(|name| is_host_name(name)).cloned());
        allowed
    }

    pub(super) fn networks(&mut self, key: &str, texts: &[String]) -> Networks {
        let networks = texts
            .iter()
            .filter_map(|text| match text.parse::<Network>() {
                Ok(network) => Some(network),
                Err(error) => {
                    self.problem(key, error);
                    None
                }
            });
        networks.collect()
    }
}

fn is_host_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
