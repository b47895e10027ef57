//! Which of the users to import the server has already.

use std::collections::{HashMap, HashSet};

use sftpgo_dump::{Entry, User};

use crate::{
    client::{Client, MAX_PAGE},
    commands::paginate::Paginate,
    exit::Result,
};

/// The number of users that can be asked for one by one in the time of a page of all.
const LOOKUPS_PER_PAGE: usize = 16;

/// The stored users of the names that matter.
pub(super) struct Existing<'a> {
    client: &'a Client,
    found: HashMap<String, User>,
    /// Were all users of the server looked at?
    complete: bool,
}

impl<'a> Existing<'a> {
    /// Looks through the server's users, unless that would take longer than to ask for each of the entries: a server
    /// does not tell how many it has, so this goes on until asking would have been done.
    pub(super) fn of(client: &'a Client, entries: &[Entry]) -> Result<Self> {
        let names: HashSet<&str> = entries
            .iter()
            .flatten()
            .map(|user| user.name.as_str())
            .collect();
        let mut existing = Self {
            client,
            found: HashMap::new(),
            complete: names.is_empty(),
        };
        let mut users = Paginate::new(client);
        for _ in 0..names.len().div_ceil(LOOKUPS_PER_PAGE) {
            let Some(page) = users.next_page(MAX_PAGE)? else {
                break;
            };
            let wanted = page
                .into_iter()
                .filter(|user| names.contains(user.username.as_str()));
            existing
                .found
                .extend(wanted.map(|user| (user.username.clone(), user)));
            existing.complete = users.has_ended();
        }
        Ok(existing)
    }

    /// The user of this name, who is not asked for again.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<User>> {
        match self.found.remove(name) {
            None if !self.complete => self.client.find_user(name),
            found => Ok(found),
        }
    }
}
