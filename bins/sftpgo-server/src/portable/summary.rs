//! What is said once the directory is served: what to type on the other machine.

use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use sftpgo_ssh::HostKey;

use super::user::Password;

/// What there is to say.
pub(super) struct Summary<'a> {
    pub(super) directory: &'a str,
    pub(super) username: &'a str,
    pub(super) password: &'a Password,
    pub(super) keys: usize,
    pub(super) permissions: &'a [&'a str],
    pub(super) commands: &'a [&'a str],
    pub(super) listens_on: SocketAddr,
    pub(super) has_scp: bool,
    pub(super) host_keys: &'a [HostKey],
}

impl Summary<'_> {
    /// Returns the text for a person; the last line says how to end it.
    pub(super) fn text(&self, own_addresses: &[IpAddr]) -> String {
        let mut text = format!("Serving {}\n\n", self.directory);
        let mut line = |what: &str, is: &str| {
            let _ = writeln!(text, "  {what:<12} {is}");
        };
        line("port", &self.listens_on.port().to_string());
        line("user", self.username);
        match self.password {
            Password::None => {}
            Password::Given(_) => line("password", "as given"),
            Password::MadeUp(password) => line("password", password),
        }
        if self.keys > 0 {
            line("public keys", &self.keys.to_string());
        }
        line("permissions", &self.permissions.join(", "));
        line("commands", &self.commands.join(", "));
        for key in self.host_keys {
            line(
                "host key",
                &format!("{} {}", key.fingerprint(), key.algorithm()),
            );
        }
        text += "\nOn the other machine type\n";
        for address in self.reached_at(own_addresses) {
            let (user, port) = (self.username, self.listens_on.port());
            let _ = writeln!(
                text,
                "  sftp -P {port} {}",
                quoted(&format!("{user}@{address}"))
            );
            if self.has_scp {
                let source = quoted(&format!("{user}@{address}:/NAME"));
                let _ = writeln!(text, "  scp -P {port} {source} .");
            }
        }
        text += "\nCtrl-C ends it.";
        text
    }

    /// Hosts as sftp and scp take them.
    fn reached_at(&self, own_addresses: &[IpAddr]) -> Vec<String> {
        let listens_on = self.listens_on.ip();
        if !listens_on.is_unspecified() {
            return vec![host(listens_on)];
        }
        let mut reached: Vec<_> = own_addresses
            .iter()
            .filter(|address| is_of_use(address, listens_on))
            .map(|address| host(*address))
            .collect();
        if reached.is_empty() {
            reached.push(host(Ipv4Addr::LOCALHOST.into()));
        }
        reached
    }
}

/// Is the address of use to other machines? A link-local address is of use only with the name of the other machine's own
/// interface.
fn is_of_use(address: &IpAddr, listens_on: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => {
            listens_on.is_ipv6() && !address.is_loopback() && !address.is_unicast_link_local()
        }
    }
}

fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Quotes a text as a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@.:/_-".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(listens_on: &str, own: &[&str], username: &str) -> String {
        let own: Vec<_> = own.iter().map(|address| address.parse().unwrap()).collect();
        let summary = Summary {
            directory: "/srv/files",
            username,
            password: &Password::Given("secret".to_owned()),
            keys: 0,
            permissions: &["list", "download"],
            commands: &["cd"],
            listens_on: listens_on.parse().unwrap(),
            has_scp: true,
            host_keys: &[],
        };
        summary.text(&own)
    }

    #[test]
    fn there_is_a_line_to_type_for_each_address_that_others_reach() {
        let own = [
            "127.0.0.1",
            "::1",
            "192.0.2.7",
            "2001:db8::7",
            "fe80::1",
            "169.254.0.1",
        ];
        let text = said("[::]:5022", &own, "user");
        for expected in [
            "  sftp -P 5022 user@192.0.2.7\n",
            "  scp -P 5022 user@192.0.2.7:/NAME .\n",
            "  sftp -P 5022 'user@[2001:db8::7]'\n",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert_eq!(text.matches("  sftp ").count(), 2, "{text}");
        // A socket of IPv4 alone is reached by that alone.
        let text = said("0.0.0.0:5022", &own, "user");
        assert_eq!(text.matches("  sftp ").count(), 1, "{text}");
        let text = said("127.0.0.1:5022", &own, "user");
        assert!(text.contains("sftp -P 5022 user@127.0.0.1\n"), "{text}");
        let text = said("[::]:5022", &[], "it's me");
        assert!(
            text.contains(r"sftp -P 5022 'it'\''s me@127.0.0.1'"),
            "{text}"
        );
    }

    #[test]
    fn a_password_that_was_given_is_not_shown() {
        assert!(!said("[::]:5022", &[], "user").contains("secret"));
    }
}
