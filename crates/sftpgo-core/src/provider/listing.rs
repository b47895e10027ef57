//! The users that a listing shows, their order, and where a page of it begins. What is decided here of one user is what every
//! store has to find.

use crate::{storage_usage::is_nearly_full, user::StoredUser};

/// The value by which a user who never expires is sorted: behind all others.
pub const NEVER_EXPIRES: i64 = i64::MAX;

/// The direction of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The smallest value first, and names from A to Z, by bytes.
    #[default]
    Ascending,
    /// The largest value first, and names from Z to A, by bytes.
    Descending,
}

/// What a listing is sorted by. Users with the same value are in the order of their names, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// The username, for which stores have an index. By anything else a store may have to look at all users for a page.
    #[default]
    Username,
    /// The bytes in the user's files, as stored.
    UsedSize,
    /// The last login. Users who never logged in have the smallest value.
    LastLogin,
    /// The expiration date. Users who never expire have the largest value.
    ExpirationDate,
}

impl SortBy {
    /// Returns the value by which this user is sorted: bytes, or Unix milliseconds; 0 where the name alone decides.
    pub fn value(self, user: &StoredUser) -> i64 {
        match self {
            Self::Username => 0,
            Self::UsedSize => user.usage.size,
            Self::LastLogin => user.last_login,
            Self::ExpirationDate if user.expiration_date > 0 => user.expiration_date,
            Self::ExpirationDate => NEVER_EXPIRES,
        }
    }
}

/// The place of a user in a listing. It stays where it is when the user changes or goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// As [`SortBy::value`] says.
    pub value: i64,
    /// It decides where values are the same.
    pub username: String,
}

impl Place {
    /// The place of `user` in a listing that is sorted so.
    pub fn of(user: &StoredUser, sort_by: SortBy) -> Self {
        Self {
            value: sort_by.value(user),
            username: user.username.clone(),
        }
    }

    /// The place of a name in a listing that is sorted by username.
    pub fn of_name(username: impl Into<String>) -> Self {
        Self {
            value: 0,
            username: username.into(),
        }
    }
}

/// The place at which a page of a listing begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// The page begins behind so many users. A store may have to read the names of all of them.
    Offset(u32),
    /// The page begins behind this place in the order of the listing, whether a user has it or not. Users who come or go
    /// before it move nothing. Where the listing is sorted by username and has no condition, a page costs the same
    /// wherever it begins.
    After(Place),
}

impl PageStart {
    /// The page that begins behind this name, in a listing that is sorted by username.
    pub fn after_name(username: impl Into<String>) -> Self {
        Self::After(Place::of_name(username))
    }
}

impl Default for PageStart {
    fn default() -> Self {
        Self::Offset(0)
    }
}

/// What the name of a user has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameFilter {
    /// Exactly this.
    Is(String),
    /// It begins with this, letter by letter. A store has an index for it.
    BeginsWith(String),
    /// It has this in it. Letters stand for their other case too, see [`cases`].
    Contains(String),
    /// It has this in it, as for [`NameFilter::Contains`], and does not begin with it, as for [`NameFilter::BeginsWith`].
    ContainsLater(String),
}

impl NameFilter {
    /// The text that is looked for.
    pub fn text(&self) -> &str {
        match self {
            Self::Is(text)
            | Self::BeginsWith(text)
            | Self::Contains(text)
            | Self::ContainsLater(text) => text,
        }
    }

    /// Is it true of this name?
    pub fn holds_for(&self, username: &str) -> bool {
        match self {
            Self::Is(text) => username == text,
            Self::BeginsWith(text) => username.starts_with(text),
            Self::Contains(text) => contains(username, text),
            Self::ContainsLater(text) => !username.starts_with(text) && contains(username, text),
        }
    }
}

fn contains(username: &str, text: &str) -> bool {
    let mut rest = username.chars();
    loop {
        if begins_with(rest.as_str(), text) {
            return true;
        }
        if rest.next().is_none() {
            return false;
        }
    }
}

fn begins_with(username: &str, text: &str) -> bool {
    let mut letters = username.chars();
    text.chars().all(|looked_for| {
        letters
            .next()
            .is_some_and(|letter| cases(looked_for).contains(&letter))
    })
}

/// Returns what a letter stands for where its case does not matter: itself, its lower case and its upper case, where each of
/// them is one letter.
pub fn cases(letter: char) -> [char; 3] {
    [
        letter,
        only(letter.to_lowercase()).unwrap_or(letter),
        only(letter.to_uppercase()).unwrap_or(letter),
    ]
}

fn only(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

/// What has to be true of a user besides, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserCondition {
    /// The user is disabled. A store may leave out users who are disabled only because their entries cannot be used.
    Disabled,
    /// The user has expired at this time (Unix milliseconds).
    ExpiredAt(i64),
    /// The files take up more than nine tenths of what the user may have, in bytes or in number. Who has no limit is never
    /// among them.
    NearlyFull,
}

impl UserCondition {
    /// Is it true of this user?
    pub fn holds_for(self, user: &StoredUser) -> bool {
        match self {
            Self::Disabled => !user.enabled,
            Self::ExpiredAt(now) => user.is_expired_at(now),
            Self::NearlyFull => {
                is_nearly_full(user.usage.size, user.quota_size)
                    || is_nearly_full(user.usage.files.into(), user.quota_files.into())
            }
        }
    }
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserQuery {
    /// The place at which the page begins.
    pub start: PageStart,
    /// The most users of a page.
    pub limit: u32,
    /// What the listing is sorted by.
    pub sort_by: SortBy,
    /// The direction in which it is sorted.
    pub order: Order,
    /// Only users of such names; all if there is none.
    pub name: Option<NameFilter>,
    /// Only users of whom this is true; all if there is none.
    pub condition: Option<UserCondition>,
}

impl Default for UserQuery {
    /// All users by name.
    fn default() -> Self {
        Self {
            start: PageStart::default(),
            limit: u32::MAX,
            sort_by: SortBy::default(),
            order: Order::default(),
            name: None,
            condition: None,
        }
    }
}

impl UserQuery {
    /// Is this user one of the listing, on whatever page?
    pub fn shows(&self, user: &StoredUser) -> bool {
        let is_named_so = self
            .name
            .as_ref()
            .is_none_or(|name| name.holds_for(&user.username));
        is_named_so
            && self
                .condition
                .is_none_or(|condition| condition.holds_for(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_stands_for_its_other_case_where_that_is_one_letter() {
        for (username, text, is_in_it) in [
            ("bob", "", true),
            ("bob", "O", true),
            ("BOB", "bo", true),
            ("bob", "bobb", false),
            ("bbbob", "bbo", true),
            ("CAFÉ", "é", true),
            ("cafe\u{301}", "é", false),
            ("straße", "SS", false),
            ("strasse", "ß", false),
            ("ǆ", "ǅ", true),
            ("i\u{307}", "İ", false),
        ] {
            let filter = NameFilter::Contains(text.to_owned());
            assert_eq!(filter.holds_for(username), is_in_it, "{text} in {username}");
        }
    }

    #[test]
    fn what_begins_so_is_not_found_later_unless_its_case_is_another() {
        let later = NameFilter::ContainsLater("bob".to_owned());
        for (username, is_later) in [
            ("bob", false),
            ("bobbob", false),
            ("Bob", true),
            ("abob", true),
            ("alice", false),
        ] {
            assert_eq!(later.holds_for(username), is_later, "{username}");
        }
    }
}
