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

#[cfg(test)]
mod tests {
    use super::*;

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
