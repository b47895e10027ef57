//! sftpgo-api
