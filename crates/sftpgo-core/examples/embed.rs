//! Users, login, permissions and quota inside another program, with no protocol at all:
//! `cargo run --example embed -- DIR` stores a note in DIR as the user `demo`.

use std::{error::Error, net::SocketAddr, sync::Arc};

use sftpgo_core::{
    UserDraft, VirtualPath,
    auth::{Authenticator, StoredCredentials},
    event::{Events, Protocol},
    filesystem::local::LocalHomes,
    provider::Users,
    quota::{Tracking, UsageManager},
    registry::Connections,
    session::{OpenRequest, Session, UploadPolicy},
};
use sftpgo_store::MemoryProvider;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("which directory?")?;
    let draft = UserDraft {
        username: "demo".into(),
        password: Some("demo".into()),
        home_dir: std::path::absolute(directory)?
            .to_string_lossy()
            .into_owned(),
        permissions: vec!["list".into(), "upload".into()],
        quota_files: 3,
        ..UserDraft::default()
    };
    let provider = Arc::new(MemoryProvider::default());
    provider.add_user(&draft.validate(None)?)?;

    let events = Events::default();
    let connections = Connections::new(events.clone());
    let quotas = UsageManager::new(provider.clone(), Tracking::Limited);
    let authenticator = Authenticator::new(
        Arc::new(StoredCredentials::new(provider, false)),
        Arc::new(LocalHomes::default()),
        connections,
        quotas,
    );

    let logged_in = authenticator
        .with_password("demo", b"demo")
        .map_err(|failure| failure.to_string())?;
    let remote = SocketAddr::from(([127, 0, 0, 1], 0));
    let connection = logged_in
        .login
        .start("demo", Protocol::Sftp, remote, "embedded");
    let session = Session::new(&logged_in, connection, events, UploadPolicy::default());

    let note = VirtualPath::parse(b"/note.txt")?;
    let mut upload = session.open(
        &note,
        &OpenRequest {
            write: true,
            create: true,
            ..OpenRequest::default()
        },
    )?;
    upload.write_at(b"hello", 0)?;
    upload.finish()?;
    assert_eq!(session.metadata(&note, true)?.size, 5);
    assert!(
        session.remove(&note).is_err(),
        "the user has no permission to delete"
    );
    Ok(())
}
