//! All users of a server, page by page, while some come and go.

use std::collections::HashSet;

use crate::{
    client::{Client, MAX_PAGE, Page},
    exit::Result,
    wire::User,
};

/// Gives every user once, by name.
///
/// A page is a place in the list, not a name: when somebody in front of it goes, all behind move up. So each page
/// begins with the last user of the one before; where that is gone, the next one is looked for further in front.
/// Whoever is there all the time is never missed.
pub(super) struct EveryUser<'a> {
    client: &'a Client,
    offset: u32,
    seen: HashSet<i64>,
    ended: bool,
}

impl<'a> EveryUser<'a> {
    pub(super) fn of(client: &'a Client) -> Self {
        Self {
            client,
            offset: 0,
            seen: HashSet::new(),
            ended: false,
        }
    }

    /// Have all been given?
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Those of the next page who were not given yet; nothing after the last.
    pub(super) fn next_page(&mut self) -> Result<Option<Vec<User>>> {
        while !self.ended {
            let mut page = self.client.users(Page {
                offset: self.offset,
                limit: MAX_PAGE,
                order: "ASC",
            })?;
            let is_next = self.offset == 0 || page.iter().any(|user| self.seen.contains(&user.id));
            if !is_next {
                self.offset = self.offset.saturating_sub(MAX_PAGE / 2);
                continue;
            }
            let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
            self.ended = count < MAX_PAGE;
            self.offset = self.offset.saturating_add(count.saturating_sub(1));
            page.retain(|user| self.seen.insert(user.id));
            return Ok(Some(page));
        }
        Ok(None)
    }
}
