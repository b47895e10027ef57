//! Public keys as files hold them.

/// The keys of a file in the form of `authorized_keys`: one a line, comments and blank lines left out.
///
/// Whether each is a key is for the server to say, which knows what kinds it accepts.
pub(crate) fn lines(text: &str) -> Result<Vec<String>, &'static str> {
    // A private key must never leave this machine, whoever named it by mistake.
    if text.contains("PRIVATE KEY-----") || text.starts_with("PuTTY-User-Key-File-") {
        return Err(
            "holds a private key; give the public one, usually beside it and ending in .pub",
        );
    }
    let keys: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if keys.is_empty() {
        return Err("holds no public key");
    }
    Ok(keys)
}

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

    #[test]
    fn one_key_a_line_without_comments() {
        let text =
            "# mine\r\n\n  ssh-ed25519 AAAA bob@home  \r\nssh-rsa BBBB # not a comment\n\t\n";
        assert_eq!(
            lines(text).unwrap(),
            ["ssh-ed25519 AAAA bob@home", "ssh-rsa BBBB # not a comment"]
        );
    }

    #[test]
    fn a_file_without_keys_is_a_mistake() {
        assert!(lines("").is_err());
        assert!(lines("# nothing\n\n").is_err());
    }

    #[test]
    fn private_keys_stay_here() {
        for text in [
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n",
            "PuTTY-User-Key-File-3: ssh-ed25519\n",
        ] {
            assert!(lines(text).unwrap_err().contains("private"), "{text}");
        }
    }
}
