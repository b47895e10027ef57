//! Keys of HTTP, with the shape that SFTPGo 2.x gives its bindings.

use serde::{Deserialize, Deserializer, Serialize, de};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Httpd {
    /// Of SFTPGo since 2.0. Where there are any, `bind_port` and `bind_address` mean nothing.
    pub(crate) bindings: Vec<HttpBinding>,
    pub(crate) bind_port: i64,
    pub(crate) bind_address: String,
    /// Not in SFTPGo.
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) templates_path: String,
    pub(crate) static_files_path: String,
    /// Of SFTPGo 0.9.5; says where files would lie that this server does not write.
    pub(crate) backups_path: String,
    /// Of SFTPGo 0.9.6.
    pub(crate) auth_user_file: String,
    /// Of SFTPGo 0.9.6. Both or none.
    pub(crate) certificate_file: String,
    pub(crate) certificate_key_file: String,
    /// Of SFTPGo 2.x.
    pub(crate) ca_certificates: Vec<String>,
    /// Of SFTPGo 2.x.
    pub(crate) ca_revocation_lists: Vec<String>,
    /// Not in SFTPGo: REST 1.2.0 is open on every address until there is an admin.
    pub(crate) insecure_no_auth: bool,
    /// Of SFTPGo 2.x: 1 for tokens from any address, 2 for tokens of the same admin.
    pub(crate) token_validation: i64,
    /// Minutes, of SFTPGo 2.x.
    pub(crate) jwt_lifetime: i64,
    /// Of SFTPGo 2.x: servers that share it take each other's tokens.
    pub(crate) signing_passphrase: String,
    /// Of SFTPGo 2.x: the same in a file.
    pub(crate) signing_passphrase_file: String,
}

/// One place to listen at, as SFTPGo 2.x has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HttpBinding {
    /// A name, an address, or the path of a Unix socket.
    pub(crate) address: String,
    /// 0 is none, but for a Unix socket, which has no port.
    pub(crate) port: i64,
    pub(crate) enable_web_admin: bool,
    /// Without effect: there is no web client.
    pub(crate) enable_web_client: bool,
    pub(crate) enable_rest_api: bool,
    pub(crate) disabled_login_methods: i64,
    pub(crate) enable_https: bool,
    pub(crate) certificate_file: String,
    pub(crate) certificate_key_file: String,
    /// 12 or 13, perhaps as text.
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) min_tls_version: i64,
    pub(crate) client_auth_type: i64,
    pub(crate) tls_cipher_suites: Vec<String>,
    pub(crate) tls_protocols: Vec<String>,
    pub(crate) proxy_mode: i64,
    pub(crate) proxy_allowed: Vec<String>,
    pub(crate) client_ip_proxy_header: String,
    pub(crate) client_ip_header_depth: i64,
    /// Without effect: there is no web client to link to.
    pub(crate) hide_login_url: i64,
    pub(crate) render_openapi: bool,
    /// Without effect: of links to the web client.
    pub(crate) base_url: String,
    /// Without effect: of the web pages.
    pub(crate) languages: Vec<String>,
    pub(crate) oidc: Oidc,
    pub(crate) security: Security,
    /// Without effect: of the web pages.
    pub(crate) branding: Branding,
}

/// The kind of the key has seen to it that a text has digits.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.trim().parse().map_err(de::Error::custom),
    }
}

/// Logins by OpenID Connect, see [`super::super::unsupported`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Oidc {
    pub(crate) config_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) client_secret_file: String,
    pub(crate) redirect_base_url: String,
    pub(crate) username_field: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) role_field: String,
    pub(crate) implicit_roles: bool,
    pub(crate) custom_fields: Vec<String>,
    pub(crate) insecure_skip_signature_check: bool,
    pub(crate) debug: bool,
}

/// Headers of answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Security {
    /// The others mean nothing without it.
    pub(crate) enabled: bool,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_hosts_are_regex: bool,
    pub(crate) hosts_proxy_headers: Vec<String>,
    pub(crate) https_redirect: bool,
    pub(crate) https_host: String,
    pub(crate) https_proxy_headers: Vec<HttpHeader>,
    pub(crate) sts_seconds: i64,
    pub(crate) sts_include_subdomains: bool,
    pub(crate) sts_preload: bool,
    pub(crate) content_type_nosniff: bool,
    pub(crate) content_security_policy: String,
    pub(crate) permissions_policy: String,
    pub(crate) cross_origin_opener_policy: String,
    pub(crate) cross_origin_resource_policy: String,
    pub(crate) cross_origin_embedder_policy: String,
    pub(crate) cache_control: String,
    pub(crate) referrer_policy: String,
}

/// A header and a value.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HttpHeader {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Names and pictures of the web pages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Branding {
    pub(crate) web_admin: PageBranding,
    pub(crate) web_client: PageBranding,
}

/// The same for one kind of pages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PageBranding {
    pub(crate) name: String,
    pub(crate) short_name: String,
    pub(crate) favicon_path: String,
    pub(crate) logo_path: String,
    pub(crate) login_image_path: String,
    pub(crate) disclaimer_name: String,
    pub(crate) disclaimer_path: String,
    pub(crate) default_css: Vec<String>,
    pub(crate) extra_css: Vec<String>,
}

impl Default for Httpd {
    fn default() -> Self {
        Self {
            bindings: Vec::new(),
            bind_port: 8080,
            bind_address: "127.0.0.1".to_owned(),
            allowed_hosts: Vec::new(),
            templates_path: "templates".to_owned(),
            static_files_path: "static".to_owned(),
            backups_path: "backups".to_owned(),
            auth_user_file: String::new(),
            certificate_file: String::new(),
            certificate_key_file: String::new(),
            ca_certificates: Vec::new(),
            ca_revocation_lists: Vec::new(),
            insecure_no_auth: false,
            token_validation: 3,
            jwt_lifetime: 20,
            signing_passphrase: String::new(),
            signing_passphrase_file: String::new(),
        }
    }
}

impl Default for HttpBinding {
    fn default() -> Self {
        Self {
            address: String::new(),
            port: 8080,
            enable_web_admin: true,
            enable_web_client: true,
            enable_rest_api: true,
            disabled_login_methods: 0,
            enable_https: false,
            certificate_file: String::new(),
            certificate_key_file: String::new(),
            min_tls_version: 12,
            client_auth_type: 0,
            tls_cipher_suites: Vec::new(),
            tls_protocols: Vec::new(),
            proxy_mode: 0,
            proxy_allowed: Vec::new(),
            client_ip_proxy_header: String::new(),
            client_ip_header_depth: 0,
            hide_login_url: 0,
            render_openapi: true,
            base_url: String::new(),
            languages: Vec::new(),
            oidc: Oidc::default(),
            security: Security::default(),
            branding: Branding::default(),
        }
    }
}
