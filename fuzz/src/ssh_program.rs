use sftpgo_core::{event::Protocol, session::Session};
use sftpgo_ssh::{
    SshCommand,
    exec_program::{Program, Step, Streams},
    scp::{
        Arguments, Sink, Source,
        message::{Record, record, response},
    },
    shell_words::split,
};

use crate::{
    chosen, first_line,
    home::{Home, assert_no_secret},
};

/// Far more than the small home of a [`Home`] gives reason for.
const MOST_STEPS: usize = 100_000;

/// A command line, and behind a newline what the client sends to the command. A byte before both chooses the
/// user and the upload mode, and with its fourth bit whether the client's bytes arrive one by one.
pub fn ssh_program(data: &[u8]) {
    let (shape, data) = chosen(data);
    let (line, input) = first_line(data);
    let Some(start) = command(line) else {
        return;
    };
    let home = Home::new(shape);
    let (program, check_output) = start(home.session(Protocol::Scp));
    let mut running = Running {
        program,
        streams: Streams::default(),
        steps: 0,
    };
    let piece = if shape & 8 == 0 { input.len() } else { 1 };
    let mut pieces = input.chunks(piece.max(1));
    while running.wants_more() {
        match pieces.next() {
            Some(piece) => drop(running.streams.push(piece.to_vec())),
            None => {
                running.streams.end_input();
                assert!(!running.wants_more(), "waits for what never comes");
                break;
            }
        }
    }
    let Running {
        program, streams, ..
    } = running;
    drop(program);
    assert_no_secret(&streams.stdout);
    assert_no_secret(&streams.stderr);
    check_output(&streams.stdout);
    home.check();
}

/// A program, and what it prints.
type Started = (Box<dyn Program>, fn(&[u8]));

/// How a line's command is started, if it is one of ours.
fn command(line: &[u8]) -> Option<Box<dyn FnOnce(Session) -> Started>> {
    let words = split(line).ok()?;
    let (name, words) = words.split_first()?;
    if name.bytes() != b"scp" {
        let command = SshCommand::from_name(std::str::from_utf8(name.bytes()).ok()?)?;
        let words = words.to_vec();
        return Some(Box::new(move |session| {
            (command.start(session, &words), |_| {})
        }));
    }
    let arguments = Arguments::parse(words).ok()?;
    Some(Box::new(|session| match arguments.from {
        true => (Box::new(Source::new(session, arguments)), check_source),
        false => (Box::new(Sink::new(session, arguments)), check_sink),
    }))
}

struct Running {
    program: Box<dyn Program>,
    streams: Streams,
    steps: usize,
}

impl Running {
    /// Runs until the program needs input or is done.
    fn wants_more(&mut self) -> bool {
        loop {
            self.steps += 1;
            assert!(self.steps <= MOST_STEPS, "a command without an end");
            match self.program.step(&mut self.streams) {
                Step::Continue => {}
                Step::NeedInput => return true,
                Step::Done(status) => {
                    assert!(status <= 1);
                    return false;
                }
            }
        }
    }
}

/// A sink prints whole responses.
fn check_sink(mut printed: &[u8]) {
    while !printed.is_empty() {
        let (_, len) = response(printed).unwrap().unwrap();
        printed = &printed[len..];
    }
}

/// A source prints records that a sink reads, and the data of files, which may be cut.
fn check_source(mut printed: &[u8]) {
    while !printed.is_empty() {
        let (found, len) = record(printed).unwrap().unwrap();
        printed = &printed[len..];
        let Record::File { size, .. } = found else {
            continue;
        };
        if printed.is_empty() {
            return;
        }
        // Not sent when the client refuses the file: then a record follows, and no response.
        let Some(data_len) = usize::try_from(size)
            .ok()
            .filter(|len| *len <= printed.len())
        else {
            return;
        };
        match response(&printed[data_len..]) {
            Ok(Some((_, len))) => printed = &printed[data_len + len..],
            Ok(None) => return,
            Err(_) => {}
        }
    }
}
