//! Enforcing the user's policy: for the path that was asked for, and for the one that it leads to.

use super::{Session, Shared};
use crate::{
    error::Result,
    policy::{Access, Decision},
    vpath::VirtualPath,
};

impl Session {
    /// May the user do this to what the path leads to? Whoever asks is not idle.
    ///
    /// # Errors
    /// As [`Shared::check`].
    pub(super) fn check(&self, access: Access, path: &VirtualPath) -> Result<()> {
        self.shared.connection.touch();
        self.shared.check(access, path)
    }

    /// The same for the name itself, which may be a link.
    ///
    /// # Errors
    /// As [`Shared::check`].
    pub(super) fn check_name(&self, access: Access, path: &VirtualPath) -> Result<()> {
        self.shared.connection.touch();
        self.shared.check_name(access, path)
    }
}

impl Shared {
    /// May the user do this to what the path leads to, a link of the last name followed?
    ///
    /// # Errors
    /// The refusal, see [`Decision::check`]; or the path leads nowhere, where that has to be known.
    pub(crate) fn check(&self, access: Access, path: &VirtualPath) -> Result<()> {
        self.decide(access, path)?.check(access)
    }

    /// The same for the name itself, which may be a link.
    ///
    /// # Errors
    /// As [`Shared::check`].
    pub(crate) fn check_name(&self, access: Access, path: &VirtualPath) -> Result<()> {
        self.decide_name(access, path)?.check(access)
    }

    /// The decision for the path and for where it leads, a link of the last name followed.
    ///
    /// # Errors
    /// The path leads nowhere, where that has to be known.
    pub(crate) fn decide(&self, access: Access, path: &VirtualPath) -> Result<Decision> {
        self.decide_both(access, path, || self.filesystem.resolve(path.as_bytes()))
    }

    /// The decision for the name itself and for the same name in the directory that the path leads to.
    ///
    /// # Errors
    /// As [`Shared::decide`].
    pub(crate) fn decide_name(&self, access: Access, path: &VirtualPath) -> Result<Decision> {
        self.decide_both(access, path, || match path.file_name() {
            Some(name) => {
                let directory = path.parent_or_root();
                self.filesystem.resolve(directory.as_bytes())?.join(name)
            }
            None => Ok(path.clone()),
        })
    }

    /// Where all paths have the same permissions, a second decision would be the first again: nothing is looked up.
    fn decide_both(
        &self,
        access: Access,
        path: &VirtualPath,
        resolve: impl FnOnce() -> Result<VirtualPath>,
    ) -> Result<Decision> {
        let asked = self.policy.decide(access, path);
        if self.policy.is_uniform() || !asked.allowed {
            return Ok(asked);
        }
        Ok(asked.and(self.policy.decide(access, &resolve()?)))
    }
}
