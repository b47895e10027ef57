//! Operations that a storage may take long for, begun on a thread of their own: whoever has other work to do comes back for
//! their outcome.

use std::sync::Arc;

use super::{AttributeChange, OpenRequest, Session};
use crate::{
    transfer::{Pending, Transfer},
    vpath::VirtualPath,
};

impl Session {
    /// Begins [`Session::open`]. Where the storage does not take long it has come to its end when this returns.
    pub fn begin_to_open(&self, path: &VirtualPath, request: &OpenRequest) -> Pending<Transfer> {
        if !self.storage_may_take_long() {
            return Pending::done(self.open(path, request));
        }
        let (session, path, request) = (self.on_another_thread(), path.clone(), *request);
        Pending::start("storage-open", move || session.open(&path, &request))
    }

    /// Begins [`Session::set_attributes`], which stores a new file where a size is changed on a storage that writes files as
    /// a whole; else it has come to its end when this returns.
    pub fn begin_to_set_attributes(
        &self,
        path: &VirtualPath,
        change: &AttributeChange,
        follow: bool,
    ) -> Pending<()> {
        if change.size.is_none() || !self.storage_may_take_long() {
            return Pending::done(self.set_attributes(path, change, follow));
        }
        let (session, path, change) = (self.on_another_thread(), path.clone(), *change);
        Pending::start("storage-resize", move || {
            session.set_attributes(&path, &change, follow)
        })
    }

    /// What stores files as a whole is reached over a network.
    fn storage_may_take_long(&self) -> bool {
        !self.shared.filesystem.capabilities().random_writes
    }

    fn on_another_thread(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}
