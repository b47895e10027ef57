//! Lists of addresses that operators keep: who may connect at all, whom the defender spares or always refuses, and whom rate
//! limiters spare.

mod entry;
mod lookup;
mod store;

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use self::lookup::Lookup;
pub use self::{
    entry::{EntryDraft, ListEntry, ListMode, ListType, Protocols},
    store::IpListStore,
};
use crate::{
    error::Result,
    event::{Actor, Change, ConnectionProtocol, Event, Events},
    network::Network,
};

/// The lists as they were read last, and where they are kept. What is asked for each connection waits for no store.
pub struct IpLists {
    store: Arc<dyn IpListStore>,
    events: Events,
    /// The change that was read last; none before anything was read.
    read: RwLock<Arc<Read>>,
}

#[derive(Default)]
struct Read {
    change: Option<i64>,
    lists: [Lookup; ListType::ALL.len()],
}

impl IpLists {
    /// The lists of `store`, as empty until they are [refreshed](Self::refresh); `events` are told of changes.
    pub fn new(store: Arc<dyn IpListStore>, events: Events) -> Self {
        Self {
            store,
            events,
            read: RwLock::default(),
        }
    }

    /// Where they are kept.
    pub fn store(&self) -> &dyn IpListStore {
        self.store.as_ref()
    }

    /// Stores a new entry, for `by`. It holds here at once. Blocks, as all changes do.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists), [`Unavailable`](crate::ErrorKind::Unavailable).
    pub fn add(&self, by: &Actor, entry: &ListEntry) -> Result<()> {
        self.store.add_list_entry(entry)?;
        self.changed(by, Change::ListEntryAdded, entry.list, entry.network);
        Ok(())
    }

    /// Replaces the entry with this list and network, for `by`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Unavailable`](crate::ErrorKind::Unavailable).
    pub fn replace(&self, by: &Actor, entry: &ListEntry) -> Result<()> {
        self.store.replace_list_entry(entry)?;
        self.changed(by, Change::ListEntryUpdated, entry.list, entry.network);
        Ok(())
    }

    /// Forgets the entry with exactly this network, for `by`.
    ///
    /// # Errors
    /// As [`IpLists::replace`].
    pub fn delete(&self, by: &Actor, list: ListType, network: Network) -> Result<()> {
        self.store.delete_list_entry(list, network)?;
        self.changed(by, Change::ListEntryDeleted, list, network);
        Ok(())
    }

    /// What was changed holds here at once; where the store does not answer any more, it does soon.
    fn changed(&self, by: &Actor, change: Change, list: ListType, network: Network) {
        if let Err(error) = self.refresh() {
            log::warn!("the change of a list of addresses takes effect with a delay: {error}");
        }
        self.events.emit(&Event::Change {
            change,
            username: "",
            id: &format!("{}/{network}", list.name()),
            by,
        });
    }

    /// Reads them again if anybody has changed them. Blocks.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable); what was read before holds.
    pub fn refresh(&self) -> Result<()> {
        let change = self.store.list_change()?;
        if self.read().change == Some(change) {
            return Ok(());
        }
        let mut read = Read {
            change: Some(change),
            lists: Default::default(),
        };
        for (list, lookup) in ListType::ALL.into_iter().zip(&mut read.lists) {
            *lookup = Lookup::of(self.store.list_entries(list)?);
        }
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(())
    }

    /// What `list` says of an address; the most specific of its entries decides.
    pub fn mode_of(
        &self,
        list: ListType,
        address: IpAddr,
        protocol: ConnectionProtocol,
    ) -> Option<ListMode> {
        self.read().lists.get(list.index())?.find(address, protocol)
    }

    fn read(&self) -> Arc<Read> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&read)
    }
}
