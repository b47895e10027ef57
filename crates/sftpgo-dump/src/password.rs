//! Password hashes of other systems: which of them this server reads.

use sftpgo_credential_formats::password_hash::HashFormat;

/// Is this a hash that the server reads?
///
/// A hash that is not known must stay here: stored as a plain-text password, it would let in whoever has seen it.
///
/// # Errors
/// Says why it cannot be sent, and nothing of the hash but its kind.
pub fn check(stored: &str) -> Result<(), String> {
    if HashFormat::of(stored).is_some() {
        return Ok(());
    }
    Err(match scheme(stored) {
        Some(scheme) => format!("its password is a {scheme} hash, which this server does not read"),
        None => "its password is no hash that this server reads".to_owned(),
    })
}

/// `$y$` or `{SSHA}`: what tells the kind of a hash and nothing of the hash itself.
fn scheme(stored: &str) -> Option<&str> {
    const LONGEST: usize = 24;
    let close = match stored.chars().next()? {
        '$' => '$',
        '{' => '}',
        _ => return None,
    };
    let end = stored.get(1..)?.find(close)? + 2;
    let scheme = stored.get(..end)?;
    let name = scheme.get(1..end - 1)?;
    let is_name = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    (is_name && (1..=LONGEST).contains(&name.len())).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use sftpgo_credential_formats::password_hash::PREFIXES;

    use super::*;

    #[test]
    fn hashes_that_the_server_verifies_may_be_sent() {
        for (prefix, _) in PREFIXES {
            assert_eq!(check(&format!("{prefix}x")), Ok(()), "{prefix}");
        }
    }

    #[test]
    fn others_stay_here_and_are_named_by_their_kind_only() {
        for (stored, kind) in [
            ("$1$salt$SECRET", Some("$1$")),
            ("$5$salt$SECRET", Some("$5$")),
            ("$y$j9T$salt$SECRET", Some("$y$")),
            ("$apr1$salt$SECRET", Some("$apr1$")),
            ("$2x$10$SECRET", Some("$2x$")),
            ("$argon2i$SECRET", Some("$argon2i$")),
            (
                "$pbkdf2-b64salt-sha256$1$SECRET",
                Some("$pbkdf2-b64salt-sha256$"),
            ),
            ("{SSHA}SECRET", Some("{SSHA}")),
            ("SECRETDESabcd", None),
            ("_J9..SECRET", None),
            ("$SECRET", None),
            ("$SECRET of somebody$", None),
            ("{SECRET", None),
            ("$$SECRET", None),
            ("$é$SECRET", None),
            ("SECRET plain text", None),
        ] {
            let reason = check(stored).unwrap_err();
            assert!(!reason.contains("SECRET"), "{stored}: {reason}");
            assert!(
                reason.contains(kind.unwrap_or("no hash")),
                "{stored}: {reason}"
            );
        }
    }
}
