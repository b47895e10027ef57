//! What client and host know of one channel.

use sftpgo_ssh_proto::ChannelId;

/// A channel; up is towards the server.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// As the client numbers it.
    pub(crate) own: u32,
    /// As the server does, once it has said so.
    pub(crate) id: Option<u32>,
    pub(crate) host: Option<ChannelId>,
    pub(crate) packet: u32,
    pub(crate) up_granted: u64,
    pub(crate) up_sent: u64,
    pub(crate) up_heard: u64,
    pub(crate) up_consumed: u64,
    pub(crate) down_granted: u64,
    pub(crate) down_sent: u64,
    pub(crate) down_got: u64,
    pub(crate) eof_sent: bool,
    pub(crate) close_sent: bool,
    /// The host has ended it: what the client still sends is dropped.
    pub(crate) is_finished: bool,
    pub(crate) eof_came: bool,
    pub(crate) close_came: bool,
}

impl Line {
    pub(crate) fn new(own: u32, window: u32, packet: u32) -> Self {
        Self {
            own,
            id: None,
            host: None,
            packet,
            up_granted: 0,
            up_sent: 0,
            up_heard: 0,
            up_consumed: 0,
            down_granted: u64::from(window),
            down_sent: 0,
            down_got: 0,
            eof_sent: false,
            close_sent: false,
            is_finished: false,
            eof_came: false,
            close_came: false,
        }
    }

    /// Byte `place` of a direction.
    pub(crate) fn byte(own: u32, is_up: bool, place: u64) -> u8 {
        let place = place ^ (place >> 8) ^ (place >> 16);
        (place as u8) ^ (own as u8).wrapping_mul(37) ^ (u8::from(is_up) * 0x55)
    }

    pub(crate) fn bytes(&self, is_up: bool, count: u64) -> Vec<u8> {
        let start = if is_up { self.up_sent } else { self.down_sent };
        let places = start..start + count;
        places
            .map(|place| Self::byte(self.own, is_up, place))
            .collect()
    }

    /// These are the next bytes of their direction.
    pub(crate) fn expect(&mut self, is_up: bool, bytes: &[u8]) {
        let own = self.own;
        let place = match is_up {
            true => &mut self.up_heard,
            false => &mut self.down_got,
        };
        for byte in bytes {
            assert_eq!(
                *byte,
                Self::byte(own, is_up, *place),
                "channel {own}, byte {place}"
            );
            *place += 1;
        }
    }

    /// Can the client say something on it?
    pub(crate) fn is_up(&self) -> bool {
        self.id.is_some() && !self.close_sent
    }
}
