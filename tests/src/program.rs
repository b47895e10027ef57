//! Running a client and judging how it ended.

use std::process::{Command, Output};

use crate::Server;

/// How a client ended.
#[derive(Debug)]
pub struct Outcome {
    /// Did it say that all went well?
    pub ok: bool,
    /// Everything it printed.
    pub text: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = [output.stdout, output.stderr].concat();
        Self {
            ok: output.status.success(),
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }
}

impl Outcome {
    /// The text, of a client that ended well.
    #[track_caller]
    pub fn assert_ok(self) -> String {
        assert!(self.ok, "{}", self.text);
        self.text
    }
}

/// Runs a client in the server's directory, which is its home too: it finds no settings of whoever runs the tests.
pub fn run(server: &Server, command: &mut Command) -> Outcome {
    command
        .current_dir(server.path(""))
        .env("HOME", server.path(""))
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()))
        .into()
}
