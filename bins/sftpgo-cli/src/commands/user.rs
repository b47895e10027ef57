//! `sftpgo-cli user …`

use sftpgo_dump::{User, UserChange, filters::FiltersChange};

use super::{credentials, explain, export, import, paginate::Paginate, totp};
use crate::{
    cli::{Limits, NO_METHOD, Order, PasswordSource, Target, UserCommand, UserFields, UserUpdate},
    client::{Client, MAX_PAGE},
    exit::{Failure, Result},
    output::{Format, Table, fields},
    prompt,
    values::{amount, bandwidth, date, size, text::visible},
};

pub(super) fn run(client: &Client, format: Format, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Add {
            name,
            password,
            fields,
        } => add(client, format, name, &password, *fields),
        UserCommand::List {
            limit,
            offset,
            order,
        } => list(client, format, limit, offset, order),
        UserCommand::Show { target } => format.print(&find(client, &target)?, details),
        UserCommand::Update(update) => change(client, format, *update),
        UserCommand::Delete { target, yes } => delete(client, format, &target, yes),
        UserCommand::Explain(question) => explain::run(client, format, &question),
        UserCommand::Totp(command) => totp::run(client, format, command),
        UserCommand::Import(import) => import::run(client, format, *import),
        UserCommand::Export(export) => export::run(client, format, &export),
    }
}

fn add(
    client: &Client,
    format: Format,
    name: String,
    source: &PasswordSource,
    given: UserFields,
) -> Result<()> {
    let mut user = fields_given(given)?;
    user.password = credentials::password(source)?;
    if user.password.is_none() && user.public_keys.is_none() {
        client.warn_before_a_password();
        user.password = Some(asked_password(&name)?);
    }
    user.username = Some(name);
    // The contract names no defaults for these two.
    user.status.get_or_insert(1);
    user.permissions.get_or_insert_with(|| vec!["*".to_owned()]);
    let stored = client.add_user(&user)?;
    format.print(&stored, |stored| {
        let User {
            id,
            username,
            home_dir,
            ..
        } = stored;
        let line = format!("User {username} is added with id {id} and home directory {home_dir}.");
        format!("{}\n", visible(&line))
    })
}

fn asked_password(username: &str) -> Result<String> {
    if !prompt::is_interactive() {
        return Err(Failure::Usage(
            "a password or a public key is needed and there is no terminal to ask at: \
             give --password-stdin, --password-file or --public-key"
                .to_owned(),
        ));
    }
    prompt::new_password(username)
}

fn list(
    client: &Client,
    format: Format,
    limit: Option<u32>,
    offset: u32,
    order: Order,
) -> Result<()> {
    let mut left = limit.unwrap_or(u32::MAX);
    let mut pages = Paginate::from(client, order, offset);
    let mut users = Vec::new();
    while left > 0 {
        let Some(page) = pages.next_page(left.min(MAX_PAGE))? else {
            break;
        };
        left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
        users.extend(page);
    }
    format.print(users.as_slice(), table)
}

fn change(client: &Client, format: Format, update: UserUpdate) -> Result<()> {
    let mut change = fields_given(update.fields)?;
    change.password = credentials::password(&update.password)?;
    if update.no_public_keys {
        change.public_keys = Some(Vec::new());
    }
    if change == UserChange::default() && !update.set_password {
        return Err(Failure::Usage(
            "nothing to change: give at least one field, see --help".to_owned(),
        ));
    }
    if update.set_password && !prompt::is_interactive() {
        return Err(Failure::Usage(
            "--set-password asks at a terminal and there is none: \
             give --password-stdin or --password-file"
                .to_owned(),
        ));
    }
    let user = find(client, &update.target)?;
    if update.set_password {
        client.warn_before_a_password();
        change.password = Some(prompt::new_password(&user.username)?);
    }
    let answer = client.update_user(user.id, &change)?;
    super::done(
        format,
        &answer,
        &format!("User {} is updated.", user.username),
    )
}

fn delete(client: &Client, format: Format, target: &Target, yes: bool) -> Result<()> {
    if !yes && !prompt::is_interactive() {
        return Err(Failure::Usage(
            "there is no terminal to ask at: give --yes to delete without being asked".to_owned(),
        ));
    }
    let user = find(client, target)?;
    let User { id, username, .. } = &user;
    if !yes
        && !prompt::confirm(&format!(
            "Delete user {username} (id {id})? The files stay."
        ))?
    {
        return Err(Failure::Declined(format!("user {username} is not deleted")));
    }
    let answer = client.delete_user(*id)?;
    super::done(format, &answer, &format!("User {username} is deleted."))
}

pub(super) fn find(client: &Client, target: &Target) -> Result<User> {
    match (&target.name, target.id) {
        (_, Some(id)) => client.user_by_id(id),
        (Some(name), None) => client.user_by_name(name),
        (None, None) => Err(Failure::Usage("name a user, or give --id".to_owned())),
    }
}

/// Returns the fields that the command line holds, and no other.
fn fields_given(given: UserFields) -> Result<UserChange> {
    let public_keys = credentials::public_keys(&given.public_key)?;
    Ok(UserChange {
        username: None,
        password: None,
        status: match (given.enabled, given.disabled) {
            (true, _) => Some(1),
            (_, true) => Some(0),
            _ => None,
        },
        expiration_date: given.expires,
        public_keys: (!public_keys.is_empty()).then_some(public_keys),
        home_dir: given.home_dir,
        uid: given.uid,
        gid: given.gid,
        filters: denied_logins_given(given.deny_login),
        ..limits_given(given.limits)
    })
}

/// None where nothing was given, so that what is denied stays.
fn denied_logins_given(mut names: Vec<String>) -> Option<FiltersChange> {
    if names.is_empty() {
        return None;
    }
    names.retain(|name| name != NO_METHOD);
    Some(FiltersChange {
        denied_login_methods: Some(names),
        totp_config: None,
    })
}

/// Returns the limits that the command line holds, as [`fields_given`] does the fields.
pub(super) fn limits_given(given: Limits) -> UserChange {
    UserChange {
        max_sessions: given.max_sessions,
        quota_size: given.quota_size,
        quota_files: given.quota_files,
        permissions: (!given.permission.is_empty()).then_some(given.permission),
        upload_bandwidth: given.upload_bandwidth,
        download_bandwidth: given.download_bandwidth,
        ..UserChange::default()
    }
}

fn table(users: &[User]) -> String {
    if users.is_empty() {
        return "No users.\n".to_owned();
    }
    let mut table = Table::new([
        "ID",
        "USER",
        "STATUS",
        "HOME",
        "SIZE",
        "FILES",
        "EXPIRES",
        "LAST LOGIN",
    ]);
    for user in users {
        table.row([
            user.id.to_string(),
            user.username.clone(),
            status(user),
            user.home_dir.clone(),
            usage(
                size::show(user.used_quota_size),
                user.quota_size,
                size::show,
            ),
            usage(
                user.used_quota_files.to_string(),
                user.quota_files,
                |limit| limit.to_string(),
            ),
            date::show(user.expiration_date),
            date::show(user.last_login),
        ]);
    }
    table.render()
}

/// Says what is used, and of how much where there is a limit.
fn usage(used: String, limit: i64, show: impl Fn(i64) -> String) -> String {
    if limit == 0 {
        used
    } else {
        format!("{used} of {}", show(limit))
    }
}

fn details(user: &User) -> String {
    let keys = user.public_keys.as_deref().unwrap_or_default();
    let text = fields([
        ("ID", user.id.to_string()),
        ("User", user.username.clone()),
        ("Status", status(user)),
        ("Expires", date::show(user.expiration_date)),
        ("Last login", date::show(user.last_login)),
        ("Home directory", user.home_dir.clone()),
        ("Permissions", user.permissions.join(", ")),
        ("Owner", format!("uid {}, gid {}", user.uid, user.gid)),
        ("Sessions", amount::show(user.max_sessions)),
        ("Size used", size::show(user.used_quota_size)),
        ("Size allowed", size::show_limit(user.quota_size)),
        ("Files used", user.used_quota_files.to_string()),
        ("Files allowed", amount::show(user.quota_files)),
        ("Last counted", date::show(user.last_quota_update)),
        ("Upload", bandwidth::show(user.upload_bandwidth)),
        ("Download", bandwidth::show(user.download_bandwidth)),
        ("Denied logins", denied_logins(user)),
        ("Second factor", second_factor(user)),
        ("Public keys", keys.len().to_string()),
    ]);
    keys.iter()
        .fold(text, |text, key| format!("{text}  {}\n", visible(key)))
}

fn denied_logins(user: &User) -> String {
    let filters = user.filters.as_ref();
    let denied = filters.map(|filters| filters.denied_login_methods.join(", "));
    denied
        .filter(|names| !names.is_empty())
        .unwrap_or_else(|| "none".to_owned())
}

fn second_factor(user: &User) -> String {
    let filters = user.filters.as_ref();
    let totp = filters.and_then(|filters| filters.totp_config.as_ref());
    totp.filter(|totp| totp.enabled).map_or_else(
        || "no".to_owned(),
        |totp| format!("for {}", totp.protocols.join(", ")),
    )
}

fn status(user: &User) -> String {
    match user.status {
        0 => "disabled",
        _ if user.expiration_date > 0 && user.expiration_date < date::now() => "expired",
        _ => "enabled",
    }
    .to_owned()
}
