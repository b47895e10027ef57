//! The stored admins and API keys in a database. Whoever changes one changes `admin_changes` first, and so is alone.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
};
use sftpgo_core::{
    Result,
    admin::{AddWhere, Admin, AdminStore, ApiKey, keeps_a_full_admin},
};

use crate::{
    admin_refusal::Refusal,
    admin_row::{AdminColumns, AdminRow, ApiKeyChange, ApiKeyRow},
    connection::Connection,
    database::DatabaseProvider,
    schema::{admin_changes, admins, api_keys},
};

/// The result of a change; a transaction that fails tells of the database only.
enum Changed<T> {
    Done(T),
    Refused(Refusal),
}

impl<T> Changed<T> {
    fn done(self) -> Result<T> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Refused(refusal) => Err(refusal.into()),
        }
    }
}

impl AdminStore for DatabaseProvider {
    fn has_admins(&self) -> Result<bool> {
        self.pool.call(|connection| {
            let any = admins::table.select(admins::id).first::<i32>(connection);
            Ok(any.optional()?.is_some())
        })
    }

    fn admins(&self) -> Result<Vec<Admin>> {
        self.pool.call(all)
    }

    fn admin(&self, username: &str) -> Result<Option<Admin>> {
        if username.contains('\0') {
            return Ok(None);
        }
        let username = username.to_owned();
        self.pool
            .call(move |connection| named(connection, &username))
    }

    fn add_admin(&self, admin: &Admin, when: AddWhere) -> Result<Admin> {
        let admin = admin.clone();
        self.pool
            .durable_transaction(move |connection| {
                be_alone(connection)?;
                let stored = all(connection)?;
                if when == AddWhere::NoneIs && !stored.is_empty() {
                    return Ok(Changed::Refused(Refusal::NotTheFirst));
                }
                if stored.iter().any(|other| other.username == admin.username) {
                    return Ok(Changed::Refused(Refusal::NameTaken));
                }
                diesel::insert_into(admins::table)
                    .values((AdminColumns::of(&admin, 1), admins::last_login.eq(0)))
                    .execute(connection)?;
                let added = named(connection, &admin.username)?;
                added
                    .map(Changed::Done)
                    .ok_or(diesel::result::Error::NotFound)
            })?
            .done()
    }

    fn replace_admin(&self, admin: &Admin) -> Result<bool> {
        let admin = admin.clone();
        self.pool
            .durable_transaction(move |connection| {
                be_alone(connection)?;
                let stored = all(connection)?;
                let Some(old) = stored.iter().find(|other| other.id == admin.id) else {
                    return Ok(Changed::Refused(Refusal::NoAdmin));
                };
                if old.version != admin.version {
                    return Ok(Changed::Done(false));
                }
                if !keeps_a_full_admin(&stored, admin.id, Some(&admin)) {
                    return Ok(Changed::Refused(Refusal::LastOne));
                }
                diesel::update(admins::table.find(admin.id))
                    .set(AdminColumns::of(&admin, admin.version + 1))
                    .execute(connection)?;
                Ok(Changed::Done(true))
            })?
            .done()
    }

    fn delete_admin(&self, username: &str) -> Result<()> {
        let username = username.to_owned();
        self.pool
            .durable_transaction(move |connection| {
                be_alone(connection)?;
                let stored = all(connection)?;
                let Some(admin) = stored.iter().find(|admin| admin.username == username) else {
                    return Ok(Changed::Refused(Refusal::NoAdmin));
                };
                if !keeps_a_full_admin(&stored, admin.id, None) {
                    return Ok(Changed::Refused(Refusal::LastOne));
                }
                diesel::delete(api_keys::table.filter(api_keys::admin.eq(&username)))
                    .execute(connection)?;
                diesel::delete(admins::table.find(admin.id)).execute(connection)?;
                Ok(Changed::Done(()))
            })?
            .done()
    }

    fn record_admin_login(&self, username: &str, at: i64) -> Result<()> {
        let username = username.to_owned();
        self.pool.write(move |connection| {
            diesel::update(admins::table.filter(admins::username.eq(&username)))
                .set(admins::last_login.eq(at))
                .execute(connection)
                .map(drop)
        })
    }

    fn api_keys(&self) -> Result<Vec<ApiKey>> {
        self.pool.call(|connection| {
            let rows = api_keys::table
                .order(api_keys::id)
                .select(ApiKeyRow::as_select())
                .load(connection)?;
            Ok(rows.into_iter().map(ApiKeyRow::into_key).collect())
        })
    }

    fn api_key(&self, id: &str) -> Result<Option<ApiKey>> {
        if id.contains('\0') {
            return Ok(None);
        }
        let id = id.to_owned();
        self.pool.call(move |connection| {
            let found = api_keys::table
                .find(&id)
                .select(ApiKeyRow::as_select())
                .get_result(connection)
                .optional()?;
            Ok(found.map(ApiKeyRow::into_key).filter(|key| key.id == id))
        })
    }

    fn add_api_key(&self, key: &ApiKey) -> Result<()> {
        let key = key.clone();
        self.pool
            .durable_transaction(move |connection| {
                be_alone(connection)?;
                if !is_for_somebody(connection, &key)? {
                    return Ok(Changed::Refused(Refusal::NoAdmin));
                }
                diesel::insert_into(api_keys::table)
                    .values(ApiKeyRow::from(&key))
                    .execute(connection)?;
                Ok(Changed::Done(()))
            })?
            .done()
    }

    fn replace_api_key(&self, key: &ApiKey) -> Result<()> {
        let key = key.clone();
        self.pool
            .durable_transaction(move |connection| {
                be_alone(connection)?;
                if !is_for_somebody(connection, &key)? {
                    return Ok(Changed::Refused(Refusal::NoAdmin));
                }
                let changed = diesel::update(api_keys::table.find(&key.id))
                    .set(ApiKeyChange::from(&key))
                    .execute(connection)?;
                Ok(key_changed(changed))
            })?
            .done()
    }

    fn delete_api_key(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.pool
            .durable_transaction(move |connection| {
                let deleted = diesel::delete(api_keys::table.find(&id)).execute(connection)?;
                Ok(key_changed(deleted))
            })?
            .done()
    }

    fn record_api_key_use(&self, id: &str, at: i64) -> Result<()> {
        let id = id.to_owned();
        self.pool.write(move |connection| {
            diesel::update(api_keys::table.find(&id))
                .set(api_keys::last_use_at.eq(at))
                .execute(connection)
                .map(drop)
        })
    }
}

/// Other transactions that change admins wait for this one from here on.
fn be_alone(connection: &mut Connection) -> QueryResult<()> {
    diesel::update(admin_changes::table.find(1))
        .set(admin_changes::number.eq(admin_changes::number + 1))
        .execute(connection)
        .map(drop)
}

fn all(connection: &mut Connection) -> QueryResult<Vec<Admin>> {
    let rows = admins::table
        .order(admins::username)
        .select(AdminRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(AdminRow::into_admin).collect())
}

fn named(connection: &mut Connection, username: &str) -> QueryResult<Option<Admin>> {
    let found = admins::table
        .filter(admins::username.eq(username))
        .select(AdminRow::as_select())
        .get_result(connection)
        .optional()?;
    // A database may compare names without the spaces at their end.
    Ok(found
        .map(AdminRow::into_admin)
        .filter(|admin| admin.username == username))
}

fn is_for_somebody(connection: &mut Connection, key: &ApiKey) -> QueryResult<bool> {
    Ok(key.admin.is_empty() || named(connection, &key.admin)?.is_some())
}

fn key_changed(rows: usize) -> Changed<()> {
    if rows == 0 {
        Changed::Refused(Refusal::NoKey)
    } else {
        Changed::Done(())
    }
}
