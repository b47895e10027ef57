//! A user's account to try things on: what is charged to it is told to nobody.

use std::{ops::ControlFlow, sync::Arc};

use crate::{
    error::{Error, ErrorKind, Result},
    provider::{Health, QuotaLedger, UserQuery, Users},
    quota::{QuotaAccount, QuotaBook},
    storage_usage::Usage,
    user::{User, UserId},
};

/// A provider that knows the usage of one user and forgets what it is told.
pub(super) struct Scratch {
    usage: Usage,
}

impl Scratch {
    /// An account that starts where the user's own stands, reservations of running uploads included.
    pub(super) fn account(quotas: &QuotaBook, user: &User) -> Result<Arc<QuotaAccount>> {
        let now = quotas.account(user)?.status();
        let scratch = Self {
            usage: Usage {
                size: now.size_used,
                files: i32::try_from(now.files_used).unwrap_or(i32::MAX),
                updated_at: 0,
            },
        };
        QuotaBook::new(Arc::new(scratch), quotas.tracking()).account(user)
    }
}

impl QuotaLedger for Scratch {
    fn usage(&self, _: UserId) -> Result<Usage> {
        Ok(self.usage)
    }

    fn set_usage(&self, _: UserId, _: Usage) -> Result<()> {
        Ok(())
    }

    fn set_unsettled(&self, _: UserId, _: bool) -> Result<()> {
        Ok(())
    }

    fn unsettled_users(&self) -> Result<Vec<UserId>> {
        Ok(Vec::new())
    }
}

impl Health for Scratch {
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A quota book asks for nobody.
impl Users for Scratch {
    fn user_by_name(&self, _: &str) -> Result<Option<User>> {
        Ok(None)
    }

    fn user_by_id(&self, _: UserId) -> Result<Option<User>> {
        Ok(None)
    }

    fn list_users(&self, _: &UserQuery) -> Result<Vec<User>> {
        Ok(Vec::new())
    }

    fn for_each_user(&self, _: &mut dyn FnMut(User) -> ControlFlow<()>) -> Result<()> {
        Ok(())
    }

    fn add_user(&self, _: &User) -> Result<User> {
        Err(nobody())
    }

    fn change_user(&self, _: &User, _: &User) -> Result<bool> {
        Err(nobody())
    }

    fn replace_password_hash(&self, _: UserId, _: &str, _: &str) -> Result<bool> {
        Err(nobody())
    }

    fn delete_user(&self, _: UserId) -> Result<()> {
        Err(nobody())
    }

    fn record_login(&self, _: UserId, _: i64) -> Result<()> {
        Err(nobody())
    }
}

fn nobody() -> Error {
    Error::new(ErrorKind::Unsupported, "nobody is stored here")
}
