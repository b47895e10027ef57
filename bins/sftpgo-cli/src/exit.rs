//! Why a command was not done, and the exit code that tells a script so.

use std::{fmt, io, process::ExitCode};

/// The outcome of everything that can fail here.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server said no, in these words.
    Refused(String),
    /// The same, because there is no such thing.
    NotFound(String),
    /// The server answered what SFTPGo does not answer.
    Unexpected(String),
    /// The person at the terminal said no.
    Declined(String),
    /// The command line, or a file it names, cannot be used.
    Usage(String),
    /// No answer came.
    Unreachable(String),
    /// The answer could not be written.
    Output(io::Error),
    /// What was asked is answered with no; the answer is on stdout.
    AnsweredNo,
    /// Done, except for what had to be left out; what and why is on stdout.
    LeftOut,
}

impl Failure {
    /// 1 refused, 2 wrong usage, 3 server not reachable, 4 answered with no, 5 something left out; 2 is also what
    /// clap exits with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_)
            | Self::NotFound(_)
            | Self::Unexpected(_)
            | Self::Declined(_)
            | Self::Output(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
            Self::Unreachable(_) => ExitCode::from(3),
            Self::AnsweredNo => ExitCode::from(4),
            Self::LeftOut => ExitCode::from(5),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text)
            | Self::NotFound(text)
            | Self::Unexpected(text)
            | Self::Declined(text)
            | Self::Usage(text)
            | Self::Unreachable(text) => f.write_str(text),
            Self::Output(error) => write!(f, "cannot write the answer: {error}"),
            Self::AnsweredNo => f.write_str("no"),
            Self::LeftOut => f.write_str("not all could be done"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
