//! What a user may do: beside the contract's 1.2.0.

use super::user::user_id;
use crate::{
    dto::explain::{self, ExplanationAnswer},
    error::ApiError,
    principal::Allowed,
    response::{Reply, data},
};

/// `GET /user/{userID}/explain`
pub(crate) async fn show(id: Result<String, ApiError>, query: String, app: Allowed) -> Reply {
    let app = app?;
    let id = user_id(id)?;
    let question = explain::parse(&query)?;
    let (accounts, explainer) = (app.state.accounts.clone(), app.state.explainer.clone());
    let answer = app
        .calls
        .run(move || {
            let user = accounts.by_id(id)?;
            let verdict = explainer.explain(&user, &question)?;
            Ok(ExplanationAnswer::new(user.username, &question, verdict))
        })
        .await?;
    data(&answer)
}
