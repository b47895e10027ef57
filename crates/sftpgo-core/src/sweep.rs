//! Removing what uploads left behind when the server was killed in the middle of them.

use crate::{
    error::Result,
    filesystem::Homes,
    provider::{Order, UserQuery, Users},
};

/// Users looked at with one query.
const PAGE: u32 = 500;

/// Removes unfinished uploads that nobody has open from all homes that exist and answers how many there were.
/// Blocks for as long as walking the homes takes; a home that cannot be read is logged and passed over.
///
/// # Errors
/// What the provider says.
pub fn sweep_uploads(users: &dyn Users, homes: &dyn Homes) -> Result<u64> {
    let mut removed = 0;
    let mut query = UserQuery {
        offset: 0,
        limit: PAGE,
        order: Order::Ascending,
        username: None,
    };
    loop {
        let page = users.list_users(&query)?;
        for user in &page {
            let swept = homes
                .existing_home(user)
                .and_then(|home| home.map_or(Ok(0), |home| home.sweep_uploads()));
            match swept {
                Ok(count) => removed += count,
                Err(error) => log::warn!("the home of {:?} was not swept: {error}", user.username),
            }
        }
        if page.len() < PAGE as usize {
            return Ok(removed);
        }
        query.offset = query.offset.saturating_add(PAGE);
    }
}
