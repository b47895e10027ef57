//! The thread of one connection: receives, has the engine process it, gives the sessions their turns, sends, and waits.
//!
//! A small request costs two calls of the system, one that waits for it and one that sends the answer. Sending never waits:
//! a client may ask for a whole file before it reads the first byte, and the message that opens its window comes behind
//! what it has asked for.

mod ending;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sftpgo_core::{
    auth::LoginSteps,
    event::Protocol,
    fair_pool::{Asker, NotDone},
};
use sftpgo_ssh_proto::{Connection, DisconnectReason, End, SystemRandom};

pub(super) use self::ending::Ended;
use super::{
    Opening, UntilLogin,
    channels::Channels,
    conduct::Conduct,
    control::Control,
    host::{Host, Reaction},
    passed_header::PassedHeader,
    rekeys::Rekeys,
    server_context::ServerContext,
    socket::{Input, Received},
};

/// The time after which a thread that receives nothing, because its sessions have enough to do, notices that it has to
/// close.
const LOOK: Duration = Duration::from_millis(100);
/// The time after which a client that asks for new keys without end gets them, each time.
const REKEY_DELAY: Duration = Duration::from_millis(100);

pub(super) struct Thread {
    ssh: Connection,
    input: Input,
    header: PassedHeader,
    host: Host,
    rekeys: Rekeys,
    /// Bytes that were received and sent.
    moved: u64,
    /// When the key exchange begins from our side.
    begins: Option<Instant>,
    /// Was nothing sent since something was received? Then the system has not acknowledged it.
    is_unanswered: bool,
    /// Was there nothing to do for a while? Then what is not needed meanwhile was given back.
    is_quiet: bool,
    /// Why nothing can be sent any more. What the client had sent before is done all the same.
    broken: Option<std::io::Error>,
}

/// What is left of a connection that has ended.
pub(super) struct Rest {
    pub(super) channels: Channels,
    pub(super) has_tried: bool,
    pub(super) steps: LoginSteps,
    /// None without a login.
    pub(super) username: Option<String>,
    /// What the first session in the list of connections spoke; none without one.
    pub(super) protocol: Option<Protocol>,
    pub(super) conduct: Conduct,
}

impl Thread {
    /// Makes it on the heap, and in a frame of its own: the stack of a thread that waits takes whole pages.
    #[inline(never)]
    pub(super) fn boxed(
        server: Arc<ServerContext>,
        control: Arc<Control>,
        opening: Opening,
        until_login: UntilLogin,
    ) -> Box<Self> {
        let random = Box::new(SystemRandom::new());
        Box::new(Self {
            ssh: Connection::new(server.engine(), random),
            input: Input::starting_with(opening.received),
            header: PassedHeader::new(opening.passes_header_over),
            rekeys: Rekeys::new(control.since),
            host: Host::new(server, control, opening.remote, until_login),
            moved: 0,
            begins: None,
            is_unanswered: false,
            is_quiet: false,
            broken: None,
        })
    }

    /// Serves the client until it leaves, breaks the protocol, or has to go.
    pub(super) fn run(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.work().and_then(|()| self.wait()) {
                if ended.has_last_words {
                    self.say_goodbye();
                }
                return ended;
            }
        }
    }

    /// Gives the login and its permit back, and leaves the sessions.
    #[inline(never)]
    pub(super) fn into_rest(self: Box<Self>) -> Rest {
        let mut host = self.host;
        host.presence.end();
        Rest {
            channels: host.channels,
            has_tried: host.has_tried,
            steps: host.steps,
            username: host
                .logged_in
                .map(|logged_in| logged_in.user.username.clone()),
            protocol: host.protocol,
            conduct: host.conduct,
        }
    }

    /// Does what can be done now. In a frame of its own: an exchange of keys needs much stack, and one that waits is to be
    /// small.
    #[inline(never)]
    fn work(&mut self) -> Result<(), Ended> {
        if let Some(reason) = self.host.control.reason() {
            return Err(self.close(reason));
        }
        self.take_input()?;
        let now = Instant::now();
        self.host.presence.look(now);
        if self.begins.is_some_and(|begins| now >= begins) {
            self.begins = None;
            self.ssh.stop_waiting();
        }
        let (channels, presence) = (&mut self.host.channels, &mut self.host.presence);
        channels.take_turns(&mut self.ssh, presence, now);
        self.send();
        Ok(())
    }

    /// Has the engine process what was received, as long as the sessions can take what comes of it.
    fn take_input(&mut self) -> Result<(), Ended> {
        match self.header.pass_over(&mut self.input) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(Ended::by_client(error.to_string())),
        }
        while self.host.channels.may_receive() {
            let progress = self.ssh.process(self.input.unread());
            let consumed = progress.consumed;
            let heard = progress.event.map(|event| self.host.hear(event));
            self.input.consume(consumed);
            match heard {
                Some(reaction) => self.react(reaction)?,
                // What was received stays where it is until the client has read.
                None if !self.ssh.takes_input() => {
                    self.send();
                    if !self.ssh.takes_input() {
                        return Ok(());
                    }
                }
                None if consumed == 0 => {
                    self.input.grow(self.ssh.wanted());
                    return Ok(());
                }
                None => {}
            }
        }
        Ok(())
    }

    fn react(&mut self, reaction: Reaction) -> Result<(), Ended> {
        match reaction {
            Reaction::Nothing => {}
            Reaction::Identified => self.begins = Some(Instant::now() + self.ssh.patience()),
            Reaction::ExchangeKeys { first } => self.exchange_keys(first)?,
            Reaction::Login(answer) => {
                self.ssh.answer_login(answer);
                if self.host.logged_in.is_some() {
                    self.rekeys.logged_in(Instant::now(), self.moved);
                }
            }
            Reaction::Open(channel, Ok(window)) => {
                self.ssh.set_window(channel, window);
                self.ssh.accept_channel(channel);
            }
            Reaction::Open(channel, Err(why)) => self.ssh.refuse_channel(channel, why),
            Reaction::Start(channel, has_started) => {
                self.ssh.answer_request(channel, has_started);
            }
            Reaction::Consumed(channel, bytes) => self.ssh.consumed(channel, bytes),
            Reaction::Overflow => {
                let reason = "too much waits for a client that does not read";
                log::warn!(
                    "the connection from {} is closed: {reason}",
                    self.host.remote
                );
                return Err(self.break_off(DisconnectReason::ByApplication, reason));
            }
            Reaction::Ended(end) => {
                let has_last_words = matches!(end, End::Here(..));
                return Err(Ended {
                    has_last_words,
                    ..Ended::by_client(end.to_string())
                });
            }
        }
        Ok(())
    }

    /// Exchanges keys here, or, when that is dear, where only a few threads do it at a time.
    fn exchange_keys(&mut self, first: bool) -> Result<(), Ended> {
        self.begins = None;
        let is_logged_in = self.host.logged_in.is_some();
        let now = Instant::now();
        if !first && !self.rekeys.take(is_logged_in, now, self.moved) {
            if !is_logged_in {
                let reason = "new keys are asked for too often";
                return Err(self.break_off(DisconnectReason::ByApplication, reason));
            }
            self.send();
            self.host.control.bell.sleep_until(now + REKEY_DELAY);
        }
        let Some(exchange) = self.ssh.take_exchange() else {
            return Ok(());
        };
        if !exchange.is_dear() {
            self.ssh
                .finish_exchange(exchange.run(&mut SystemRandom::new()));
            return Ok(());
        }
        self.send();
        let asker = Asker::unknown(self.host.remote.ip());
        let bell = &self.host.control.bell;
        let pool = &self.host.server.exchanges;
        match pool.run(asker, bell, move || exchange.run(&mut SystemRandom::new())) {
            Ok((done, _)) => self.ssh.finish_exchange(done),
            // The next round sees why.
            Err(NotDone::Closing) => {}
            Err(NotDone::Full | NotDone::Panicked) => {
                let reason = "too many others exchange keys";
                return Err(self.break_off(DisconnectReason::KeyExchangeFailed, reason));
            }
        }
        Ok(())
    }

    /// Sends what can go now.
    fn send(&mut self) {
        while !self.ssh.output().is_empty() {
            let output = self.ssh.output();
            let count = match &self.broken {
                Some(_) => output.len(),
                None => match self.host.control.socket.send(output) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) => {
                        self.broken = Some(error);
                        continue;
                    }
                },
            };
            self.is_unanswered = false;
            self.count(count);
            self.ssh.sent(count);
        }
    }

    fn count(&mut self, bytes: usize) {
        self.moved = self.moved.wrapping_add(bytes as u64);
    }

    /// Waits until there is something to do, and receives what has come.
    fn wait(&mut self) -> Result<(), Ended> {
        let receives = self.host.channels.may_receive() && self.ssh.takes_input();
        let received = match self.until_due() {
            None if receives => self.host.control.socket.receive_now(&mut self.input)?,
            None => Received::Nothing,
            Some(due) => self.sleep(receives, due)?,
        };
        match received {
            Received::Bytes(count) => {
                self.is_quiet = false;
                self.is_unanswered = true;
                self.count(count);
            }
            Received::Nothing => {
                if let Some(error) = self.broken.take() {
                    return Err(error.into());
                }
            }
            Received::End => return Err(self.end()),
        }
        Ok(())
    }

    /// Returns how long nothing has to be done unless something comes: until a time, if there is one; none when there is
    /// something.
    fn until_due(&self) -> Option<Option<Instant>> {
        if self.broken.is_some() || self.host.channels.have_work(&self.ssh) {
            return None;
        }
        let times = [
            self.host.channels.due(),
            self.host.presence.due(),
            self.begins,
        ];
        Some(times.into_iter().flatten().min())
    }

    /// Sleeps until something comes or can be sent, or it is time.
    fn sleep(&mut self, receives: bool, until: Option<Instant>) -> Result<Received, Ended> {
        let socket = &self.host.control.socket;
        let sends = !self.ssh.output().is_empty();
        if receives && self.is_unanswered {
            // In an upload more is there mostly.
            match socket.receive_now(&mut self.input)? {
                Received::Nothing => socket.acknowledge_at_once(),
                received => return Ok(received),
            }
            self.is_unanswered = false;
        }
        if receives && !sends && until.is_none() && !self.is_quiet {
            match socket.receive_soon(&mut self.input)? {
                // And goes on to wait: any other work would use the stack again that was given back.
                Received::Nothing => self.fall_quiet(),
                received => return Ok(received),
            }
        }
        let socket = &self.host.control.socket;
        if receives {
            socket.wait(true, sends, until);
            return Ok(socket.receive_now(&mut self.input)?);
        }
        let soon = Instant::now() + LOOK;
        let is_over = socket.wait(
            false,
            sends,
            Some(until.map_or(soon, |until| until.min(soon))),
        );
        Ok(if is_over {
            Received::End
        } else {
            Received::Nothing
        })
    }

    /// Gives back what is not needed before there is something to do.
    fn fall_quiet(&mut self) {
        self.is_quiet = true;
        self.ssh.shrink();
        self.input.shrink();
        self.host.channels.shrink();
        (self.host.server.config.when_quiet)();
    }
}
