//! A file that comes in order and appears as a whole.

use super::{Metadata, Replace, SetAttributes, not_declared};
use crate::error::Result;

/// A new content of one name, on a storage that does not write at offsets. Its bytes come in order, and nobody sees any of
/// them before [`UploadWriter::finish`].
///
/// Writes out of order are refused before they come here, and none is held back until the ones before it have come. Clients
/// that upload a file as a whole ask for one write after the other, however many are under way, and a channel keeps their
/// order. Who writes otherwise leaves holes, comes back to what was written, or uploads parts of one file by several handles:
/// no bounded window is enough for that, and a client that had heard that its data is stored would hear the contrary at its
/// CLOSE.
///
/// Its calls come one after the other, from whatever thread, and may take long: where the caller has other work to do, such as
/// the other sessions of a connection, they run on a thread of their own.
pub trait UploadWriter: Send {
    /// Takes the next bytes, all of them.
    ///
    /// # Errors
    /// What the storage says; nothing but [`UploadWriter::abort`] is asked for after that.
    fn write(&mut self, data: &[u8]) -> Result<()>;

    /// Changes attributes that the file will have.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where it cannot have them.
    fn set_attributes(&mut self, change: &SetAttributes) -> Result<()> {
        let _ = change;
        Err(not_declared())
    }

    /// Ends an upload of which all has come: the file is under its name, whole and durably stored, when this returns, and
    /// in one step. May take long; meanwhile no other name of the user is changed through this server.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) where `replace` does not let it take the place of what is there, or
    /// what the storage says. Then what had the name has it still, and nothing is left of this.
    fn finish(self: Box<Self>, replace: Replace) -> Result<Metadata>;

    /// Leaves nothing. Dropping it does the same as well as that can be done.
    ///
    /// # Errors
    /// What the storage says; [`Filesystem::sweep_uploads`](super::Filesystem::sweep_uploads) removes then what is left.
    fn abort(self: Box<Self>) -> Result<()>;
}
