//! What a server offers on a channel: SFTP, scp and a few commands.

use std::sync::Arc;

use sftpgo_core::event::Protocol;

use crate::{
    config::ServerConfig,
    exec::{Command, Refusal},
    exec_program::{Program, ProgramWork, Step, Streams},
    session::{Offer, OpenFiles, Request, Started},
    sftp::{Engine, SftpWork},
};

/// What is offered on channels, as the settings allow it.
pub(crate) struct Offered {
    config: Arc<ServerConfig>,
}

impl Offered {
    pub(crate) fn new(config: Arc<ServerConfig>) -> Self {
        Self { config }
    }

    fn start_sftp(&self, open: OpenFiles<'_>) -> Option<Started> {
        let files = open(Some(Protocol::Sftp))?;
        let connection = Arc::clone(files.connection());
        let engine =
            Engine::new(files, &self.config.limits).under_the_name(&self.config.software_version);
        let engine = engine.with_receipts(self.config.receipt_terms());
        Some(Started {
            work: Box::new(SftpWork::new(engine)),
            connection: Some(connection),
            is_listed: true,
        })
    }
}

impl Offer for Offered {
    fn start(&self, request: Request<'_>, open: OpenFiles<'_>) -> Option<Started> {
        match request {
            Request::Subsystem(b"sftp") => self.start_sftp(open),
            Request::Subsystem(_) => None,
            Request::Shell => Some(refuse(Refusal::of(&self.config))),
            Request::Exec(line) => match Command::parse(line, &self.config) {
                Ok(command) => start_command(command, open, &self.config),
                Err(refusal) => Some(refuse(refusal)),
            },
        }
    }
}

fn start_command(command: Command, open: OpenFiles<'_>, config: &ServerConfig) -> Option<Started> {
    let protocol = match command {
        Command::Scp(_) => Some(Protocol::Scp),
        Command::Ssh(..) | Command::Receipt(..) => None,
    };
    let files = open(protocol)?;
    let connection = Arc::clone(files.connection());
    Some(Started {
        work: Box::new(ProgramWork::new(command.start(files, config))),
        connection: Some(connection),
        is_listed: protocol.is_some(),
    })
}

/// A program that prints one line and fails: of a request that is refused clients print nothing.
fn refuse(refusal: Refusal) -> Started {
    Started {
        work: Box::new(ProgramWork::new(Box::new(refusal))),
        connection: None,
        is_listed: false,
    }
}

impl Program for Refusal {
    fn step(&mut self, streams: &mut Streams) -> Step {
        streams.stderr.extend_from_slice(self.0.as_bytes());
        streams.stderr.extend_from_slice(b"\r\n");
        Step::Done(1)
    }
}
