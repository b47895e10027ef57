//! Who may connect, asked before a connection costs anything: the defender, the allow list, then the limits of connections.

use std::{net::IpAddr, sync::Arc};

use crate::{
    defender::Defender,
    error::Error,
    event::{ConnectionProtocol, Offence},
    ip_list::{IpLists, ListType},
    registry::{Admission, Connections},
};

/// What every protocol asks of a new connection. The default lets everybody in.
#[derive(Default)]
pub struct Gate {
    defender: Option<Arc<Defender>>,
    /// None where anybody may connect.
    allow_list: Option<Arc<IpLists>>,
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
}

impl Gate {
    /// A gate that asks this defender, if there is one.
    pub fn new(defender: Option<Arc<Defender>>) -> Self {
        Self {
            defender,
            allow_list: None,
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
        connections.admit(address, is_spared).map_err(|full| {
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
