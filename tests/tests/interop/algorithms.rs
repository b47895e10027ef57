//! The names that the server knows: every matrix of these tests is made from them.

/// The algorithms of one kind.
pub(crate) struct Algorithms {
    /// As scenarios name it.
    pub(crate) kind: &'static str,
    /// The key of the configuration.
    pub(crate) setting: &'static str,
    /// Offered without being asked for.
    pub(crate) defaults: &'static [&'static str],
    /// Offered when the configuration names them.
    pub(crate) on_request: &'static [&'static str],
}

impl Algorithms {
    /// Defaults first.
    pub(crate) fn all(&self) -> Vec<&'static str> {
        [self.defaults, self.on_request].concat()
    }
}

pub(crate) const KEX: Algorithms = Algorithms {
    kind: "kex",
    setting: "SFTPGO_SFTPD__KEX_ALGORITHMS",
    defaults: &[
        "mlkem768x25519-sha256",
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group-exchange-sha256",
    ],
    on_request: &[
        "mlkem768nistp256-sha256",
        "diffie-hellman-group15-sha512",
        "diffie-hellman-group17-sha512",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group-exchange-sha1",
    ],
};

pub(crate) const CIPHERS: Algorithms = Algorithms {
    kind: "cipher",
    setting: "SFTPGO_SFTPD__CIPHERS",
    defaults: &[
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
    ],
    on_request: &["aes128-cbc", "aes192-cbc", "aes256-cbc"],
};

pub(crate) const MACS: Algorithms = Algorithms {
    kind: "mac",
    setting: "SFTPGO_SFTPD__MACS",
    // The last two are encrypt-and-MAC, for those who have nothing better.
    defaults: &[
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    ],
    on_request: &["hmac-sha1-etm@openssh.com", "hmac-sha1"],
};

pub(crate) const HOST_KEYS: Algorithms = Algorithms {
    kind: "host-key",
    setting: "SFTPGO_SFTPD__HOST_KEY_ALGORITHMS",
    defaults: &[
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ],
    on_request: &["ssh-rsa"],
};

/// Signatures of users' keys are no scenario of their own: `key:rsa` of an old client needs `ssh-rsa`.
pub(crate) const USER_KEYS: Algorithms = Algorithms {
    kind: "key",
    setting: "SFTPGO_SFTPD__PUBLIC_KEY_ALGORITHMS",
    defaults: &[
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ],
    on_request: &["ssh-rsa"],
};

/// Those that are agreed on in a key exchange.
pub(crate) const AGREED: [&Algorithms; 4] = [&KEX, &CIPHERS, &MACS, &HOST_KEYS];

/// The settings of a server that offers all of them.
pub(crate) fn everything() -> Vec<(&'static str, String)> {
    let lists = AGREED.into_iter().chain([&USER_KEYS]);
    lists
        .map(|list| (list.setting, list.all().join(",")))
        .collect()
}

/// The scenarios of all defaults.
pub(crate) fn defaults() -> Vec<String> {
    scenarios(|list| list.defaults)
}

/// The scenarios of all that is offered on request only.
pub(crate) fn on_request() -> Vec<String> {
    scenarios(|list| list.on_request)
}

fn scenarios(names: fn(&Algorithms) -> &'static [&'static str]) -> Vec<String> {
    let of_list = |list: &'static Algorithms| {
        let named = |name: &&str| format!("{}:{name}", list.kind);
        names(list).iter().map(named)
    };
    AGREED.into_iter().flat_map(of_list).collect()
}
