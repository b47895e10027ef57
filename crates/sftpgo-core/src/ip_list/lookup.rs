//! Entries by the addresses that they are for.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use super::{ListEntry, ListMode, Protocols};
use crate::{event::ConnectionProtocol, network::Network};

/// One list. Finding what it says of an address costs a look for each length of a prefix that occurs in it, however many
/// entries there are.
#[derive(Default)]
pub(super) struct Lookup {
    /// By the length of the prefix.
    ipv4: BTreeMap<u8, HashMap<IpAddr, Says>>,
    ipv6: BTreeMap<u8, HashMap<IpAddr, Says>>,
}

struct Says {
    mode: ListMode,
    protocols: Protocols,
}

impl Lookup {
    pub(super) fn of(entries: Vec<ListEntry>) -> Self {
        let mut lookup = Self::default();
        for entry in entries {
            let first = entry.network.first();
            let by_prefix = match first {
                IpAddr::V4(_) => &mut lookup.ipv4,
                IpAddr::V6(_) => &mut lookup.ipv6,
            };
            let says = Says {
                mode: entry.mode,
                protocols: entry.protocols,
            };
            by_prefix
                .entry(entry.network.prefix())
                .or_default()
                .insert(first, says);
        }
        lookup
    }

    /// What the most specific entry says that is for the address and the protocol.
    pub(super) fn find(&self, address: IpAddr, protocol: ConnectionProtocol) -> Option<ListMode> {
        let address = address.to_canonical();
        let by_prefix = match address {
            IpAddr::V4(_) => &self.ipv4,
            IpAddr::V6(_) => &self.ipv6,
        };
        by_prefix.iter().rev().find_map(|(prefix, entries)| {
            let around = Network::around(address, *prefix, *prefix).first();
            let says = entries.get(&around)?;
            says.protocols.include(protocol).then_some(says.mode)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ip_list::ListType;

    fn entry(network: &str, mode: ListMode, protocols: Protocols) -> ListEntry {
        ListEntry {
            list: ListType::Defender,
            network: network.parse::<Network>().unwrap().masked(),
            mode,
            protocols,
            description: String::new(),
            created_at: 0,
            updated_at: 0,
        }
    }

    fn find(lookup: &Lookup, address: &str, protocol: ConnectionProtocol) -> Option<ListMode> {
        lookup.find(address.parse().unwrap(), protocol)
    }

    #[test]
    fn the_most_specific_entry_for_the_protocol_decides() {
        use ConnectionProtocol::{Http, Ssh};
        use ListMode::{Allow, Deny};
        let lookup = Lookup::of(vec![
            entry("10.0.0.0/8", Deny, Protocols::empty()),
            entry("10.1.0.0/16", Allow, Protocols::SSH),
            entry("10.1.1.1", Deny, Protocols::HTTP),
            entry("2001:db8::/32", Allow, Protocols::empty()),
        ]);
        for (address, protocol, expected) in [
            ("10.9.9.9", Ssh, Some(Deny)),
            ("10.1.9.9", Ssh, Some(Allow)),
            ("10.1.9.9", Http, Some(Deny)),
            ("10.1.1.1", Ssh, Some(Allow)),
            ("::ffff:10.1.1.1", Http, Some(Deny)),
            ("11.0.0.1", Ssh, None),
            ("2001:db8:7::1", Http, Some(Allow)),
            ("2001:db9::1", Http, None),
        ] {
            assert_eq!(find(&lookup, address, protocol), expected, "{address}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_looking_at_each_entry_finds(
            networks in prop::collection::vec((0u32..64, 24u8..=32, any::<bool>()), 0..12),
            address in 0u32..64,
        ) {
            let of = |low: u32| IpAddr::from((0xc000_0200 | low).to_be_bytes());
            let entries: Vec<_> = networks
                .iter()
                .map(|(low, prefix, denies)| ListEntry {
                    network: Network::around(of(*low), *prefix, 128),
                    ..entry("::", if *denies { ListMode::Deny } else { ListMode::Allow }, Protocols::empty())
                })
                .collect();
            let address = of(address);
            // Of two with one network the later one is left, as in a store.
            let expected = entries
                .iter()
                .filter(|entry| entry.network.contains(address))
                .max_by_key(|entry| entry.network.prefix())
                .map(|entry| entry.mode);
            let found = Lookup::of(entries).find(address, ConnectionProtocol::Ssh);
            prop_assert_eq!(found, expected);
        }
    }
}
