//! The answer of a policy, with the rule that decided.

use super::Access;
use crate::{
    error::{Error, Result},
    permission::Permissions,
    rule::Rule,
};

/// The decision of a policy about one access, or of several together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// May it be done?
    pub allowed: bool,
    /// The rule that decided: where allowed, [`Rule::Permission`] with all that were needed; where refused, with those
    /// that are missing, or another rule.
    pub rule: Rule,
}

impl Decision {
    pub(crate) fn allowed(needed: Permissions) -> Self {
        Self {
            allowed: true,
            rule: Rule::Permission(needed),
        }
    }

    pub(crate) fn refused(rule: Rule) -> Self {
        Self {
            allowed: false,
            rule,
        }
    }

    /// Joins two decisions: the stricter one wins, and of two that miss permissions neither is left out.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.rule, other.rule) {
            (Rule::Permission(one), Rule::Permission(two)) if self.allowed == other.allowed => {
                Self {
                    allowed: self.allowed,
                    rule: Rule::Permission(one | two),
                }
            }
            _ if self.allowed => other,
            _ => self,
        }
    }

    /// Goes on where allowed.
    ///
    /// # Errors
    /// What a client hears of the refusal of `access`: [`PermissionDenied`](crate::ErrorKind::PermissionDenied), and
    /// [`NotFound`](crate::ErrorKind::NotFound) for a reserved name that no name is made of.
    pub fn check(self, access: Access) -> Result<()> {
        if self.allowed {
            return Ok(());
        }
        let refusal = match self.rule {
            Rule::Permission(missing) => {
                let names = missing.names_on_wire().join(" and ");
                Error::denied(format!("permission denied: needs {names}"))
            }
            Rule::ReservedName if access.makes_name() => Error::denied("the name is reserved"),
            Rule::ReservedName => Error::not_found("no such file or directory"),
            rule => Error::denied(format!("refused by the rule {rule}")),
        };
        Err(refusal.decided_by(self.rule))
    }
}
