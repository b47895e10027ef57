//! The command of an exec request: which of ours it is, if any.

use sftpgo_core::session::Session;

use crate::{
    commands::SshCommand,
    config::ServerConfig,
    exec_program::Program,
    receipt::ReceiptCommand,
    scp::{Arguments, Sink, Source},
    shell_words::{self, NotWords, Word},
};

/// The longest command line. As words it takes up some sixty times as much, as long as the command runs.
const MAX_LINE: usize = 64 * 1024;

/// A command that is offered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Scp(Arguments),
    Ssh(SshCommand, Vec<Word>),
    Receipt(Vec<Word>),
}

/// A line for the person who asked for something else.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl Command {
    /// Reads a command line.
    ///
    /// # Errors
    /// What the client should print.
    pub(crate) fn parse(line: &[u8], config: &ServerConfig) -> Result<Self, Refusal> {
        if line.len() > MAX_LINE {
            return Err(Refusal("the command is too long".to_owned()));
        }
        let words = shell_words::split(line).map_err(|why| Refusal::because(why, config))?;
        let Some((name, words)) = words.split_first() else {
            return Err(Refusal::of(config));
        };
        if name.bytes() == b"scp" && config.enable_scp {
            return Arguments::parse(words)
                .map(Self::Scp)
                .map_err(|refused| Refusal(format!("scp: {}", refused.0)));
        }
        if name.bytes() == b"receipt" && config.receipts {
            return Ok(Self::Receipt(words.to_vec()));
        }
        let offered = |command: &&SshCommand| command.name().as_bytes() == name.bytes();
        match config.ssh_commands.iter().find(offered) {
            Some(command) => Ok(Self::Ssh(*command, words.to_vec())),
            None => Err(Refusal::of(config)),
        }
    }

    /// Starts the command in `session`.
    pub(crate) fn start(self, session: Session, config: &ServerConfig) -> Box<dyn Program> {
        match self {
            Self::Scp(arguments) if arguments.from => Box::new(Source::new(session, arguments)),
            Self::Scp(arguments) => Box::new(Sink::new(session, arguments)),
            Self::Ssh(command, words) => command.start(session, &words),
            Self::Receipt(words) => match config.receipt_terms() {
                Some(terms) => Box::new(ReceiptCommand::new(session, terms, &words)),
                None => Box::new(Refusal::of(config)),
            },
        }
    }
}

impl Refusal {
    /// Returns the refusal of a line that is not one command.
    fn because(why: NotWords, config: &ServerConfig) -> Self {
        match why {
            NotWords::Unfinished => Self("the command has a quote without its end".to_owned()),
            NotWords::Operator(name) => Self(format!(
                "{} There is no shell for {name}: send one command, and quote names that have it.",
                Self::of(config).0
            )),
        }
    }

    /// Returns the refusal of a shell, with what there is instead.
    pub(crate) fn of(config: &ServerConfig) -> Self {
        let offered = if config.enable_scp {
            "SFTP and SCP"
        } else {
            "SFTP"
        };
        Self(format!("This service allows {offered} connections only."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, enable_scp: bool, ssh_commands: &[SshCommand]) -> Result<Command, String> {
        let config = ServerConfig {
            enable_scp,
            ssh_commands: ssh_commands.to_vec(),
            ..ServerConfig::default()
        };
        Command::parse(line.as_bytes(), &config).map_err(|refusal| refusal.0)
    }

    #[test]
    fn only_what_is_offered_is_found() {
        assert!(matches!(parse("scp -t x", true, &[]), Ok(Command::Scp(_))));
        assert!(matches!(
            parse("'md5sum' a b", false, &[SshCommand::Md5sum]),
            Ok(Command::Ssh(SshCommand::Md5sum, words)) if words.len() == 2
        ));
        let sftp_only = Err("This service allows SFTP connections only.".to_owned());
        for line in ["scp -t x", "sha1sum a", "ls", "", "md5sumx", "/bin/md5sum"] {
            assert_eq!(
                parse(line, false, &[SshCommand::Md5sum]),
                sftp_only,
                "{line}"
            );
        }
        let both = Err("This service allows SFTP and SCP connections only.".to_owned());
        for line in ["scpx -t x", "sh -c 'scp -t x'", "echo 'abc'"] {
            assert_eq!(parse(line, true, &SshCommand::ALL), both, "{line}");
        }
    }

    #[test]
    fn what_only_a_shell_can_do_is_refused_in_words() {
        for line in [
            "cd / && touch x",
            "scp -t x;id",
            "pwd | cat",
            "md5sum a > b",
            "pwd\nid",
            "ls | cat",
        ] {
            let both = "This service allows SFTP and SCP connections only. There is no shell for ";
            let refused = parse(line, true, &SshCommand::ALL);
            assert!(
                refused.is_err_and(|words| words.starts_with(both)),
                "{line}"
            );
        }
        assert!(parse("md5sum 'a;b' \"c&d\" e\\|f", false, &SshCommand::ALL).is_ok());
    }

    #[test]
    fn a_command_that_cannot_be_read_is_explained() {
        assert!(
            parse("md5sum 'a", true, &SshCommand::ALL).is_err_and(|line| line.contains("quote"))
        );
        let most = format!("md5sum {}", "a ".repeat(MAX_LINE / 2 - 4));
        assert!(parse(&most, true, &SshCommand::ALL).is_ok());
        assert!(
            parse(&(most + "bb"), true, &SshCommand::ALL).is_err_and(|line| line.contains("long"))
        );
        assert_eq!(
            parse("scp -t a b", true, &[]),
            Err("scp: ambiguous target".to_owned())
        );
    }
}
