//! The query string of a listing of users.

use sftpgo_core::provider::{NameFilter, Order, PageStart, UserQuery};

use super::once;
use crate::error::ApiError;

const DEFAULT_LIMIT: u32 = 100;
/// A larger limit acts as this one.
const MOST: u32 = 500;

/// The listing that `query` asks for. Parameters it does not know pass; one given twice does not.
pub(crate) fn parse(query: &str) -> Result<UserQuery, ApiError> {
    let mut offset = None;
    let mut after = None;
    let mut limit = None;
    let mut order = None;
    let mut username = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "offset" => once(&mut offset, "offset", number("offset", &value, 0)?)?,
            "after" => once(&mut after, "after", value.into_owned())?,
            "limit" => once(&mut limit, "limit", number("limit", &value, 1)?)?,
            "order" => once(&mut order, "order", parse_order(&value)?)?,
            "username" => once(&mut username, "username", value.into_owned())?,
            _ => {}
        }
    }
    Ok(UserQuery {
        start: start(offset.unwrap_or(0), after.unwrap_or_default()),
        limit: limit.unwrap_or(DEFAULT_LIMIT).min(MOST),
        order: order.unwrap_or_default(),
        // SFTPGo's own client sends an empty one when it wants all.
        name: username
            .filter(|username| !username.is_empty())
            .map(NameFilter::Is),
        ..UserQuery::default()
    })
}

/// A name that pages go on after makes their offset mean nothing. An empty one is as none, so that a client can begin with it.
fn start(offset: u32, after: String) -> PageStart {
    match after.is_empty() {
        true => PageStart::Offset(offset),
        false => PageStart::after_name(after),
    }
}

/// A whole number in digits; one past the largest the domain counts to acts as that.
fn number(name: &str, text: &str, least: u32) -> Result<u32, ApiError> {
    Some(text)
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|digits| digits.parse().unwrap_or(u32::MAX))
        .filter(|number| *number >= least)
        .ok_or_else(|| {
            ApiError::bad_request(format!(
                "{name}: {text:?} is not a whole number of at least {least}"
            ))
        })
}

fn parse_order(text: &str) -> Result<Order, ApiError> {
    match text {
        "ASC" => Ok(Order::Ascending),
        "DESC" => Ok(Order::Descending),
        _ => Err(ApiError::bad_request(format!(
            "order: {text:?} is neither ASC nor DESC"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(offset: u32, limit: u32, order: Order, username: Option<&str>) -> UserQuery {
        UserQuery {
            start: PageStart::Offset(offset),
            limit,
            order,
            name: username.map(|name| NameFilter::Is(name.to_owned())),
            ..UserQuery::default()
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let defaults = query(0, 100, Order::Ascending, None);
        for text in ["", "username=", "other=1"] {
            assert_eq!(parse(text).unwrap(), defaults, "{text}");
        }
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        assert_eq!(
            parse("offset=2&limit=3&order=DESC&username=a%2Bb+c").unwrap(),
            query(2, 3, Order::Descending, Some("a+b c"))
        );
        assert_eq!(parse("limit=501").unwrap().limit, 500);
        let after = PageStart::after_name("a+b c");
        for text in ["after=a%2Bb+c", "after=a%2Bb%20c&offset=2&order=DESC"] {
            assert_eq!(parse(text).unwrap().start, after, "{text}");
        }
        assert_eq!(
            parse("after=&offset=7").unwrap().start,
            PageStart::Offset(7)
        );
        assert_eq!(
            parse("limit=99999999999999999999&offset=99999999999")
                .unwrap()
                .limit,
            500
        );
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for text in [
            "offset=-1",
            "offset=x",
            "offset=",
            "offset=1.0",
            "limit=0",
            "limit=-5",
            "limit=x",
            "limit=",
            "limit=1e2",
            "order=asc",
            "order=",
            "order=UP",
            "limit=1&limit=2",
            "limit=%2B1",
            "offset=-0",
            "after=a&after=a",
        ] {
            assert!(parse(text).is_err(), "{text} passed");
        }
    }
}
