//! Which work a run does, in which order.

use std::time::Duration;

use super::{
    Direction, Group, Work, connect::Connect, idle::Idle, listing::Listing, network::Network,
    small_files::SmallFiles, transfer::Transfer, users::Users,
};
use crate::{
    cli::Bench,
    client::{Cipher, Client},
};

const MIB: u64 = 1 << 20;
const CIPHERS: [Cipher; 4] = [
    Cipher::Aes128Gcm,
    Cipher::Aes256Gcm,
    Cipher::ChaCha20Poly1305,
    Cipher::Aes128Ctr,
];
/// Of the user with limited bandwidth over a long way: a window that is small for the sake of the limit takes its time.
const LIMITED_NETWORK: u64 = 4 * MIB;
/// How many clients share the bytes, and how many names a directory has, when it is asked what grows with them.
const CLIENTS: [u64; 5] = [1, 8, 16, 32, 64];
const NAMES: [usize; 2] = [1000, 100_000];
/// Several of these have to end before a storm of logins does.
const LARGEST_BESIDE_LOGINS: u64 = 256 * MIB;
const ROUND_TRIPS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(150)];

/// How much of everything.
struct Scale {
    transfer: u64,
    network: u64,
    connects: u32,
    idle: &'static [usize],
    users: usize,
}

const FULL: Scale = Scale {
    transfer: 1024 * MIB,
    network: 256 * MIB,
    connects: 200,
    idle: &[0, 100, 1000],
    users: 100_000,
};
const QUICK: Scale = Scale {
    transfer: 256 * MIB,
    network: 16 * MIB,
    connects: 25,
    idle: &[0, 100],
    users: 10_000,
};

/// What was asked for.
pub(crate) struct Plan<'a> {
    options: &'a Bench,
    scale: &'static Scale,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(options: &'a Bench) -> Self {
        Self {
            options,
            scale: if options.quick { &QUICK } else { &FULL },
        }
    }

    /// Bytes of a large transfer.
    pub(crate) fn transfer(&self) -> u64 {
        self.options
            .size
            .map_or(self.scale.transfer, |mib| mib * MIB)
    }

    pub(crate) fn wants(&self, group: Group) -> bool {
        self.options.only.is_empty() || self.options.only.contains(&group)
    }

    /// Everything but the network. Memory comes first, while no server has worked yet.
    pub(crate) fn work(&self) -> Vec<Work> {
        let mut work: Vec<Work> = Vec::new();
        let groups = [
            (Group::Idle, self.idle()),
            (Group::Transfer, self.transfers()),
            (Group::Clients, self.clients()),
            (Group::Growth, self.growth()),
            (Group::SmallFiles, small_files()),
            (
                Group::Listing,
                vec![Work::Listing(Listing {
                    names: 5000,
                    times: 10,
                })],
            ),
            (Group::Connect, self.connects()),
            (Group::Users, vec![self.users()]),
        ];
        for (group, of_group) in groups {
            if !self.wants(group) {
                continue;
            }
            // What two groups ask for is done once.
            for new in of_group {
                if work.iter().all(|known| known.title() != new.title()) {
                    work.push(new);
                }
            }
        }
        work
    }

    /// The work that needs a slow network.
    pub(crate) fn network(&self) -> Vec<Work> {
        let bytes = self.scale.network.min(self.transfer());
        let mut work = Vec::new();
        for round_trip in ROUND_TRIPS {
            for large in self.calls() {
                work.extend(Direction::BOTH.map(|direction| {
                    Work::Network(Network {
                        direction,
                        round_trip,
                        bytes,
                        client: Client {
                            large: *large,
                            ..Client::default()
                        },
                        limited: false,
                    })
                }));
            }
        }
        let [short, _] = ROUND_TRIPS;
        work.push(Work::Network(Network {
            direction: Direction::Up,
            round_trip: short,
            bytes: bytes.min(LIMITED_NETWORK),
            client: Client::default(),
            limited: true,
        }));
        work
    }

    /// The way decides there, and nothing that differs from round to round: a quick look needs no second one.
    pub(crate) fn network_rounds(&self) -> u32 {
        if self.options.quick {
            1
        } else {
            self.options.rounds
        }
    }

    fn idle(&self) -> Vec<Work> {
        let counts = if self.options.idle.is_empty() {
            self.scale.idle
        } else {
            &self.options.idle
        };
        let mut counts = counts.to_vec();
        counts.sort_unstable();
        vec![Work::Idle(Idle {
            counts,
            beside: self.transfer(),
        })]
    }

    fn ciphers(&self) -> Vec<Cipher> {
        if self.options.cipher.is_empty() {
            CIPHERS.to_vec()
        } else {
            self.options.cipher.clone()
        }
    }

    /// The client's defaults, and the largest packets that it can send.
    fn calls(&self) -> &'static [bool] {
        if self.options.quick {
            &[false]
        } else {
            &[false, true]
        }
    }

    fn transfers(&self) -> Vec<Work> {
        let mut work = Vec::new();
        for large in self.calls() {
            for cipher in self.ciphers() {
                work.extend(self.both_ways(cipher, 1, *large, false));
            }
        }
        // What it costs to ask whether a limit is reached does not depend on the cipher.
        for cipher in self.ciphers().into_iter().take(1) {
            work.extend(self.both_ways(cipher, 1, false, true));
        }
        work
    }

    fn clients(&self) -> Vec<Work> {
        let ciphers = if self.options.quick {
            CIPHERS.iter().take(1).copied().collect()
        } else {
            self.ciphers()
        };
        let mut work = Vec::new();
        for clients in [4, 8] {
            for cipher in &ciphers {
                work.extend(self.both_ways(*cipher, clients, false, false));
            }
        }
        work
    }

    fn growth(&self) -> Vec<Work> {
        if self.options.quick {
            return Vec::new();
        }
        let mut work = Vec::new();
        for clients in CLIENTS {
            for cipher in self.ciphers().into_iter().take(1) {
                work.extend(self.both_ways(cipher, clients, false, false));
            }
        }
        // As many names in all.
        let most = NAMES.into_iter().max().unwrap_or_default();
        work.extend(NAMES.map(|names| {
            Work::Listing(Listing {
                names,
                times: most / names,
            })
        }));
        work
    }

    fn both_ways(&self, cipher: Cipher, clients: u64, large: bool, limited: bool) -> [Work; 2] {
        let bytes = self.transfer();
        Direction::BOTH.map(|direction| {
            Work::Transfer(Transfer {
                direction,
                cipher,
                clients,
                large,
                limited,
                bytes,
            })
        })
    }

    fn users(&self) -> Work {
        Work::Users(Users {
            count: self.scale.users,
            bytes: self.transfer().min(LARGEST_BESIDE_LOGINS),
        })
    }

    fn connects(&self) -> Vec<Work> {
        let times = self.scale.connects;
        [true, false]
            .map(|same_exchange| {
                Work::Connect(Connect {
                    times,
                    same_exchange,
                })
            })
            .into()
    }
}

fn small_files() -> Vec<Work> {
    Direction::BOTH
        .map(|direction| {
            Work::SmallFiles(SmallFiles {
                direction,
                count: 2000,
                size: 4096,
            })
        })
        .into()
}
