//! A home with an engine over it, and packets as bytes.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use sftpgo_core::{
    UserDraft,
    auth::{Authenticator, LoggedIn, StoredCredentials},
    credential::public_key::AuthorizedKey,
    event::{Events, Protocol},
    filesystem::local::LocalHomes,
    provider::Users,
    quota::{Tracking, UsageManager},
    registry::Connections,
    session::{Session, UploadPolicy},
};
use sftpgo_ssh::{
    Limits,
    sftp::{Engine, SessionEnd},
};
use sftpgo_store::MemoryProvider;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9";

pub(crate) struct World {
    pub(crate) home: tempfile::TempDir,
    pub(crate) engine: Engine,
    _logged_in: LoggedIn,
}

impl World {
    /// An engine that has not seen INIT.
    pub(crate) fn fresh(limits: Limits) -> Self {
        Self::of(limits, UserDraft::default())
    }

    /// The same for a user with what else `draft` says.
    pub(crate) fn of(limits: Limits, draft: UserDraft) -> Self {
        Self::of_client(
            MemoryProvider::new(),
            limits,
            draft,
            "SSH-2.0-OpenSSH_9.2p1",
        )
    }

    /// After INIT, where several servers use the database: it has to be asked for room.
    pub(crate) fn on_shared_database(draft: UserDraft) -> Self {
        let provider = MemoryProvider::shared();
        let mut world =
            Self::of_client(provider, Limits::default(), draft, "SSH-2.0-OpenSSH_9.2p1");
        world.send(b"\x01\x00\x00\x00\x03").unwrap();
        world
    }

    /// The same for a client with this identification line, after INIT.
    pub(crate) fn as_client(line: &str) -> Self {
        let mut world = Self::of_client(
            MemoryProvider::new(),
            Limits::default(),
            UserDraft::default(),
            line,
        );
        world.send(b"\x01\x00\x00\x00\x03").unwrap();
        world
    }

    fn of_client(provider: MemoryProvider, limits: Limits, draft: UserDraft, line: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let draft = UserDraft {
            username: "bob".into(),
            public_keys: vec![KEY.into()],
            home_dir: home.path().to_string_lossy().into_owned(),
            permissions: match draft.permissions.is_empty() {
                true => vec!["*".into()],
                false => draft.permissions.clone(),
            },
            ..draft
        };
        let provider = Arc::new(provider);
        provider.add_user(&draft.validate(None).unwrap()).unwrap();
        let quotas = UsageManager::new(provider.clone(), Tracking::All);
        let connections = Connections::new(Events::default());
        let authenticator = Authenticator::new(
            Arc::new(StoredCredentials::new(provider, false)),
            Arc::new(LocalHomes),
            connections,
            quotas,
        );
        let logged_in = authenticator
            .with_public_key("bob", AuthorizedKey::parse(KEY).unwrap().blob())
            .unwrap();
        let listed = logged_in.login.start(
            "bob",
            Protocol::Sftp,
            SocketAddr::from(([127, 0, 0, 1], 1)),
            line,
        );
        let session = Session::new(
            &logged_in,
            listed,
            Events::default(),
            UploadPolicy::default(),
        );
        Self {
            home,
            engine: Engine::new(session, &limits),
            _logged_in: logged_in,
        }
    }

    pub(crate) fn new() -> Self {
        let mut world = Self::fresh(Limits::default());
        world.send(b"\x01\x00\x00\x00\x03").unwrap();
        world
    }

    /// Sends one packet, given from its type byte on, and answers the replies.
    pub(crate) fn send(&mut self, packet: &[u8]) -> Result<Vec<u8>, SessionEnd> {
        let mut framed = u32::try_from(packet.len()).unwrap().to_be_bytes().to_vec();
        framed.extend_from_slice(packet);
        self.send_raw(framed)
    }

    pub(crate) fn send_raw(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, SessionEnd> {
        self.engine.push(bytes);
        while self.engine.step()? {}
        Ok(self.engine.take_replies())
    }

    /// Hands over bytes as they arrive, as a connection does.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        let written = self.engine.write_through(bytes);
        self.engine.push(bytes[written..].to_vec());
        while self.engine.step().unwrap() {}
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Opens `name` with these flags and answers the handle.
    pub(crate) fn open(&mut self, name: &str, flags: u32) -> Vec<u8> {
        let reply = self
            .send(&packet(3, 1, &[string(name.as_bytes()), u32s(&[flags, 0])]))
            .unwrap();
        assert_eq!(reply[4], 102, "no handle: {reply:?}");
        reply[13..].to_vec()
    }
}

pub(crate) fn packet(kind: u8, id: u32, fields: &[Vec<u8>]) -> Vec<u8> {
    let mut packet = vec![kind];
    packet.extend(id.to_be_bytes());
    packet.extend(fields.concat());
    packet
}

pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    let mut field = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    field.extend_from_slice(bytes);
    field
}

pub(crate) fn u32s(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

pub(crate) fn status_of(reply: &[u8]) -> u32 {
    assert_eq!(reply[4], 101, "no status: {reply:?}");
    u32::from_be_bytes(reply[9..13].try_into().unwrap())
}

/// The message of a STATUS.
pub(crate) fn words_of(reply: &[u8]) -> String {
    let length = u32::from_be_bytes(reply[13..17].try_into().unwrap()) as usize;
    String::from_utf8(reply[17..17 + length].to_vec()).unwrap()
}
