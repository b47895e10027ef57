//! Keys of users and of the server, signatures and certificates.
