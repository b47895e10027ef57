//! What clients are counted by, wherever they take turns or places.

use std::net::{IpAddr, Ipv6Addr};

/// The part of an IPv6 address that one customer gets: whoever has one address has all of these (RFC 6177).
const IPV6_NETWORK: u128 = u128::MAX << 64;

/// An IPv4 address, however it is written, or the network of 64 bits of an IPv6 address.
pub fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
        v4 => v4,
    }
}
