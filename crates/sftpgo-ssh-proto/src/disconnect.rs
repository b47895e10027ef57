//! Why connections end.

/// A reason code of DISCONNECT (RFC 4253 section 11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum DisconnectReason {
    /// What came does not follow the protocol.
    ProtocolError = 2,
    /// The two sides have no algorithm in common, or the exchange of keys failed.
    KeyExchangeFailed = 3,
    /// A packet was forged, or broken on its way.
    MacError = 5,
    /// A service that there is not.
    ServiceNotAvailable = 7,
    /// The host wants the connection to end.
    ByApplication = 11,
    /// Too many failed logins.
    NoMoreAuthMethods = 14,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The client said goodbye: its reason code and its words, which may be anything.
    ByClient {
        /// As the client sent it.
        code: u32,
        /// As the client sent it.
        text: Vec<u8>,
    },
    /// The client broke a rule, and the output tells it so.
    Here(DisconnectReason, String),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ByClient { code, text } => {
                write!(f, "closed by the client ({code}: {})", text.escape_ascii())
            }
            Self::Here(_, text) => f.write_str(text),
        }
    }
}
