//! An SFTP session that is spoken to in packets.

use std::{path::PathBuf, sync::Arc, thread};

use sftpgo_core::{
    Provider, UserDraft,
    auth::LoggedIn,
    event::Protocol,
    filesystem::FilesystemFactory,
    session::{Session, UploadMode, UploadPolicy},
};
use sftpgo_ssh::{
    HostKey, Limits,
    receipt::Terms,
    sftp::{Engine, SessionEnd},
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{Service, Settings, client_address};

/// INIT for version 3.
pub(crate) const INIT: &[u8] = b"\x01\x00\x00\x00\x03";
/// The identification line of a client.
const OPENSSH: &str = "SSH-2.0-OpenSSH_9.2p1";

pub(crate) struct SftpSession {
    pub(crate) service: Service,
    pub(crate) engine: Engine,
    _logged_in: LoggedIn,
}

impl SftpSession {
    /// After INIT.
    pub(crate) fn new() -> Self {
        Self::of_user(|_| {})
    }

    /// The same for a user whom `change` makes.
    pub(crate) fn of_user(change: impl FnOnce(&mut UserDraft)) -> Self {
        Self::begun(Service::with_bob(change), OPENSSH)
    }

    /// The same where several servers use the database: it has to be asked for room.
    pub(crate) fn on_shared_database(change: impl FnOnce(&mut UserDraft)) -> Self {
        let settings = Settings {
            provider: Arc::new(MemoryProvider::shared()),
            ..Settings::default()
        };
        Self::begun(Service::with_settings_and_bob(settings, change), OPENSSH)
    }

    /// The same with this provider, for uploads that go to a hidden file first.
    pub(crate) fn of_atomic_uploads(
        provider: Arc<dyn Provider>,
        change: impl FnOnce(&mut UserDraft),
    ) -> Self {
        let settings = Settings {
            provider,
            ..Settings::default()
        };
        let service = Service::with_settings_and_bob(settings, change);
        let uploads = UploadPolicy {
            mode: UploadMode::Atomic,
            sync: false,
        };
        let mut session = Self::with_uploads(service, OPENSSH, &Limits::default(), uploads);
        session.send(INIT).unwrap();
        session
    }

    /// The same of a user whose files are there.
    pub(crate) fn at(homes: Arc<dyn FilesystemFactory>) -> Self {
        let settings = Settings {
            homes,
            ..Settings::default()
        };
        Self::begun(Service::with_settings_and_bob(settings, |_| {}), OPENSSH)
    }

    /// The same for a client with this identification line.
    pub(crate) fn as_client(line: &str) -> Self {
        Self::begun(Service::with_bob(|_| {}), line)
    }

    /// Before INIT.
    pub(crate) fn fresh(limits: Limits) -> Self {
        Self::of(Service::with_bob(|_| {}), OPENSSH, &limits)
    }

    /// Before INIT, of a server that gives receipts.
    pub(crate) fn with_receipts() -> Self {
        let mut session = Self::fresh(Limits::default());
        let key = HostKey::generate().unwrap();
        session.engine = session
            .engine
            .with_receipts(Some(Terms { key, uploads: None }));
        session
    }

    fn begun(service: Service, line: &str) -> Self {
        let mut session = Self::of(service, line, &Limits::default());
        session.send(INIT).unwrap();
        session
    }

    fn of(service: Service, line: &str, limits: &Limits) -> Self {
        Self::with_uploads(service, line, limits, UploadPolicy::default())
    }

    fn with_uploads(service: Service, line: &str, limits: &Limits, uploads: UploadPolicy) -> Self {
        let logged_in = service.log_in();
        let listed = logged_in
            .login
            .start("bob", Protocol::Sftp, client_address(), line);
        let events = service.events.clone();
        let session = Session::new(&logged_in, listed, events, uploads);
        Self {
            engine: Engine::new(session, limits),
            service,
            _logged_in: logged_in,
        }
    }

    /// Sends one packet, given from its type byte on, and answers the replies.
    pub(crate) fn send(&mut self, packet: &[u8]) -> Result<Vec<u8>, SessionEnd> {
        let mut framed = u32::try_from(packet.len()).unwrap().to_be_bytes().to_vec();
        framed.extend_from_slice(packet);
        self.send_raw(framed)
    }

    pub(crate) fn send_raw(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, SessionEnd> {
        self.engine.push(bytes);
        loop {
            let worked = self.engine.step()?;
            let pause = self.engine.take_pause();
            if !worked && pause.is_zero() {
                return Ok(self.engine.take_replies());
            }
            // The database is being asked.
            if !worked {
                thread::sleep(pause);
            }
        }
    }

    /// Hands over bytes as they arrive, as a connection does.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        let written = self.engine.write_through(bytes);
        self.engine.push(bytes[written..].to_vec());
        while self.engine.step().unwrap() {}
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.service.path(name)
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
