//! A server, its one user, and a client that is logged in.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use russh::{
    Channel, ChannelMsg,
    client::{self, Handle, Msg},
};
use sftpgo_core::{
    UserDraft,
    event::{Command, Event, Observer, Operation, Protocol},
    filesystem::FilesystemFactory,
};
use sftpgo_ssh::{HostKey, Server, ServerConfig, Services};
pub(crate) use sftpgo_test_support::PATIENCE;
use sftpgo_test_support::{Service, Settings};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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

pub(crate) struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

pub(crate) struct TestServer {
    pub(crate) service: Service,
    pub(crate) client: Handle<Trusting>,
    pub(crate) address: SocketAddr,
}

impl TestServer {
    /// A server of `bob`, as `change` makes him, and a client that is logged in.
    pub(crate) async fn new(change: impl FnOnce(&mut UserDraft), config: ServerConfig) -> Self {
        Self::at(Settings::default().homes, change, config).await
    }

    /// The same of a user whose files are there.
    pub(crate) async fn at(
        homes: Arc<dyn FilesystemFactory>,
        change: impl FnOnce(&mut UserDraft),
        config: ServerConfig,
    ) -> Self {
        let settings = Settings {
            homes,
            observers: vec![Box::new(Panicking)],
            ..Settings::default()
        };
        let service = Service::with_settings_and_bob(settings, change);
        let config = ServerConfig {
            host_keys: vec![HostKey::generate().unwrap()],
            enable_scp: true,
            ..config
        };
        let services = Services {
            logins: Arc::new(service.logins()),
            gate: Arc::default(),
            connections: Arc::clone(&service.connections),
            events: service.events.clone(),
        };
        let server = Server::new(config, services).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server.serve(vec![listener.into()], CancellationToken::new()));
        let mut client = client::connect(Arc::default(), address, Trusting)
            .await
            .unwrap();
        let login = client.authenticate_password("bob", "secret").await;
        assert!(login.unwrap().success());
        Self {
            service,
            client,
            address,
        }
    }

    /// How many connections have a transfer or are listed as scp: the connection itself is neither.
    pub(crate) fn sessions(&self) -> usize {
        let listed = self.service.connections.list();
        listed
            .iter()
            .filter(|listed| listed.protocol == Protocol::Scp || !listed.transfers.is_empty())
            .count()
    }

    pub(crate) async fn exec(&self, command: &str) -> Channel<Msg> {
        let channel = self.client.channel_open_session().await.unwrap();
        channel.exec(true, command).await.unwrap();
        channel
    }

    /// An SFTP session that uploads a file with one WRITE, which is paid for in one pause.
    pub(crate) async fn upload(&self, size: u32) -> Channel<Msg> {
        self.upload_in_parts(1, size).await
    }

    /// The same with several of them.
    pub(crate) async fn upload_in_parts(&self, parts: u32, size: u32) -> Channel<Msg> {
        let packet = |fields: &[&[u8]]| {
            let body = fields.concat();
            let len = u32::try_from(body.len()).unwrap();
            [&len.to_be_bytes(), body.as_slice()].concat()
        };
        let handle = b"\0\0\0\x08\0\0\0\0\0\0\0\x01";
        let data = vec![7; size as usize];
        let mut requests = vec![
            packet(&[b"\x01\0\0\0\x03"]),
            packet(&[b"\x03\0\0\0\x01", b"\0\0\0\x01f", b"\0\0\0\x1a\0\0\0\0"]),
        ];
        for part in 0..parts {
            let offset = u64::from(part) * u64::from(size);
            requests.push(packet(&[
                b"\x06\0\0\0\x02",
                handle,
                &offset.to_be_bytes(),
                &size.to_be_bytes(),
                &data,
            ]));
        }
        requests.push(packet(&[b"\x04\0\0\0\x03", handle]));
        let channel = self.client.channel_open_session().await.unwrap();
        channel.request_subsystem(true, "sftp").await.unwrap();
        channel.data(&requests.concat()[..]).await.unwrap();
        channel
    }

    /// Would another byte of the user wait longer than this?
    pub(crate) fn owes(&self, most: Duration) -> bool {
        let user = self.service.bob();
        let account = self.service.usage.account(&user.effective()).unwrap();
        account.throttle().pass(Operation::Upload, 1) > most
    }
}

/// What a channel says until it is closed, and its exit status.
pub(crate) async fn read_to_end(channel: &mut Channel<Msg>) -> (Vec<u8>, Option<u32>) {
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

/// Waits for a fact, with patience.
pub(crate) async fn wait_for(fact: impl Fn() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !fact() {
        assert!(tokio::time::Instant::now() < until, "waited too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
