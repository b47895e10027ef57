//! A connection, as its host sees it.

use std::{sync::Arc, time::Duration};

use crate::{
    ChannelId, Config, DisconnectReason, End, Event, Exchange, ExchangeDone, LoginAnswer,
    OpenRefusal, Random,
    core::Core,
    fatal::Fatal,
    identification::{self, Line},
    number,
    packet::Inbound,
    wire::{put_string, put_u8, put_u32},
};

/// What [`Connection::process`] did.
#[derive(Debug)]
pub struct Progress<'a> {
    /// So many bytes at the start of the input are done with; the rest has to come again, with what comes behind it.
    pub consumed: usize,
    /// What happened. It may lie in the bytes that are done with.
    pub event: Option<Event<'a>>,
}

/// The server's side of one SSH connection.
///
/// It does no IO: the host hands over what it has received with [`process`](Self::process), sends what
/// is in [`output`](Self::output) after every call, and answers the events that ask.
pub struct Connection {
    inbound: Inbound,
    core: Core,
    stage: Stage,
    identification: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Identifying,
    Running,
    /// Over; the host has still to be told, or not.
    Ended(Option<End>),
}

impl Connection {
    /// A connection that waits for its client. The server's identification line is in the output at once.
    pub fn new(config: Arc<Config>, random: Box<dyn Random>) -> Self {
        let identification = format!("SSH-2.0-{}", config.software);
        let mut core = Core::new(config, random);
        core.out.plain(identification.as_bytes());
        core.out.plain(b"\r\n");
        Self {
            inbound: Inbound::clear(),
            core,
            stage: Stage::Identifying,
            identification,
        }
    }

    /// A connection that has the identifications of both sides already.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn running(config: Arc<Config>, random: Box<dyn Random>) -> Self {
        Self {
            stage: Stage::Running,
            ..Self::new(config, random)
        }
    }

    /// Takes the next packet, or the identification line, from the start of what the client sent.
    ///
    /// Packets are decrypted where they lie, so what is not consumed has to come again as it was left. When nothing is consumed
    /// and nothing happens, more input is needed, or an event waits for its answer, or the client has to read first (see
    /// [`takes_input`](Self::takes_input)), or the connection is over.
    pub fn process<'a>(&'a mut self, input: &'a mut [u8]) -> Progress<'a> {
        let nothing = |consumed| Progress {
            consumed,
            event: None,
        };
        if self.stage == Stage::Identifying {
            return self.identify(input);
        }
        if self.stage == Stage::Running {
            if self.core.is_asking() || self.core.owes_too_much() {
                return nothing(0);
            }
            self.follow();
        }
        if let Stage::Ended(end) = &mut self.stage {
            let event = end.take().map(Event::Ended);
            return Progress { consumed: 0, event };
        }
        let Self {
            inbound,
            core,
            stage,
            ..
        } = self;
        if inbound.is_hiding() {
            return match inbound.hide(input.len()) {
                Ok(()) => nothing(input.len()),
                Err(bad) => ended(core, stage, bad.into(), 0),
            };
        }
        let opened = match inbound.open(input) {
            Ok(None) => return nothing(0),
            Ok(Some(opened)) => opened,
            Err(bad) => return ended(core, stage, bad.into(), 0),
        };
        let consumed = opened.consumed;
        match core.handle(opened.payload, opened.sequence) {
            Ok(event) => {
                if matches!(event, Some(Event::Ended(_))) {
                    *stage = Stage::Ended(None);
                }
                Progress { consumed, event }
            }
            Err(fatal) => ended(core, stage, fatal, consumed),
        }
    }

    /// What the last message changes for the packets behind it.
    fn follow(&mut self) {
        if let Some(new) = self.core.keys.new_inbound.take() {
            self.inbound.change(new);
        }
        if std::mem::take(&mut self.core.login_opens_inbound) {
            let inflater = self.core.inflater();
            self.inbound.log_in(inflater);
        }
        let due = self.inbound.is_due(self.core.config.rekey_after);
        let begun = self.core.exchange_when_due(due);
        self.take(begun);
    }

    fn identify<'a>(&'a mut self, input: &'a mut [u8]) -> Progress<'a> {
        let (line, consumed) = match identification::find(input) {
            Line::Incomplete => {
                return Progress {
                    consumed: 0,
                    event: None,
                };
            }
            Line::Whole(line, consumed) => (line, consumed),
            Line::Refused => {
                self.core
                    .out
                    .plain(b"Invalid SSH identification string.\r\n");
                self.stage = Stage::Ended(None);
                let text = "the identification is none of SSH-2".to_owned();
                return Progress {
                    consumed: 0,
                    event: Some(Event::Ended(End::Here(
                        DisconnectReason::ProtocolError,
                        text,
                    ))),
                };
            }
        };
        let line = input.get(..line).unwrap_or_default();
        self.stage = Stage::Running;
        let begun = self.core.identified(self.identification.as_bytes(), line);
        self.identification = String::new();
        self.take(begun);
        Progress {
            consumed,
            event: Some(Event::Identified(line)),
        }
    }

    /// Bytes that the packet which the input begins with takes, as far as known: a buffer has to hold so many.
    pub fn wanted(&self) -> usize {
        self.inbound.wanted()
    }

    /// Does a client that does not read what it is sent keep the connection from taking input? Then nothing more has to be
    /// received until some of the [`output`](Self::output) was [`sent`](Self::sent).
    pub fn takes_input(&self) -> bool {
        !self.core.owes_too_much()
    }

    /// What has to be sent to the client.
    pub fn output(&self) -> &[u8] {
        self.core.out.waiting()
    }

    /// So many bytes of the output were sent.
    pub fn sent(&mut self, count: usize) {
        self.core.out.sent(count);
    }

    /// How long a host waits for the client's offer of algorithms after [`Event::Identified`], before it calls
    /// [`stop_waiting`](Self::stop_waiting). The server answers that offer, so that what only old clients need is offered to
    /// them alone; most clients send it at once.
    pub fn patience(&self) -> Duration {
        self.core.patience()
    }

    /// Begins the exchange of keys with a client that waits for the server to begin.
    pub fn stop_waiting(&mut self) {
        self.act(Core::stop_waiting);
    }

    /// Answers [`Event::ExchangeKeys`]: computes the keys here and now.
    pub fn exchange_keys(&mut self) {
        if let Some(exchange) = self.take_exchange() {
            let done = exchange.run(self.core.out.random());
            self.finish_exchange(done);
        }
    }

    /// Takes what has to be computed for [`Event::ExchangeKeys`], to have it done elsewhere.
    pub fn take_exchange(&mut self) -> Option<Exchange> {
        self.core.take_exchange()
    }

    /// Answers [`Event::ExchangeKeys`] with what was computed.
    pub fn finish_exchange(&mut self, done: ExchangeDone) {
        self.act(|core| core.finish_exchange(done));
    }

    /// Answers [`Event::Login`](crate::Event::Login). An answer that does not fit the request refuses it.
    pub fn answer_login(&mut self, answer: LoginAnswer) {
        self.act(|core| core.answer_login(answer));
    }

    /// The client's identification line; empty before it came.
    pub fn client_identification(&self) -> &[u8] {
        self.core.client_identification()
    }

    /// Is the client logged in?
    pub fn is_logged_in(&self) -> bool {
        self.core.is_logged_in()
    }

    /// Answers [`Event::OpenSession`]: the channel is open.
    pub fn accept_channel(&mut self, channel: ChannelId) {
        self.act(|core| core.accept_channel(channel));
    }

    /// Answers [`Event::OpenSession`]: there is no such channel.
    pub fn refuse_channel(&mut self, channel: ChannelId, why: OpenRefusal) {
        self.act(|core| core.refuse_channel(channel, why));
    }

    /// Answers [`Event::Start`]: the program was started, or was not, and another may be asked for.
    pub fn answer_request(&mut self, channel: ChannelId, started: bool) {
        self.act(|core| core.answer_start(channel, started));
    }

    /// How many bytes [`send`](Self::send) takes now: as the client's window, the exchange of keys and what waits in the
    /// output allow. It may be more after the next input or when output was sent.
    pub fn room(&self, channel: ChannelId) -> usize {
        match self.stage {
            Stage::Running => self.core.room(channel),
            _ => 0,
        }
    }

    /// Sends data on a channel as far as there is [`room`](Self::room); answers how many bytes that was.
    pub fn send(&mut self, channel: ChannelId, data: &[u8]) -> usize {
        self.send_as(channel, data, false)
    }

    /// The same for standard error (RFC 4254 section 5.2).
    pub fn send_stderr(&mut self, channel: ChannelId, data: &[u8]) -> usize {
        self.send_as(channel, data, true)
    }

    fn send_as(&mut self, channel: ChannelId, data: &[u8], is_error: bool) -> usize {
        let mut taken = 0;
        self.act(|core| {
            taken = core.send_data(channel, data, is_error)?;
            core.exchange_when_due(false)
        });
        taken
    }

    /// Ends a channel as a program that exited: the end of its output, its status, and CLOSE.
    pub fn finish_channel(&mut self, channel: ChannelId, exit_status: u32) {
        self.act(|core| core.finish_channel(channel, exit_status));
    }

    /// Ends a channel without a status.
    pub fn close_channel(&mut self, channel: ChannelId) {
        self.act(|core| core.close_channel(channel));
    }

    /// Lets a client hear that the connection lives, where it has to wait long.
    pub fn reassure(&mut self, channel: ChannelId) {
        self.act(|core| core.reassure(channel));
    }

    /// The host has dealt with so many bytes of [`Event::Data`]: the client may send as many more.
    pub fn consumed(&mut self, channel: ChannelId, bytes: usize) {
        self.act(|core| core.consumed(channel, bytes));
    }

    /// From here on a client may have so many bytes under way on a channel, those that are not consumed among them. What it
    /// was allowed already stays allowed. Before [`accept_channel`](Self::accept_channel) it is the window that the channel is
    /// opened with.
    pub fn set_window(&mut self, channel: ChannelId, bytes: u32) {
        self.act(|core| core.set_window(channel, bytes));
    }

    /// Makes new keys (RFC 4253 section 9), unless that is under way. What the ciphers need is done without being asked for.
    pub fn rekey(&mut self) {
        self.act(|core| match core.is_logged_in() {
            true => core.begin_exchange(),
            false => Ok(()),
        });
    }

    /// Ends the connection, and tells the client why. There is no event for it.
    pub fn disconnect(&mut self, why: DisconnectReason, text: &str) {
        if let Stage::Ended(_) = self.stage {
            return;
        }
        if self.stage == Stage::Running {
            end_of(&mut self.core, Fatal(why, text.to_owned()));
        }
        self.stage = Stage::Ended(None);
    }

    /// Gives back memory that a connection needs only while something moves.
    pub fn shrink(&mut self) {
        self.inbound.shrink();
        self.core.out.shrink();
    }

    /// Does what the host says, unless the connection is over: behind DISCONNECT nothing may be sent (RFC 4253 section 11.1),
    /// and nobody logs in any more.
    pub(crate) fn act(&mut self, act: impl FnOnce(&mut Core) -> Result<(), Fatal>) {
        if self.stage == Stage::Running {
            let done = act(&mut self.core);
            self.take(done);
        }
    }

    fn take(&mut self, done: Result<(), Fatal>) {
        if let (Err(fatal), Stage::Running) = (done, &self.stage) {
            let end = end_of(&mut self.core, fatal);
            self.stage = Stage::Ended(Some(end));
        }
    }
}

/// Ends the connection for a rule that was broken.
fn ended<'a>(core: &mut Core, stage: &mut Stage, fatal: Fatal, consumed: usize) -> Progress<'a> {
    let end = end_of(core, fatal);
    *stage = Stage::Ended(None);
    Progress {
        consumed,
        event: Some(Event::Ended(end)),
    }
}

/// Tells the client why the connection is over (RFC 4253 section 11.1).
fn end_of(core: &mut Core, fatal: Fatal) -> End {
    let Fatal(why, text) = fatal;
    // If this fails too there is nothing left to say.
    let _ = core.out.packet(text.len() + 16, |out| {
        put_u8(out, number::DISCONNECT);
        put_u32(out, why as u32);
        put_string(out, text.as_bytes());
        put_string(out, b"");
    });
    End::Here(why, text)
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
