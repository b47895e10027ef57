//! Where HTTP listens, and whom it believes.

use super::*;

pub(super) fn with_file(text: &str) -> LoadedConfig {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("sftpgo.json"), text).unwrap();
    load_with(directory.path(), &[])
}

fn refused(binding: &str) -> Vec<String> {
    let found = with_file(&format!(r#"{{"httpd": {{"bindings": [{binding}]}}}}"#));
    let problems = found.settings().map(drop).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

/// Of each binding, its key and where it is.
fn places(found: &LoadedConfig) -> Vec<(String, String)> {
    let bindings = &found.settings().unwrap().httpd.bindings;
    let place = |place: &Place| match place {
        Place::Port(endpoint) => format!("{}:{}", endpoint.address, endpoint.port),
        Place::Path(path) => path.display().to_string(),
    };
    bindings
        .iter()
        .map(|binding| (binding.key.clone(), place(&binding.place)))
        .collect()
}

#[test]
fn bindings_win_over_the_one_port_of_older_versions() {
    let found = with_file(
        r#"{"httpd": {"bind_port": 9090, "bind_address": "192.0.2.1", "bindings": [
            {"port": 8081, "address": "127.0.0.1"},
            {"port": 0, "address": "127.0.0.1"},
            {"port": 0, "address": "/run/sftpgo/http.sock"},
            {"address": "[::1]"}
        ]}}"#,
    );
    let expected = [
        ("httpd.bindings[0]", "127.0.0.1:8081"),
        ("httpd.bindings[2]", "/run/sftpgo/http.sock"),
        ("httpd.bindings[3]", "::1:8080"),
    ];
    let expected = expected.map(|(key, place)| (key.to_owned(), place.to_owned()));
    assert_eq!(places(&found), expected);
    let off = with_file(r#"{"httpd": {"bind_port": 8080, "bindings": [{"port": 0}]}}"#);
    assert_eq!(places(&off), []);
    let socket = with_file(r#"{"httpd": {"bind_address": "/run/http.sock"}}"#);
    assert_eq!(
        places(&socket),
        [("httpd".to_owned(), "/run/http.sock".to_owned())]
    );
}

#[test]
fn bindings_are_set_by_their_number_in_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let found = load_with(
        directory.path(),
        &[
            ("SFTPGO_HTTPD__BINDINGS__0__PORT", "8081"),
            ("SFTPGO_HTTPD__BINDINGS__0__ADDRESS", "127.0.0.1"),
            ("SFTPGO_HTTPD__BINDINGS__0__SECURITY__STS_SECONDS", "60"),
            ("SFTPGO_HTTPD__BINDINGS__1__ADDRESS", "/run/http.sock"),
            ("SFTPGO_HTTPD__BINDINGS__1__PROXY_ALLOWED", "10.0.0.0/8,::1"),
        ],
    );
    let places: Vec<_> = places(&found).into_iter().map(|(_, place)| place).collect();
    assert_eq!(places, ["127.0.0.1:8081", "/run/http.sock"]);
}

/// The shape of SFTPGo 2.7, of which what is not offered is off.
#[test]
fn a_binding_of_sftpgo_2_works_unchanged() {
    let binding = r#"{"port": 8080, "address": "", "enable_web_admin": true, "enable_web_client": true,
        "enable_rest_api": true, "disabled_login_methods": 0, "enable_https": false, "certificate_file": "",
        "certificate_key_file": "", "min_tls_version": 12, "client_auth_type": 0, "tls_cipher_suites": [],
        "tls_protocols": [], "proxy_mode": 0, "proxy_allowed": [], "client_ip_proxy_header": "",
        "client_ip_header_depth": 0, "hide_login_url": 0, "render_openapi": true, "base_url": "", "languages": ["en"],
        "oidc": {"client_id": "", "client_secret": "", "client_secret_file": "", "config_url": "",
            "redirect_base_url": "", "scopes": ["openid", "profile", "email"], "username_field": "", "role_field": "",
            "implicit_roles": false, "custom_fields": [], "insecure_skip_signature_check": false, "debug": false},
        "security": {"enabled": false, "allowed_hosts": [], "allowed_hosts_are_regex": false,
            "hosts_proxy_headers": [], "https_redirect": false, "https_host": "",
            "https_proxy_headers": [{"key": "X-Forwarded-Proto", "value": "https"}], "sts_seconds": 0,
            "sts_include_subdomains": false, "sts_preload": false, "content_type_nosniff": false,
            "content_security_policy": "", "permissions_policy": "", "cross_origin_opener_policy": "",
            "cross_origin_resource_policy": "", "cross_origin_embedder_policy": "", "cache_control": "",
            "referrer_policy": ""},
        "branding": {"web_admin": {"name": "", "short_name": "", "favicon_path": "", "logo_path": "",
            "disclaimer_name": "", "disclaimer_path": "", "default_css": [], "extra_css": []},
            "web_client": {"name": "", "short_name": "", "favicon_path": "", "logo_path": "",
            "disclaimer_name": "", "disclaimer_path": "", "default_css": [], "extra_css": []}}}"#;
    assert_eq!(refused(binding), [""; 0]);
}

#[test]
fn what_a_binding_cannot_be_is_told_by_its_key() {
    for (binding, expected) in [
        (r#"{"port": 65536}"#, "[0].port: 65536 is not between"),
        (
            r#"{"address": "a b"}"#,
            "[0].address: \"a b\" is not an address",
        ),
        (
            r#"{"enable_https": true}"#,
            "[0].enable_https: TLS needs certificate_file",
        ),
        (
            r#"{"enable_https": true, "certificate_file": "a"}"#,
            "[0].certificate_key_file: the certificate needs its private key",
        ),
        (
            r#"{"enable_https": true, "certificate_file": "a", "certificate_key_file": "b", "min_tls_version": 11}"#,
            "[0].min_tls_version: 11 is not 12 or 13",
        ),
        (
            r#"{"min_tls_version": "new"}"#,
            "[0].min_tls_version: \"new\" is not a whole number",
        ),
        (
            r#"{"enable_https": true, "certificate_file": "a", "certificate_key_file": "b", "client_auth_type": 1}"#,
            "[0].client_auth_type: certificates of clients need the authorities",
        ),
        (
            r#"{"client_auth_type": 1}"#,
            "[0].client_auth_type: certificates of clients need enable_https",
        ),
        (
            r#"{"client_auth_type": 2}"#,
            "[0].client_auth_type: 2 is not between 0 and 1",
        ),
        (
            r#"{"proxy_mode": 2}"#,
            "[0].proxy_mode: 2 is not between 0 and 1",
        ),
        (r#"{"bort": 1}"#, "[0].bort: is an unknown key"),
        (
            r#"{"proxy_allowed": ["10.0.0.0/33"]}"#,
            "[0].proxy_allowed: \"10.0.0.0/33\" is not an IP address",
        ),
        (
            r#"{"client_ip_proxy_header": "X Real"}"#,
            "[0].client_ip_proxy_header: X Real: is not the name of a header",
        ),
        (
            r#"{"client_ip_proxy_header": "forwarded"}"#,
            "[0].client_ip_proxy_header: the header Forwarded is not read",
        ),
        (
            r#"{"client_ip_header_depth": -1}"#,
            "[0].client_ip_header_depth: -1 is not between",
        ),
        (
            r#"{"oidc": {"config_url": "https://login.example.org"}}"#,
            "[0].oidc.config_url: this version does not offer",
        ),
        (
            r#"{"security": {"enabled": true, "https_redirect": true}}"#,
            "[0].security.https_redirect: this version does not offer",
        ),
        (
            r#"{"security": {"enabled": true, "allowed_hosts_are_regex": true}}"#,
            "[0].security.allowed_hosts_are_regex: ",
        ),
        (
            r#"{"security": {"enabled": true, "referrer_policy": "a\nb"}}"#,
            "[0].security.referrer_policy: ",
        ),
        (
            r#"{"security": {"https_proxy_headers": [{"name": "a"}]}}"#,
            "[0].security.https_proxy_headers[0].name: is an unknown key; allowed here: key, value",
        ),
    ] {
        let problems = refused(binding);
        let expected = format!("httpd.bindings{expected}");
        let is_told = problems
            .iter()
            .any(|problem| problem.starts_with(&expected));
        assert!(is_told, "{binding}: {problems:?}");
    }
}

#[test]
fn a_version_of_tls_is_a_number_or_a_text() {
    for version in ["12", "13", r#""12""#, r#""13""#] {
        let binding = format!(r#"{{"min_tls_version": {version}}}"#);
        assert_eq!(refused(&binding), [""; 0], "{version}");
    }
    let directory = tempfile::tempdir().unwrap();
    let variable = [("SFTPGO_HTTPD__BINDINGS__0__MIN_TLS_VERSION", "13")];
    assert_eq!(problems_of(directory.path(), &variable), [""; 0]);
}

#[test]
fn hosts_of_a_binding_are_answered_too() {
    let found = with_file(
        r#"{"httpd": {"bindings": [
            {"address": "sftp.example.org"},
            {"port": 8081, "security": {"enabled": true, "allowed_hosts": ["admin.example.org"]}}
        ]}}"#,
    );
    let hosts = &found.settings().unwrap().httpd.allowed_hosts;
    for name in ["sftp.example.org", "admin.example.org"] {
        assert!(hosts.iter().any(|host| host == name), "{hosts:?}");
    }
}

/// As each version of SFTPGo has it.
#[test]
fn the_proxy_protocol_is_taken_from_either_section_and_the_newer_one_comes_first() {
    use sftpgo_proxy_protocol::Mode;
    for (text, mode, believed) in [
        (r#"{}"#, Mode::Off, None),
        (
            r#"{"sftpd": {"proxy_protocol": 1, "proxy_allowed": ["10.0.0.1"]}}"#,
            Mode::Optional,
            Some("10.0.0.1"),
        ),
        (
            r#"{"common": {"proxy_protocol": 2, "proxy_allowed": ["10.1.0.0/16"]},
                "sftpd": {"proxy_protocol": 1, "proxy_allowed": ["10.0.0.1"]}}"#,
            Mode::Required,
            Some("10.1.0.1"),
        ),
    ] {
        let found = with_file(text);
        let proxies = &found.settings().unwrap().common.proxies;
        assert_eq!(proxies.mode, mode, "{text}");
        for address in ["10.0.0.1", "10.1.0.1"] {
            let is_believed = proxies.allowed.contains(address.parse().unwrap());
            assert_eq!(is_believed, believed == Some(address), "{text} {address}");
        }
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    }
    let nobody = with_file(r#"{"common": {"proxy_protocol": 2}}"#);
    let [warning] = nobody.warnings.as_slice() else {
        panic!("{:?}", nobody.warnings);
    };
    let expected = "common.proxy_allowed: is empty, so every connection is refused";
    assert!(warning.to_string().starts_with(expected), "{warning}");
}

#[test]
fn a_binding_goes_by_the_proxy_protocol_only_when_it_says_so() {
    use sftpgo_proxy_protocol::Mode;
    let found = with_file(
        r#"{"common": {"proxy_protocol": 1, "proxy_allowed": ["10.0.0.1"]},
            "httpd": {"bindings": [{"port": 8081}, {"port": 8082, "proxy_mode": 1}]}}"#,
    );
    let bindings = found.settings().unwrap().httpd.bindings.iter();
    let modes: Vec<_> = bindings
        .map(|binding| binding.options.proxy_protocol.mode)
        .collect();
    assert_eq!(modes, [Mode::Off, Mode::Optional]);
}
