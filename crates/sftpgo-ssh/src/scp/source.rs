//! `scp -f`: sends files, and directories with `-r`.

use std::collections::VecDeque;

use sftpgo_core::{
    Error, ErrorKind, Result, VirtualPath,
    filesystem::{DirEntry, FileId, FileType, Metadata},
    session::{Listing, OpenRequest, Session},
    transfer::Transfer,
};

use super::{
    Arguments,
    expand::Expansion,
    message::{self, Response},
};
use crate::{
    error_text::error_text,
    exec_program::{PIECE, Program, Step, Streams},
    shell_words::Word,
};

/// The name of the user's root in a record: it has no name, and clients refuse `.` and `/`.
const ROOT_NAME: &[u8] = b"root";
/// Directories of one tree that are open inside each other, two handles of the system for each.
const MAX_DEPTH: usize = 256;
/// What the client hears of a file whose data is not what its record announced.
const CHANGED: &str = "The file changed while it was sent";

/// The side that sends files.
pub struct Source {
    session: Session,
    recursive: bool,
    preserve: bool,
    words: VecDeque<Word>,
    /// The word whose matches are searched.
    expanding: Option<(Expansion, Word)>,
    /// The paths that a word stands for, each with how the client would write it.
    ready: VecDeque<(VirtualPath, Vec<u8>)>,
    /// The directories that are sent, the innermost last.
    directories: Vec<Level>,
    state: State,
    failed: bool,
}

/// What the client has to answer next, or what is to be done without it.
enum State {
    Start,
    Next,
    TimesSent(Item),
    RecordSent(Item),
    Data(Outgoing),
    DataSent(Outgoing),
    EndSent,
}

/// A file or directory that is offered.
enum Item {
    File(Outgoing),
    Directory(Level),
}

/// A file that is being sent.
struct Outgoing {
    transfer: Transfer,
    shown: Vec<u8>,
    /// The metadata as the record announced it.
    metadata: Metadata,
    offset: u64,
    /// Why its data is not what the file has; zeros are sent then, so that both sides stay in step.
    problem: Option<String>,
}

/// A directory whose entries are sent.
struct Level {
    listing: Listing,
    shown: Vec<u8>,
    metadata: Metadata,
}

impl Source {
    /// Sends what `arguments` name.
    pub fn new(session: Session, arguments: Arguments) -> Self {
        Self {
            session,
            recursive: arguments.recursive,
            preserve: arguments.preserve,
            words: arguments.paths.into(),
            expanding: None,
            ready: VecDeque::new(),
            directories: Vec::new(),
            state: State::Start,
            failed: false,
        }
    }

    /// Finds the next thing to send.
    fn next(&mut self, streams: &mut Streams) -> Step {
        if streams.output_lost() {
            return Step::Done(1);
        }
        if let Some(level) = self.directories.last_mut() {
            return match level.listing.next_entry() {
                Ok(Some(entry)) => self.next_entry(&entry, streams),
                Ok(None) => self.end_directory(streams),
                Err(error) => {
                    let shown = level.shown.clone();
                    self.warn(streams, &shown, &error_text(&error));
                    self.end_directory(streams)
                }
            };
        }
        if let Some((path, shown)) = self.ready.pop_front() {
            return self.offer(&path, shown, None, streams);
        }
        if let Some((expansion, word)) = self.expanding.take() {
            return self.expand(expansion, word, streams);
        }
        let Some(word) = self.words.pop_front() else {
            return Step::Done(u32::from(self.failed));
        };
        match Expansion::of(&word.without_tilde()) {
            Some(expansion) => self.expanding = Some((expansion, word)),
            None => self.take_literally(&word, streams),
        }
        Step::Continue
    }

    fn expand(&mut self, mut expansion: Expansion, word: Word, streams: &mut Streams) -> Step {
        let found = match expansion.step(&self.session) {
            Ok(false) => {
                self.expanding = Some((expansion, word));
                return Step::Continue;
            }
            Ok(true) => expansion.finish(),
            Err(error) => Err(error),
        };
        match found {
            Ok(paths) if paths.is_empty() => self.take_literally(&word, streams),
            Ok(paths) => {
                let is_relative = !word.bytes().starts_with(b"/");
                self.ready.extend(paths.into_iter().map(|path| {
                    let shown = match is_relative {
                        true => path.relative().to_vec(),
                        false => path.as_bytes().to_vec(),
                    };
                    (path, shown)
                }));
            }
            Err(error) => self.warn(streams, word.bytes(), &error_text(&error)),
        }
        Step::Continue
    }

    fn take_literally(&mut self, word: &Word, streams: &mut Streams) {
        match VirtualPath::parse(word.without_tilde().bytes()) {
            Ok(path) => self.ready.push_back((path, word.bytes().to_vec())),
            Err(error) => self.warn(streams, word.bytes(), &error_text(&error)),
        }
    }

    fn next_entry(&mut self, entry: &DirEntry, streams: &mut Streams) -> Step {
        let Some(level) = self.directories.last() else {
            return Step::Continue;
        };
        if matches!(entry.name.as_slice(), b"." | b"..") {
            return Step::Continue;
        }
        let mut shown = level.shown.clone();
        if !shown.ends_with(b"/") {
            shown.push(b'/');
        }
        shown.extend_from_slice(&entry.name);
        match level.listing.path().join(&entry.name) {
            Ok(path) => self.offer(&path, shown, Some(entry.metadata.file_type), streams),
            Err(error) => {
                self.warn(streams, &shown, &error_text(&error));
                Step::Continue
            }
        }
    }

    fn end_directory(&mut self, streams: &mut Streams) -> Step {
        self.directories.pop();
        message::write_end_directory(&mut streams.stdout);
        self.state = State::EndSent;
        Step::Continue
    }

    fn offer(
        &mut self,
        path: &VirtualPath,
        shown: Vec<u8>,
        file_type: Option<FileType>,
        streams: &mut Streams,
    ) -> Step {
        match self.open(path, &shown, file_type) {
            Ok(item) if self.preserve => {
                let metadata = item.metadata();
                message::write_times(&mut streams.stdout, metadata.mtime, metadata.atime);
                self.state = State::TimesSent(item);
            }
            Ok(item) => self.send_record(item, streams),
            Err(error) => self.warn(streams, &shown, &error_text(&error)),
        }
        Step::Continue
    }

    fn open(&self, path: &VirtualPath, shown: &[u8], file_type: Option<FileType>) -> Result<Item> {
        if file_type == Some(FileType::Directory) {
            return self.open_directory(path, shown);
        }
        let request = OpenRequest {
            read: true,
            ..OpenRequest::default()
        };
        match self.session.open(path, &request) {
            Ok(transfer) => Ok(Item::File(Outgoing {
                metadata: transfer.metadata()?,
                transfer,
                shown: shown.to_vec(),
                offset: 0,
                problem: None,
            })),
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                self.open_directory(path, shown)
            }
            Err(error) => Err(error),
        }
    }

    fn open_directory(&self, path: &VirtualPath, shown: &[u8]) -> Result<Item> {
        if !self.recursive {
            return Err(Error::new(ErrorKind::IsADirectory, "not a regular file"));
        }
        if self.directories.len() >= MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::LimitReached,
                "directories are nested too deeply",
            ));
        }
        let metadata = self.session.metadata(path, true)?;
        if self.is_inside(metadata.file_id) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "a link to a directory that it is in, not followed",
            ));
        }
        Ok(Item::Directory(Level {
            listing: self.session.open_dir(path)?,
            shown: shown.to_vec(),
            metadata,
        }))
    }

    fn is_inside(&self, file_id: FileId) -> bool {
        self.directories
            .iter()
            .any(|level| level.metadata.file_id == file_id)
    }

    fn send_record(&mut self, item: Item, streams: &mut Streams) {
        let out = &mut streams.stdout;
        match &item {
            Item::File(file) => {
                let name = file.transfer.path().file_name().unwrap_or(ROOT_NAME);
                message::write_file(out, file.metadata.mode, file.metadata.size, name);
            }
            Item::Directory(level) => {
                let name = level.listing.path().file_name().unwrap_or(ROOT_NAME);
                message::write_directory(out, level.metadata.mode, name);
            }
        }
        self.state = State::RecordSent(item);
    }

    fn send_data(&mut self, mut file: Outgoing, streams: &mut Streams) -> Step {
        if streams.output_lost() {
            return Step::Done(1);
        }
        let left = file.metadata.size - file.offset;
        let most = file.transfer.piece(PIECE);
        let count = usize::try_from(left).map_or(most, |left| left.min(most));
        if count == 0 {
            return self.end_data(file, streams);
        }
        let end = streams.stdout.len();
        streams.stdout.resize(end + count, 0);
        let room = streams.stdout.get_mut(end..).unwrap_or_default();
        if file.problem.is_none() {
            file.problem = fill(&mut file.transfer, room, file.offset)
                .err()
                .map(|error| error_text(&error));
        }
        self.session.connection().touch();
        streams.pause_for(file.transfer.throttle(count));
        file.offset += count as u64;
        self.state = State::Data(file);
        Step::Continue
    }

    fn end_data(&mut self, mut file: Outgoing, streams: &mut Streams) -> Step {
        let size = file.transfer.metadata().map(|metadata| metadata.size);
        if size.is_ok_and(|size| size != file.metadata.size) {
            file.problem.get_or_insert_with(|| CHANGED.to_owned());
        }
        match &file.problem {
            None => streams.stdout.push(message::OK),
            Some(problem) => {
                self.failed = true;
                message::write_warning(&mut streams.stdout, &file.shown, problem);
            }
        }
        self.state = State::DataSent(file);
        Step::Continue
    }

    /// Waits for the client's answer to what was sent last.
    fn take_response(&mut self, waiting: State, streams: &mut Streams) -> Step {
        let (accepted, len) = match message::response(streams.input()) {
            Ok(Some((Response::Ok, len))) => (true, len),
            Ok(Some((Response::Warning(_), len))) => (false, len),
            Ok(None) if !streams.input_ended() => {
                self.state = waiting;
                return Step::NeedInput;
            }
            // The client gives up, has gone, or speaks something else.
            Ok(None | Some((Response::Fatal(_), _))) | Err(_) => return Step::Done(1),
        };
        streams.consume(len);
        self.failed |= !accepted;
        match waiting {
            State::TimesSent(item) if accepted => self.send_record(item, streams),
            State::RecordSent(Item::File(file)) if accepted => self.state = State::Data(file),
            State::RecordSent(Item::Directory(level)) if accepted => self.directories.push(level),
            State::TimesSent(Item::File(file)) | State::RecordSent(Item::File(file)) => {
                file.transfer.fail("the client refused the file");
            }
            State::DataSent(file) => end_transfer(file, accepted),
            _ => {}
        }
        Step::Continue
    }

    fn warn(&mut self, streams: &mut Streams, shown: &[u8], problem: &str) {
        self.failed = true;
        message::write_warning(&mut streams.stdout, shown, problem);
    }
}

impl Program for Source {
    fn step(&mut self, streams: &mut Streams) -> Step {
        match std::mem::replace(&mut self.state, State::Next) {
            State::Next => self.next(streams),
            State::Data(file) => self.send_data(file, streams),
            waiting => self.take_response(waiting, streams),
        }
    }
}

impl Item {
    fn metadata(&self) -> &Metadata {
        match self {
            Self::File(file) => &file.metadata,
            Self::Directory(level) => &level.metadata,
        }
    }
}

fn fill(transfer: &mut Transfer, mut room: &mut [u8], mut offset: u64) -> Result<()> {
    while !room.is_empty() {
        match transfer.read_at(room, offset)? {
            0 => return Err(Error::new(ErrorKind::Conflict, CHANGED)),
            count => {
                room = room.get_mut(count..).unwrap_or_default();
                offset += count as u64;
            }
        }
    }
    Ok(())
}

fn end_transfer(file: Outgoing, accepted: bool) {
    match file.problem {
        Some(problem) => file.transfer.fail(&problem),
        None if !accepted => file.transfer.fail("the client could not store the file"),
        // Nothing is written by ending a download.
        None => drop(file.transfer.finish()),
    }
}
