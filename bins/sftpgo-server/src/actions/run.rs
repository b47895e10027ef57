//! Doing one action: a program, a call of a URL, or both.

use std::fmt;

use super::HearFailure;
use crate::hook::{
    Asked,
    http::{Client, Request},
    program,
};

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) program: Option<program::Call>,
    pub(super) call: Option<Request>,
}

impl Action {
    pub(super) fn of_program(program: program::Call) -> Self {
        Self {
            program: Some(program),
            call: None,
        }
    }

    pub(super) fn of_call(call: Request) -> Self {
        Self {
            program: None,
            call: Some(call),
        }
    }
}

impl From<Asked> for Action {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Program(program) => Self::of_program(program),
            Asked::Url(call) => Self::of_call(call),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(program) = &self.program {
            write!(f, "{:?} {:?} ", program.path, program.arguments)?;
        }
        if let Some(call) = &self.call {
            write!(f, "{} {:?}", call.shown_url(), call.query)?;
        }
        Ok(())
    }
}

/// Does actions, one after the other.
#[derive(Clone)]
pub(super) struct Runner {
    client: Client,
    failed: HearFailure,
}

impl Runner {
    pub(super) fn new(client: Client, failed: HearFailure) -> Self {
        Self { client, failed }
    }

    /// Tells the log what became of it, and who asked of failures.
    pub(super) fn run(&self, action: &Action) {
        if let Some(program) = &action.program {
            let path = program.path.display();
            match program::run(program) {
                Ok(outcome) => {
                    outcome.log_written(&program.path);
                    if outcome.status.success() {
                        log::debug!("the action {path} has succeeded");
                    } else {
                        self.has_failed(path, &outcome.status);
                    }
                }
                Err(error) => self.has_failed(path, &error),
            }
        }
        if let Some(call) = &action.call {
            match self.client.call(call) {
                Ok(status) => {
                    log::debug!("the action {} has succeeded: {status}", call.shown_url());
                }
                Err(error) => self.has_failed(call.shown_url(), &error),
            }
        }
    }

    fn has_failed(&self, action: impl fmt::Display, reason: &dyn fmt::Display) {
        log::warn!("the action {action} has failed: {reason}");
        (self.failed)(&format!("{action}: {reason}"));
    }
}
