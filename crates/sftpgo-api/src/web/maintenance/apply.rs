//! Doing what an import was shown to do, one user after the other, whether somebody watches or not.

use std::{net::SocketAddr, sync::Arc};

use sftpgo_core::{
    Error, ErrorKind, Result, accounts::Accounts, admin::AdminPermissions, event::Actor,
};

use super::{
    super::{session::still, texts::maintenance as texts, users::version},
    imports::Import,
    preview::Work,
};
use crate::state::App;

/// After so many users it is asked again whether the admin still may.
const LOOK: usize = 100;

/// Who confirmed it.
pub(super) struct Confirmed {
    pub(super) username: String,
    pub(super) since: i64,
    pub(super) remote: SocketAddr,
}

/// Does all steps, and tells the import what became of each.
pub(super) async fn apply(app: App, import: Arc<Import>, by: Confirmed) {
    let all = import.preview.steps.len();
    log::info!("the admin {:?} imports {all} users", by.username);
    let stopped = steps(&app, &import, &by).await.err().unwrap_or_default();
    import.end(stopped);
    let failures = import.progress().failures;
    let failed = failures.iter().flatten().count();
    log::info!(
        "the import of the admin {:?} has ended: {} users done, {failed} failed, {} not done",
        by.username,
        failures.len() - failed,
        all - failures.len()
    );
}

/// # Errors
/// Why the rest is not done.
async fn steps(app: &App, import: &Arc<Import>, by: &Confirmed) -> Result<(), String> {
    for position in 0..import.preview.steps.len() {
        if position % LOOK == 0 && !still_may(app, by).await {
            return Err(texts::STOPPED.to_owned());
        }
        let step = Arc::clone(import);
        let (state, by) = (Arc::clone(&app.state), app.by.clone());
        let done = app
            .calls
            .run(move || match step.preview.steps.get(position) {
                Some(planned) => one(&state.accounts, &by, &planned.work),
                None => Ok(()),
            });
        match done.await {
            Ok(()) => import.tell(None),
            // Nobody else would fare better.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                return Err(texts::store_away(error.message()));
            }
            Err(error) => import.tell(Some(error.message().to_owned())),
        }
    }
    Ok(())
}

async fn still_may(app: &App, by: &Confirmed) -> bool {
    let admin = still(app, by.username.clone(), by.since, by.remote).await;
    let admin = admin.ok().flatten();
    admin.is_some_and(|admin| admin.permissions.allow(AdminPermissions::ADD_USERS))
}

fn one(accounts: &Accounts, by: &Actor, work: &Work) -> Result<()> {
    match work {
        Work::Add(draft) => accounts.add(by, draft.as_ref().clone()).map(drop),
        Work::Change {
            id,
            version: shown,
            change,
        } => {
            let changed = accounts.update(by, *id, |draft| {
                if version(draft) != *shown {
                    return Err(Error::new(ErrorKind::Conflict, texts::CHANGED_MEANWHILE));
                }
                change.as_ref().clone().merge_into(draft);
                Ok(())
            });
            changed.map(drop)
        }
    }
}
