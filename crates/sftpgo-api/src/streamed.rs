//! Answers whose bodies are made while they are sent: as long as they may be, a piece of them is in memory.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body, Frame, SizeHint};
use sftpgo_core::{Error, sync::lock};
use warp::reply::Response;

/// Pieces of a body; after an error there are no more, and the client is told that the body is not whole.
type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// In the extensions of an answer, until it is sent: warp has no such body.
#[derive(Clone)]
struct Streamed(Arc<Mutex<Option<Pieces>>>);

/// An answer whose body is this.
pub(crate) fn streamed(
    pieces: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
) -> Response {
    let mut response = Response::default();
    let pieces: Pieces = Box::pin(pieces);
    let streamed = Streamed(Arc::new(Mutex::new(Some(pieces))));
    response.extensions_mut().insert(streamed);
    response
}

/// The same answer with the body that is sent.
pub(crate) fn with_whole_body(
    mut response: Response,
) -> hyper::Response<impl Body<Data = Bytes, Error = BodyError>> {
    let streamed = response.extensions_mut().remove::<Streamed>();
    let pieces = streamed.and_then(|streamed| lock(&streamed.0).take());
    response.map(|body| match pieces {
        Some(pieces) => WholeBody::Streamed(pieces),
        None => WholeBody::Made(Box::pin(body)),
    })
}

/// Why a body is not whole.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

enum WholeBody<B> {
    Made(Pin<Box<B>>),
    Streamed(Pieces),
}

impl<B> Body for WholeBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Made(body) => body
                .as_mut()
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
            Self::Streamed(pieces) => pieces.as_mut().poll_next(context).map(|piece| {
                piece.map(|piece| piece.map(Frame::data).map_err(|error| error.into()))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Made(body) => body.is_end_stream(),
            Self::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Made(body) => body.size_hint(),
            Self::Streamed(_) => SizeHint::default(),
        }
    }
}
