//! Message numbers (RFC 4250 section 4.1, RFC 8308, OpenSSH PROTOCOL).

pub(crate) const DISCONNECT: u8 = 1;
pub(crate) const IGNORE: u8 = 2;
pub(crate) const UNIMPLEMENTED: u8 = 3;
pub(crate) const DEBUG: u8 = 4;
pub(crate) const SERVICE_REQUEST: u8 = 5;
pub(crate) const SERVICE_ACCEPT: u8 = 6;
pub(crate) const EXT_INFO: u8 = 7;

pub(crate) const KEXINIT: u8 = 20;
pub(crate) const NEWKEYS: u8 = 21;
/// Numbers that each method of key exchange has its own use for.
pub(crate) const KEX_METHOD: std::ops::RangeInclusive<u8> = 30..=49;
/// `SSH_MSG_KEXDH_INIT`, `SSH_MSG_KEX_ECDH_INIT`, `SSH_MSG_KEX_HYBRID_INIT`.
pub(crate) const KEX_INIT: u8 = 30;
pub(crate) const KEX_REPLY: u8 = 31;
/// Of the group exchange (RFC 4419 section 5).
pub(crate) const GEX_GROUP: u8 = 31;
pub(crate) const GEX_INIT: u8 = 32;
pub(crate) const GEX_REPLY: u8 = 33;
pub(crate) const GEX_REQUEST: u8 = 34;

pub(crate) const USERAUTH_REQUEST: u8 = 50;
pub(crate) const USERAUTH_FAILURE: u8 = 51;
pub(crate) const USERAUTH_SUCCESS: u8 = 52;
pub(crate) const USERAUTH_BANNER: u8 = 53;
/// `PK_OK`, `PASSWD_CHANGEREQ` and `INFO_REQUEST`, each to the method that was asked for.
pub(crate) const USERAUTH_METHOD_ANSWER: u8 = 60;
pub(crate) const USERAUTH_INFO_RESPONSE: u8 = 61;

/// Is that a message of the connection protocol (RFC 4254 section 9)? Of the numbers that are set aside for it, 80 to 127
/// (RFC 4251 section 7), the others mean nothing.
pub(crate) fn is_of_connection(number: u8) -> bool {
    (GLOBAL_REQUEST..=REQUEST_FAILURE).contains(&number) || CHANNEL.contains(&number)
}

pub(crate) const GLOBAL_REQUEST: u8 = 80;
pub(crate) const REQUEST_SUCCESS: u8 = 81;
pub(crate) const REQUEST_FAILURE: u8 = 82;
/// Of a channel (RFC 4254 section 9).
pub(crate) const CHANNEL: std::ops::RangeInclusive<u8> = CHANNEL_OPEN..=CHANNEL_FAILURE;
pub(crate) const CHANNEL_OPEN: u8 = 90;
pub(crate) const CHANNEL_OPEN_CONFIRMATION: u8 = 91;
pub(crate) const CHANNEL_OPEN_FAILURE: u8 = 92;
pub(crate) const CHANNEL_WINDOW_ADJUST: u8 = 93;
pub(crate) const CHANNEL_DATA: u8 = 94;
pub(crate) const CHANNEL_EXTENDED_DATA: u8 = 95;
pub(crate) const CHANNEL_EOF: u8 = 96;
pub(crate) const CHANNEL_CLOSE: u8 = 97;
pub(crate) const CHANNEL_REQUEST: u8 = 98;
pub(crate) const CHANNEL_SUCCESS: u8 = 99;
pub(crate) const CHANNEL_FAILURE: u8 = 100;

/// OpenSSH PROTOCOL section 1.9.
pub(crate) const PING: u8 = 192;
pub(crate) const PONG: u8 = 193;
