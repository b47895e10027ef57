//! Telling observers of what the rules of this server refuse.

use super::SessionContext;
use crate::{
    error::{Error, Result},
    event::{Attempt, Event},
    rule::Rule,
    vpath::VirtualPath,
};

impl SessionContext {
    /// Tells of a refusal, if `outcome` is one by a rule, and returns the outcome as it is.
    pub(crate) fn told<T>(
        &self,
        attempt: Attempt,
        path: &VirtualPath,
        outcome: Result<T>,
    ) -> Result<T> {
        self.told_of_two(attempt, (path, None), outcome)
    }

    /// The same for what has a second path.
    pub(crate) fn told_of_two<T>(
        &self,
        attempt: Attempt,
        paths: (&VirtualPath, Option<&VirtualPath>),
        outcome: Result<T>,
    ) -> Result<T> {
        outcome.inspect_err(|error| {
            if let Some(rule) = error.rule() {
                self.tell_refusal(attempt, paths, rule, error);
            }
        })
    }

    #[cold]
    fn tell_refusal(
        &self,
        attempt: Attempt,
        (path, target): (&VirtualPath, Option<&VirtualPath>),
        rule: Rule,
        error: &Error,
    ) {
        let target = target.map(|target| self.filesystem.display_path(target));
        self.events.emit(&Event::Refused {
            attempt,
            username: &self.user.username,
            file_path: &self.filesystem.display_path(path),
            target_path: target.as_deref(),
            rule,
            reason: error.message(),
            connection_id: self.connection.id(),
            protocol: self.connection.protocol(),
        });
    }
}
