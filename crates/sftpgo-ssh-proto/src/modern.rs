//! Clients that are known to have AEAD ciphers or encrypt-then-MAC, and strict key exchange or what it protects.
//!
//! The server's KEXINIT answers the client's, so that what only old clients need is offered to nobody else. This is for clients
//! that say nothing before they have heard the server: what is known of them by name decides then.

/// What the software of an identification begins with, and the first version that is modern, by the source history of
/// each.
const SINCE: [(&[u8], [u32; 3]); 13] = [
    (b"OpenSSH_", [6, 2, 0]),
    (b"OpenSSH_for_Windows_", [0, 0, 0]),
    (b"PuTTY_Release_", [0, 68, 0]),
    (b"AsyncSSH_2", [0, 0, 0]),
    (b"libssh_", [0, 9, 0]),
    (b"libssh2_", [1, 11, 0]),
    (b"paramiko_", [2, 5, 0]),
    (b"JSCH-", [0, 1, 58]),
    (b"JSCH_", [0, 1, 58]),
    (b"SSHJ_", [0, 24, 0]),
    (b"APACHE-SSHD-", [2, 4, 0]),
    (b"ssh2js1", [0, 0, 0]),
    (b"phpseclib_", [3, 0, 0]),
];
/// Net::SSH names Ruby's version too, behind its own.
const NET_SSH: (&[u8], [u32; 3]) = (b"Ruby/Net::SSH_", [6, 0, 0]);
/// This has no version, and is the beginning of other names.
const GO: &[u8] = b"Go";

/// Is this software known to need nothing old?
pub(crate) fn is_modern(software: &[u8]) -> bool {
    let is_since = SINCE.iter().chain([&NET_SSH]).any(|(name, since)| {
        software
            .strip_prefix(*name)
            .is_some_and(|version| since == &[0, 0, 0] || numbers(version) >= *since)
    });
    is_since || software == GO
}

/// Does this software send its KEXINIT only when it has the server's? So do SSH.NET, and libssh before 0.9.
pub(crate) fn waits_for_the_server(software: &[u8]) -> bool {
    software.starts_with(b"Renci.SshNet.")
        || software.starts_with(b"libssh-")
        || (software.starts_with(b"libssh_") && !is_modern(software))
}

/// The first three numbers of a version; those that are not there are zero.
fn numbers(version: &[u8]) -> [u32; 3] {
    let mut found = [0; 3];
    let mut parts = version.split(|byte| *byte == b'.');
    for place in &mut found {
        let part = parts.next().unwrap_or_default();
        let digits = part.iter().take_while(|byte| byte.is_ascii_digit());
        *place = digits.fold(0_u32, |value, digit| {
            value
                .saturating_mul(10)
                .saturating_add(u32::from(digit - b'0'))
        });
        if !part.iter().all(u8::is_ascii_digit) {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_known_by_name() {
        for (software, waits) in [
            (&b"Renci.SshNet.SshClient.0.0.1"[..], true),
            (b"libssh_0.8.7", true),
            (b"libssh-0.5.2", true),
            (b"libssh_0.10.6", false),
            (b"libssh2_1.10.0", false),
            (b"OpenSSH_9.2p1", false),
        ] {
            assert_eq!(waits_for_the_server(software), waits);
        }
    }

    #[test]
    fn clients_by_age() {
        for (software, modern) in [
            ("OpenSSH_9.2p1 Debian-2+deb12u3", true),
            ("OpenSSH_for_Windows_7.7", true),
            ("OpenSSH_for_Windows_9.5", true),
            ("OpenSSH_6.1", false),
            ("OpenSSH_10.0", true),
            ("paramiko_2.4.3", false),
            ("paramiko_2.12.0", true),
            ("paramiko_3.5.1", true),
            ("libssh2_1.10.0", false),
            ("libssh2_1.11.1", true),
            ("libssh_0.7.5", false),
            ("libssh_0.10.6", true),
            ("JSCH-0.1.54", false),
            ("JSCH-0.1.55", false),
            ("JSCH-0.2.26", true),
            ("SSHJ_0.10.0", false),
            ("SSHJ_0.38.0", true),
            ("APACHE-SSHD-2.3.0", false),
            ("APACHE-SSHD-2.15.0", true),
            ("Twisted_22.4.0", false),
            ("Go", true),
            ("GoAnywhere7.1", false),
            ("GoodSync", false),
            ("ssh2js1.16.0", true),
            ("ssh2js0.4.10", false),
            ("Ruby/Net::SSH_7.2.0 x86_64-linux", true),
            ("Ruby/Net::SSH_5.2.0 x86_64-linux", false),
            ("phpseclib_2.0 (openssl)", false),
            ("phpseclib_3.0 (openssl)", true),
            ("PuTTY_Release_0.78", true),
            ("PuTTY_Release_0.67", false),
            ("AsyncSSH_2.14.2", true),
            ("", false),
        ] {
            assert_eq!(is_modern(software.as_bytes()), modern, "{software}");
        }
    }
}
