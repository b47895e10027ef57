//! `scp -t`: takes files and puts them under one target.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sftpgo_core::{
    Result,
    filesystem::SetAttributes,
    session::{OpenRequest, Session},
    transfer::{Pending, Transfer},
};

use super::{
    Arguments,
    incoming::{Incoming, Opening, Storing},
    message::{self, Malformed, Record, Response},
    target::{Named, PERMISSION_BITS, Target},
};
use crate::{
    error_text::error_text,
    exec_program::{PIECE, Program, Step, Streams},
};

/// The request that the database is asked about before a record is taken.
const NEW_FILE: OpenRequest = OpenRequest {
    read: false,
    write: true,
    append: false,
    create: true,
    truncate: false,
    exclusive: false,
    mode: None,
};

/// The side that takes files.
pub struct Sink {
    session: Session,
    arguments: Arguments,
    target: Target,
    /// Access and modification of the next file or directory.
    times: Option<(SystemTime, SystemTime)>,
    state: State,
    failed: bool,
}

enum State {
    Start,
    Record,
    /// The storage is at its beginning.
    Opening(Opening),
    Data(Incoming),
    /// The source says whether it could read the whole file.
    Verdict(Incoming),
    /// The storage is at its end.
    Storing(Storing),
}

impl Sink {
    /// Takes what `arguments` announce.
    pub fn new(session: Session, arguments: Arguments) -> Self {
        Self {
            session,
            target: Target::of(&arguments),
            arguments,
            times: None,
            state: State::Start,
            failed: false,
        }
    }

    fn start(&mut self, streams: &mut Streams) -> Step {
        match self.target.find(&self.session, &self.arguments) {
            Ok(()) => self.answer(streams),
            Err(error) => {
                message::write_fatal(
                    &mut streams.stdout,
                    self.target.shown(),
                    &error_text(&error),
                );
                Step::Done(1)
            }
        }
    }

    fn take_record(&mut self, streams: &mut Streams) -> Step {
        let (record, len) = match message::record(streams.input()) {
            Ok(Some(found)) => found,
            Ok(None) if streams.input_ended() => return self.end(streams),
            Ok(None) => return Step::NeedInput,
            Err(Malformed(why)) => return self.break_off(streams, why),
        };
        if matches!(record, Record::File { .. })
            && !streams.output_lost()
            && let Some(wait) = self.session.wait_to_open(&NEW_FILE)
        {
            streams.pause_for(wait);
            return Step::Continue;
        }
        match record {
            Record::Times { mtime, atime } => {
                streams.consume(len);
                self.take_times(mtime, atime, streams)
            }
            Record::File { mode, size, name } => {
                let name = name.to_vec();
                streams.consume(len);
                self.take_file(mode, size, name, streams)
            }
            Record::Directory { mode, name } => {
                let name = name.to_vec();
                streams.consume(len);
                self.take_directory(mode, name, streams)
            }
            Record::EndDirectory => {
                streams.consume(len);
                self.end_directory(streams)
            }
            Record::Warning(_) => {
                streams.consume(len);
                self.failed = true;
                Step::Continue
            }
            Record::Fatal(_) => Step::Done(1),
        }
    }

    fn take_times(&mut self, mtime: u64, atime: u64, streams: &mut Streams) -> Step {
        self.times = time(atime).zip(time(mtime));
        match self.times {
            Some(_) => self.answer(streams),
            None => self.break_off(streams, "bad times"),
        }
    }

    fn take_file(&mut self, mode: u32, size: u64, name: Vec<u8>, streams: &mut Streams) -> Step {
        let change = self.change(mode);
        let named = match self.target.named(&name) {
            Ok(named) => named,
            Err(error) => return self.warn(streams, &name, &error_text(&error)),
        };
        match self.begin_to_open(&named, mode) {
            Ok(transfer) => {
                let opening = Opening {
                    transfer,
                    shown: named.shown,
                    size,
                    change,
                };
                self.await_opening(opening, streams)
            }
            Err(error) => self.warn(streams, &named.shown, &error_text(&error)),
        }
    }

    /// Answers when the storage has.
    fn await_opening(&mut self, opening: Opening, streams: &mut Streams) -> Step {
        if !streams.output_lost()
            && let Some(wait) = opening.transfer.wait()
        {
            streams.pause_for(wait);
            self.state = State::Opening(opening);
            return Step::Continue;
        }
        match opening.transfer.outcome() {
            Ok(transfer) => {
                self.state = State::Data(Incoming {
                    transfer,
                    shown: opening.shown,
                    offset: 0,
                    left: opening.size,
                    change: opening.change,
                    problem: None,
                });
                self.answer(streams)
            }
            Err(error) => self.warn(streams, &opening.shown, &error_text(&error)),
        }
    }

    fn begin_to_open(&self, file: &Named, mode: u32) -> Result<Pending<Transfer>> {
        self.target.check_takes_file()?;
        let is_new = self.session.upload_target(&file.path)?.is_none();
        let request = OpenRequest {
            write: true,
            create: true,
            // Else the old content is cut at the end of the new one: the source may be reading this very file.
            truncate: self.session.begins_anew(&file.path),
            // An existing file keeps its mode.
            mode: (self.arguments.preserve || is_new).then_some(mode & PERMISSION_BITS),
            ..OpenRequest::default()
        };
        Ok(self.session.begin_to_open(&file.path, &request))
    }

    fn take_directory(&mut self, mode: u32, name: Vec<u8>, streams: &mut Streams) -> Step {
        if !self.arguments.recursive {
            return self.break_off(streams, "received directory without -r");
        }
        let change = self.change(mode);
        let named = match self.target.named(&name) {
            Ok(named) => named,
            Err(error) => return self.warn(streams, &name, &error_text(&error)),
        };
        let shown = named.shown.clone();
        match self.target.enter(&self.session, named, mode, change) {
            Ok(()) => self.answer(streams),
            Err(error) => self.warn(streams, &shown, &error_text(&error)),
        }
    }

    fn end_directory(&mut self, streams: &mut Streams) -> Step {
        match self.target.leave(&self.session) {
            Some((_, Ok(()))) => self.answer(streams),
            Some((shown, Err(error))) => self.warn(streams, &shown, &error_text(&error)),
            None => self.break_off(streams, "end of a directory that was not entered"),
        }
    }

    /// Returns the attributes that a file or directory gets when all of it is there.
    fn change(&mut self, mode: u32) -> SetAttributes {
        SetAttributes {
            // As cp, which leaves set-uid and its like behind where it may not set them.
            mode: (self.arguments.preserve).then_some(mode & PERMISSION_BITS),
            times: self.times.take(),
            owner: None,
        }
    }

    fn take_data(&mut self, mut incoming: Incoming, streams: &mut Streams) -> Step {
        if incoming.left == 0 {
            self.state = State::Verdict(incoming);
            return Step::Continue;
        }
        let input = streams.input();
        let most = usize::try_from(incoming.left).unwrap_or(usize::MAX);
        let most = most.min(incoming.transfer.piece(PIECE));
        let most = incoming.transfer.being_written().unwrap_or(most);
        let piece = input.get(..most).unwrap_or(input);
        if piece.is_empty() {
            return self.wait(State::Data(incoming), streams);
        }
        let count = piece.len();
        if incoming.problem.is_none()
            && !streams.output_lost()
            && let Some(wait) = incoming.transfer.wait_to_write(piece, incoming.offset)
        {
            streams.pause_for(wait);
            self.state = State::Data(incoming);
            return Step::Continue;
        }
        if incoming.problem.is_none() {
            let written = incoming.transfer.write_at(piece, incoming.offset);
            incoming.problem = written.err().map(|error| error_text(&error));
        }
        self.session.connection().touch();
        if !streams.output_lost() {
            streams.pause_for(incoming.transfer.throttle(count));
        }
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
            Ok(None) if said_nothing(streams) => (true, 0),
            Ok(None) => return self.wait(State::Verdict(incoming), streams),
            Err(Malformed(why)) => return self.break_off(streams, why),
        };
        if is_whole
            && !streams.output_lost()
            && let Some(wait) = incoming.wait_to_store()
        {
            streams.pause_for(wait);
            self.state = State::Verdict(incoming);
            return Step::Continue;
        }
        streams.consume(len);
        let shown = incoming.shown.clone();
        match incoming.store(is_whole) {
            Ok(Some(storing)) => self.await_storage(storing, streams),
            // The source has told its user what it could not read: it hears no complaint about that.
            Ok(None) => {
                self.failed = true;
                self.answer(streams)
            }
            Err(problem) => self.warn(streams, &shown, &problem),
        }
    }

    /// Answers when the storage has; nobody waits for that when the client is gone.
    fn await_storage(&mut self, storing: Storing, streams: &mut Streams) -> Step {
        if let Some(wait) = storing.wait() {
            if streams.output_lost() {
                return self.answer(streams);
            }
            streams.pause_for(wait);
            self.state = State::Storing(storing);
            return Step::Continue;
        }
        let shown = storing.shown.clone();
        match storing.outcome() {
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
        let whole = streams.input().is_empty() && self.target.is_target();
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
            State::Opening(opening) => self.await_opening(opening, streams),
            State::Data(incoming) => self.take_data(incoming, streams),
            State::Verdict(incoming) => self.take_verdict(incoming, streams),
            State::Storing(storing) => self.await_storage(storing, streams),
        }
    }
}

/// Has a client that is still there ended its input where it would say whether the file is whole? libssh2, and curl with it,
/// ends there and takes the file for stored: all announced bytes have come.
fn said_nothing(streams: &Streams) -> bool {
    streams.input_ended() && streams.input().is_empty() && !streams.output_lost()
}

fn time(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
