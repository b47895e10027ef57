//! Removing what uploads left behind when the server was killed in the middle of them.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::FilesystemFactory,
    patience, priority,
    provider::Users,
    user::StoredUser,
};

/// The time that one home is waited for; it is swept to its end all the same.
const PATIENCE: Duration = Duration::from_secs(60);
/// Homes that are left to themselves at the most. When so many do not end, it is their disk that is away.
const MOST_LEFT_BEHIND: usize = 8;

/// Removes unfinished uploads that nobody has open from all homes that exist and returns how many there were.
/// Blocks for as long as walking the homes takes; a home that cannot be read is logged and passed over, and so is one
/// that has not been swept after a minute.
///
/// # Errors
/// Any error of the provider; or several homes do not answer, and the rest was not swept.
pub fn sweep_uploads(users: &dyn Users, homes: &Arc<dyn FilesystemFactory>) -> Result<u64> {
    let mut sweep = Sweep {
        homes,
        patience: PATIENCE,
        removed: 0,
        left_behind: 0,
    };
    users.for_each_user(&mut |user| sweep.one(user))?;
    if sweep.left_behind < MOST_LEFT_BEHIND {
        return Ok(sweep.removed);
    }
    Err(Error::new(
        ErrorKind::Internal,
        format!(
            "{MOST_LEFT_BEHIND} home directories do not answer; the other ones are searched after the next start"
        ),
    ))
}

struct Sweep<'a> {
    homes: &'a Arc<dyn FilesystemFactory>,
    patience: Duration,
    removed: u64,
    left_behind: usize,
}

impl Sweep<'_> {
    fn one(&mut self, user: StoredUser) -> ControlFlow<()> {
        let (homes, username) = (Arc::clone(self.homes), user.username.clone());
        let swept = patience::run("sweep", self.patience, move |_| {
            priority::lower_for_this_thread();
            let home = homes.existing_home(&user.effective())?;
            let username = &user.username;
            home.map_or(Ok(0), |home| {
                home.sweep_uploads(&mut |path, error| {
                    log::warn!(
                        "the directory {path:?} of user {username:?} could not be searched for unfinished uploads: {error}"
                    );
                })
            })
        });
        match swept.and_then(Option::transpose) {
            Ok(Some(count)) => self.removed += count,
            Ok(None) => {
                self.left_behind += 1;
                log::warn!(
                    "the search for unfinished uploads in the home of user {username:?} has not ended after {} seconds, and the other homes are searched meanwhile",
                    self.patience.as_secs_f32()
                );
            }
            Err(error) => log::warn!(
                "the home of user {username:?} could not be searched for unfinished uploads: {error}"
            ),
        }
        if self.left_behind < MOST_LEFT_BEHIND {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}
