//! The finite fields that are offered: RFC 3526's, and no others (RFC 8270 wants at least 2,048 bits).

use super::primes;

/// A group of RFC 3526.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Group {
    G14,
    G15,
    G16,
    G17,
    G18,
}

impl Group {
    /// From the smallest to the largest.
    const ALL: [Self; 5] = [Self::G14, Self::G15, Self::G16, Self::G17, Self::G18];

    /// The size of the prime.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::G14 => 2_048,
            Self::G15 => 3_072,
            Self::G16 => 4_096,
            Self::G17 => 6_144,
            Self::G18 => 8_192,
        }
    }

    /// The prime p, high byte first.
    pub(crate) fn prime(self) -> &'static [u8] {
        match self {
            Self::G14 => primes::GROUP_14,
            Self::G15 => primes::GROUP_15,
            Self::G16 => primes::GROUP_16,
            Self::G17 => primes::GROUP_17,
            Self::G18 => primes::GROUP_18,
        }
    }

    /// The generator g, high byte first: 2 in every group.
    pub(crate) fn generator(self) -> &'static [u8] {
        &[2]
    }
}

/// The group for a client that asks for `preferred` bits and takes `min` to `max` (RFC 4419 section 3).
///
/// It is the smallest that is large enough, or the largest that the client takes when none is.
pub(crate) fn choose_group(min: u32, preferred: u32, max: u32) -> Option<Group> {
    let mut acceptable = Group::ALL
        .into_iter()
        .filter(|group| (min..=max).contains(&group.bits()));
    let smallest = acceptable.clone().find(|group| group.bits() >= preferred);
    smallest.or_else(|| acceptable.next_back())
}
