//! Request bodies: bounded in length and time, and JSON whose faults are told by field.

use std::{pin::pin, time::Duration};

use bytes::Buf;
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The longest body that is looked at.
pub(crate) const LIMIT: usize = 1024 * 1024;
/// The longest body of somebody who has not logged in: a name, a password or two, and the page to go on with. One connection of
/// HTTP/2 has many of them at once.
const STRANGERS_LIMIT: usize = 16 * 1024;
/// A longer one is read and forgotten up to so many times the limit: a client that still writes would not see the answer.
const FORGOTTEN: usize = 16;
/// A body has to be there this long after its head.
const TIME: Duration = Duration::from_secs(30);
/// A large body has to be there so soon, within the two minutes for which a connection takes requests.
const UPLOAD_TIME: Duration = Duration::from_secs(100);

/// How long a body may be, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes.
    limit: usize,
    time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            limit: LIMIT,
            time: TIME,
        }
    }
}

impl Bounds {
    /// Of somebody who has not logged in.
    pub(crate) fn of_stranger() -> Self {
        Self {
            limit: STRANGERS_LIMIT,
            time: TIME,
        }
    }

    /// Of a file of so many bytes.
    pub(crate) fn of_upload(limit: usize) -> Self {
        Self {
            limit,
            time: UPLOAD_TIME,
        }
    }
}

/// Reads all of a body.
pub(crate) async fn read<S, B>(stream: S) -> Result<Vec<u8>, ApiError>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    read_within(Bounds::default(), stream).await
}

/// All of a body that is within these bounds.
pub(crate) async fn read_within<S, B>(bounds: Bounds, stream: S) -> Result<Vec<u8>, ApiError>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    tokio::time::timeout(bounds.time, collect(bounds.limit, stream))
        .await
        .unwrap_or_else(|_| Err(ApiError::too_slow()))
}

async fn collect<S, B>(limit: usize, stream: S) -> Result<Vec<u8>, ApiError>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    let mut stream = pin!(stream);
    let mut body = Vec::new();
    let mut received = 0_usize;
    while let Some(part) = stream.next().await {
        let mut part = part.map_err(|error| ApiError::bad_request(format!("body: {error}")))?;
        received = received.saturating_add(part.remaining());
        if received > limit.saturating_mul(FORGOTTEN) {
            break;
        }
        if received > limit {
            continue;
        }
        body.extend_from_slice(&part.copy_to_bytes(part.remaining()));
    }
    if received > limit {
        return Err(ApiError::too_large(limit));
    }
    Ok(body)
}

/// The JSON object in `body`; what is wrong with it is said with the field's name.
pub(crate) fn json_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    match body.trim_ascii_start().first() {
        Some(b'{') => {}
        // An array would pass for an object: it could be its fields in order.
        Some(_) => return Err(ApiError::bad_request("the body is not a JSON object")),
        None => {
            return Err(ApiError::bad_request(
                "the body is empty, a JSON object is needed",
            ));
        }
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let fault = error.into_inner();
        // The whole body, or a place where the name of a field was to come.
        let place = match field.as_str() {
            "." | "?" => "body",
            field => field,
        };
        ApiError::bad_request(format!("{place}: {fault}"))
    })?;
    json.end()
        .map_err(|fault| ApiError::bad_request(format!("body: {fault}")))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bytes::Bytes;
    use futures_util::stream;
    use serde_json::Value;

    use super::*;

    fn status(error: ApiError) -> u16 {
        error.into_response().status().as_u16()
    }

    fn parts(count: usize, size: usize) -> impl Stream<Item = Result<Bytes, warp::Error>> {
        let part = Bytes::from(vec![b' '; size]);
        stream::iter(vec![part; count]).map(Ok)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let never = stream::pending::<Result<Bytes, warp::Error>>();
        assert_eq!(status(read(never).await.unwrap_err()), 408);
    }

    #[tokio::test]
    async fn the_limit_counts_all_parts_together() {
        assert_eq!(read(parts(16, LIMIT / 16)).await.unwrap().len(), LIMIT);
        assert_eq!(status(read(parts(17, LIMIT / 16)).await.unwrap_err()), 413);
    }

    #[tokio::test]
    async fn an_endless_body_is_not_read_to_its_end() {
        let endless = stream::repeat(Bytes::from(vec![b' '; LIMIT])).map(Ok);
        assert_eq!(status(read(endless).await.unwrap_err()), 413);
    }

    #[test]
    fn only_one_object_is_json() {
        assert!(json_object::<Value>(b" {\"a\": 1} ").is_ok());
        for body in ["", " ", "[]", "1", "{", "{} {}"] {
            assert!(
                json_object::<Value>(body.as_bytes()).is_err(),
                "{body:?} passed"
            );
        }
    }
    #[test]
    fn a_fault_is_placed_at_its_field_or_in_the_body() {
        for (body, place) in [
            ("{", "body: "),
            ("{a: 1}", "body: "),
            (r#"{"a": 1 "b": 2}"#, "body: "),
            (r#"{"a": tru}"#, "a: "),
            (r#"{"a": [1 2]}"#, "a: "),
        ] {
            let error = json_object::<HashMap<String, Value>>(body.as_bytes()).unwrap_err();
            let text = format!("{error:?}");
            assert!(
                text.contains(&format!("error: \"{place}")),
                "{body}: {text}"
            );
        }
    }
}
