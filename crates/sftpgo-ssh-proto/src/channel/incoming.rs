//! Messages of channels.

use super::{
    LEAST_PACKET, MOST_WINDOW,
    table::{Asked, Channel},
};
use crate::{
    Event, OpenRefusal, Program,
    core::Core,
    event::ChannelId,
    fatal::Fatal,
    number,
    wire::{Reader, put_string, put_u8, put_u32},
};

/// Kinds of channels that exist and are not offered: they would reach beyond the user's files.
const FORWARDING: [&[u8]; 5] = [
    b"direct-tcpip",
    b"forwarded-tcpip",
    b"direct-streamlocal@openssh.com",
    b"forwarded-streamlocal@openssh.com",
    b"tun@openssh.com",
];

impl Core {
    pub(crate) fn handle_channel<'a>(
        &mut self,
        payload: &'a [u8],
    ) -> Result<Option<Event<'a>>, Fatal> {
        let mut reader = Reader::new(payload);
        let number = reader.u8()?;
        if number == number::CHANNEL_OPEN {
            return self.open_channel(&mut reader);
        }
        let id = ChannelId(reader.u32()?);
        if !self.channels.was_used(id) {
            return Err(Fatal::protocol(format!("there was no channel {}", id.0)));
        }
        let Some(channel) = self
            .channels
            .find_mut(id)
            .filter(|channel| channel.is_confirmed)
        else {
            // It was under way when the channel was closed.
            return Ok(None);
        };
        match number {
            number::CHANNEL_WINDOW_ADJUST => {
                let more = reader.u32()?;
                reader.end()?;
                let window = channel.their_window.checked_add(more);
                channel.their_window =
                    window.ok_or_else(|| Fatal::protocol("a window of more than 2^32 bytes"))?;
                Ok(None)
            }
            number::CHANNEL_DATA => {
                let data = reader.string()?;
                reader.end()?;
                self.take_data(id, data)
            }
            number::CHANNEL_EXTENDED_DATA => {
                reader.u32()?;
                let data = reader.string()?;
                reader.end()?;
                self.drop_data(id, data).map(|()| None)
            }
            number::CHANNEL_EOF => {
                reader.end()?;
                let is_new = !std::mem::replace(&mut channel.eof_came, true);
                Ok((is_new && !channel.close_sent).then_some(Event::Eof(id)))
            }
            number::CHANNEL_CLOSE => {
                reader.end()?;
                self.close_came(id)
            }
            number::CHANNEL_REQUEST => self.channel_request(id, &mut reader),
            // Answers to requests that want none.
            number::CHANNEL_SUCCESS | number::CHANNEL_FAILURE => Ok(None),
            _ => Err(Fatal::protocol(
                "an answer to a channel that was not opened here",
            )),
        }
    }

    fn open_channel<'a>(&mut self, reader: &mut Reader<'a>) -> Result<Option<Event<'a>>, Fatal> {
        let kind = reader.string()?;
        let (theirs, their_window, their_packet) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if self.channels.no_more {
            return Err(Fatal::protocol("a channel after no-more-sessions"));
        }
        let refusal = match kind {
            b"session" if self.channels.are_full(self.config.max_channels) => {
                Some(OpenRefusal::ResourceShortage)
            }
            b"session" if their_packet < LEAST_PACKET => Some(OpenRefusal::ResourceShortage),
            b"session" => None,
            kind if FORWARDING.contains(&kind) => Some(OpenRefusal::Prohibited),
            _ => Some(OpenRefusal::UnknownType),
        };
        if let Some(why) = refusal {
            self.refuse_open(theirs, why)?;
            return Ok(None);
        }
        let window = self.config.window.min(MOST_WINDOW);
        let their_packet = their_packet.saturating_sub(u32::from(self.is_off_by_one()));
        let added = self.channels.add(|id| Channel {
            id,
            theirs,
            their_window,
            their_packet,
            window,
            target: window,
            held: 0,
            excess: 0,
            is_confirmed: false,
            is_started: false,
            eof_came: false,
            close_sent: false,
        });
        let id = added.ok_or_else(|| Fatal::protocol("too many channels were opened"))?;
        self.channels.asked = Some((id, Asked::Open));
        Ok(Some(Event::OpenSession(id)))
    }

    /// dropbear's client does not take what is as long as it allows when that was compressed.
    fn is_off_by_one(&self) -> bool {
        let [_, outbound] = self.zlib;
        outbound && self.client_software().starts_with(b"dropbear_")
    }

    /// Takes what came from the client's window.
    fn count_data(&mut self, id: ChannelId, data: &[u8]) -> Result<bool, Fatal> {
        let Some(channel) = self.channels.find_mut(id) else {
            return Ok(false);
        };
        let count = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let over = count.saturating_sub(channel.window);
        channel.window = channel.window.saturating_sub(count);
        channel.excess = channel.excess.saturating_add(over);
        if channel.excess > channel.target / 10 {
            return Err(Fatal::protocol("more data than the channel's window"));
        }
        channel.held = channel.held.saturating_add(count);
        Ok(channel.is_started && !channel.eof_came && !channel.close_sent)
    }

    fn take_data<'a>(&mut self, id: ChannelId, data: &'a [u8]) -> Result<Option<Event<'a>>, Fatal> {
        if self.count_data(id, data)? {
            return Ok((!data.is_empty()).then_some(Event::Data(id, data)));
        }
        self.consumed(id, data.len())?;
        Ok(None)
    }

    /// Data that nobody waits for is dropped, and the window is given back all the same.
    fn drop_data(&mut self, id: ChannelId, data: &[u8]) -> Result<(), Fatal> {
        self.count_data(id, data)?;
        self.consumed(id, data.len())
    }

    fn close_came<'a>(&mut self, id: ChannelId) -> Result<Option<Event<'a>>, Fatal> {
        let Some(channel) = self.channels.find(id) else {
            return Ok(None);
        };
        let (theirs, close_sent) = (channel.theirs, channel.close_sent);
        if !close_sent {
            self.reply(8, |out| {
                put_u8(out, number::CHANNEL_CLOSE);
                put_u32(out, theirs);
            })?;
        }
        self.channels.remove(id);
        Ok(Some(Event::Closed(id)))
    }

    fn channel_request<'a>(
        &mut self,
        id: ChannelId,
        reader: &mut Reader<'a>,
    ) -> Result<Option<Event<'a>>, Fatal> {
        let kind = reader.string()?;
        let wants_reply = reader.bool()?;
        let channel = self.channels.find(id);
        let Some(channel) = channel.filter(|channel| !channel.close_sent) else {
            // It was under way when the channel was closed here.
            return Ok(None);
        };
        let is_started = channel.is_started;
        let program = match kind {
            b"shell" => Program::Shell,
            b"exec" => Program::Exec(reader.string()?),
            b"subsystem" => Program::Subsystem(reader.string()?),
            // Environment, terminals, signals and what is not known (RFC 4254 section 6).
            _ => return self.answer_channel(id, wants_reply, false).map(|()| None),
        };
        reader.end()?;
        if is_started {
            return self.answer_channel(id, wants_reply, false).map(|()| None);
        }
        self.channels.asked = Some((id, Asked::Start { wants_reply }));
        Ok(Some(Event::Start(id, program)))
    }

    pub(super) fn answer_channel(
        &mut self,
        id: ChannelId,
        wants_reply: bool,
        ok: bool,
    ) -> Result<(), Fatal> {
        let Some(channel) = self.channels.find(id) else {
            return Ok(());
        };
        // After CLOSE nothing is sent on a channel (RFC 4254 section 5.3).
        if !wants_reply || channel.close_sent {
            return Ok(());
        }
        let theirs = channel.theirs;
        self.reply(8, |out| {
            put_u8(
                out,
                match ok {
                    true => number::CHANNEL_SUCCESS,
                    false => number::CHANNEL_FAILURE,
                },
            );
            put_u32(out, theirs);
        })
    }

    pub(super) fn refuse_open(&mut self, theirs: u32, why: OpenRefusal) -> Result<(), Fatal> {
        let text = match why {
            OpenRefusal::Prohibited => "not allowed",
            OpenRefusal::ConnectFailed => "not possible",
            OpenRefusal::UnknownType => "unknown channel type",
            OpenRefusal::ResourceShortage => "too many channels",
        };
        self.reply(64, |out| {
            put_u8(out, number::CHANNEL_OPEN_FAILURE);
            put_u32(out, theirs);
            put_u32(out, why as u32);
            put_string(out, text.as_bytes());
            put_string(out, b"");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{
        Bare,
        Part::{Byte, Number, Text},
        message,
    };

    /// A connection with a channel that is number 7 for the client.
    fn with_channel(change: impl FnOnce(&mut Bare)) -> (Bare, ChannelId) {
        let mut bare = Bare::logged_in();
        change(&mut bare);
        let open = [
            Byte(90),
            Text(b"session"),
            Number(7),
            Number(9000),
            Number(1000),
        ];
        let open = message(&open);
        let Ok(Some(Event::OpenSession(id))) = bare.hears(&open) else {
            panic!("no channel");
        };
        bare.core.accept_channel(id).unwrap();
        bare.sent();
        (bare, id)
    }

    fn exec(id: ChannelId) -> Vec<u8> {
        let request = [Byte(98), Number(id.0), Text(b"exec"), Byte(1), Text(b"ls")];
        message(&request)
    }

    #[test]
    fn nothing_is_started_on_a_channel_that_was_closed_here() {
        let (mut bare, id) = with_channel(|_| {});
        bare.core.close_channel(id).unwrap();
        bare.sent();
        assert!(bare.hears(&exec(id)).unwrap().is_none());
        assert!(!bare.core.is_asking());
        assert!(bare.sent().is_empty());
    }

    #[test]
    fn data_after_eof_is_dropped_and_credited() {
        let (mut bare, id) = with_channel(|_| {});
        let exec = exec(id);
        assert!(matches!(bare.hears(&exec), Ok(Some(Event::Start(..)))));
        bare.core.answer_start(id, true).unwrap();
        let eof = message(&[Byte(96), Number(id.0)]);
        assert!(matches!(bare.hears(&eof), Ok(Some(Event::Eof(_)))));
        bare.sent();
        let half = vec![0; 1024 * 1024];
        let data = message(&[Byte(94), Number(id.0), Text(&half)]);
        for _ in 0..4 {
            assert!(bare.hears(&data).unwrap().is_none());
            let adjust = message(&[Byte(93), Number(7), Number(1024 * 1024)]);
            assert_eq!(bare.sent(), [adjust]);
        }
    }

    #[test]
    fn a_window_is_a_positive_number_with_a_sign_whatever_is_configured() {
        let mut bare = Bare::new(|config| config.window = u32::MAX);
        bare.core.login = None;
        let open = [
            Byte(90),
            Text(b"session"),
            Number(7),
            Number(9000),
            Number(1000),
        ];
        let open = message(&open);
        let Ok(Some(Event::OpenSession(id))) = bare.hears(&open) else {
            panic!("no channel");
        };
        bare.core.accept_channel(id).unwrap();
        let confirmation = [
            Byte(91),
            Number(7),
            Number(id.0),
            Number(0x7fff_ffff),
            Number(65_536),
        ];
        assert_eq!(bare.sent(), [message(&confirmation)]);
    }

    #[test]
    fn dropbear_gets_one_byte_less_when_it_is_compressed() {
        let sizes = |ident: &[u8], zlib| {
            let (mut bare, id) = with_channel(|bare| {
                bare.core.identified(b"SSH-2.0-s", ident).unwrap();
                bare.core.zlib = [zlib; 2];
                bare.sent();
            });
            bare.core.send_data(id, &[0; 2500], false).unwrap();
            let sent = bare.sent();
            sent.iter().map(|data| data.len() - 9).collect::<Vec<_>>()
        };
        assert_eq!(sizes(b"SSH-2.0-dropbear_2022.83", false), [1000, 1000, 500]);
        assert_eq!(sizes(b"SSH-2.0-dropbear_2022.83", true), [999, 999, 502]);
        assert_eq!(sizes(b"SSH-2.0-other", true), [1000, 1000, 500]);
    }
}
