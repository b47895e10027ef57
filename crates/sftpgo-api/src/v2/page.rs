//! `limit`, `offset` and `order` of a listing.

use crate::error::ApiError;

/// Entries of a page, unless something else is asked for.
pub(super) const LIMIT: usize = 100;
/// More cannot be asked for.
const MOST: usize = 500;

/// The part of a list that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    limit: usize,
    offset: usize,
    is_descending: bool,
}

impl Page {
    /// Reads the page that is asked for as SFTPGo 2.x does.
    ///
    /// # Errors
    /// A value is none.
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut page = Self {
            limit: LIMIT,
            offset: 0,
            is_descending: false,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "limit" => page.limit = limit(&value)?,
                "offset" => match value.parse::<u32>() {
                    Ok(offset) => page.offset = offset as usize,
                    Err(_) => return Err(bad("offset", &value, "a number")),
                },
                "order" => page.is_descending = is_descending(&value)?,
                _ => {}
            }
        }
        Ok(page)
    }

    /// Returns that part of `all`, which is in ascending order.
    pub(super) fn of<T>(&self, mut all: Vec<T>) -> Vec<T> {
        if self.is_descending {
            all.reverse();
        }
        all.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

/// Reads how many entries are asked for.
///
/// # Errors
/// That is no number, or more than there may be.
pub(super) fn limit(value: &str) -> Result<usize, ApiError> {
    match value.parse() {
        Ok(limit @ 1..=MOST) => Ok(limit),
        _ => Err(bad("limit", value, "a number from 1 to 500")),
    }
}

/// Reads whether the last entries come first.
///
/// # Errors
/// It says neither.
pub(super) fn is_descending(value: &str) -> Result<bool, ApiError> {
    match value {
        "ASC" => Ok(false),
        "DESC" => Ok(true),
        _ => Err(bad("order", value, "ASC or DESC")),
    }
}

fn bad(name: &str, value: &str, wanted: &str) -> ApiError {
    ApiError::bad_request(format!("{name}: {value:?} is not {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_part_in_either_order() {
        let page = |query: &str| Page::parse(query).unwrap().of(vec![1, 2, 3, 4]);
        assert_eq!(page(""), [1, 2, 3, 4]);
        assert_eq!(page("limit=2&offset=1"), [2, 3]);
        assert_eq!(page("order=DESC&limit=1"), [4]);
        assert_eq!(page("offset=9"), [0; 0]);
        for bad in ["limit=0", "limit=501", "limit=x", "offset=-1", "order=asc"] {
            assert!(Page::parse(bad).is_err(), "{bad}");
        }
    }
}
