//! SSH commands that clients run beside SFTP: own code over the session's files, never a shell.

mod answer;
mod digest;

use sftpgo_core::session::Session;

use self::{
    answer::Answer,
    digest::{Algorithm, Digest},
};
use crate::{exec_program::Program, shell_words::Word};

/// A command that can be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshCommand {
    /// `md5sum`.
    Md5sum,
    /// `sha1sum`.
    Sha1sum,
    /// `sha256sum`.
    Sha256sum,
    /// `sha384sum`.
    Sha384sum,
    /// `sha512sum`.
    Sha512sum,
    /// `cd`, which does nothing.
    Cd,
    /// `pwd`, which prints the root.
    Pwd,
}

impl SshCommand {
    /// All commands there are.
    pub const ALL: [Self; 7] = [
        Self::Md5sum,
        Self::Sha1sum,
        Self::Sha256sum,
        Self::Sha384sum,
        Self::Sha512sum,
        Self::Cd,
        Self::Pwd,
    ];

    /// Returns the name as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5sum => "md5sum",
            Self::Sha1sum => "sha1sum",
            Self::Sha256sum => "sha256sum",
            Self::Sha384sum => "sha384sum",
            Self::Sha512sum => "sha512sum",
            Self::Cd => "cd",
            Self::Pwd => "pwd",
        }
    }

    /// The command of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    /// The command, started with these words behind its name.
    pub fn start(self, session: Session, words: &[Word]) -> Box<dyn Program> {
        let algorithm = match self {
            Self::Md5sum => Algorithm::Md5,
            Self::Sha1sum => Algorithm::Sha1,
            Self::Sha256sum => Algorithm::Sha256,
            Self::Sha384sum => Algorithm::Sha384,
            Self::Sha512sum => Algorithm::Sha512,
            Self::Cd => return Box::new(Answer(b"")),
            Self::Pwd => return Box::new(Answer(b"/\n")),
        };
        Box::new(Digest::new(session, self.name(), algorithm, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name() {
        for command in SshCommand::ALL {
            assert_eq!(SshCommand::from_name(command.name()), Some(command));
        }
        assert_eq!(SshCommand::from_name("ls"), None);
    }
}
