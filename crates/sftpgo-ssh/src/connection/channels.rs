//! The channels of one connection: what runs on each, their turns, and what they hold together.
//!
//! What arrived and is not done is bounded for all channels of a connection together: above [`Limits::queued_bytes`] the
//! connection is not read from until the sessions have done some of it. Those that wait for the client to read are left out
//! of this: their queues may grow until all together hold [`Limits::queued_bytes_unread`], and past that the connection
//! ends.
//!
//! [`Limits::queued_bytes`]: crate::Limits::queued_bytes
//! [`Limits::queued_bytes_unread`]: crate::Limits::queued_bytes_unread

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use sftpgo_core::{event::Operation, quota::QuotaAccount};
use sftpgo_ssh_proto::{ChannelId, Connection};

use super::{control::Control, presence::Presence, window::Window};
use crate::{
    config::Limits,
    session::{Held, Next, Sender, Session},
};

/// Sessions get this long to do what has arrived when the connection is gone.
const LAST_WORK: Duration = Duration::from_secs(10);

/// The client sent more than may wait.
#[derive(Debug)]
pub(super) struct Overflow;

pub(super) struct Channels {
    open: Vec<Channel>,
    control: Arc<Control>,
    /// The usage of the user who is logged in.
    account: Option<Arc<QuotaAccount>>,
    most_open: usize,
    most_moving: usize,
    most_held: usize,
}

struct Channel {
    id: ChannelId,
    window: Window,
    what: What,
    /// The client has closed it; a session goes on with what has arrived.
    is_closed: bool,
}

/// What is open on a channel.
enum What {
    Idle { input_ended: bool },
    Running { session: Running, is_listed: bool },
}

/// A session whose panic costs no other one anything.
struct Running(Option<Box<Session>>);

impl Channels {
    pub(super) fn new(limits: &Limits, control: Arc<Control>) -> Self {
        Self {
            open: Vec::new(),
            control,
            account: None,
            most_open: limits.sessions_per_connection,
            most_moving: limits.queued_bytes,
            most_held: limits.queued_bytes_unread,
        }
    }

    /// The user's limits are these.
    pub(super) fn set_account(&mut self, account: Arc<QuotaAccount>) {
        self.account = Some(account);
    }

    /// Takes a channel in, and says how large its window is; none when there are too many.
    pub(super) fn open(&mut self, id: ChannelId, now: Instant) -> Option<u32> {
        // A session whose client has closed it is still to have its last turn.
        let open = self.open.iter().filter(|channel| !channel.is_closed);
        if open.count() >= self.most_open || self.open.len() >= 2 * self.most_open {
            return None;
        }
        let window = Window::new(upload_rate(self.account.as_deref()), now);
        let size = window.size();
        self.open.push(Channel {
            id,
            window,
            what: What::Idle { input_ended: false },
            is_closed: false,
        });
        Some(size)
    }

    /// Is nothing running on the channel?
    pub(super) fn is_idle(&self, id: ChannelId) -> bool {
        let found = self.open.iter().find(|channel| channel.id == id);
        found.is_some_and(|channel| matches!(channel.what, What::Idle { .. }))
    }

    /// Begins a session on a channel on which nothing runs.
    pub(super) fn start(&mut self, id: ChannelId, mut session: Session, is_listed: bool) {
        if let Some(channel) = self.find(id) {
            if let What::Idle { input_ended: true } = channel.what {
                session.end_input();
            }
            channel.what = What::Running {
                session: Running(Some(Box::new(session))),
                is_listed,
            };
        }
    }

    /// Takes what arrived; is there anybody who takes it?
    ///
    /// # Errors
    /// The connection holds as much as it may, and nobody works on it.
    pub(super) fn receive(&mut self, id: ChannelId, data: &[u8]) -> Result<bool, Overflow> {
        let Some(What::Running { session, .. }) = self.find(id).map(|channel| &mut channel.what)
        else {
            return Ok(false);
        };
        session.with(|session| session.receive(data));
        let held = self.held();
        if held.moving == 0 && held.all > self.most_held {
            return Err(Overflow);
        }
        Ok(true)
    }

    /// The client sends no more on the channel.
    pub(super) fn end_input(&mut self, id: ChannelId) {
        match self.find(id).map(|channel| &mut channel.what) {
            Some(What::Idle { input_ended }) => *input_ended = true,
            Some(What::Running { session, .. }) => session.with(Session::end_input),
            None => {}
        }
    }

    /// The client has closed the channel.
    pub(super) fn closed(&mut self, id: ChannelId) {
        if let Some(channel) = self.find(id) {
            channel.is_closed = true;
            match &mut channel.what {
                What::Idle { .. } => self.open.retain(|channel| channel.id != id),
                What::Running { session, .. } => session.with(Session::lose_client),
            }
        }
    }

    /// May the connection be read from?
    pub(super) fn may_receive(&self) -> bool {
        let held = self.held();
        held.moving <= self.most_moving && (held.all < self.most_held || held.moving == 0)
    }

    /// Gives every session that can do something a turn, and what it has done with back to the client's window.
    pub(super) fn take_turns(
        &mut self,
        ssh: &mut Connection,
        presence: &mut Presence,
        now: Instant,
    ) {
        let account = self.account.as_deref();
        let mut some_ended = false;
        for channel in &mut self.open {
            let What::Running { session, .. } = &mut channel.what else {
                continue;
            };
            let id = channel.id;
            if session.can_work(ssh, id, now) {
                session.with(|session| {
                    session.turn(&mut ChannelSender { ssh, id });
                });
            }
            let credit = session.take_credit();
            if credit > 0 && !channel.is_closed {
                if let Some(size) = channel.window.give_back(credit, upload_rate(account), now) {
                    ssh.set_window(id, size);
                }
                ssh.consumed(id, credit);
            }
            some_ended |= matches!(session.next(), Next::Done(_));
        }
        if some_ended {
            self.remove_ended(presence, Some(ssh));
        }
    }

    /// Is there a session that can do something now?
    pub(super) fn have_work(&self, ssh: &Connection) -> bool {
        self.sessions().any(|(id, session)| match session.next() {
            Next::Again | Next::Done(_) => true,
            Next::Output => ssh.room(id) > 0,
            Next::Input | Next::Until(_) => false,
        })
    }

    /// Returns when the first of the sessions that pause goes on.
    pub(super) fn due(&self) -> Option<Instant> {
        let times = self
            .sessions()
            .filter_map(|(_, session)| match session.next() {
                Next::Until(time) => Some(time),
                _ => None,
            });
        times.min()
    }

    /// Gives buffers back that sessions need only while something moves.
    pub(super) fn shrink(&mut self) {
        for channel in &mut self.open {
            if let What::Running { session, .. } = &mut channel.what {
                session.with(Session::shrink);
            }
        }
    }

    /// Lets sessions do what has arrived when the connection is gone, unless it was closed on purpose.
    pub(super) fn finish(mut self, is_closed_here: bool) {
        for channel in &mut self.open {
            channel.is_closed = true;
            if let What::Running { session, .. } = &mut channel.what {
                session.with(Session::lose_client);
            }
        }
        self.open
            .retain(|channel| matches!(channel.what, What::Running { .. }));
        let until = Instant::now() + LAST_WORK;
        while !is_closed_here && !self.open.is_empty() && Instant::now() < until {
            for channel in &mut self.open {
                if let What::Running { session, .. } = &mut channel.what {
                    session.with(|session| {
                        session.turn(&mut Nobody);
                    });
                }
            }
            self.remove_ended(&mut Presence::default(), None);
        }
    }

    /// Forgets sessions that have ended, and tells their clients.
    fn remove_ended(&mut self, presence: &mut Presence, mut ssh: Option<&mut Connection>) {
        let now = Instant::now();
        let control = &self.control;
        self.open.retain_mut(|channel| {
            let What::Running { session, is_listed } = &mut channel.what else {
                return true;
            };
            let Next::Done(status) = session.next() else {
                return true;
            };
            // What was open has ended before the client hears that the session has.
            session.end();
            control.session_ended(now);
            if *is_listed {
                presence.leave(now);
            }
            if let Some(ssh) = ssh.as_deref_mut().filter(|_| !channel.is_closed) {
                ssh.finish_channel(channel.id, status);
            }
            false
        });
    }

    fn held(&self) -> Held {
        self.sessions().fold(Held::default(), |sum, (_, session)| {
            let held = session.held();
            Held {
                all: sum.all + held.all,
                moving: sum.moving + held.moving,
            }
        })
    }

    fn sessions(&self) -> impl Iterator<Item = (ChannelId, &Running)> {
        self.open.iter().filter_map(|channel| match &channel.what {
            What::Running { session, .. } => Some((channel.id, session)),
            What::Idle { .. } => None,
        })
    }

    fn find(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.open.iter_mut().find(|channel| channel.id == id)
    }
}

/// Bytes a second, of a user who is limited.
fn upload_rate(account: Option<&QuotaAccount>) -> Option<u64> {
    account?.throttle().rate(Operation::Upload)
}

impl Running {
    /// Has the session do something. One that panics is over, and its channel ends as that of a program that failed.
    fn with(&mut self, act: impl FnOnce(&mut Session)) {
        let Some(session) = &mut self.0 else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| act(session))).is_err() {
            log::error!("a session panicked and was ended");
            self.end();
        }
    }

    /// Ends what is open on it.
    fn end(&mut self) {
        let session = self.0.take();
        if catch_unwind(AssertUnwindSafe(|| drop(session))).is_err() {
            log::error!("the end of a session panicked");
        }
    }

    fn next(&self) -> Next {
        self.0
            .as_ref()
            .map_or(Next::Done(1), |session| session.next())
    }

    fn held(&self) -> Held {
        self.0
            .as_ref()
            .map_or_else(Held::default, |session| session.held())
    }

    fn take_credit(&mut self) -> usize {
        self.0.as_mut().map_or(0, |session| session.take_credit())
    }

    fn can_work(&self, ssh: &Connection, id: ChannelId, now: Instant) -> bool {
        match self.next() {
            Next::Again => true,
            Next::Until(time) => now >= time,
            Next::Output => ssh.room(id) > 0,
            Next::Input | Next::Done(_) => false,
        }
    }
}

/// A session that is dropped with its connection.
impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// A channel's sending side.
struct ChannelSender<'a> {
    ssh: &'a mut Connection,
    id: ChannelId,
}

impl Sender for ChannelSender<'_> {
    fn send(&mut self, data: &[u8]) -> usize {
        self.ssh.send(self.id, data)
    }

    fn send_error(&mut self, data: &[u8]) -> usize {
        self.ssh.send_stderr(self.id, data)
    }

    fn reassure(&mut self) {
        self.ssh.reassure(self.id);
    }
}

/// The client has gone: whatever is sent is lost.
struct Nobody;

impl Sender for Nobody {
    fn send(&mut self, data: &[u8]) -> usize {
        data.len()
    }

    fn send_error(&mut self, data: &[u8]) -> usize {
        data.len()
    }

    fn reassure(&mut self) {}
}
