//! What routes are made of: paths, bodies, and what else is said at a path.

use std::{convert::Infallible, future};

use percent_encoding::percent_decode_str;
use warp::{Filter, Rejection, filters::path::FullPath};

use crate::{body, error::ApiError, response::Reply};

/// The first of these filters that takes the request; all of them answer the same kind of thing.
macro_rules! either {
    ($first:expr $(, $next:expr)* $(,)?) => {
        $first$(.or($next).unify())*
    };
}

pub(crate) use either;

/// `path` and nothing behind it; warp's own `path::end` would let a slash pass.
pub(crate) fn exactly(path: String) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::path::full()
        .and_then(move |full: FullPath| {
            future::ready(if full.as_str() == path {
                Ok(())
            } else {
                Err(warp::reject::not_found())
            })
        })
        .untuple_one()
}

/// `<prefix><segment><suffix>` with the decoded segment, which may be empty.
pub(crate) fn between(
    prefix: String,
    suffix: String,
) -> impl Filter<Extract = (Result<String, ApiError>,), Error = Rejection> + Clone {
    warp::path::full().and_then(move |full: FullPath| {
        let segment = full
            .as_str()
            .strip_prefix(&prefix)
            .and_then(|rest| rest.strip_suffix(&suffix))
            .filter(|segment| !segment.contains('/'))
            .map(decoded)
            .ok_or_else(warp::reject::not_found);
        future::ready(segment)
    })
}

fn decoded(segment: &str) -> Result<String, ApiError> {
    percent_decode_str(segment)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| ApiError::bad_request("the path is not UTF-8"))
}

pub(crate) fn query() -> impl Filter<Extract = (String,), Error = Infallible> + Clone {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

pub(crate) fn whole_body()
-> impl Filter<Extract = (Result<Vec<u8>, ApiError>,), Error = Rejection> + Clone {
    warp::body::stream().then(body::read)
}

/// Answers any other method at `path`.
pub(crate) fn refused(
    path: impl Filter<Extract = (), Error = Rejection> + Clone,
    allow: &'static str,
) -> impl Filter<Extract = (Reply,), Error = Rejection> + Clone {
    path.map(move || Err(ApiError::method_not_allowed(allow)))
}

/// A path whose segment nobody asks for.
pub(crate) fn nameless(
    path: impl Filter<Extract = (Result<String, ApiError>,), Error = Rejection> + Clone,
) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    path.map(drop).untuple_one()
}
