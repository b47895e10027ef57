//! A connection of `bob`, on which programs are started.

use std::{fs, path::PathBuf};

use sftpgo_core::{
    UserDraft,
    auth::LoggedIn,
    event::Protocol,
    session::{Session, UploadMode, UploadPolicy},
};
use sftpgo_ssh::{
    SshCommand,
    exec_program::{Program, Step, Streams},
    scp::{Arguments, Sink, Source},
    shell_words,
};
use sftpgo_test_support::{EndedTransfer, Service};

pub(crate) struct Connection {
    pub(crate) service: Service,
    logged_in: LoggedIn,
    uploads: UploadPolicy,
}

impl Connection {
    pub(crate) fn new() -> Self {
        Self::with(|_| {}, UploadMode::Standard)
    }

    /// Of a user who may do this and no more.
    pub(crate) fn allowed(permissions: &[&str]) -> Self {
        let permissions = permissions.iter().map(|name| (*name).into()).collect();
        Self::with(
            |draft| draft.permissions = permissions,
            UploadMode::Standard,
        )
    }

    pub(crate) fn with(change: impl FnOnce(&mut UserDraft), mode: UploadMode) -> Self {
        let service = Service::with_bob(change);
        Self {
            logged_in: service.log_in(),
            service,
            uploads: UploadPolicy { mode, sync: false },
        }
    }

    /// How the transfers ended.
    pub(crate) fn transfers(&self) -> Vec<EndedTransfer> {
        self.service.recorder.transfers()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.service.path(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn session(&self) -> Session {
        let listed = self.service.list(&self.logged_in, Protocol::Scp);
        let events = self.service.events.clone();
        Session::new(&self.logged_in, listed, events, self.uploads)
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
