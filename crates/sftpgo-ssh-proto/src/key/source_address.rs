//! The list of addresses that a certificate may be used from: addresses and networks, with commas between them.

use std::net::IpAddr;

/// Whether each part of the list is an address or a network. An empty list is one without parts.
pub(super) fn is_valid(list: &[u8]) -> bool {
    parts(list).all(|part| Network::read(part).is_some())
}

/// Whether a network of the list has `address` in it. IPv4 that came through an IPv6 socket counts as IPv4.
pub(super) fn matches(list: &[u8], address: IpAddr) -> bool {
    is_valid(list)
        && parts(list)
            .filter_map(Network::read)
            .any(|network| network.contains(address.to_canonical()))
}

fn parts(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let parts = list.split(|byte| *byte == b',');
    parts.filter(move |_| !list.is_empty())
}

struct Network {
    address: IpAddr,
    length: u32,
}

impl Network {
    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Bits behind the network's length have to be zero, as OpenSSH wants it:
    /// nobody knows what was meant otherwise.
    fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let length = match length {
            None => most,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|length| *length <= most)?
            }
            Some(_) => return None,
        };
        let network = Self { address, length };
        (network.top(address)? == whole(address)).then_some(network)
    }

    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && self
                .top(address)
                .is_some_and(|top| top == whole(self.address))
    }

    /// The bits of `address` that belong to a network of this length.
    fn top(&self, address: IpAddr) -> Option<u128> {
        let most = match address {
            IpAddr::V4(_) => 32_u32,
            IpAddr::V6(_) => 128,
        };
        let behind = most.checked_sub(self.length)?;
        let mask = u128::MAX.checked_shl(behind).unwrap_or(0);
        Some(whole(address) & mask)
    }
}

fn whole(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &str, address: &str) -> bool {
        matches(list.as_bytes(), address.parse().unwrap())
    }

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        let list = "192.0.2.128/25,198.51.100.7,2001:db8:1::/48,10.0.0.0/8";
        for inside in [
            "192.0.2.128",
            "192.0.2.255",
            "198.51.100.7",
            "10.255.0.1",
            "2001:db8:1:ffff::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(allows(list, inside), "{inside}");
        }
        for outside in [
            "192.0.2.127",
            "198.51.100.8",
            "11.0.0.0",
            "2001:db8:2::",
            "::",
            "::10.0.0.1",
            "::ffff:11.0.0.1",
        ] {
            assert!(!allows(list, outside), "{outside}");
        }
        assert!(allows("0.0.0.0/0", "203.0.113.1"));
        assert!(!allows("0.0.0.0/0", "2001:db8::1"));
        assert!(allows("::/0", "2001:db8::1"));
        assert!(!allows("::/0", "203.0.113.1"));
    }

    #[test]
    fn an_empty_list_allows_nobody() {
        assert!(is_valid(b""));
        assert!(!allows("", "127.0.0.1"));
        assert!(!allows("", "::"));
    }

    #[test]
    fn what_is_no_list_is_refused_whole() {
        for bad in [
            ",",
            "10.0.0.1,",
            ",10.0.0.1",
            "10.0.0.1/33",
            "10.0.0.1/8",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "10.0.0.0/8/8",
            "10.0.0.*",
            "!10.0.0.1",
            "10.0.0.1 ",
            "010.0.0.1",
            "10.1",
            "2001:db8::1/32",
            "2001:db8::/129",
            "fe80::1%eth0",
            "localhost",
        ] {
            assert!(!is_valid(bad.as_bytes()), "{bad}");
            let with_good = format!("127.0.0.1,{bad}");
            assert!(!allows(&with_good, "127.0.0.1"), "{bad}");
        }
        assert!(!is_valid(&[0xff]));
    }
}
