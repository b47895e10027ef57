//! Of whom a header is believed. Anybody can send one, and with it any address.

use std::net::IpAddr;

use sftpgo_core::network::Networks;

/// Are there headers?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// No. What comes is the connection's.
    #[default]
    Off,
    /// There may be.
    Optional,
    /// Nobody is served without one.
    Required,
}

/// Who sends headers, and who is believed.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Are there headers?
    pub mode: Mode,
    /// Proxies that are believed; none is nobody.
    pub allowed: Networks,
    /// Those that never send a header and are served as they are, such as health checks.
    pub skipped: Networks,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It is the peer's own, and begins at its first byte.
    Direct,
    /// Its header is believed. Without one it is the peer's own, unless one is required.
    Believed {
        /// Is it refused without a header?
        required: bool,
    },
    /// It is the peer's own, and a header is passed over.
    PassedOver,
    /// It is closed.
    Refused,
}

impl Policy {
    /// What becomes of a connection of `peer`, which is none of a Unix socket: then whoever may open it is believed, unless
    /// nobody is.
    pub fn treatment(&self, peer: Option<IpAddr>) -> Treatment {
        let is_in = |networks: &Networks| peer.is_some_and(|peer| networks.contains(peer));
        let required = self.mode == Mode::Required;
        if self.mode == Mode::Off || is_in(&self.skipped) {
            Treatment::Direct
        } else if is_in(&self.allowed) || (peer.is_none() && !self.allowed.is_empty()) {
            Treatment::Believed { required }
        } else if required {
            Treatment::Refused
        } else {
            Treatment::PassedOver
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_allowed_is_believed_and_only_who_is_skipped_comes_as_it_is() {
        let networks = |text: &str| [text.parse().unwrap()].into_iter().collect();
        let believed = |required| Treatment::Believed { required };
        for (mode, allowed, skipped, other, socket) in [
            (
                Mode::Off,
                Treatment::Direct,
                Treatment::Direct,
                Treatment::Direct,
                Treatment::Direct,
            ),
            (
                Mode::Optional,
                believed(false),
                Treatment::Direct,
                Treatment::PassedOver,
                believed(false),
            ),
            (
                Mode::Required,
                believed(true),
                Treatment::Direct,
                Treatment::Refused,
                believed(true),
            ),
        ] {
            let policy = Policy {
                mode,
                allowed: networks("10.0.0.0/8"),
                skipped: networks("10.1.0.0/16"),
            };
            for (peer, expected) in [
                (Some("10.0.0.1"), allowed),
                (Some("::ffff:10.0.0.1"), allowed),
                (Some("10.1.0.1"), skipped),
                (Some("192.0.2.1"), other),
                (None, socket),
            ] {
                let peer = peer.map(|peer| peer.parse().unwrap());
                assert_eq!(policy.treatment(peer), expected, "{mode:?} {peer:?}");
            }
        }
    }

    #[test]
    fn without_an_allowed_address_nobody_is_believed() {
        for (mode, expected) in [
            (Mode::Optional, Treatment::PassedOver),
            (Mode::Required, Treatment::Refused),
        ] {
            let policy = Policy {
                mode,
                ..Policy::default()
            };
            for peer in [Some([127, 0, 0, 1].into()), None] {
                assert_eq!(policy.treatment(peer), expected);
            }
        }
    }
}
