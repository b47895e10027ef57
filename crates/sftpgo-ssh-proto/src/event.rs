//! What a connection tells its host.

use crate::{disconnect::End, login::Login};

/// A channel of a connection. A number is used once, so that late messages of the client reach no other channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(crate) u32);

/// What happened, or what the host is asked.
///
/// Events that ask stop the input, not the output, until they are answered; each names the call that answers it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The client's identification line (RFC 4253 section 4.2), without its end. Its bytes may be anything.
    Identified(&'a [u8]),
    /// Keys have to be computed. Answered by [`Connection::exchange_keys`], or by
    /// [`Connection::take_exchange`] and [`Connection::finish_exchange`] when that happens elsewhere.
    ///
    /// [`Connection::exchange_keys`]: crate::Connection::exchange_keys
    /// [`Connection::take_exchange`]: crate::Connection::take_exchange
    /// [`Connection::finish_exchange`]: crate::Connection::finish_exchange
    ExchangeKeys {
        /// Is it the connection's first exchange? How often a client may have more of them is for the host to bound.
        first: bool,
    },
    /// New keys are in use in both directions.
    KeysExchanged,
    /// The client may log in now.
    LoginBegins,
    /// The client wants to log in. Answered by [`Connection::answer_login`](crate::Connection::answer_login).
    Login(Box<Login<'a>>),
    /// A session channel is wanted. Answered by [`Connection::accept_channel`](crate::Connection::accept_channel) or
    /// [`Connection::refuse_channel`](crate::Connection::refuse_channel).
    OpenSession(ChannelId),
    /// Something is to be started on a channel on which nothing was yet. Answered by
    /// [`Connection::answer_request`](crate::Connection::answer_request).
    Start(ChannelId, Program<'a>),
    /// Data came. It counts against the channel's window until [`Connection::consumed`](crate::Connection::consumed).
    Data(ChannelId, &'a [u8]),
    /// The client sends no more data on the channel.
    Eof(ChannelId),
    /// The client closed the channel; nothing can be sent on it any more.
    Closed(ChannelId),
    /// The connection is over. What is left to send is for the client to know why.
    Ended(End),
}

/// What a client wants to have started on a channel (RFC 4254 section 6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program<'a> {
    /// A shell.
    Shell,
    /// A command line.
    Exec(&'a [u8]),
    /// A subsystem, by its name.
    Subsystem(&'a [u8]),
}

/// Why a channel is not opened (RFC 4254 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum OpenRefusal {
    /// Not allowed.
    Prohibited = 1,
    /// Not possible.
    ConnectFailed = 2,
    /// There is no such kind of channel.
    UnknownType = 3,
    /// Too many.
    ResourceShortage = 4,
}
