//! Messages of a client, by the RFC that has them.

use crate::wire::message;

/// RFC 4253 section 10.
pub(crate) fn service(name: &str) -> Vec<u8> {
    message(5).string(name).done()
}

pub(crate) fn service_accept() -> Vec<u8> {
    message(6).string("ssh-userauth").done()
}

/// RFC 4253 section 11.4.
pub(crate) fn unimplemented(sequence: u32) -> Vec<u8> {
    message(3).u32(sequence).done()
}

/// RFC 4252 section 5, up to what the method has.
pub(crate) fn request(user: &str, method: &str) -> crate::wire::Message {
    message(50)
        .string(user)
        .string("ssh-connection")
        .string(method)
}

pub(crate) fn none(user: &str) -> Vec<u8> {
    request(user, "none").done()
}

/// RFC 4252 section 8.
pub(crate) fn password(user: &str, password: &str) -> Vec<u8> {
    request(user, "password")
        .bool(false)
        .string(password)
        .done()
}

/// RFC 4256 section 3.1.
pub(crate) fn interactive(user: &str) -> Vec<u8> {
    request(user, "keyboard-interactive")
        .string("")
        .string("")
        .done()
}

/// RFC 4256 section 3.4.
pub(crate) fn answers(answers: &[&str]) -> Vec<u8> {
    let count = u32::try_from(answers.len()).unwrap();
    let message = answers
        .iter()
        .fold(message(61).u32(count), |message, answer| {
            message.string(answer)
        });
    message.done()
}

/// RFC 4252 section 5.1, with all methods.
pub(crate) fn failure(partial: bool) -> Vec<u8> {
    message(51)
        .string("publickey,password,keyboard-interactive")
        .bool(partial)
        .done()
}

/// RFC 4254 section 4.
pub(crate) fn global(name: &str, wants_reply: bool) -> Vec<u8> {
    message(80).string(name).bool(wants_reply).done()
}

/// RFC 4254 section 5.1.
pub(crate) fn open(kind: &str, own: u32, window: u32, packet: u32) -> Vec<u8> {
    message(90)
        .string(kind)
        .u32(own)
        .u32(window)
        .u32(packet)
        .done()
}

/// A message of a channel that says nothing else.
pub(crate) fn on_channel(number: u8, channel: u32) -> Vec<u8> {
    message(number).u32(channel).done()
}

/// RFC 4254 section 5.2.
pub(crate) fn adjust(channel: u32, more: u32) -> Vec<u8> {
    message(93).u32(channel).u32(more).done()
}

pub(crate) fn data(channel: u32, data: impl AsRef<[u8]>) -> Vec<u8> {
    message(94).u32(channel).string(data).done()
}

pub(crate) fn extended(channel: u32, data: impl AsRef<[u8]>) -> Vec<u8> {
    message(95).u32(channel).u32(1).string(data).done()
}

/// RFC 4254 section 5.3.
pub(crate) fn eof(channel: u32) -> Vec<u8> {
    on_channel(96, channel)
}

pub(crate) fn close(channel: u32) -> Vec<u8> {
    on_channel(97, channel)
}

/// RFC 4254 section 5.4, up to what the type has.
pub(crate) fn channel_request(channel: u32, kind: &str, wants_reply: bool) -> crate::wire::Message {
    message(98).u32(channel).string(kind).bool(wants_reply)
}

pub(crate) fn subsystem(channel: u32, name: &str, wants_reply: bool) -> Vec<u8> {
    channel_request(channel, "subsystem", wants_reply)
        .string(name)
        .done()
}

/// OpenSSH PROTOCOL section 1.9.
pub(crate) fn ping(data: impl AsRef<[u8]>) -> Vec<u8> {
    message(192).string(data).done()
}

pub(crate) fn pong(data: impl AsRef<[u8]>) -> Vec<u8> {
    message(193).string(data).done()
}
