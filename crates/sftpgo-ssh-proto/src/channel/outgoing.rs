//! What the host does with channels.

use super::{LONGEST_DATA, MOST_WAITING, MOST_WINDOW, STDERR, table::Asked};
use crate::{
    OpenRefusal,
    core::Core,
    event::ChannelId,
    fatal::Fatal,
    number,
    wire::{put_bool, put_string, put_u8, put_u32},
};

impl Core {
    /// Takes what the host was asked about this channel.
    fn asked_about(&mut self, id: ChannelId) -> Option<Asked> {
        let (asked, what) = self.channels.asked?;
        if asked != id {
            return None;
        }
        self.channels.asked = None;
        Some(what)
    }

    pub(crate) fn accept_channel(&mut self, id: ChannelId) -> Result<(), Fatal> {
        if self.asked_about(id) != Some(Asked::Open) {
            return Ok(());
        }
        let most = self.config.max_packet;
        let Some(channel) = self.channels.find_mut(id) else {
            return Ok(());
        };
        channel.is_confirmed = true;
        let (theirs, window) = (channel.theirs, channel.window);
        self.reply(32, |out| {
            put_u8(out, number::CHANNEL_OPEN_CONFIRMATION);
            put_u32(out, theirs);
            put_u32(out, id.0);
            put_u32(out, window);
            put_u32(out, most);
        })
    }

    pub(crate) fn refuse_channel(&mut self, id: ChannelId, why: OpenRefusal) -> Result<(), Fatal> {
        if self.asked_about(id) != Some(Asked::Open) {
            return Ok(());
        }
        let Some(theirs) = self.channels.find(id).map(|channel| channel.theirs) else {
            return Ok(());
        };
        self.channels.remove(id);
        self.refuse_open(theirs, why)
    }

    pub(crate) fn answer_start(&mut self, id: ChannelId, ok: bool) -> Result<(), Fatal> {
        let Some(Asked::Start { wants_reply }) = self.asked_about(id) else {
            return Ok(());
        };
        if let Some(channel) = self.channels.find_mut(id) {
            channel.is_started = ok;
        }
        self.answer_channel(id, wants_reply, ok)
    }

    /// How much data a channel takes now.
    pub(crate) fn room(&self, id: ChannelId) -> usize {
        let waiting = self.out.waiting_len();
        match self.channels.find(id) {
            Some(channel) if channel.is_open() && self.keys.may_send() => {
                usize::try_from(channel.their_window)
                    .unwrap_or(usize::MAX)
                    .min(MOST_WAITING.saturating_sub(waiting))
            }
            _ => 0,
        }
    }

    /// Sends data as far as there is room, as standard error or not; answers how much that was.
    pub(crate) fn send_data(
        &mut self,
        id: ChannelId,
        data: &[u8],
        is_error: bool,
    ) -> Result<usize, Fatal> {
        let room = self.room(id);
        let data = data.get(..room).unwrap_or(data);
        let Some(channel) = self.channels.find_mut(id) else {
            return Ok(0);
        };
        let theirs = channel.theirs;
        let taken = u32::try_from(data.len()).unwrap_or(u32::MAX);
        channel.their_window = channel.their_window.saturating_sub(taken);
        let most = usize::try_from(channel.their_packet).unwrap_or(LONGEST_DATA);
        for piece in data.chunks(most.clamp(1, LONGEST_DATA)) {
            self.out.packet(piece.len() + 16, |out| {
                match is_error {
                    false => {
                        put_u8(out, number::CHANNEL_DATA);
                        put_u32(out, theirs);
                    }
                    true => {
                        put_u8(out, number::CHANNEL_EXTENDED_DATA);
                        put_u32(out, theirs);
                        put_u32(out, STDERR);
                    }
                }
                put_string(out, piece);
            })?;
        }
        Ok(data.len())
    }

    /// Ends a channel as a program that has exited (RFC 4254 section 6.10).
    pub(crate) fn finish_channel(&mut self, id: ChannelId, status: u32) -> Result<(), Fatal> {
        self.end_channel(id, Some(status))
    }

    /// Sends EOF and CLOSE.
    pub(crate) fn close_channel(&mut self, id: ChannelId) -> Result<(), Fatal> {
        self.end_channel(id, None)
    }

    fn end_channel(&mut self, id: ChannelId, status: Option<u32>) -> Result<(), Fatal> {
        let Some(theirs) = self.open_to(id) else {
            return Ok(());
        };
        if let Some(channel) = self.channels.find_mut(id) {
            channel.close_sent = true;
        }
        let end = |number| {
            move |out: &mut Vec<u8>| {
                put_u8(out, number);
                put_u32(out, theirs);
            }
        };
        self.send(8, end(number::CHANNEL_EOF))?;
        if let Some(status) = status {
            self.send(40, |out| {
                put_u8(out, number::CHANNEL_REQUEST);
                put_u32(out, theirs);
                put_string(out, b"exit-status");
                put_bool(out, false);
                put_u32(out, status);
            })?;
        }
        self.send(8, end(number::CHANNEL_CLOSE))
    }

    /// A request that changes nothing and wants no answer (RFC 4254 section 6.8).
    pub(crate) fn reassure(&mut self, id: ChannelId) -> Result<(), Fatal> {
        match self.open_to(id) {
            Some(theirs) if self.keys.may_send() => self.send(32, |out| {
                put_u8(out, number::CHANNEL_REQUEST);
                put_u32(out, theirs);
                put_string(out, b"xon-xoff");
                put_bool(out, false);
                put_bool(out, false);
            }),
            _ => Ok(()),
        }
    }

    /// As the client numbers a channel that it can still hear of.
    fn open_to(&self, id: ChannelId) -> Option<u32> {
        let channel = self.channels.find(id)?;
        channel.is_open().then_some(channel.theirs)
    }

    /// Data was dealt with: the client may send as much again.
    pub(crate) fn consumed(&mut self, id: ChannelId, count: usize) -> Result<(), Fatal> {
        let Some(channel) = self.channels.find_mut(id) else {
            return Ok(());
        };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        channel.held = channel.held.saturating_sub(count);
        self.grant(id)
    }

    pub(crate) fn set_window(&mut self, id: ChannelId, target: u32) -> Result<(), Fatal> {
        let Some(channel) = self.channels.find_mut(id) else {
            return Ok(());
        };
        channel.target = target.min(MOST_WINDOW);
        if !channel.is_confirmed {
            channel.window = channel.target;
        }
        self.grant(id)
    }

    /// Opens a window that is half used, but for what is held; while keys are exchanged this waits.
    pub(crate) fn grant(&mut self, id: ChannelId) -> Result<(), Fatal> {
        let may_send = self.keys.may_send();
        let Some(channel) = self.channels.find_mut(id) else {
            return Ok(());
        };
        let in_use = channel.window.saturating_add(channel.held);
        let more = channel.target.saturating_sub(in_use);
        let is_worth_it = more > 0 && more >= channel.target / 2;
        if !is_worth_it || !channel.is_open() || !may_send {
            return Ok(());
        }
        channel.window = channel.window.saturating_add(more);
        channel.excess = 0;
        let theirs = channel.theirs;
        self.send(16, |out| {
            put_u8(out, number::CHANNEL_WINDOW_ADJUST);
            put_u32(out, theirs);
            put_u32(out, more);
        })
    }

    /// The same for all, when keys have been exchanged.
    pub(crate) fn grant_all(&mut self) -> Result<(), Fatal> {
        self.channels
            .ids()
            .into_iter()
            .try_for_each(|id| self.grant(id))
    }
}
