//! A home, a user, and a program that runs in it.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use sftpgo_core::{
    UserDraft,
    auth::{Authenticator, LoggedIn, StoredCredentials},
    credential::public_key::AuthorizedKey,
    event::{Event, Events, Observer, Protocol},
    filesystem::local::LocalHomes,
    provider::Users,
    quota::{Tracking, UsageManager},
    registry::Connections,
    session::{Session, UploadMode, UploadPolicy},
};
use sftpgo_ssh::{
    SshCommand,
    exec_program::{Program, Step, Streams},
    scp::{Arguments, Sink, Source},
    shell_words,
};
use sftpgo_store::MemoryProvider;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9";

/// What the transfers of a world came to: path and error.
pub(crate) type Ended = Arc<Mutex<Vec<(String, Option<String>)>>>;

struct Observing(Ended);

impl Observer for Observing {
    fn notify(&self, event: &Event<'_>) {
        if let Event::Transfer {
            file_path, error, ..
        } = event
        {
            let name = file_path.file_name().unwrap_or_default().to_string_lossy();
            let ended = (name.into_owned(), error.map(str::to_owned));
            self.0.lock().unwrap().push(ended);
        }
    }
}

pub(crate) struct World {
    pub(crate) home: tempfile::TempDir,
    pub(crate) ended: Ended,
    logged_in: LoggedIn,
    events: Events,
    mode: UploadMode,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(UserDraft::default(), UploadMode::Standard)
    }

    /// A user who may do this and no more.
    pub(crate) fn allowed(permissions: &[&str]) -> Self {
        let draft = UserDraft {
            permissions: permissions.iter().map(|name| (*name).into()).collect(),
            ..UserDraft::default()
        };
        Self::with(draft, UploadMode::Standard)
    }

    pub(crate) fn with(draft: UserDraft, mode: UploadMode) -> Self {
        let home = tempfile::tempdir().unwrap();
        let permissions = match draft.permissions.is_empty() {
            true => vec!["*".into()],
            false => draft.permissions.clone(),
        };
        let draft = UserDraft {
            username: "bob".into(),
            public_keys: vec![KEY.into()],
            home_dir: home.path().to_string_lossy().into_owned(),
            permissions,
            ..draft
        };
        let provider = Arc::new(MemoryProvider::default());
        provider.add_user(&draft.validate(None).unwrap()).unwrap();
        let ended = Ended::default();
        let events = Events::new(vec![Box::new(Observing(Arc::clone(&ended)))]);
        let quotas = UsageManager::new(provider.clone(), Tracking::All);
        let connections = Connections::new(events.clone());
        let authenticator = Authenticator::new(
            Arc::new(StoredCredentials::new(provider, false)),
            Arc::new(LocalHomes),
            connections,
            quotas,
        );
        let logged_in = authenticator
            .with_public_key("bob", AuthorizedKey::parse(KEY).unwrap().blob())
            .unwrap();
        Self {
            home,
            ended,
            logged_in,
            events,
            mode,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn session(&self) -> Session {
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        let listed = self
            .logged_in
            .login
            .start("bob", Protocol::Scp, remote, "test");
        let uploads = UploadPolicy {
            mode: self.mode,
            sync: false,
        };
        Session::new(&self.logged_in, listed, self.events.clone(), uploads)
    }

    /// The program that a command line starts, not stepped yet.
    pub(crate) fn start(&self, line: &str) -> Running {
        let words = shell_words::split(line.as_bytes()).unwrap();
        let (name, words) = words.split_first().unwrap();
        let program: Box<dyn Program> = match std::str::from_utf8(name.bytes()).unwrap() {
            "scp" => {
                let arguments = Arguments::parse(words).unwrap();
                match arguments.from {
                    true => Box::new(Source::new(self.session(), arguments)),
                    false => Box::new(Sink::new(self.session(), arguments)),
                }
            }
            name => SshCommand::from_name(name)
                .unwrap()
                .start(self.session(), words),
        };
        Running {
            program: Some(program),
            streams: Streams::default(),
            status: None,
        }
    }
}

/// A program and how far it is.
pub(crate) struct Running {
    program: Option<Box<dyn Program>>,
    streams: Streams,
    pub(crate) status: Option<u32>,
}

impl Running {
    /// Sends `input` and answers what the program prints until it needs more.
    pub(crate) fn send(&mut self, input: &[u8]) -> Vec<u8> {
        self.streams.push(input.to_vec());
        self.run();
        std::mem::take(&mut self.streams.stdout)
    }

    /// Ends the input and answers what the program prints until it is done, with its exit status.
    pub(crate) fn end(&mut self) -> (Vec<u8>, u32) {
        self.streams.end_input();
        self.run();
        (
            std::mem::take(&mut self.streams.stdout),
            self.status.unwrap(),
        )
    }

    pub(crate) fn stderr(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.streams.stderr)).unwrap()
    }

    /// The client closes the channel.
    pub(crate) fn hang_up(&mut self) {
        self.streams.lose_output();
        self.end();
    }

    fn run(&mut self) {
        while let Some(program) = &mut self.program {
            match program.step(&mut self.streams) {
                Step::Continue => {}
                Step::NeedInput => break,
                Step::Done(status) => {
                    self.status = Some(status);
                    self.program = None;
                }
            }
        }
    }
}
