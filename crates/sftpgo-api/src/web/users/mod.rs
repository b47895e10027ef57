//! Pages of users.

pub(super) mod edit;
pub(super) mod list;
mod search;
pub(super) mod second_factor;
pub(super) mod selected;
mod user_form;

use sftpgo_core::UserId;

pub(super) use self::user_form::version;
use super::answer::Refusal;

/// The user whom an address names.
///
/// # Errors
/// It names none.
fn user_id(segment: &str) -> Result<UserId, Refusal> {
    let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let id = segment.parse().ok().filter(|_| is_number);
    id.map(UserId).ok_or_else(Refusal::not_found)
}
