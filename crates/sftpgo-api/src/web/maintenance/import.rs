//! Importing a dump: it is sent, shown, confirmed, done and told of.

use std::sync::Arc;

use askama::Template;
use sftpgo_core::admin::AdminPermissions;
use sftpgo_dump::{Update, parse};
use warp::http::StatusCode;

use super::{
    super::{
        answer::{Refusal, Reply, page, see_other, show as answer},
        form::Form,
        frame::Frame,
        kept::Kept,
        request::Request,
        session::Session,
        texts::maintenance as texts,
    },
    apply::{Confirmed, apply},
    imports::{Import, Progress, Stage},
    page as maintenance_page,
    preview::{Planned, Told, preview},
};
use crate::{authenticate::remote, state::App};

/// Users of whom the same is told.
struct Section<'a> {
    title: &'static str,
    users: Vec<User<'a>>,
    /// Shown without being asked for.
    is_open: bool,
    is_bad: bool,
}

struct User<'a> {
    name: &'a str,
    details: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage<'a> {
    frame: Frame,
    id: &'a str,
    is_shown: bool,
    is_running: bool,
    /// So many users are done, or not, and there are so many to do.
    told: usize,
    all: usize,
    stopped: &'a str,
    notes: &'a [String],
    sections: Vec<Section<'a>>,
}

/// `POST /web/maintenance/import`: shows what would be done.
pub(in super::super) async fn begin(
    app: &App,
    kept: &Kept,
    request: &Request,
    session: &Session,
    form: &Form,
) -> Reply {
    session.need(AdminPermissions::VIEW_USERS)?;
    session.need(AdminPermissions::ADD_USERS)?;
    let update = match (form.has("update"), form.has("update_passwords")) {
        (false, _) => Update::Never,
        (true, false) => Update::Fields,
        (true, true) => Update::FieldsAndPasswords,
    };
    if update != Update::Never {
        session.need(AdminPermissions::EDIT_USERS)?;
    }
    let refused = |error: String| {
        let page = maintenance_page(session, error)?;
        answer(request, StatusCode::BAD_REQUEST, &page)
    };
    if form.get("dump").trim().is_empty() {
        return refused(texts::NO_FILE.to_owned());
    }
    let dump = match parse(form.get("dump").as_bytes()) {
        Ok(dump) => dump,
        Err(problem) => return refused(texts::no_dump(&problem)),
    };
    let accounts = Arc::clone(&app.state.accounts);
    let look = move || preview(&accounts, dump, update);
    let preview = app.calls.run(look).await?;
    let admin = &session.admin.username;
    match kept.imports.add(admin, preview, request.now) {
        Some(import) => Ok(see_other(&address(&import))),
        None => refused(texts::TOO_MANY.to_owned()),
    }
}

/// `GET /web/maintenance/import/{id}`
pub(in super::super) fn progress(
    kept: &Kept,
    request: &Request,
    session: &Session,
    id: &str,
) -> Reply {
    let import = find(kept, request, session, id)?;
    let progress = import.progress();
    let import_page = ImportPage {
        frame: Frame::for_admin(session, texts::TITLE),
        id: &import.id,
        is_shown: progress.stage == Stage::Shown,
        is_running: progress.stage == Stage::Running,
        told: progress.failures.len(),
        all: import.preview.steps.len(),
        stopped: &progress.stopped,
        notes: &import.preview.notes,
        sections: sections(&import, &progress),
    };
    page(request, &import_page)
}

/// `POST /web/maintenance/import/{id}`: does what was shown.
pub(in super::super) fn confirm(
    app: &App,
    kept: &Kept,
    request: &Request,
    session: &Session,
    id: &str,
) -> Reply {
    session.need(AdminPermissions::ADD_USERS)?;
    let import = find(kept, request, session, id)?;
    let address = address(&import);
    if import.begin() {
        let by = Confirmed {
            username: session.admin.username.clone(),
            since: session.claims().since(),
            remote: remote(&request.arrival),
        };
        tokio::spawn(apply(app.clone(), import, by));
    }
    Ok(see_other(&address))
}

fn find(
    kept: &Kept,
    request: &Request,
    session: &Session,
    id: &str,
) -> Result<Arc<Import>, Refusal> {
    session.need(AdminPermissions::VIEW_USERS)?;
    let found = kept.imports.find(id, &session.admin.username, request.now);
    found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, texts::GONE))
}

fn address(import: &Import) -> String {
    format!("/web/maintenance/import/{}", import.id)
}

/// What there is to tell of each user.
fn sections<'a>(import: &'a Import, progress: &'a Progress) -> Vec<Section<'a>> {
    let preview = &import.preview;
    let named = |names: &'a [String]| names.iter().map(|name| User::named(name)).collect();
    let mut steps = Steps::default();
    match progress.stage {
        Stage::Shown => preview.steps.iter().for_each(|step| steps.good(step)),
        Stage::Running | Stage::Ended => {
            let outcomes = progress.failures.iter().map(Some);
            let outcomes = outcomes.chain(std::iter::repeat(None));
            for (step, outcome) in preview.steps.iter().zip(outcomes) {
                match outcome {
                    Some(None) => steps.good(step),
                    Some(Some(failure)) => steps.failed.push(User {
                        name: &step.told.username,
                        details: vec![failure],
                    }),
                    None => steps.left.push(User::of(&step.told)),
                }
            }
        }
    }
    let is_shown = progress.stage == Stage::Shown;
    let (added, changed) = if is_shown {
        (texts::TO_ADD, texts::TO_CHANGE)
    } else {
        (texts::ADDED, texts::CHANGED)
    };
    let section = |title, users: Vec<User<'a>>| Section {
        title,
        users,
        is_open: false,
        is_bad: false,
    };
    let open = |section: Section<'a>| Section {
        is_open: true,
        ..section
    };
    let bad = |title, users| Section {
        is_bad: true,
        ..open(section(title, users))
    };
    let refused = preview.refused.iter().map(User::of).collect();
    let mut sections = vec![
        bad(texts::FAILED, steps.failed),
        bad(texts::REFUSED, refused),
        section(texts::NOT_DONE, steps.left),
        open(section(added, steps.added)),
        open(section(changed, steps.changed)),
        section(texts::UNCHANGED, named(&preview.unchanged)),
        section(texts::EXIST, named(&preview.existing)),
    ];
    sections.retain(|section| !section.users.is_empty());
    sections
}

/// The users of whom something is done, by what that is.
#[derive(Default)]
struct Steps<'a> {
    failed: Vec<User<'a>>,
    left: Vec<User<'a>>,
    added: Vec<User<'a>>,
    changed: Vec<User<'a>>,
}

impl<'a> Steps<'a> {
    fn good(&mut self, step: &'a Planned) {
        let users = if step.work.adds() {
            &mut self.added
        } else {
            &mut self.changed
        };
        users.push(User::of(&step.told));
    }
}

impl<'a> User<'a> {
    fn named(name: &'a str) -> Self {
        Self {
            name,
            details: Vec::new(),
        }
    }

    fn of(told: &'a Told) -> Self {
        Self {
            name: &told.username,
            details: told.details.iter().map(String::as_str).collect(),
        }
    }
}
