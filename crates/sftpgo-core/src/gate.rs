//! Who may connect, asked before a connection costs anything: the defender, the allow list, the limits of connections,
//! those of their rate, and last what an operator has for it.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    defender::Defender,
    error::Error,
    event::{ConnectionProtocol, Offence},
    fair_pool::{Asker, Bell, FairPool, NotDone},
    ip_list::{IpLists, ListType},
    rate_limit::{RateLimits, TooMany},
    registry::{Admission, Connections},
};

/// Connections that are asked about at once: each may be a program of the system.
const ASKED_AT_ONCE: usize = 16;
/// Connections that wait to be asked about; sources take turns, and further ones are refused.
const WAITING_TO_BE_ASKED: usize = 512;
/// That connections are asked about again is told once no more are at it, else a line that stays nearly full would tell it of
/// each place that becomes free.
const NEARLY_NONE: usize = (ASKED_AT_ONCE + WAITING_TO_BE_ASKED) / 10;

/// What an operator has to decide about each connection that nothing else has refused.
pub trait ConnectionHook: Send + Sync {
    /// May this address connect? May take long: it is called on a thread of the gate's.
    fn allows(&self, address: IpAddr, protocol: ConnectionProtocol) -> bool;
}

/// A hook and the threads on which it is asked.
struct AskedHook {
    hook: Arc<dyn ConnectionHook>,
    threads: FairPool,
    line: Line,
}

/// Who is being asked about or waits for it, and how many were refused because of that.
#[derive(Default)]
struct Line {
    inside: AtomicUsize,
    /// Refused since that was told.
    refused: AtomicUsize,
}

/// What every protocol asks of a new connection. The default lets everybody in.
#[derive(Default)]
pub struct Gate {
    defender: Option<Arc<Defender>>,
    /// None where anybody may connect.
    allow_list: Option<Arc<IpLists>>,
    rate_limits: Option<RateLimits>,
    hook: Option<AskedHook>,
}

/// Why a connection or a request is refused.
#[derive(Debug)]
pub enum Refused {
    /// The defender has banned the address, or an operator has.
    Banned,
    /// The allow list is in force and does not have the address.
    NotListed,
    /// There are too many connections; the registry has logged it.
    Full(Error),
    /// Too many have come in a time.
    TooMany {
        /// It may come again after this time.
        retry_in: Duration,
    },
    /// The operator's hook has not allowed it, or could not be asked.
    ByHook,
}

impl Gate {
    /// A gate that asks this defender, if there is one.
    pub fn new(defender: Option<Arc<Defender>>) -> Self {
        Self {
            defender,
            ..Self::default()
        }
    }

    /// The same for nobody but who is in the allow list of `lists`.
    #[must_use]
    pub fn with_allow_list(self, lists: Arc<IpLists>) -> Self {
        Self {
            allow_list: Some(lists),
            ..self
        }
    }

    /// The same with these limits of rates.
    #[must_use]
    pub fn with_rate_limits(self, limits: RateLimits) -> Self {
        Self {
            rate_limits: Some(limits),
            ..self
        }
    }

    /// The same for nobody but whom `hook` allows.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn with_hook(self, hook: Arc<dyn ConnectionHook>) -> Result<Self, Error> {
        let threads = FairPool::start("connect hook", ASKED_AT_ONCE, WAITING_TO_BE_ASKED)?;
        Ok(Self {
            hook: Some(AskedHook {
                hook,
                threads,
                line: Line::default(),
            }),
            ..self
        })
    }

    /// The defender, where it is on.
    pub fn defender(&self) -> Option<&Arc<Defender>> {
        self.defender.as_ref()
    }

    /// Lets a network connection in, which nobody is logged in on yet, and counts it in `connections`.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn admit(
        &self,
        connections: &Connections,
        address: IpAddr,
        protocol: ConnectionProtocol,
    ) -> Result<Admission, Refused> {
        self.check_connection(address, protocol)?;
        let defender = self.defender.as_ref();
        // The machine itself is spared unasked, and keeps the limit that an operator has set for every host.
        let is_spared = !address.to_canonical().is_loopback()
            && defender.is_some_and(|defender| defender.spares(address, protocol));
        let admitted = connections.admit(address, protocol, is_spared);
        admitted.map_err(|full| {
            if let Some(defender) = defender.filter(|_| full.of_host) {
                defender.count(address, protocol, Offence::LimitExceeded);
            }
            Refused::Full(full.error)
        })
    }

    /// May this address connect? Where a ban refuses it, that gets longer.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn check_connection(
        &self,
        address: IpAddr,
        protocol: ConnectionProtocol,
    ) -> Result<(), Refused> {
        match &self.defender {
            Some(defender) if defender.refuses_connection(address, protocol) => {
                Err(Refused::Banned)
            }
            _ => self.check_listed(address, protocol),
        }
    }

    /// May this address send a request over a connection that was let in, or is a proxy's?
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn check_request(
        &self,
        address: IpAddr,
        protocol: ConnectionProtocol,
    ) -> Result<(), Refused> {
        match &self.defender {
            Some(defender) if defender.refuses_request(address, protocol) => Err(Refused::Banned),
            _ => self.check_listed(address, protocol),
        }
    }

    /// Counts a connection that was let in, or a request, and returns how long it has to wait for its turn.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub fn pace(&self, address: IpAddr, protocol: ConnectionProtocol) -> Result<Duration, Refused> {
        let Some(limits) = &self.rate_limits else {
            return Ok(Duration::ZERO);
        };
        limits.take(address, protocol).map_err(|too_many| {
            let TooMany {
                retry_in,
                is_offence,
            } = too_many;
            if let Some(defender) = self.defender.as_ref().filter(|_| is_offence) {
                defender.count(address, protocol, Offence::LimitExceeded);
            }
            Refused::TooMany { retry_in }
        })
    }

    /// Asks the hook, if there is one, about a connection whose turn has come. Waits by the connection's bell, for other
    /// connections too.
    ///
    /// # Errors
    /// [`Refused::ByHook`]: it says no, too many others wait for it, or the connection has to close.
    pub fn ask_hook(
        &self,
        address: IpAddr,
        protocol: ConnectionProtocol,
        bell: &Arc<Bell>,
    ) -> Result<(), Refused> {
        let Some(asked) = &self.hook else {
            return Ok(());
        };
        let hook = Arc::clone(&asked.hook);
        let before = asked.line.enter();
        let answer = asked.threads.run(Asker::unknown(address), bell, move || {
            hook.allows(address, protocol)
        });
        asked.line.leave();
        match answer {
            Ok((allows, _)) => {
                if let Some(refused) = asked.line.is_nearly_empty(before) {
                    log::warn!(
                        "connections wait for post_connect_hook again, after {refused} were refused"
                    );
                }
                if allows {
                    return Ok(());
                }
            }
            Err(NotDone::Full) => {
                if asked.line.refuse() {
                    log::warn!(
                        "connections are refused: {WAITING_TO_BE_ASKED} others wait for post_connect_hook"
                    );
                }
            }
            Err(NotDone::Closing | NotDone::Panicked) => {}
        }
        Err(Refused::ByHook)
    }

    fn check_listed(&self, address: IpAddr, protocol: ConnectionProtocol) -> Result<(), Refused> {
        let is_listed =
            |lists: &Arc<IpLists>| lists.mode_of(ListType::Allow, address, protocol).is_some();
        if self.allow_list.as_ref().is_none_or(is_listed) {
            Ok(())
        } else {
            Err(Refused::NotListed)
        }
    }
}

impl Line {
    /// Returns how many were there before.
    fn enter(&self) -> usize {
        self.inside.fetch_add(1, Ordering::AcqRel)
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::AcqRel);
    }

    /// Counts one that finds no room. Is it to be told?
    fn refuse(&self) -> bool {
        self.refused.fetch_add(1, Ordering::AcqRel) == 0
    }

    /// Returns how many were refused, to be told now, since few were there before one that was asked about.
    fn is_nearly_empty(&self, before: usize) -> Option<usize> {
        if before > NEARLY_NONE {
            return None;
        }
        Some(self.refused.swap(0, Ordering::AcqRel)).filter(|refused| *refused > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_the_line_is_full_is_told_once_until_few_wait() {
        let line = Line::default();
        while line.enter() < ASKED_AT_ONCE + WAITING_TO_BE_ASKED {}
        line.leave();
        assert!(line.refuse(), "the first one");
        for _ in 0..5 {
            // One is asked about, and another comes in its place.
            line.leave();
            let before = line.enter();
            assert_eq!(line.is_nearly_empty(before), None);
            assert!(!line.refuse(), "places changed hands");
        }
        while line.enter() > NEARLY_NONE {
            line.leave();
            line.leave();
        }
        line.leave();
        let before = line.enter();
        assert_eq!(line.is_nearly_empty(before), Some(6));
        assert_eq!(line.is_nearly_empty(before), None, "nobody since");
        assert!(line.refuse(), "the first one again");
    }
}
