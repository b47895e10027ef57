//! An SSH-2 server without IO, clock, users or files: bytes and decisions in, bytes and events out.
//!
//! A [`Connection`] is one client's. Its host hands over what it has received with [`Connection::process`], one packet a call, and
//! gets an [`Event`] borrowed from it; it answers the events that ask; it sends what is in [`Connection::output`]. There is
//! nothing else: no socket, no thread, no timer, no list of users. `examples/hello.rs` is a whole server.
//!
//! - **Packets** are decrypted where they were received, and data is handed over from there. What is sent is sealed in
//!   one buffer. Nothing is allocated for a packet, and nothing by a length that a client claims.
//! - **Which message may come when** is decided by its number, before anybody looks into it: while keys are exchanged for the
//!   first time the order is a line (OpenSSH PROTOCOL section 1.10, strict key exchange), before the login nothing of
//!   the connection protocol is heard (RFC 4252 section 6), and what only servers send has no handler.
//! - **A login** is what the host says it is. A key that was offered logs nobody in: only [`SignedLogin::verify`] makes what
//!   [`LoginAnswer::AcceptKey`] takes, and only for its own request.
//! - **Windows** (RFC 4254 section 5.2) are opened as the host consumes, so that a slow channel holds up itself alone.
//! - **Cryptography** is ring's and RustCrypto's. This crate has no primitive of its own.
//!
//! What is spoken: RFC 4250 to 4254, 4256, 4344, 4419, 5647, 5656, 8268, 8308, 8332, 8709, 8731, ML-KEM hybrids, and of OpenSSH's
//! PROTOCOL what its own server has for file transfers. What reaches beyond the server (forwarding, agents, X11) does not exist.

#![forbid(unsafe_code)]

mod channel;
mod cipher;
mod compress;
mod config;
mod connection;
mod core;
mod disconnect;
mod event;
mod fatal;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod identification;
mod kex;
mod key;
mod login;
mod modern;
mod negotiate;
mod number;
mod packet;
mod random;
#[cfg(test)]
mod test_support;
mod transport;
mod wire;

pub use self::{
    cipher::{Cipher, Mac},
    config::Config,
    connection::{Connection, Progress},
    disconnect::{DisconnectReason, End},
    event::{ChannelId, Event, OpenRefusal, Program},
    kex::Kex,
    key::{
        BadRevocationList, BadSignature, Certificate, CertificateKind, CertificateProblem,
        HostCertificateError, HostKey, HostKeyError, KeyAlgorithm, KeyKind, Presence, PublicKey,
        RevocationList, SignFailed, SignatureAlgorithm,
    },
    login::{
        Answers, AuthMethod, InvalidLogin, KeyOffer, Login, LoginAnswer, LoginMethod, SignedLogin,
        VerifiedKey,
    },
    random::{NoRandomBytes, Random, SystemRandom},
    transport::{Exchange, ExchangeDone},
    wire::Malformed,
};
