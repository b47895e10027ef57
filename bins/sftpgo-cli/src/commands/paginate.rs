//! All users of a server, a page at a time.

use sftpgo_dump::User;

use crate::{
    cli::Order,
    client::{Client, Page, PageStart},
    exit::{Failure, Result},
};

/// Reads users in the order of their names. Each page begins after the last name of the one before, so that users who
/// are added or deleted meanwhile move nobody from one page to another. A user who gets another name meanwhile may be
/// missed, or given under both names.
pub(super) struct Paginate<'a> {
    client: &'a Client,
    order: Order,
    next: PageStart,
    has_ended: bool,
}

impl<'a> Paginate<'a> {
    /// Makes the pages from the first name on.
    pub(super) fn new(client: &'a Client) -> Self {
        Self::from(client, Order::Asc, 0)
    }

    /// Makes the pages in this order, after so many users.
    pub(super) fn from(client: &'a Client, order: Order, offset: u32) -> Self {
        Self {
            client,
            order,
            next: PageStart::Offset(offset),
            has_ended: false,
        }
    }

    /// Have all been given?
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The next users, at most `limit`; none after the last.
    ///
    /// # Errors
    /// What the server says, or that it does not know how to go on after a name.
    pub(super) fn next_page(&mut self, limit: u32) -> Result<Option<Vec<User>>> {
        if self.has_ended {
            return Ok(None);
        }
        let page = self.client.users(&Page {
            start: &self.next,
            limit,
            order: self.order,
        })?;
        self.has_ended = page.len() < limit as usize;
        if let Some(last) = page.last() {
            if !self.goes_on_to(&last.username) {
                return Err(Failure::Unexpected(
                    "the server gives the same users again when it is asked for those after a name: \
                     it is older than this program, or not this project's"
                        .to_owned(),
                ));
            }
            self.next = PageStart::After(last.username.clone());
        }
        Ok(Some(page))
    }

    fn goes_on_to(&self, last: &str) -> bool {
        match (&self.next, self.order) {
            (PageStart::Offset(_), _) => true,
            (PageStart::After(name), Order::Asc) => last > name.as_str(),
            (PageStart::After(name), Order::Desc) => last < name.as_str(),
        }
    }
}
