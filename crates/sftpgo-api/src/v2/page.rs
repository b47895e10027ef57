//! `limit`, `offset` and `order` of a listing.

use crate::error::ApiError;

/// Entries of a page, unless something else is asked for.
pub(super) const LIMIT: usize = 100;
/// More cannot be asked for.
pub(super) const MOST: usize = 500;

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
        let bad = |name: &str, value: &str, wanted: &str| {
            Err(ApiError::bad_request(format!(
                "{name}: {value:?} is not {wanted}"
            )))
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "limit" => match value.parse() {
                    Ok(limit @ 1..=MOST) => page.limit = limit,
                    _ => return bad("limit", &value, "a number from 1 to 500"),
                },
                "offset" => match value.parse::<u32>() {
                    Ok(offset) => page.offset = offset as usize,
                    Err(_) => return bad("offset", &value, "a number"),
                },
                "order" => match value.as_ref() {
                    "ASC" => page.is_descending = false,
                    "DESC" => page.is_descending = true,
                    _ => return bad("order", &value, "ASC or DESC"),
                },
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
