//! sftpgo-ssh
