//! The web admin: pages that are made on the server and work without script, but for what updates itself.
//!
//! A request becomes a [`Request`], [`router`] finds its page, and [`session`] is the one way to an admin: the web takes its
//! cookie and nothing else, and the cookie opens nothing else. All texts are in `templates/`, and those that code chooses
//! in [`texts`]. What is wrong with a field, and what a
//! permission allows, is said by core, in the words that the REST API has too.

mod admins;
mod answer;
mod api_keys;
mod assets;
mod connections;
mod dashboard;
mod defender;
mod events;
mod form;
mod frame;
mod kept;
mod maintenance;
mod multipart;
mod overview;
mod profile;
mod query;
mod request;
mod router;
mod scans;
mod second_factor;
mod session;
mod setup;
mod sign_in;
mod status;
mod texts;
mod users;
mod words;

use std::sync::Arc;

use warp::{
    Filter,
    filters::{BoxedFilter, path::FullPath},
    http::{Method, header},
    reply::Response,
};

use self::{kept::Kept, request::Request};
use crate::{arrival::Arrival, body, path_kind::is_web, paths::query, state::App};

/// Is it a request of a link, by which alone another site may lead here? Nothing else of another site may: reading a page
/// changes nothing, and the cookie is not sent with it.
pub(crate) fn is_navigation<B>(request: &warp::http::Request<B>) -> bool {
    let is = |name: &str, value: &str| {
        let sent = request.headers().get(name);
        sent.is_some_and(|sent| sent.as_bytes() == value.as_bytes())
    };
    is_web(request.uri().path())
        && request.method() == Method::GET
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
        && !request.headers().contains_key(header::ORIGIN)
}

/// Returns every path of the web admin.
pub(crate) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    let app = app.clone();
    let kept = Arc::<Kept>::default();
    warp::path::full()
        .and_then(|path: FullPath| async move {
            if is_web(path.as_str()) {
                Ok(path.as_str().to_owned())
            } else {
                Err(warp::reject::not_found())
            }
        })
        .and(warp::method())
        .and(query())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Arrival>())
        .and(warp::body::stream())
        .then(
            move |path: String, method, query, headers, arrival, stream| {
                let (app, kept) = (app.clone(), Arc::clone(&kept));
                async move {
                    if path == "/" {
                        return answer::secured(answer::see_other("/web"));
                    }
                    let request = Request::new(method, &path, query, headers, arrival);
                    let body = if request.method == Method::POST {
                        let bounds = maintenance::body_bounds(&app, &request).await;
                        body::read_within(bounds, stream).await
                    } else {
                        Ok(Vec::new())
                    };
                    router::answer(&app, &kept, request, body).await
                }
            },
        )
        .boxed()
}
