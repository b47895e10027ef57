//! Which users a page of the list shows. In the order of names those that begin with what is searched for come first, for the
//! index of names finds them at once among however many; then those that have it elsewhere.

use sftpgo_core::{
    Result, StoredUser,
    accounts::Accounts,
    provider::{NameFilter, Order, PageStart, Place, SortBy, UserCondition, UserQuery},
};

use super::super::{
    form::Form,
    texts::{common, users as texts},
};

/// Users of a page.
const PAGE: u32 = 100;
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
    pub(super) sort_by: SortBy,
    pub(super) order: Order,
    part: Part,
    start: PageStart,
    now: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All that are searched for.
    All,
    /// Those whose names begin with what was typed, letter by letter.
    Beginnings,
    /// The others that have it in their names.
    Others,
}

/// A page of it.
pub(super) struct Found {
    pub(super) users: Vec<StoredUser>,
    /// What the address of the next page says of its beginning; none at the end.
    pub(super) next: Option<[(&'static str, String); 3]>,
}

/// The name of a column in addresses, which is that of the field in REST; empty for the default.
pub(super) fn name_of(sort_by: SortBy) -> &'static str {
    match sort_by {
        SortBy::Username => "",
        SortBy::UsedSize => "used_quota_size",
        SortBy::LastLogin => "last_login",
        SortBy::ExpirationDate => "expiration_date",
    }
}

/// The name of an order in addresses.
pub(super) fn name_of_order(order: Order) -> &'static str {
    match order {
        Order::Ascending => "",
        Order::Descending => "DESC",
    }
}

impl Search {
    pub(super) fn of(query: &Form, now: i64) -> Self {
        let asked = query.get("show");
        let show = FILTERS.iter().find(|(name, _)| *name == asked);
        let show = show.map_or("", |(name, _)| name);
        let asked = query.get("sort");
        let sort_by = [SortBy::UsedSize, SortBy::LastLogin, SortBy::ExpirationDate];
        let sort_by = sort_by.into_iter().find(|by| name_of(*by) == asked);
        let sort_by = sort_by.unwrap_or_default();
        let typed = query.get("search").trim();
        let is_by_index = sort_by == SortBy::Username && show.is_empty() && !typed.is_empty();
        Self {
            typed: typed.to_owned(),
            show,
            sort_by,
            order: match query.get("order") {
                "DESC" => Order::Descending,
                _ => Order::Ascending,
            },
            part: match query.get("part") {
                _ if !is_by_index => Part::All,
                OTHERS => Part::Others,
                _ => Part::Beginnings,
            },
            start: match query.get("after") {
                "" => PageStart::default(),
                username => PageStart::After(Place {
                    value: query.get("value").parse().unwrap_or(0),
                    username: username.to_owned(),
                }),
            },
            now,
        }
    }

    /// The page.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) fn find(self, accounts: &Accounts) -> Result<Found> {
        let mut users = Vec::new();
        let (mut part, mut start) = (self.part, self.start.clone());
        loop {
            let count = u32::try_from(users.len()).unwrap_or(PAGE);
            let page = accounts.page(&UserQuery {
                start,
                limit: PAGE.saturating_sub(count),
                sort_by: self.sort_by,
                order: self.order,
                name: self.name(part),
                condition: self.condition(),
            })?;
            users.extend(page.users);
            if page.next.is_none() && part == Part::Beginnings {
                (part, start) = (Part::Others, PageStart::default());
                continue;
            }
            let next = page.next.map(|next| self.in_address(part, next));
            return Ok(Found { users, next });
        }
    }

    fn name(&self, part: Part) -> Option<NameFilter> {
        let filter = match part {
            Part::All => NameFilter::Contains,
            Part::Beginnings => NameFilter::BeginsWith,
            Part::Others => NameFilter::ContainsLater,
        };
        (!self.typed.is_empty()).then(|| filter(self.typed.clone()))
    }

    fn condition(&self) -> Option<UserCondition> {
        match self.show {
            "disabled" => Some(UserCondition::Disabled),
            "expired" => Some(UserCondition::ExpiredAt(self.now)),
            "full" => Some(UserCondition::NearlyFull),
            _ => None,
        }
    }

    fn in_address(&self, part: Part, start: PageStart) -> [(&'static str, String); 3] {
        let part = match part {
            Part::Others => OTHERS,
            _ => "",
        };
        let (value, after) = match start {
            PageStart::Offset(_) => (String::new(), String::new()),
            PageStart::After(place) if self.sort_by == SortBy::Username => {
                (String::new(), place.username)
            }
            PageStart::After(place) => (place.value.to_string(), place.username),
        };
        [
            ("part", part.to_owned()),
            ("value", value),
            ("after", after),
        ]
    }
}
