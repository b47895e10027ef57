//! Admins and API keys in memory.

use std::collections::BTreeMap;

use sftpgo_core::{
    Error, ErrorKind, Result,
    admin::{AddWhere, Admin, AdminStore, ApiKey, keeps_a_full_admin},
    sync::lock,
};

use super::MemoryProvider;
use crate::admin_refusal::Refusal;

#[derive(Debug, Default)]
pub(super) struct Stored {
    last_id: i32,
    admins: BTreeMap<String, Admin>,
    keys: BTreeMap<String, ApiKey>,
}

impl Stored {
    fn all(&self) -> Vec<Admin> {
        self.admins.values().cloned().collect()
    }

    fn check_is_for_somebody(&self, key: &ApiKey) -> Result<()> {
        if key.admin.is_empty() || self.admins.contains_key(&key.admin) {
            return Ok(());
        }
        Err(Refusal::NoAdmin.into())
    }
}

impl AdminStore for MemoryProvider {
    fn has_admins(&self) -> Result<bool> {
        Ok(!lock(&self.admins).admins.is_empty())
    }

    fn admins(&self) -> Result<Vec<Admin>> {
        Ok(lock(&self.admins).all())
    }

    fn admin(&self, username: &str) -> Result<Option<Admin>> {
        Ok(lock(&self.admins).admins.get(username).cloned())
    }

    fn add_admin(&self, admin: &Admin, when: AddWhere) -> Result<Admin> {
        let mut stored = lock(&self.admins);
        if when == AddWhere::NoneIs && !stored.admins.is_empty() {
            return Err(Refusal::NotTheFirst.into());
        }
        if stored.admins.contains_key(&admin.username) {
            return Err(Refusal::NameTaken.into());
        }
        stored.last_id = stored.last_id.checked_add(1).ok_or_else(|| {
            Error::new(
                ErrorKind::LimitReached,
                "every id of an admin has been given out",
            )
        })?;
        let added = Admin {
            id: stored.last_id,
            version: 1,
            last_login: 0,
            ..admin.clone()
        };
        stored.admins.insert(added.username.clone(), added.clone());
        Ok(added)
    }

    fn replace_admin(&self, admin: &Admin) -> Result<bool> {
        let mut stored = lock(&self.admins);
        let all = stored.all();
        let Some(old) = all.iter().find(|other| other.id == admin.id) else {
            return Err(Refusal::NoAdmin.into());
        };
        if old.version != admin.version {
            return Ok(false);
        }
        if !keeps_a_full_admin(&all, admin.id, Some(admin)) {
            return Err(Refusal::LastOne.into());
        }
        stored.admins.remove(&old.username);
        let replaced = Admin {
            version: admin.version + 1,
            last_login: old.last_login,
            ..admin.clone()
        };
        stored.admins.insert(replaced.username.clone(), replaced);
        Ok(true)
    }

    fn delete_admin(&self, username: &str) -> Result<()> {
        let mut stored = lock(&self.admins);
        let id = stored
            .admins
            .get(username)
            .map(|admin| admin.id)
            .ok_or(Refusal::NoAdmin)?;
        if !keeps_a_full_admin(&stored.all(), id, None) {
            return Err(Refusal::LastOne.into());
        }
        stored.admins.remove(username);
        stored.keys.retain(|_, key| key.admin != username);
        Ok(())
    }

    fn record_admin_login(&self, username: &str, at: i64) -> Result<()> {
        if let Some(admin) = lock(&self.admins).admins.get_mut(username) {
            admin.last_login = at;
        }
        Ok(())
    }

    fn api_keys(&self) -> Result<Vec<ApiKey>> {
        Ok(lock(&self.admins).keys.values().cloned().collect())
    }

    fn api_key(&self, id: &str) -> Result<Option<ApiKey>> {
        Ok(lock(&self.admins).keys.get(id).cloned())
    }

    fn add_api_key(&self, key: &ApiKey) -> Result<()> {
        let mut stored = lock(&self.admins);
        stored.check_is_for_somebody(key)?;
        if stored.keys.contains_key(&key.id) {
            return Err(Refusal::NameTaken.into());
        }
        stored.keys.insert(key.id.clone(), key.clone());
        Ok(())
    }

    fn replace_api_key(&self, key: &ApiKey) -> Result<()> {
        let mut stored = lock(&self.admins);
        stored.check_is_for_somebody(key)?;
        let old = stored.keys.get_mut(&key.id).ok_or(Refusal::NoKey)?;
        *old = ApiKey {
            hash: old.hash.clone(),
            created_at: old.created_at,
            last_use_at: old.last_use_at,
            ..key.clone()
        };
        Ok(())
    }

    fn delete_api_key(&self, id: &str) -> Result<()> {
        let removed = lock(&self.admins).keys.remove(id);
        removed.map(drop).ok_or_else(|| Refusal::NoKey.into())
    }

    fn record_api_key_use(&self, id: &str, at: i64) -> Result<()> {
        if let Some(key) = lock(&self.admins).keys.get_mut(id) {
            key.last_use_at = at;
        }
        Ok(())
    }
}
