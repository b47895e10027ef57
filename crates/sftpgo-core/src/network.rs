//! Addresses and networks, as operators list them.

use std::{error::Error, fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// A network in CIDR notation, or one address. Never IPv6's notation of an IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// Networks; none holds no address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotANetwork(String);

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an IP address or a network such as 192.0.2.0/24",
            self.0
        )
    }
}

impl Error for NotANetwork {}

impl FromStr for Network {
    type Err = NotANetwork;

    /// `192.0.2.7`, `192.0.2.0/24` or the same of IPv6. Bits behind the prefix do not matter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim()).ok_or_else(|| NotANetwork(text.to_owned()))
    }
}

impl fmt::Display for Network {
    /// Writes CIDR notation, of a single address too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Network {
    /// The network around `address` whose prefix has so many bits of an IPv4 address, or of an IPv6 address. What is longer
    /// than an address is the address.
    pub fn around(address: IpAddr, ipv4_prefix: u8, ipv6_prefix: u8) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() {
            ipv4_prefix
        } else {
            ipv6_prefix
        };
        let network = IpNet::new(address, prefix).unwrap_or_else(|_| IpNet::from(address));
        Self(network.trunc())
    }

    /// The same without the bits behind the prefix, as it is looked up and compared.
    #[must_use]
    pub fn masked(self) -> Self {
        Self(self.0.trunc())
    }

    /// The first address of it.
    pub fn first(&self) -> IpAddr {
        self.0.network()
    }

    /// The bits of its prefix.
    pub fn prefix(&self) -> u8 {
        self.0.prefix_len()
    }

    /// Is `address` in it? An IPv4 address is the same in IPv6's notation.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl Networks {
    /// Is `address` in one of them?
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Returns each network of the list.
    pub fn iter(&self) -> impl Iterator<Item = &Network> {
        self.0.iter()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// Bits before an IPv4 address in IPv6's notation (RFC 4291, section 2.5.5.2).
const MAPPED: u8 = 96;

fn parse(text: &str) -> Option<Network> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().ok()?,
    };
    // A shorter prefix is of a network that has more than IPv4's addresses in it.
    Some(Network(
        match (network.addr().to_canonical(), network.prefix_len()) {
            (IpAddr::V4(address), bits) if network.addr().is_ipv6() && bits >= MAPPED => {
                IpNet::new(address.into(), bits - MAPPED).ok()?
            }
            _ => network,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_with_its_prefix_and_no_others() {
        for (network, address, expected) in [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.7", "::ffff:192.0.2.7", true),
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.99/24", "192.0.2.1", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.0/31", "192.0.2.1", true),
            ("192.0.2.0/31", "192.0.2.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.9", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::1", "2001:db8::1", true),
            ("::ffff:192.0.2.0/120", "192.0.2.77", true),
            ("::ffff:192.0.2.0/120", "192.0.3.77", false),
            (" 10.0.0.0/8 ", "10.255.0.1", true),
        ] {
            let network: Network = network.parse().unwrap();
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(network.contains(address), expected, "{network:?} {address}");
        }
    }

    #[test]
    fn a_network_is_shown_as_it_can_be_read_again() {
        for (text, shown) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.to_string(), shown);
            assert_eq!(shown.parse(), Ok(network));
        }
    }

    #[test]
    fn a_network_is_made_around_an_address_by_the_length_of_its_prefix() {
        for (address, ipv4, ipv6, expected) in [
            ("192.0.2.7", 32, 64, "192.0.2.7/32"),
            ("192.0.2.7", 24, 64, "192.0.2.0/24"),
            ("::ffff:192.0.2.7", 24, 64, "192.0.2.0/24"),
            ("2001:db8:1:2:3::4", 32, 64, "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::4", 32, 128, "2001:db8:1:2:3::4/128"),
            ("192.0.2.7", 99, 64, "192.0.2.7/32"),
        ] {
            let network = Network::around(address.parse().unwrap(), ipv4, ipv6);
            assert_eq!(network.to_string(), expected);
            assert_eq!(network.masked(), network);
        }
        let written: Network = "192.0.2.99/24".parse().unwrap();
        assert_eq!(written.masked().to_string(), "192.0.2.0/24");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "/",
            "localhost",
            "192.0.2",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/+8",
            "192.0.2.0/-1",
            "2001:db8::/129",
            "192.0.2.0/24/24",
            "192.0.2.0/99999999999",
        ] {
            let refused = text.parse::<Network>().unwrap_err();
            assert!(refused.to_string().contains("is not an IP address"));
        }
    }

    #[test]
    fn no_network_holds_nobody() {
        let none = Networks::default();
        assert!(none.is_empty() && !none.contains(IpAddr::from([127, 0, 0, 1])));
        let two: Networks = ["192.0.2.1", "10.0.0.0/8"]
            .iter()
            .map(|text| text.parse::<Network>().unwrap())
            .collect();
        assert!(two.contains(IpAddr::from([10, 1, 2, 3])));
        assert!(two.contains(IpAddr::from([192, 0, 2, 1])));
        assert!(!two.contains(IpAddr::from([192, 0, 2, 2])));
    }
}
