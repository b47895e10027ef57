//! One SFTP session as a state machine: channel data in, replies into a buffer.

use std::time::Duration;

use sftpgo_core::{Error, ErrorKind, event::Operation, session::Session, vpath::VirtualPath};

use super::{
    begun::Begun,
    dispatch,
    failure::{Failure, SessionEnd},
    handle::Handles,
    proto::{
        VERSION, decode::Decoder, encode::Replies, framer::Framer, kind, status::StatusCode,
        write_header::WriteHeader,
    },
    requests::write::{self, Writing},
    status_map,
    symlink_order::TakenFor,
};
use crate::{
    config::Limits,
    receipt::{EXTENSION as RECEIPT, Terms},
};

/// Extensions offered in VERSION (OpenSSH PROTOCOL section 4): name and revision.
const EXTENSIONS: &[(&str, &str)] = &[
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
    ("copy-data", "1"),
    ("home-directory", "1"),
    ("users-groups-by-id@openssh.com", "1"),
];

/// The engine of one SFTP session. Calls block on the filesystem.
pub struct Engine {
    pub(super) session: Session,
    pub(super) handles: Handles,
    /// What clients take the server for that ask who it is.
    pub(super) taken_for: TakenFor,
    /// Goes on before the next request.
    pub(super) begun: Option<Begun>,
    /// How receipts are given; there are none without.
    pub(super) receipts: Option<Terms>,
    /// A WRITE whose data is coming, before the next request.
    writing: Option<Writing>,
    framer: Framer,
    replies: Replies,
    initialised: bool,
    pause: Duration,
    client_gone: bool,
    /// Data in the replies that the user's bandwidth has to be asked for.
    unpaid: usize,
}

impl Engine {
    /// An engine that waits for INIT.
    pub fn new(session: Session, limits: &Limits) -> Self {
        Self {
            session,
            handles: Handles::new(limits),
            taken_for: TakenFor::Another,
            begun: None,
            receipts: None,
            writing: None,
            framer: Framer::default(),
            replies: Replies::default(),
            initialised: false,
            pause: Duration::ZERO,
            client_gone: false,
            unpaid: 0,
        }
    }

    /// Makes it the engine of a server with this software version in its identification line, which some clients go by.
    #[must_use]
    pub fn under_the_name(mut self, software: &str) -> Self {
        self.taken_for = TakenFor::by_name(software);
        self
    }

    /// Makes it give receipts on these terms, if there are any.
    #[must_use]
    pub fn with_receipts(mut self, terms: Option<Terms>) -> Self {
        self.receipts = terms;
        self
    }

    /// Takes channel data as it arrived and returns a buffer that is not needed any more.
    pub fn push(&mut self, data: Vec<u8>) -> Vec<u8> {
        self.framer.push(data)
    }

    /// Does the next whole request, or what has arrived of a WRITE; says whether there was any.
    ///
    /// # Errors
    /// A packet that does not follow the protocol ends this session.
    pub fn step(&mut self) -> Result<bool, SessionEnd> {
        if let Some(begun) = self.begun.take() {
            return self.go_on(begun).map(|()| true);
        }
        let mut framer = std::mem::take(&mut self.framer);
        let done = self.do_next(&mut framer);
        self.framer = framer;
        done
    }

    /// Does the WRITE requests that `data`, which has just arrived, starts with or goes on with, from where it lies;
    /// returns how many bytes that were. The rest is for [`Engine::push`]. Does nothing while something else has to be
    /// done first, or has to wait for a bandwidth limit.
    pub fn write_through(&mut self, data: &[u8]) -> usize {
        let is_limited = self.session.throttle().rate(Operation::Upload).is_some();
        if is_limited || self.begun.is_some() || self.queued_len() > 0 {
            return 0;
        }
        let mut done = 0;
        while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
            match self.write(rest) {
                0 => break,
                taken => done += taken,
            }
        }
        done
    }

    /// Bytes that were pushed and not worked on.
    pub fn queued_len(&self) -> usize {
        self.framer.rest().len()
    }

    /// Bytes of replies waiting to be sent.
    pub fn replies_len(&self) -> usize {
        self.replies.len()
    }

    /// The replies waiting to be sent.
    pub fn replies(&self) -> &[u8] {
        self.replies.bytes()
    }

    /// The replies were sent, or nobody takes them any more.
    pub fn forget_replies(&mut self) {
        self.unpaid = 0;
        self.replies.clear();
    }

    /// Gives buffers back that are needed only while something moves.
    pub fn shrink(&mut self) {
        self.framer.shrink();
        self.replies.shrink();
    }

    /// Takes the replies waiting to be sent.
    pub fn take_replies(&mut self) -> Vec<u8> {
        self.replies.take()
    }

    /// Says that nobody hears the replies any more. What has arrived is done at once, and nobody's bandwidth pays for it:
    /// the user may be back already.
    pub fn client_is_gone(&mut self) {
        self.client_gone = true;
    }

    pub(crate) fn is_client_gone(&self) -> bool {
        self.client_gone
    }

    /// Do the replies hold data of a user whose downloads are limited? These go out with [`Engine::pay`].
    pub fn is_throttled(&self) -> bool {
        self.unpaid > 0
    }

    /// Returns how much of the throttled replies to send at once.
    pub fn piece(&self) -> usize {
        self.session
            .throttle()
            .piece(Operation::Download, usize::MAX)
    }

    /// Says how long to wait after `bytes` of the throttled replies were sent.
    pub fn pay(&mut self, bytes: usize) -> Duration {
        self.unpaid = 0;
        self.session.throttle().pass(Operation::Download, bytes)
    }

    /// Returns how long the user's bandwidth asks to wait before the next request; asked once.
    pub fn take_pause(&mut self) -> Duration {
        std::mem::take(&mut self.pause)
    }

    /// Remembers that `bytes` were read, if they have to be paid for.
    pub(super) fn has_read(&mut self, bytes: usize) {
        if !self.client_gone && self.session.throttle().rate(Operation::Download).is_some() {
            self.unpaid += bytes;
        }
    }

    /// Comes back later if `wait` says that the database is being asked; nobody waits for a client who is gone.
    ///
    /// # Errors
    /// [`Failure::NotYet`].
    pub(super) fn not_before(
        &self,
        wait: impl FnOnce(&Session) -> Option<Duration>,
    ) -> Result<(), Failure> {
        match self.client_gone {
            true => Ok(()),
            false => wait(&self.session).map_or(Ok(()), |wait| Err(Failure::NotYet(wait))),
        }
    }

    pub(super) fn pause_for(&mut self, pause: Duration) {
        self.pause = self.pause.max(pause);
    }

    fn do_next(&mut self, framer: &mut Framer) -> Result<bool, SessionEnd> {
        if framer.rest().is_empty() {
            return Ok(false);
        }
        if self.writing.is_none()
            && let Some(packet) = framer.next_packet()?
        {
            let length = packet.len();
            let is_done = self.handle(packet)?;
            if !is_done {
                framer.put_back(length);
            }
            return Ok(is_done);
        }
        let taken = self.write(framer.rest());
        framer.skip(taken);
        Ok(taken > 0)
    }

    /// Goes on with a WRITE, or begins one; returns how much of `stream` that took.
    fn write(&mut self, stream: &[u8]) -> usize {
        let Some(mut writing) = self.writing.take() else {
            return self.begin_write(stream);
        };
        self.session.connection().touch();
        if let Some(wait) = write::wait_to_go_on(self, &writing, stream) {
            self.writing = Some(writing);
            self.pause_for(wait);
            return 0;
        }
        let taken = write::go_on(self, &mut writing, stream);
        if !writing.is_done() {
            self.writing = Some(writing);
            return taken;
        }
        match writing.refused() {
            Some(error) => self.refuse(writing.id(), kind::WRITE, error),
            None => self.replies.status(writing.id(), StatusCode::Ok, ""),
        }
        taken
    }

    fn begin_write(&mut self, stream: &[u8]) -> usize {
        match WriteHeader::parse(stream) {
            Some(header) if self.initialised => {
                if let Some(wait) = write::wait(self, &header.handle, header.offset, header.len) {
                    self.pause_for(wait);
                    return 0;
                }
                self.writing = Some(write::begin(self, header));
                WriteHeader::LEN
            }
            _ => 0,
        }
    }

    /// False when nothing was done, see [`Failure::NotYet`].
    fn handle(&mut self, packet: &[u8]) -> Result<bool, SessionEnd> {
        self.session.connection().touch();
        let mut body = Decoder::new(packet);
        let request = body.u8()?;
        if !self.initialised {
            return self.initialise(request, body).map(|()| true);
        }
        let id = body.u32()?;
        self.answer(id, request, |engine, replies| {
            match dispatch::find(request) {
                Some(entry) => (entry.run)(engine, id, &mut body, replies),
                None => Err(Error::new(ErrorKind::Unsupported, "unknown request").into()),
            }
        })
    }

    fn go_on(&mut self, begun: Begun) -> Result<(), SessionEnd> {
        let (id, request) = (begun.id(), begun.request());
        self.answer(id, request, |engine, replies| begun.go_on(engine, replies))
            .map(drop)
    }

    /// Lets `run` write the reply, or says why there is none. False when it is to be tried again.
    fn answer(
        &mut self,
        id: u32,
        request: u8,
        run: impl FnOnce(&mut Self, &mut Replies) -> Result<(), Failure>,
    ) -> Result<bool, SessionEnd> {
        // Taken out, so that a request can use the engine while it writes its reply.
        let mut replies = std::mem::take(&mut self.replies);
        let outcome = run(self, &mut replies);
        self.replies = replies;
        match outcome {
            Ok(()) => {}
            Err(Failure::Malformed) => return Err(SessionEnd),
            Err(Failure::Eof) => self.replies.status(id, StatusCode::Eof, ""),
            Err(Failure::Refused(error)) => self.refuse(id, request, &error),
            Err(Failure::NotYet(wait)) => {
                self.pause_for(wait);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn refuse(&mut self, id: u32, request: u8, error: &Error) {
        log::debug!(
            "the request {request} of the session {} was refused: {error}",
            self.session.connection().id()
        );
        self.replies
            .status(id, status_map::code(error.kind()), status_map::why(error));
    }

    fn initialise(&mut self, request: u8, mut body: Decoder<'_>) -> Result<(), SessionEnd> {
        if request != kind::INIT {
            return Err(SessionEnd);
        }
        body.u32()?;
        self.initialised = true;
        let receipt = self.receipts.as_ref().map(|_| RECEIPT);
        let offered = EXTENSIONS.iter().copied().chain(receipt);
        self.replies.version(VERSION, offered);
        Ok(())
    }
}

/// A path a client sent, cleaned.
pub(super) fn path(body: &mut Decoder<'_>) -> Result<VirtualPath, Failure> {
    Ok(VirtualPath::parse(body.string()?)?)
}

/// Says that a request was done.
pub(super) fn ok(replies: &mut Replies, id: u32) -> Result<(), Failure> {
    replies.status(id, StatusCode::Ok, "");
    Ok(())
}
