use sftpgo_api::{fuzzing::user_draft, user_json};
use sftpgo_core::{UserDraft, credential::password::PasswordHash};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9";

/// The body of a request that adds a user: what passes is within bounds, and is shown as it was taken.
pub fn rest_user(data: &[u8]) {
    let Some(mut draft) = user_draft(data) else {
        return;
    };
    // Hashing plain text takes too long here.
    let is_plain = |password: &String| PasswordHash::parse(password).is_err();
    if draft.password.as_ref().is_some_and(is_plain) {
        draft.password = None;
        draft.public_keys.push(KEY.to_owned());
    }
    let Ok(user) = draft.validate(None) else {
        return;
    };
    assert!((1..=255).contains(&user.username.len()));
    assert!(
        !user
            .username
            .contains(|c: char| c.is_control() || matches!(c, '/' | '\\'))
    );
    assert!(user.home_dir.is_absolute());
    assert!(user.uid <= 65_535 && user.gid <= 65_535 && user.expiration_date >= 0);

    let shown = user_json(&user);
    if let Some(hash) = user.password.as_deref().filter(|hash| hash.len() > 20) {
        assert!(!shown.contains(hash), "a hash is shown");
    }
    let again = UserDraft {
        password: user.password.clone(),
        ..user_draft(shown.as_bytes()).unwrap()
    };
    assert!(again.validate(None).unwrap() == user, "{shown}");
}
