//! Which channels there are, and how far each is.

use crate::event::ChannelId;

#[derive(Default)]
pub(crate) struct Channels {
    open: Vec<Channel>,
    /// Numbers below this were used; one that is not open any more is closed.
    next: u32,
    /// The client wants no more sessions (OpenSSH PROTOCOL section 2.2).
    pub(super) no_more: bool,
    /// What waits for the host's answer.
    pub(super) asked: Option<(ChannelId, Asked)>,
}

/// A question to the host about a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// May it be opened?
    Open,
    /// May a program be started, and does the client want an answer?
    Start { wants_reply: bool },
}

/// One channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: ChannelId,
    /// As the client numbers it.
    pub(super) theirs: u32,
    /// What the client takes, in bytes.
    pub(super) their_window: u32,
    /// The longest data the client takes in one packet.
    pub(super) their_packet: u32,
    /// What the client may send, in bytes.
    pub(super) window: u32,
    /// What the window is to be.
    pub(super) target: u32,
    /// Bytes that came and were not consumed.
    pub(super) held: u32,
    /// Bytes that came beyond the window.
    pub(super) excess: u32,
    pub(super) is_confirmed: bool,
    /// Something was started.
    pub(super) is_started: bool,
    pub(super) eof_came: bool,
    pub(super) close_sent: bool,
}

impl Channel {
    /// Can the client hear of it?
    pub(super) fn is_open(&self) -> bool {
        self.is_confirmed && !self.close_sent
    }
}

impl Channels {
    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Are there as many as there may be? Those that wait for the client's CLOSE alone may be as many again.
    pub(super) fn are_full(&self, most: usize) -> bool {
        let open = self.open.iter().filter(|channel| !channel.close_sent);
        open.count() >= most || self.open.len() >= most.saturating_mul(2)
    }

    /// Adds a channel under a number that was never used; none when there are no numbers left.
    pub(super) fn add(&mut self, make: impl FnOnce(ChannelId) -> Channel) -> Option<ChannelId> {
        let id = ChannelId(self.next);
        self.next = self.next.checked_add(1)?;
        self.open.push(make(id));
        Some(id)
    }

    pub(super) fn find(&self, id: ChannelId) -> Option<&Channel> {
        self.open.iter().find(|channel| channel.id == id)
    }

    pub(super) fn find_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.open.iter_mut().find(|channel| channel.id == id)
    }

    pub(super) fn remove(&mut self, id: ChannelId) {
        self.open.retain(|channel| channel.id != id);
    }

    pub(super) fn ids(&self) -> Vec<ChannelId> {
        self.open.iter().map(|channel| channel.id).collect()
    }

    /// Was there a channel of this number?
    pub(super) fn was_used(&self, id: ChannelId) -> bool {
        id.0 < self.next
    }
}
