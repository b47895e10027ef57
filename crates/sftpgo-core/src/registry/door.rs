//! How many connections there may be, logged in or not: from one source, in all, and by what the process may open.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    descriptors::{Descriptors, Permit},
    error::{Error, ErrorKind, Result},
    event::ConnectionProtocol,
    fair_pool::source_of,
    sync::lock,
    user::UserId,
};

/// A limit that was reached is logged again once connections have fallen below it by so much: one part in so many, and one
/// at least.
const LEFT_BEHIND: usize = 10;

/// Bounds of all connections.
#[derive(Clone)]
pub struct ConnectionLimits {
    /// Connections in all; 0 is no bound.
    pub total: usize,
    /// Connections from one IPv4 address, or one network of 64 bits of IPv6; 0 is no bound.
    pub per_host: usize,
    /// The descriptors of the process.
    pub descriptors: Arc<Descriptors>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 0,
            per_host: 0,
            descriptors: Descriptors::unlimited(),
        }
    }
}

/// Counts who is in.
#[derive(Default)]
pub(super) struct Door(Mutex<State>);

#[derive(Default)]
struct State {
    limits: ConnectionLimits,
    open: usize,
    /// The most that were open at once since that was asked last.
    peak: usize,
    /// By their [`source_of`].
    hosts: HashMap<IpAddr, Host>,
    /// Connections that were refused since that was told, whatever their address.
    refused: usize,
}

#[derive(Default)]
struct Host {
    open: usize,
    /// The number of connections that were refused for coming from here.
    refused: usize,
}

/// A connection that was not let in.
#[derive(Debug)]
pub struct Full {
    /// Of kind [`LimitReached`](ErrorKind::LimitReached).
    pub error: Error,
    /// Others of its source have taken what there is for one.
    pub of_host: bool,
}

/// A connection that was let in; dropping it makes room for another.
pub struct Admission {
    door: Arc<Door>,
    source: IpAddr,
    /// None of a protocol whose connections have descriptors of their own.
    _socket: Option<Permit>,
    home: Option<Permit>,
}

impl Door {
    pub(super) fn set_limits(&self, limits: ConnectionLimits) {
        self.lock().limits = limits;
    }

    pub(super) fn descriptors(&self) -> Arc<Descriptors> {
        Arc::clone(&self.lock().limits.descriptors)
    }

    pub(super) fn reserve_handle(&self, user: UserId) -> Result<Permit> {
        self.descriptors().take_for_handle(user)
    }

    /// A spared host has no limit of its own. HTTP has of what is kept from other connections.
    pub(super) fn admit(
        self: &Arc<Self>,
        host: IpAddr,
        protocol: ConnectionProtocol,
        is_spared: bool,
    ) -> Result<Admission, Full> {
        let source = source_of(host);
        let mut state = self.lock();
        let state = &mut *state;
        let (total, per_host) = (state.limits.total, state.limits.per_host);
        // Before the total, so that a source that takes up everything is told apart from those that find no place.
        let from_source = state.hosts.get_mut(&source).filter(|_| !is_spared);
        if let Some(from_source) = from_source.filter(|from| per_host > 0 && from.open >= per_host)
        {
            let reason = format!(
                "{per_host} connections from {} are open, which is max_per_host_connections",
                name_of(source)
            );
            return Err(Full {
                error: tell(&mut from_source.refused, reason),
                of_host: true,
            });
        }
        if total > 0 && state.open >= total {
            let reason = format!("{total} connections are open, which is max_total_connections");
            return Err(state.refuse(reason));
        }
        let (socket, home) = match protocol {
            ConnectionProtocol::Ssh => {
                let taken = state.limits.descriptors.take_for_connection();
                let (socket, home) = taken.map_err(|error| state.refuse(error.to_string()))?;
                (Some(socket), Some(home))
            }
            ConnectionProtocol::Http => (None, None),
        };
        state.open += 1;
        state.peak = state.peak.max(state.open);
        state.hosts.entry(source).or_default().open += 1;
        Ok(Admission {
            door: Arc::clone(self),
            source,
            _socket: socket,
            home,
        })
    }

    pub(super) fn take_peak(&self) -> usize {
        let mut state = self.lock();
        let open = state.open;
        std::mem::replace(&mut state.peak, open)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl Admission {
    /// The room that is kept for the home of its login: to be dropped when that has opened the home.
    pub fn take_room_for_home(&mut self) -> Option<Permit> {
        self.home.take()
    }
}

impl State {
    fn refuse(&mut self, reason: String) -> Full {
        Full {
            error: tell(&mut self.refused, reason),
            of_host: false,
        }
    }

    fn leave(&mut self, source: IpAddr) {
        self.open -= 1;
        let most = match self.limits.total {
            0 => self.limits.descriptors.most_connections(),
            total => total.min(self.limits.descriptors.most_connections()),
        };
        if self.refused > 0 && is_left_behind(self.open, most) {
            let refused = std::mem::take(&mut self.refused);
            log::info!("connections are let in again, after {refused} were refused");
        }
        let Some(from_source) = self.hosts.get_mut(&source) else {
            return;
        };
        from_source.open -= 1;
        if from_source.refused > 0 && is_left_behind(from_source.open, self.limits.per_host) {
            let refused = std::mem::take(&mut from_source.refused);
            log::info!(
                "connections from {} are let in again, after {refused} were refused",
                name_of(source)
            );
        }
        if from_source.open == 0 {
            self.hosts.remove(&source);
        }
    }
}

/// How the log calls this source: by its address, or its network of IPv6.
fn name_of(source: IpAddr) -> String {
    match source {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(network) => format!("{network}/64"),
    }
}

/// The first refusal of many is told.
fn tell(refused: &mut usize, reason: String) -> Error {
    *refused += 1;
    if *refused == 1 {
        log::warn!("connections are refused: {reason}");
    }
    Error::new(ErrorKind::LimitReached, reason)
}

fn is_left_behind(open: usize, most: usize) -> bool {
    open + (most / LEFT_BEHIND).max(1) <= most
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.door.lock().leave(self.source);
    }
}

/// Logs once when accepting connections begins to fail, and once when it works again.
pub struct AcceptFailures {
    protocol: &'static str,
    tries: u64,
}

impl AcceptFailures {
    /// Makes the failures of the port of this protocol; there are none yet.
    pub fn of(protocol: &'static str) -> Self {
        Self { protocol, tries: 0 }
    }

    /// Says that one more try failed.
    pub fn failed(&mut self, error: &std::io::Error) {
        // The client was gone already, which is no state.
        if error.kind() == std::io::ErrorKind::ConnectionAborted {
            return;
        }
        self.tries += 1;
        if self.tries == 1 {
            log::error!(
                "no connection can be accepted for {}, which is tried again until one can: {error}",
                self.protocol
            );
        }
    }

    /// A try succeeded.
    pub fn accepted(&mut self) {
        let tries = std::mem::take(&mut self.tries);
        if tries > 1 {
            log::info!(
                "connections for {} are accepted again, after {tries} failed tries",
                self.protocol
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSH: ConnectionProtocol = ConnectionProtocol::Ssh;

    fn door(total: usize, per_host: usize) -> Arc<Door> {
        let door = Arc::new(Door::default());
        door.set_limits(ConnectionLimits {
            total,
            per_host,
            ..ConnectionLimits::default()
        });
        door
    }

    fn host(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn connections_are_bounded_in_all_and_for_each_address_and_make_room_when_they_end() {
        let door = door(4, 2);
        let first = door.admit(host(1), SSH, false).unwrap();
        let _second = door.admit(host(1), SSH, false).unwrap();
        let refused = door.admit(host(1), SSH, false).err().unwrap();
        assert_eq!(refused.error.kind(), ErrorKind::LimitReached);
        assert!(refused.of_host);
        assert!(refused.error.message().contains("max_per_host_connections"));
        drop(door.admit(host(1), SSH, true).unwrap());
        let _third = door.admit(host(2), SSH, false).unwrap();
        let fourth = door.admit(host(3), SSH, false).unwrap();
        let refused = door.admit(host(4), SSH, true).err().unwrap();
        assert!(!refused.of_host);
        assert!(refused.error.message().contains("max_total_connections"));
        drop(first);
        let again = door.admit(host(1), SSH, false).unwrap();
        drop((again, fourth));
        assert_eq!(door.lock().open, 2);
        assert_eq!(door.lock().hosts.len(), 2);
    }

    #[test]
    fn a_network_of_ipv6_is_one_host() {
        let door = door(0, 2);
        let of = |address: &str| door.admit(address.parse().unwrap(), SSH, false);
        let all = [of("2001:db8::1").unwrap(), of("2001:db8::2:1").unwrap()];
        let refused = of("2001:db8::3").err().unwrap();
        assert!(refused.of_host);
        let message = refused.error.message();
        assert!(message.contains("from 2001:db8::/64"), "{message}");
        drop(of("2001:db8:0:1::1").unwrap());
        drop(all);
        assert!(door.lock().hosts.is_empty());
    }

    #[test]
    fn who_has_taken_all_places_is_above_its_own_limit() {
        let door = door(2, 2);
        let _all = [host(1); 2].map(|host| door.admit(host, SSH, false).unwrap());
        assert!(door.admit(host(1), SSH, false).err().unwrap().of_host);
        assert!(!door.admit(host(2), SSH, false).err().unwrap().of_host);
    }

    #[test]
    fn the_peak_is_the_most_that_were_open_at_once_since_it_was_asked_for() {
        let door = door(0, 0);
        let mut all = [1, 2, 3].map(|last| Some(door.admit(host(last), SSH, false).unwrap()));
        all[0] = None;
        assert_eq!(door.take_peak(), 3);
        assert_eq!(door.take_peak(), 2);
        drop(all);
        drop(door.admit(host(1), ConnectionProtocol::Http, false));
        assert_eq!(door.take_peak(), 2);
        assert_eq!(door.take_peak(), 0);
    }

    #[test]
    fn zero_is_no_bound() {
        let door = door(0, 0);
        let all: Vec<_> = (0..1000)
            .map(|_| door.admit(host(1), SSH, false).unwrap())
            .collect();
        drop(all);
        assert!(door.lock().hosts.is_empty());
    }

    #[test]
    fn what_the_process_may_open_bounds_them_too() {
        let door = Arc::new(Door::default());
        door.set_limits(ConnectionLimits {
            descriptors: Descriptors::of_limit(256),
            ..ConnectionLimits::default()
        });
        let all: Vec<_> = std::iter::from_fn(|| door.admit(host(1), SSH, false).ok()).collect();
        assert_eq!(all.len(), door.descriptors().most_connections());
        assert!(door.admit(host(1), ConnectionProtocol::Http, false).is_ok());
        drop(all);
        assert!(door.admit(host(1), SSH, false).is_ok());
    }

    #[test]
    fn that_a_limit_is_reached_is_told_once_until_it_is_left_behind() {
        let door = door(20, 0);
        let mut all: Vec<_> = (0..20)
            .map(|_| door.admit(host(1), SSH, false).unwrap())
            .collect();
        for _ in 0..5 {
            assert!(door.admit(host(1), SSH, false).is_err());
        }
        all.pop();
        all.push(door.admit(host(1), SSH, false).unwrap());
        assert!(door.admit(host(1), SSH, false).is_err());
        assert_eq!(door.lock().refused, 6, "one place changed hands");
        all.truncate(18);
        assert_eq!(door.lock().refused, 0);
    }
}
