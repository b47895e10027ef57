//! Providers that hand everything on but what a test wants otherwise.

/// Implements [`Users`](sftpgo_core::provider::Users) and `Health` by the field `stored`.
macro_rules! forward_users {
    ($provider:ty) => {
        impl sftpgo_core::provider::Users for $provider {
            fn user_by_name(&self, username: &str) -> Result<Option<StoredUser>> {
                self.stored.user_by_name(username)
            }

            fn user_by_id(&self, id: UserId) -> Result<Option<StoredUser>> {
                self.stored.user_by_id(id)
            }

            fn list_users(
                &self,
                query: &sftpgo_core::provider::UserQuery,
            ) -> Result<Vec<StoredUser>> {
                self.stored.list_users(query)
            }

            fn for_each_user(
                &self,
                see: &mut dyn FnMut(StoredUser) -> std::ops::ControlFlow<()>,
            ) -> Result<()> {
                self.stored.for_each_user(see)
            }

            fn add_user(&self, user: &StoredUser) -> Result<StoredUser> {
                self.stored.add_user(user)
            }

            fn change_user(&self, before: &StoredUser, user: &StoredUser) -> Result<bool> {
                self.stored.change_user(before, user)
            }

            fn replace_password_hash(&self, id: UserId, old: &str, new: &str) -> Result<bool> {
                self.stored.replace_password_hash(id, old, new)
            }

            fn delete_user(&self, id: UserId) -> Result<()> {
                self.stored.delete_user(id)
            }

            fn record_login(&self, id: UserId, at: i64) -> Result<()> {
                self.stored.record_login(id, at)
            }
        }

        impl sftpgo_core::provider::Health for $provider {
            fn check(&self) -> Result<()> {
                self.stored.check()
            }
        }
    };
}

pub(crate) use forward_users;
