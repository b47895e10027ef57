//! The defender: addresses from which too many logins fail are refused for a while.
//!
//! What is asked for each connection is answered from memory. `rules` says what counts how long, `hosts` remembers it, and
//! `store` is where several servers tell each other.

mod hosts;
mod rules;
mod store;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Instant,
};

use self::{
    hosts::{Counted, Hosts, Standing},
    rules::{Millis, millis},
};
pub use self::{
    rules::DefenderConfig,
    store::{BanReport, DefenderStore, HostReport, SharedHost},
};
use crate::{
    error::Result,
    event::{Actor, Change, ConnectionProtocol, Event, Events, Offence},
    ip_list::{IpLists, ListMode, ListType},
    network::Network,
    sync::lock,
    user::now_ms,
};

/// Unix milliseconds. Ours never jump: they go on from the start of the process, whatever is done to the system's clock, so
/// that no ban lasts for a year.
type Clock = Box<dyn Fn() -> Millis + Send + Sync>;

/// Counts failed logins by address, and bans addresses.
pub struct Defender {
    config: DefenderConfig,
    lists: Arc<IpLists>,
    events: Events,
    hosts: Mutex<Hosts>,
    clock: Clock,
    /// None where this server has scores and bans for itself.
    store: Option<Arc<dyn DefenderStore>>,
}

/// An address, or the network that is counted as one, of which there is something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderHost {
    /// The address, or the first one of the network.
    pub address: IpAddr,
    /// What it has.
    pub standing: HostStanding,
}

/// What a host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostStanding {
    /// A score below the threshold.
    Score(u32),
    /// A ban that ends then, in Unix milliseconds.
    BannedUntil(i64),
}

impl Defender {
    /// A defender that remembers hosts in memory, and tells `events`.
    pub fn new(config: DefenderConfig, lists: Arc<IpLists>, events: Events) -> Self {
        let (began, at) = (Instant::now(), now_ms());
        Self {
            config,
            lists,
            events,
            hosts: Mutex::default(),
            clock: Box::new(move || at.saturating_add(millis(began.elapsed()))),
            store: None,
        }
    }

    /// The same by another clock, in milliseconds.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
            ..self
        }
    }

    /// The same with scores and bans that all servers with this store share.
    #[must_use]
    pub fn with_store(self, store: Option<Arc<dyn DefenderStore>>) -> Self {
        Self { store, ..self }
    }

    /// Tells other servers what was counted here, and hears what they have. Blocks; what is asked for each connection does
    /// not wait for it.
    ///
    /// # Errors
    /// The store does not answer; what was not told is told the next time.
    pub fn exchange(&self) -> Result<()> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let then = (self.clock)();
        let reports = lock(&self.hosts).take_news(&self.config, then);
        let shared = match store.exchange_hosts(&reports, &self.config) {
            Ok(shared) => shared,
            Err(error) => {
                lock(&self.hosts).was_not_told();
                return Err(error);
            }
        };
        let now = (self.clock)();
        let mut hosts = lock(&self.hosts);
        let banned = hosts.merge(&reports, &shared, &self.config, then, now);
        drop(hosts);
        for host in banned {
            self.events.emit(&Event::Banned {
                address: host.first(),
                protocol: None,
                duration: self.config.ban_time,
            });
        }
        Ok(())
    }

    /// The settings.
    pub fn config(&self) -> &DefenderConfig {
        &self.config
    }

    /// Is a new connection of this address refused? If it is for a ban, that gets longer.
    pub fn refuses_connection(&self, address: IpAddr, protocol: ConnectionProtocol) -> bool {
        self.refuses(address, protocol, |hosts, host, now| {
            hosts.prolong(host, &self.config, now);
        })
    }

    /// Is a request of this address refused, whose connection was let in or is a proxy's?
    pub fn refuses_request(&self, address: IpAddr, protocol: ConnectionProtocol) -> bool {
        self.refuses(address, protocol, |_, _, _| {})
    }

    /// What the list says decides, and of who is not in it a ban, once `before` was done to it.
    fn refuses(
        &self,
        address: IpAddr,
        protocol: ConnectionProtocol,
        before: impl FnOnce(&mut Hosts, Network, Millis),
    ) -> bool {
        let refused = match self.mode_of(address, protocol) {
            Some(ListMode::Allow) => false,
            Some(ListMode::Deny) => true,
            None => {
                let (host, now) = (self.config.host_of(address), (self.clock)());
                let mut hosts = lock(&self.hosts);
                before(&mut hosts, host, now);
                hosts.is_banned(host, now)
            }
        };
        if refused {
            self.events
                .emit(&Event::RefusedByDefender { address, protocol });
        }
        refused
    }

    /// Has the address a ban, and is not spared?
    pub fn is_banned(&self, address: IpAddr, protocol: ConnectionProtocol) -> bool {
        let (host, now) = (self.config.host_of(address), (self.clock)());
        lock(&self.hosts).is_banned(host, now) && !self.spares(address, protocol)
    }

    /// Is the address one that is never counted or banned?
    pub fn spares(&self, address: IpAddr, protocol: ConnectionProtocol) -> bool {
        self.mode_of(address, protocol) == Some(ListMode::Allow)
    }

    fn mode_of(&self, address: IpAddr, protocol: ConnectionProtocol) -> Option<ListMode> {
        self.lists.mode_of(ListType::Defender, address, protocol)
    }

    /// Counts an offence against an address.
    pub fn count(&self, address: IpAddr, protocol: ConnectionProtocol, offence: Offence) {
        let increase = self.config.score_of(offence);
        if increase == 0 || self.spares(address, protocol) {
            return;
        }
        let (host, now) = (self.config.host_of(address), (self.clock)());
        let counted = lock(&self.hosts).count(host, increase, &self.config, now);
        let (Counted::Score(score) | Counted::Banned(score)) = counted else {
            return;
        };
        let address = address.to_canonical();
        self.events.emit(&Event::Scored {
            address,
            protocol,
            offence,
            increase,
            score,
        });
        if matches!(counted, Counted::Banned(_)) {
            self.events.emit(&Event::Banned {
                address,
                protocol: Some(protocol),
                duration: self.config.ban_time,
            });
        }
    }

    /// All of whom there is something to tell, by their addresses.
    pub fn hosts(&self) -> Vec<DefenderHost> {
        let all = lock(&self.hosts).all(&self.config, (self.clock)());
        let mut all: Vec<_> = all.into_iter().map(shown).collect();
        all.sort_unstable_by_key(|host| host.address);
        all
    }

    /// What this address, or the network that it is counted with, has; none if nothing.
    pub fn host(&self, address: IpAddr) -> Option<DefenderHost> {
        let (host, now) = (self.config.host_of(address), (self.clock)());
        let standing = lock(&self.hosts).standing(host, &self.config, now)?;
        Some(shown((host, standing)))
    }

    /// Takes back what this address, or the network that it is counted with, has on every server, for `by`; was there
    /// anything? Waits for the store, where there is one.
    ///
    /// # Errors
    /// The store does not answer; then other servers go on with what they have.
    pub fn forget(&self, by: &Actor, address: IpAddr) -> Result<bool> {
        let (host, now) = (self.config.host_of(address), (self.clock)());
        let is_here = lock(&self.hosts).forget(host, &self.config, now);
        let is_there = match &self.store {
            Some(store) => store.forget_host(host)?,
            None => false,
        };
        let was_there = is_here || is_there;
        if was_there {
            self.events.emit(&Event::Change {
                change: Change::HostFreed,
                username: "",
                id: &address.to_canonical().to_string(),
                by,
            });
        }
        Ok(was_there)
    }
}

fn shown((network, standing): (Network, Standing)) -> DefenderHost {
    DefenderHost {
        address: network.first(),
        standing: match standing {
            Standing::Score(score) => HostStanding::Score(score),
            Standing::BannedUntil(until) => HostStanding::BannedUntil(until),
        },
    }
}
