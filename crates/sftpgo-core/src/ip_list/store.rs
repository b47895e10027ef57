//! What a store has to offer for the lists.

use super::{ListEntry, ListType};
use crate::{error::Result, network::Network};

/// The stored lists. What is answered survives a power cut. A new store has loopback's addresses in the defender's list, as
/// allowed, so that nobody locks out the machine itself.
pub trait IpListStore: Send + Sync {
    /// A number that is another one after each change of any list.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    fn list_change(&self) -> Result<i64>;

    /// All entries of a list, in the order of the bytes of their networks as texts. One that cannot be read is left out and
    /// logged.
    ///
    /// # Errors
    /// As [`IpListStore::list_change`].
    fn list_entries(&self, list: ListType) -> Result<Vec<ListEntry>>;

    /// The entry with exactly this network.
    ///
    /// # Errors
    /// As [`IpListStore::list_change`].
    fn list_entry(&self, list: ListType, network: Network) -> Result<Option<ListEntry>>;

    /// Stores a new entry.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) when the list has one with this network.
    fn add_list_entry(&self, entry: &ListEntry) -> Result<()>;

    /// Replaces the entry with this list and network; the time at which it was made stays.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn replace_list_entry(&self, entry: &ListEntry) -> Result<()>;

    /// Forgets the entry with exactly this network.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn delete_list_entry(&self, list: ListType, network: Network) -> Result<()>;
}
