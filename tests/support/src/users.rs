//! Users, and their credentials.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sftpgo_core::{Permissions, Provider, StoredUser, UserDraft};

/// An authorized_keys line.
pub const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMFsrbbCYkKkrwB/cVk5Nclcz/oo3KS7aBKJAfjMsXUH";

/// Another one.
pub const OTHER_KEY: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLW0feGJCM8Dhnu/HswL2wENz36t0aO3P//evU1C9JCE0jjNRhIyxawDL4JS938ySi+pc4R51BFoMeQPrGbyFhI=";

/// An argon2id hash of `secret` that is cheap to verify.
pub const ARGON2ID: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$+c6q23sQwLpOH1shdbgrn6Ho39DyRbsdY34ab5ZO+fs";

/// A bcrypt hash of `secret` that is cheap to verify.
pub const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// The key of an authorized_keys line, as on the wire.
pub fn key_blob(line: &str) -> Vec<u8> {
    STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap()
}

/// The names of all permissions, in the contract's order.
pub fn permission_names() -> impl Iterator<Item = &'static str> {
    Permissions::known().map(|(name, _)| name)
}

/// The names of all permissions but `missing`.
pub fn permissions_without(missing: &[&str]) -> Vec<String> {
    permission_names()
        .filter(|name| !missing.contains(name))
        .map(str::to_owned)
        .collect()
}

/// A user who may list, with the password `secret` and the key [`KEY`], and whose home is nowhere.
pub fn draft(username: &str) -> UserDraft {
    UserDraft {
        username: username.to_owned(),
        password: Some(ARGON2ID.to_owned()),
        public_keys: vec![KEY.to_owned()],
        home_dir: "/nonexistent/home".to_owned(),
        permissions: vec!["list".to_owned()],
        ..UserDraft::default()
    }
}

/// Stores what `change` makes of [`draft`].
pub fn add(
    provider: &dyn Provider,
    username: &str,
    change: impl FnOnce(&mut UserDraft),
) -> StoredUser {
    let mut draft = draft(username);
    change(&mut draft);
    provider.add_user(&draft.validate(None).unwrap()).unwrap()
}
