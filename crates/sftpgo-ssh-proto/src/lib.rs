//! An SSH-2 server without IO, clock, users or files: bytes and decisions in, bytes and events out.

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
mod identification;
mod kex;
mod key;
mod login;
mod modern;
mod negotiate;
mod number;
mod packet;
mod random;
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
        BadSignature, Certificate, CertificateKind, CertificateProblem, HostKey, HostKeyError,
        KeyAlgorithm, KeyKind, Presence, PublicKey, SignFailed, SignatureAlgorithm,
    },
    login::{
        Answers, AuthMethod, InvalidLogin, KeyOffer, Login, LoginAnswer, LoginMethod, SignedLogin,
        VerifiedKey,
    },
    random::{NoRandomBytes, Random, SystemRandom},
    transport::{Exchange, ExchangeDone},
    wire::Malformed,
};
