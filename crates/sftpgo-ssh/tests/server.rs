//! A whole server and a client of the same SSH library: what happens to a channel as seen from outside.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{sync::Arc, time::Duration};

use russh::{
    Channel, ChannelMsg,
    client::{self, Handle, Msg},
};
use sftpgo_core::{
    UserDraft,
    auth::Authenticator,
    event::{Command, Event, Events, Observer},
    filesystem::local::LocalHomes,
    provider::Users,
    quota::{QuotaBook, Tracking},
    registry::Connections,
};
use sftpgo_ssh::{HostKey, Server, ServerConfig, Services};
use sftpgo_store::MemoryProvider;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A fact that has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Panics when a directory is made.
struct Panicking;

impl Observer for Panicking {
    fn notify(&self, event: &Event<'_>) {
        if let Event::Command {
            command: Command::Mkdir,
            ..
        } = event
        {
            panic!("as asked for");
        }
    }
}

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

struct World {
    home: tempfile::TempDir,
    connections: Arc<Connections>,
    client: Handle<Trusting>,
}

impl World {
    /// A server, and a client that is logged in.
    async fn new(draft: UserDraft, config: ServerConfig) -> Self {
        let home = tempfile::tempdir().unwrap();
        let draft = UserDraft {
            username: "bob".into(),
            password: Some("secret".into()),
            home_dir: home.path().to_string_lossy().into_owned(),
            permissions: vec!["*".into()],
            ..draft
        };
        let provider = Arc::new(MemoryProvider::default());
        provider.add_user(&draft.validate(None).unwrap()).unwrap();
        let events = Events::new(vec![Box::new(Panicking)]);
        let connections = Connections::new(events.clone());
        let quotas = QuotaBook::new(provider.clone(), Tracking::All);
        let authenticator = Arc::new(Authenticator::new(
            provider,
            Arc::new(LocalHomes),
            connections.clone(),
            quotas,
            false,
        ));
        let config = ServerConfig {
            host_keys: vec![HostKey::generate().unwrap()],
            enable_scp: true,
            ..config
        };
        let services = Services {
            authenticator,
            connections: Arc::clone(&connections),
            events,
        };
        let server = Server::new(config, services).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server.serve(listener, CancellationToken::new()));
        let mut client = client::connect(Arc::default(), address, Trusting)
            .await
            .unwrap();
        let login = client.authenticate_password("bob", "secret").await;
        assert!(login.unwrap().success());
        Self {
            home,
            connections,
            client,
        }
    }

    async fn exec(&self, command: &str) -> Channel<Msg> {
        let channel = self.client.channel_open_session().await.unwrap();
        channel.exec(true, command).await.unwrap();
        channel
    }

    /// An SFTP session that uploads a file with one WRITE, which is paid for in one pause.
    async fn upload(&self, size: u32) -> Channel<Msg> {
        let packet = |fields: &[&[u8]]| {
            let body = fields.concat();
            let len = u32::try_from(body.len()).unwrap();
            [&len.to_be_bytes(), body.as_slice()].concat()
        };
        let handle = b"\0\0\0\x08\0\0\0\0\0\0\0\x01";
        let data = vec![7; size as usize];
        let requests = [
            packet(&[b"\x01\0\0\0\x03"]),
            packet(&[b"\x03\0\0\0\x01", b"\0\0\0\x01f", b"\0\0\0\x1a\0\0\0\0"]),
            packet(&[
                b"\x06\0\0\0\x02",
                handle,
                &[0; 8],
                &size.to_be_bytes(),
                &data,
            ]),
            packet(&[b"\x04\0\0\0\x03", handle]),
        ];
        let channel = self.client.channel_open_session().await.unwrap();
        channel.request_subsystem(true, "sftp").await.unwrap();
        channel.data(&requests.concat()[..]).await.unwrap();
        channel
    }
}

/// What a channel says until it is closed, and its exit status.
async fn read_to_end(channel: &mut Channel<Msg>) -> (Vec<u8>, Option<u32>) {
    let (mut data, mut status) = (Vec::new(), None);
    let next = async |channel: &mut Channel<Msg>| {
        tokio::time::timeout(PATIENCE, channel.wait())
            .await
            .unwrap()
    };
    while let Some(message) = next(channel).await {
        match message {
            ChannelMsg::Data { data: more } => data.extend_from_slice(&more),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    (data, status)
}

#[tokio::test]
async fn a_session_that_panics_closes_its_channel_and_no_other() {
    let world = World::new(UserDraft::default(), ServerConfig::default()).await;
    let mut other = world.exec("md5sum").await;
    for _ in 0..20 {
        let mut channel = world.exec("scp -r -t .").await;
        channel.data(&b"D0755 0 d\n"[..]).await.unwrap();
        let (data, status) = read_to_end(&mut channel).await;
        assert_eq!((data, status), (b"\0".to_vec(), Some(1)));
        std::fs::remove_dir(world.home.path().join("d")).unwrap();
    }
    other.eof().await.unwrap();
    let (data, status) = read_to_end(&mut other).await;
    assert_eq!(data, b"d41d8cd98f00b204e9800998ecf8427e  -\n");
    assert_eq!(status, Some(0));
    assert_eq!(world.connections.list().len(), 0);
}

#[tokio::test]
async fn a_transfer_that_waits_for_its_bandwidth_is_not_idle() {
    let slow = UserDraft {
        upload_bandwidth: 5,
        ..UserDraft::default()
    };
    let config = ServerConfig {
        idle_timeout: Some(Duration::from_secs(2)),
        ..ServerConfig::default()
    };
    let world = World::new(slow, config).await;
    let mut channel = world.upload(25_000).await;
    channel.eof().await.unwrap();
    let (replies, status) = read_to_end(&mut channel).await;
    assert_eq!(status, Some(0));
    let closed = b"\x65\0\0\0\x03\0\0\0\0";
    assert!(replies.windows(closed.len()).any(|reply| reply == closed));
}

#[tokio::test]
async fn a_pause_ends_with_its_channel_or_connection() {
    let slow = UserDraft {
        upload_bandwidth: 1,
        download_bandwidth: 1,
        ..UserDraft::default()
    };
    let world = World::new(slow, ServerConfig::default()).await;
    std::fs::write(world.home.path().join("big"), vec![0; 1 << 20]).unwrap();
    for disconnect in [false, true] {
        let upload = world.upload(60_000).await;
        let download = world.exec("scp -f big").await;
        download.data(&b"\0\0"[..]).await.unwrap();
        let moving = || {
            let listed = world.connections.list();
            let transfers = listed.iter().flat_map(|listed| &listed.transfers);
            transfers.filter(|transfer| transfer.size > 0).count()
        };
        wait_for(|| moving() == 2).await;
        if disconnect {
            let reason = russh::Disconnect::ByApplication;
            world.client.disconnect(reason, "", "").await.unwrap();
        } else {
            upload.close().await.unwrap();
            download.close().await.unwrap();
        }
        wait_for(|| world.connections.list().is_empty()).await;
    }
}

async fn wait_for(fact: impl Fn() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !fact() {
        assert!(tokio::time::Instant::now() < until, "waited too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
