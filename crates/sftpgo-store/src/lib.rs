//! sftpgo-store
