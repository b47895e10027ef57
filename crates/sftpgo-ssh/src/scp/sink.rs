//! `scp -t`: takes files and puts them under one target.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sftpgo_core::{
    Error, ErrorKind, Result, VirtualPath,
    filesystem::{FileType, SetAttributes},
    session::{AttributeChange, OpenRequest, Session},
    transfer::Transfer,
};

use super::{
    Arguments,
    message::{self, Malformed, Record, Response},
};
use crate::{
    program::{PIECE, Program, Step, Streams},
    reason::reason,
};

/// A directory has to be writable for its entries to get in, whatever mode it will have.
const OWNER_BITS: u32 = 0o700;
const PERMISSION_BITS: u32 = 0o777;

/// Access and modification.
type Times = (SystemTime, SystemTime);

/// The side that takes files.
pub struct Sink {
    session: Session,
    arguments: Arguments,
    /// The directory that records go into, or the name that the first one gets.
    path: VirtualPath,
    /// `path` as the client writes it, for messages.
    shown: Vec<u8>,
    path_is_directory: bool,
    /// What has to be done at the end of each directory that was entered.
    directories: Vec<Entered>,
    /// For the next file or directory.
    times: Option<Times>,
    state: State,
    failed: bool,
}

enum State {
    Start,
    Record,
    Data(Incoming),
    /// The source says whether it could read the whole file.
    Verdict(Incoming),
}

/// A file that is being taken.
struct Incoming {
    transfer: Transfer,
    shown: Vec<u8>,
    offset: u64,
    left: u64,
    change: SetAttributes,
    /// Why it will not be stored; the rest of its data is thrown away.
    problem: Option<String>,
}

struct Entered {
    change: SetAttributes,
    /// Length of `shown` before the directory's name was appended; none when the target itself is entered.
    named_at: Option<usize>,
}

impl Sink {
    /// Takes what `arguments` announce.
    pub fn new(session: Session, arguments: Arguments) -> Self {
        Self {
            session,
            shown: arguments
                .paths
                .first()
                .map(|word| word.bytes().to_vec())
                .unwrap_or_default(),
            arguments,
            path: VirtualPath::root(),
            path_is_directory: false,
            directories: Vec::new(),
            times: None,
            state: State::Start,
            failed: false,
        }
    }

    fn start(&mut self, streams: &mut Streams) -> Step {
        match self.find_target() {
            Ok(()) => self.answer(streams),
            Err(error) => self.give_up(streams, &reason(&error)),
        }
    }

    fn find_target(&mut self) -> Result<()> {
        let target = self
            .arguments
            .paths
            .first()
            .map(|word| word.without_tilde());
        let target = target.unwrap_or_default();
        self.path = VirtualPath::parse(target.bytes())?;
        let found = self.session.upload_target(&self.path)?;
        self.path_is_directory = found.is_some_and(|found| found.file_type == FileType::Directory);
        if self.arguments.to_directory && !self.path_is_directory {
            return Err(match found {
                Some(_) => not_a_directory(),
                None => Error::not_found("no such file or directory"),
            });
        }
        Ok(())
    }

    fn take_record(&mut self, streams: &mut Streams) -> Step {
        let (record, len) = match message::record(streams.input()) {
            Ok(Some(found)) => found,
            Ok(None) if streams.input_ended() => return self.end(streams),
            Ok(None) => return Step::NeedInput,
            Err(Malformed(why)) => return self.break_off(streams, why),
        };
        match record {
            Record::Times { mtime, atime } => {
                streams.consume(len);
                match (time(atime), time(mtime)) {
                    (Some(atime), Some(mtime)) => self.times = Some((atime, mtime)),
                    _ => return self.break_off(streams, "bad times"),
                }
                self.answer(streams)
            }
            Record::File { mode, size, name } => {
                let name = name.to_vec();
                streams.consume(len);
                let (shown, begun) = match self.place(&name) {
                    Ok((path, shown)) => (shown, self.begin_file(&path, mode)),
                    Err(error) => (name, Err(error)),
                };
                match begun {
                    Ok((transfer, change)) => {
                        self.state = State::Data(Incoming {
                            transfer,
                            shown,
                            offset: 0,
                            left: size,
                            change,
                            problem: None,
                        });
                        streams.stdout.push(message::OK);
                        Step::Continue
                    }
                    Err(error) => self.warn(streams, &shown, &reason(&error)),
                }
            }
            Record::Directory { mode, name } => {
                let name = name.to_vec();
                streams.consume(len);
                if !self.arguments.recursive {
                    return self.break_off(streams, "received directory without -r");
                }
                let (shown, begun) = match self.place(&name) {
                    Ok((path, shown)) => (shown.clone(), self.enter(path, shown, mode)),
                    Err(error) => (name, Err(error)),
                };
                match begun {
                    Ok(()) => self.answer(streams),
                    Err(error) => self.warn(streams, &shown, &reason(&error)),
                }
            }
            Record::EndDirectory => {
                streams.consume(len);
                let Some(entered) = self.directories.pop() else {
                    return self.break_off(streams, "end of a directory that was not entered");
                };
                match self.leave(&entered) {
                    Ok(()) => self.answer(streams),
                    Err((shown, error)) => self.warn(streams, &shown, &reason(&error)),
                }
            }
            Record::Warning(_) => {
                streams.consume(len);
                self.failed = true;
                Step::Continue
            }
            Record::Fatal(_) => Step::Done(1),
        }
    }

    /// Where a record's name belongs, and how to show it.
    fn place(&self, name: &[u8]) -> Result<(VirtualPath, Vec<u8>)> {
        if !self.path_is_directory {
            return Ok((self.path.clone(), self.shown.clone()));
        }
        let mut shown = self.shown.clone();
        if !shown.is_empty() && !shown.ends_with(b"/") {
            shown.push(b'/');
        }
        shown.extend_from_slice(name);
        Ok((self.path.join(name)?, shown))
    }

    fn begin_file(&mut self, path: &VirtualPath, mode: u32) -> Result<(Transfer, SetAttributes)> {
        let times = self.times.take();
        if !self.path_is_directory && self.shown.ends_with(b"/") {
            return Err(not_a_directory());
        }
        let exact = self.arguments.preserve;
        let is_new = self.session.upload_target(path)?.is_none();
        let request = OpenRequest {
            write: true,
            create: true,
            truncate: true,
            // An existing file keeps its mode.
            mode: (exact || is_new).then_some(mode & PERMISSION_BITS),
            ..OpenRequest::default()
        };
        let change = SetAttributes {
            mode: exact.then_some(mode),
            times,
            owner: None,
        };
        Ok((self.session.open(path, &request)?, change))
    }

    fn enter(&mut self, path: VirtualPath, shown: Vec<u8>, mode: u32) -> Result<()> {
        let times = self.times.take();
        let mode = self.make_directory(&path, mode)?;
        self.directories.push(Entered {
            change: SetAttributes {
                mode,
                times,
                owner: None,
            },
            named_at: self.path_is_directory.then_some(self.shown.len()),
        });
        self.path = path;
        self.shown = shown;
        self.path_is_directory = true;
        Ok(())
    }

    /// Sees that a directory is there, and answers the mode it has to get when its entries are.
    fn make_directory(&self, path: &VirtualPath, mode: u32) -> Result<Option<u32>> {
        let exact = self.arguments.preserve.then_some(mode);
        if let Some(found) = self.session.upload_target(path)? {
            return match found.file_type {
                FileType::Directory => Ok(exact),
                _ => Err(not_a_directory()),
            };
        }
        let open = (mode & PERMISSION_BITS) | OWNER_BITS;
        self.session.create_dir(path, Some(open))?;
        if exact.is_some() || open == mode & PERMISSION_BITS {
            return Ok(exact);
        }
        // What the umask left of it, without the bits that only its entries needed.
        let made = self.session.upload_target(path)?;
        Ok(made.map(|made| made.mode & mode & PERMISSION_BITS))
    }

    fn leave(&mut self, entered: &Entered) -> Result<(), (Vec<u8>, Error)> {
        let changed = if entered.change == SetAttributes::default() {
            Ok(())
        } else {
            let change = AttributeChange {
                size: None,
                other: entered.change,
            };
            self.session.set_attributes(&self.path, &change, true)
        };
        let shown = match entered.named_at {
            Some(len) => {
                self.path = self.path.parent().unwrap_or_else(VirtualPath::root);
                let shown = self.shown.clone();
                self.shown.truncate(len);
                shown
            }
            None => {
                self.path_is_directory = false;
                self.shown.clone()
            }
        };
        changed.map_err(|error| (shown, error))
    }

    fn take_data(&mut self, mut incoming: Incoming, streams: &mut Streams) -> Step {
        if incoming.left == 0 {
            self.state = State::Verdict(incoming);
            return Step::Continue;
        }
        let input = streams.input();
        let most = usize::try_from(incoming.left).unwrap_or(usize::MAX);
        let piece = input.get(..most.min(PIECE)).unwrap_or(input);
        if piece.is_empty() {
            return self.wait(State::Data(incoming), streams);
        }
        let count = piece.len();
        if incoming.problem.is_none() {
            let written = incoming.transfer.write_at(piece, incoming.offset);
            incoming.problem = written.err().map(|error| reason(&error));
        }
        self.session.connection().touch();
        streams.pause_for(incoming.transfer.throttle(count));
        streams.consume(count);
        incoming.offset += count as u64;
        incoming.left -= count as u64;
        self.state = State::Data(incoming);
        Step::Continue
    }

    fn take_verdict(&mut self, incoming: Incoming, streams: &mut Streams) -> Step {
        let (is_whole, len) = match message::response(streams.input()) {
            Ok(Some((Response::Ok, len))) => (true, len),
            Ok(Some((Response::Warning(_), len))) => (false, len),
            Ok(Some((Response::Fatal(_), _))) => return Step::Done(1),
            Ok(None) => return self.wait(State::Verdict(incoming), streams),
            Err(Malformed(why)) => return self.break_off(streams, why),
        };
        streams.consume(len);
        let shown = incoming.shown.clone();
        match store(incoming, is_whole) {
            Ok(()) => self.answer(streams),
            Err(problem) => self.warn(streams, &shown, &problem),
        }
    }

    /// Waits in `state`; without more input to come the file is lost.
    fn wait(&mut self, state: State, streams: &Streams) -> Step {
        if streams.input_ended() {
            return Step::Done(1);
        }
        self.state = state;
        Step::NeedInput
    }

    fn end(&self, streams: &Streams) -> Step {
        let whole = streams.input().is_empty() && self.directories.is_empty();
        Step::Done(u32::from(self.failed || !whole))
    }

    fn answer(&self, streams: &mut Streams) -> Step {
        streams.stdout.push(message::OK);
        Step::Continue
    }

    fn warn(&mut self, streams: &mut Streams, shown: &[u8], problem: &str) -> Step {
        self.failed = true;
        message::write_warning(&mut streams.stdout, shown, problem);
        Step::Continue
    }

    fn give_up(&self, streams: &mut Streams, problem: &str) -> Step {
        message::write_fatal(&mut streams.stdout, &self.shown, problem);
        Step::Done(1)
    }

    fn break_off(&self, streams: &mut Streams, why: &str) -> Step {
        message::write_fatal(&mut streams.stdout, b"protocol error", why);
        Step::Done(1)
    }
}

impl Program for Sink {
    fn step(&mut self, streams: &mut Streams) -> Step {
        match std::mem::replace(&mut self.state, State::Record) {
            State::Start => self.start(streams),
            State::Record => self.take_record(streams),
            State::Data(incoming) => self.take_data(incoming, streams),
            State::Verdict(incoming) => self.take_verdict(incoming, streams),
        }
    }
}

/// Finishes an upload; only then its data is under its name.
fn store(mut incoming: Incoming, is_whole: bool) -> Result<(), String> {
    if !is_whole {
        incoming
            .problem
            .get_or_insert_with(|| "Not stored: the source could not read all of it".to_owned());
    }
    if let Some(problem) = incoming.problem {
        incoming.transfer.fail(&problem);
        return Err(problem);
    }
    let changed = if incoming.change == SetAttributes::default() {
        Ok(())
    } else {
        incoming.transfer.set_attributes(&AttributeChange {
            size: None,
            other: incoming.change,
        })
    };
    incoming.transfer.finish().map_err(|error| reason(&error))?;
    changed.map_err(|error| format!("Set mode and times: {}", reason(&error)))
}

fn time(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn not_a_directory() -> Error {
    Error::new(ErrorKind::NotADirectory, "not a directory")
}
