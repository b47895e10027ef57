//! Lines of public keys from elsewhere.

/// What this server takes.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// What a line may say of a security key.
const OPTIONS: [&str; 2] = ["no-touch-required", "verify-required"];

/// May a line of another server's be a key here? A line that says more than a key, such as `from=`, must not
/// become one that says less.
///
/// The line may be anything at all, so no reason repeats it.
pub(crate) fn check(line: &str) -> Result<(), &'static str> {
    let mut words = line.split_ascii_whitespace();
    let mut first = words.next().unwrap_or_default();
    let is_kept = |name: &str| OPTIONS.contains(&name.to_ascii_lowercase().as_str());
    if first.split(',').all(is_kept) {
        first = words.next().unwrap_or_default();
    }
    if KINDS.contains(&first) {
        return Ok(());
    }
    Err(if first == "ssh-dss" {
        "DSA keys are not accepted"
    } else if first.contains("-cert-v0") || first.contains("cert-authority") {
        "certificates are not accepted"
    } else if words.any(|word| KINDS.contains(&word)) {
        "its options cannot be enforced"
    } else {
        "it is not a public key"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_keys_come_over_from_elsewhere() {
        for line in [
            "ssh-rsa AAAA",
            "  ssh-ed25519 AAAA bob from=home",
            "verify-required,no-touch-required sk-ssh-ed25519@openssh.com AAAA",
        ] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
        for (line, reason) in [
            ("from=\"10.0.0.1\" ssh-rsa AAAA", "options"),
            ("verify-required,no-pty ssh-rsa AAAA", "options"),
            ("command=\"a b\",no-pty ssh-ed25519 AAAA", "options"),
            ("cert-authority ssh-rsa AAAA", "certificates"),
            ("ssh-rsa-cert-v01@openssh.com AAAA", "certificates"),
            ("ssh-dss AAAA", "DSA"),
            ("root:$6$secret", "not a public key"),
            ("", "not a public key"),
        ] {
            let said = check(line).unwrap_err();
            assert!(said.contains(reason), "{line}: {said}");
        }
    }
}
