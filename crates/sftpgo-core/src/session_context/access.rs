//! Enforcing the user's policy: for the path that was asked for, and for the one that it leads to.

use super::{SessionContext, SetstatMode};
use crate::{
    error::Result,
    filesystem::SetAttributes,
    policy::{Access, Decision},
    vpath::VirtualPath,
};

impl SessionContext {
    /// May the user do this to what the path leads to, a link of the last name followed?
    ///
    /// # Errors
    /// The refusal, see [`Decision::check`]; or the path leads nowhere, where that has to be known.
    pub(crate) fn check(&self, access: Access, path: &VirtualPath) -> Result<()> {
        self.decide(access, path)?.check(access)
    }

    /// Checks an access to the name itself, which may be a link.
    ///
    /// # Errors
    /// As [`SessionContext::check`].
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

    /// The decision for the name itself and for the same name in the directory that the path leads to. With a slash behind
    /// it a name stands for where a link of this name leads.
    ///
    /// # Errors
    /// As [`SessionContext::decide`].
    pub(crate) fn decide_name(&self, access: Access, path: &VirtualPath) -> Result<Decision> {
        self.decide_both(access, path, || {
            path.resolve_name(|raw| self.filesystem.resolve(raw))
        })
    }

    /// Decides for the path and for where it leads. Where all paths have the same permissions, the second decision would be
    /// the first again, and nothing is looked up.
    fn decide_both(
        &self,
        access: Access,
        path: &VirtualPath,
        resolve: impl FnOnce() -> Result<VirtualPath>,
    ) -> Result<Decision> {
        let asked = self.user.policy.decide(access, path);
        if self.user.policy.is_uniform() || !asked.allowed {
            return Ok(asked);
        }
        Ok(asked.and(self.user.policy.decide(access, &resolve()?)))
    }

    /// The part of `change` that is allowed by `decide`, of what is not the user's own open upload.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) when a part is missing and not to be ignored.
    pub(crate) fn permitted(
        &self,
        change: &SetAttributes,
        decide: impl Fn(Access) -> Result<Decision>,
    ) -> Result<SetAttributes> {
        let asked = [
            (change.mode.is_some(), Access::Chmod),
            (change.owner.is_some(), Access::Chown),
            (change.times.is_some(), Access::Chtimes),
        ];
        let mut permitted = *change;
        let mut refused: Option<Decision> = None;
        for (_, access) in asked.into_iter().filter(|(is_asked, _)| *is_asked) {
            let decision = decide(access)?;
            if decision.allowed {
                continue;
            }
            refused = Some(refused.map_or(decision, |before| before.and(decision)));
            match access {
                Access::Chmod => permitted.mode = None,
                Access::Chown => permitted.owner = None,
                _ => permitted.times = None,
            }
        }
        match (refused, self.setstat) {
            (Some(refused), SetstatMode::Refuse) => {
                refused.check(Access::Chmod).map(|()| permitted)
            }
            _ => Ok(permitted),
        }
    }
}
