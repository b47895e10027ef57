//! Which users a page of the list shows. Those whose names begin with what is searched for come first, for the index of names
//! finds them at once among however many; then those that have it elsewhere, for which names are looked at in order.

use sftpgo_core::{
    Result, StoredUser,
    accounts::Accounts,
    provider::{NameFilter, Order, PageStart, UserQuery},
};

use super::super::{
    form::Form,
    texts::{common, users as texts},
    words,
};

/// Users of a page.
const PAGE: usize = 100;
/// Users that are read at once when not all of them are shown.
const READ: u32 = 500;
/// Users that are looked at for one page; then the page says so, and the next one goes on from there.
const MOST_READ: usize = 20_000;
/// Percent of a quota above which a user is nearly full.
const NEARLY_FULL: u64 = 90;
/// Behind every name that begins with what is before it.
const LAST: char = char::MAX;
/// As an address has it: the page is one of [`Part::Others`].
const OTHERS: &str = "others";

pub(super) const FILTERS: [(&str, &str); 4] = [
    ("", texts::ALL),
    ("disabled", common::DISABLED),
    ("expired", texts::EXPIRED),
    ("full", texts::NEARLY_FULL),
];

/// The users that are to be shown.
#[derive(Clone)]
pub(super) struct Search {
    /// What the names have to have in them, as it was typed.
    pub(super) typed: String,
    /// One of [`FILTERS`].
    pub(super) show: &'static str,
    pub(super) order: Order,
    pub(super) now: i64,
    lowercase: String,
    place: Place,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    part: Part,
    /// Behind this name; at the first where it is empty.
    after: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Those whose names begin with what was typed, letter by letter.
    Beginnings,
    /// The others that have it in their names; all, where nothing was typed.
    Others,
}

/// A page of it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) users: Vec<StoredUser>,
    /// Where there may be more; none at the end.
    pub(super) next: Option<Place>,
    /// Is the page not whole, because searching on would take too long?
    pub(super) is_searching: bool,
}

impl Place {
    /// As an address has it: the part, and the name behind which it goes on.
    pub(super) fn in_address(&self) -> [(&'static str, &str); 2] {
        let part = match self.part {
            Part::Beginnings => "",
            Part::Others => OTHERS,
        };
        [("part", part), ("after", &self.after)]
    }
}

impl Search {
    pub(super) fn of(query: &Form, now: i64) -> Self {
        let asked = query.get("show");
        let show = FILTERS.iter().find(|(name, _)| *name == asked);
        let typed = query.get("search").trim();
        let part = match typed.is_empty() || query.get("part") == OTHERS {
            true => Part::Others,
            false => Part::Beginnings,
        };
        Self {
            typed: typed.to_owned(),
            lowercase: typed.to_lowercase(),
            show: show.map_or("", |(name, _)| name),
            order: match query.get("order") {
                "DESC" => Order::Descending,
                _ => Order::Ascending,
            },
            place: Place {
                part,
                after: query.get("after").to_owned(),
            },
            now,
        }
    }

    fn shows(&self, user: &StoredUser, part: Part) -> bool {
        let is_shown = match self.show {
            "disabled" => !user.enabled,
            "expired" => user.is_expired_at(self.now),
            "full" => is_nearly_full(user),
            _ => true,
        };
        let has_it = match part {
            Part::Beginnings => user.username.starts_with(&self.typed),
            Part::Others => {
                self.typed.is_empty()
                    || !user.username.starts_with(&self.typed)
                        && user.username.to_lowercase().contains(&self.lowercase)
            }
        };
        is_shown && has_it
    }

    /// Can no user of the part come at this name or behind it?
    fn is_behind(&self, username: &str, part: Part) -> bool {
        part == Part::Beginnings
            && !username.starts_with(&self.typed)
            && match self.order {
                Order::Ascending => username > self.typed.as_str(),
                Order::Descending => username < self.typed.as_str(),
            }
    }

    /// How many users are read at once.
    fn limit(&self, part: Part) -> u32 {
        match part {
            Part::Others if !self.typed.is_empty() || !self.show.is_empty() => READ,
            _ => PAGE as u32 + 1,
        }
    }

    /// The page.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) fn find(&self, accounts: &Accounts) -> Result<Found> {
        let mut found = Found::default();
        let mut place = self.place.clone();
        if place.part == Part::Beginnings {
            if !self.look(accounts, place, &mut found)? {
                return Ok(found);
            }
            place = Place {
                part: Part::Others,
                after: String::new(),
            };
        }
        self.look(accounts, place, &mut found)?;
        Ok(found)
    }

    /// Looks at the users of a part from a place on. Was that all of it?
    fn look(&self, accounts: &Accounts, place: Place, found: &mut Found) -> Result<bool> {
        let Place { part, mut after } = place;
        let limit = self.limit(part);
        let list = |start, limit, username: Option<String>| {
            accounts.list(&UserQuery {
                start,
                limit,
                order: self.order,
                name: username.map(NameFilter::Is),
                ..UserQuery::default()
            })
        };
        let mut start = match (part, self.order) {
            _ if !after.is_empty() => PageStart::after_name(&after),
            (Part::Others, _) => PageStart::Offset(0),
            (Part::Beginnings, Order::Ascending) => {
                // What was typed may be a whole name, and is the first of them then.
                let exact = list(PageStart::Offset(0), 1, Some(self.typed.clone()))?;
                let shown = exact.into_iter().filter(|user| self.shows(user, part));
                found.users.extend(shown);
                PageStart::after_name(&self.typed)
            }
            (Part::Beginnings, Order::Descending) => {
                PageStart::after_name(format!("{}{LAST}", self.typed))
            }
        };
        let mut read = 0;
        loop {
            let users = list(start, limit, None)?;
            let is_last = users.len() < limit as usize;
            read += users.len();
            for user in users {
                if self.is_behind(&user.username, part) {
                    return Ok(true);
                }
                let is_shown = self.shows(&user, part);
                if is_shown && found.users.len() == PAGE {
                    found.next = Some(Place { part, after });
                    return Ok(false);
                }
                after.clone_from(&user.username);
                if is_shown {
                    found.users.push(user);
                }
            }
            if is_last {
                return Ok(true);
            }
            if read >= MOST_READ {
                found.is_searching = true;
                found.next = Some(Place { part, after });
                return Ok(false);
            }
            start = PageStart::after_name(&after);
        }
    }
}

fn is_nearly_full(user: &StoredUser) -> bool {
    let (size, files) = used(user);
    let parts = [
        words::part(size, user.quota_size),
        words::part(files, user.quota_files.into()),
    ];
    parts.into_iter().flatten().any(|part| part >= NEARLY_FULL)
}

/// Bytes and files that a user has.
pub(super) fn used(user: &StoredUser) -> (u64, u64) {
    let size = u64::try_from(user.usage.size).unwrap_or(0);
    let files = u64::try_from(user.usage.files).unwrap_or(0);
    (size, files)
}
