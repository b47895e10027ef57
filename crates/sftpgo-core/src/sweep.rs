//! Removing what uploads left behind when the server was killed in the middle of them.

use std::ops::ControlFlow;

use crate::{error::Result, filesystem::Homes, provider::Users};

/// Removes unfinished uploads that nobody has open from all homes that exist and answers how many there were.
/// Blocks for as long as walking the homes takes; a home that cannot be read is logged and passed over.
///
/// # Errors
/// What the provider says.
pub fn sweep_uploads(users: &dyn Users, homes: &dyn Homes) -> Result<u64> {
    let mut removed = 0;
    users.for_each_user(&mut |user| {
        let swept = homes
            .existing_home(&user)
            .and_then(|home| home.map_or(Ok(0), |home| home.sweep_uploads()));
        match swept {
            Ok(count) => removed += count,
            Err(error) => log::warn!("the home of {:?} was not swept: {error}", user.username),
        }
        ControlFlow::Continue(())
    })?;
    Ok(removed)
}
